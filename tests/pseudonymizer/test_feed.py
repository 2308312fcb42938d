"""Files of a delivery: whole, and read to batches of rows."""

import gzip
import json
import os

import pytest

from pseudonymizer import feed, manifest
from pseudonymizer.errors import FeedRefused
from pseudonymizer.feed import COUNT_MAX, FeedFile, FeedReader, Part, Reject
from tests.vehicles import (
    AS_OF,
    SIV_COLUMNS,
    csv_line,
    siv_line,
    siv_lines,
    write_bytes,
    write_feed,
    write_file,
    write_manifest,
)

HEADER = ";".join(SIV_COLUMNS).encode()
GOOD = csv_line(siv_line().values()).encode()


def _read(folder):
    return manifest.read_feed(folder, folder / manifest.MANIFEST_NAME)


def _refused(folder):
    with pytest.raises(FeedRefused) as refused:
        found = _read(folder)
        for file in found.manifest.files:
            feed.check_file(found.path(file), file)
    return refused.value.code


def _edit_manifest(folder, change):
    path = folder / manifest.MANIFEST_NAME
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def _rows(path):
    with FeedReader(path) as reader:
        batches = list(reader)
    numbers = [n for batch in batches for n in batch.numbers]
    rows = [row for batch in batches for row in batch.rows]
    rejects = [reject for batch in batches for reject in batch.rejects]
    return numbers, rows, rejects, sum(batch.lines for batch in batches)


# The bytes


def test_a_truncated_file_is_refused(tmp_path):
    folder = write_feed(tmp_path, siv_lines(500))
    path = folder / "registrations-siv.csv.gz"
    os.truncate(path, path.stat().st_size - 20)
    content = path.read_bytes()
    _edit_manifest(folder, lambda m: m["files"][0].update(size=len(content), lines=500))
    assert _refused(folder) == "file_gzip"
    with pytest.raises(FeedRefused) as refused:
        _rows(path)
    assert refused.value.code == "file_gzip"


@pytest.mark.parametrize("damage", [b"", b"plain text", b"\x1f\x8b\x08\0broken"])
def test_a_file_that_is_no_gzip_or_another_one_is_refused(tmp_path, damage):
    folder = write_feed(tmp_path, siv_lines(3))
    path = folder / "registrations-siv.csv.gz"
    path.write_bytes(damage)
    _edit_manifest(folder, lambda m: m["files"][0].update(size=len(damage)))
    assert _refused(folder) in ("file_gzip", "file_digest")


def test_what_the_system_does_not_read_is_refused(tmp_path):
    """A folder where a file should be: the superuser of a test may read any file."""
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    found = _read(folder)
    (file,) = found.manifest.files
    path = folder / file.name
    path.unlink()
    path.mkdir()
    for read in (lambda: feed.check_file(path, file), lambda: FeedReader(path)):
        with pytest.raises(FeedRefused) as refused:
            read()
        assert refused.value.code == "file_unreadable"
        assert str(refused.value) == f"{file.name} cannot be read: Is a directory"
    for read in (
        lambda: manifest.build_manifest(tmp_path / "none", "essai", AS_OF),
        lambda: manifest.read_feed(folder, folder),
    ):
        with pytest.raises(FeedRefused) as refused:
            read()
        assert refused.value.code == "file_unreadable"


def test_a_changed_byte_is_refused(tmp_path):
    folder = write_feed(tmp_path, siv_lines(500))
    path = folder / "registrations-siv.csv.gz"
    content = bytearray(path.read_bytes())
    content[4] ^= 1  # The time in the gzip header: nothing but the digest covers it.
    path.write_bytes(content)
    assert _refused(folder) == "file_digest"


def test_several_gzip_members_are_one_file(tmp_path):
    path = tmp_path / "siv.csv.gz"
    path.write_bytes(
        gzip.compress(HEADER + b"\n" + GOOD + b"\n") + gzip.compress(GOOD + b"\n")
    )
    write_manifest(tmp_path)
    assert _read(tmp_path).lines == 2
    assert _rows(path)[3] == 2


# The lines


def test_rows_carry_the_line_number_that_an_editor_shows(tmp_path):
    path = write_file(tmp_path, "siv.csv.gz", siv_lines(2000))
    numbers, rows, rejects, lines = _rows(path)
    assert numbers == list(range(2, 2002))
    assert (len(rows), rejects, lines) == (2000, [], 2000)
    place = SIV_COLUMNS.index("numero_formule")
    assert rows[1999][place] == "2015AB01999"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"", "ragged_row"),
        (b"a;b", "ragged_row"),
        (GOOD + b";", "ragged_row"),
        (GOOD.replace(b"CLIO", b"CL\xffIO"), "invalid_utf8"),
        (b'"' + GOOD, "malformed_csv"),
        (b'1;"2;3', "malformed_csv"),
        (GOOD.replace(b";2015AB", b';"2015"AB'), "malformed_csv"),
        (GOOD.replace(b";2015AB", b";20\r15AB"), "malformed_csv"),
        (GOOD + b"x" * feed.LINE_BYTES_MAX, "line_too_long"),
    ],
)
def test_a_bad_line_spoils_itself_alone(tmp_path, bad, code):
    path = write_bytes(
        tmp_path, "siv.csv.gz", b"\n".join((HEADER, GOOD, bad, GOOD, GOOD, b""))
    )
    numbers, _, rejects, lines = _rows(path)
    assert rejects == [Reject(3, code)]
    assert numbers == [2, 4, 5]
    assert lines == 4


def test_two_lines_joined_by_a_quote_are_two_rejects_and_no_row(tmp_path):
    # csv would read these two as one row of the right width.
    cells = [b"x"] * len(SIV_COLUMNS)
    cells[3] = b'"a\nb"'
    path = write_bytes(
        tmp_path, "siv.csv.gz", b"\n".join((HEADER, GOOD, b";".join(cells), GOOD, b""))
    )
    numbers, _, rejects, lines = _rows(path)
    assert [reject.line for reject in rejects] == [3, 4]
    assert (numbers, lines) == ([2, 5], 4)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_the_last_line_counts_with_and_without_its_end(tmp_path, end):
    path = write_bytes(tmp_path, "siv.csv.gz", HEADER + b"\n" + GOOD + end)
    write_manifest(tmp_path)
    assert _read(tmp_path).lines == 1
    assert _rows(path)[0] == [2]


@pytest.mark.parametrize("content", [HEADER, HEADER + b"\n"])
def test_a_header_alone_is_a_file_without_lines(tmp_path, content):
    path = write_bytes(tmp_path, "siv.csv.gz", content)
    write_manifest(tmp_path)
    assert _read(tmp_path).lines == 0
    assert _rows(path) == ([], [], [], 0)


def test_line_ends_of_windows_and_a_byte_order_mark_are_read(tmp_path):
    content = b"\xef\xbb\xbf" + b"\r\n".join((HEADER, GOOD, GOOD, b""))
    path = write_bytes(tmp_path, "siv.csv.gz", content)
    with FeedReader(path) as reader:
        assert reader.header == list(SIV_COLUMNS)
    assert _rows(path)[0] == [2, 3]


def test_a_line_separator_of_unicode_ends_no_line(tmp_path):
    line = csv_line(siv_line({"couleur": "BLEU\u2028\x85\x0bCLAIR"}).values())
    path = write_bytes(
        tmp_path, "siv.csv.gz", HEADER + b"\n" + line.encode() + b"\n" + GOOD + b"\n"
    )
    assert _rows(path)[0] == [2, 3]


@pytest.mark.parametrize("header", [b'"a;b', b"\xff;a", b"x" * 70_000])
def test_a_header_that_is_none_is_refused(tmp_path, header):
    path = write_bytes(tmp_path, "siv.csv.gz", header + b"\n" + GOOD + b"\n")
    with pytest.raises(FeedRefused) as refused:
        FeedReader(path)
    assert refused.value.code == "header_unreadable"


def test_a_line_without_end_does_not_fill_the_memory(tmp_path):
    path = write_bytes(
        tmp_path, "siv.csv.gz", HEADER + b"\n" + b"x" * 20_000_000 + b"\n" + GOOD
    )
    largest = 0
    with FeedReader(path) as reader:
        for batch in reader:
            largest = max(largest, sum(len(r) for row in batch.rows for r in row))
    assert largest < 10_000
    assert _rows(path)[2] == [Reject(2, "line_too_long")]


@pytest.mark.parametrize("line", [b"", b"a", GOOD[:20]])
def test_many_short_lines_are_many_batches(tmp_path, line):
    count = 3 * feed.BATCH_LINES_MAX + 5
    content = HEADER + b"\n" + (line + b"\n") * count
    path = write_bytes(tmp_path, "siv.csv.gz", content)
    with FeedReader(path) as reader:
        sizes = [batch.lines for batch in reader]
    assert sum(sizes) == count
    assert max(sizes) <= feed.BATCH_LINES_MAX
    rejects = _rows(path)[2]
    assert [reject.line for reject in rejects] == list(range(2, count + 2))


def test_what_was_read_is_compared_with_the_manifest(tmp_path):
    folder = write_feed(tmp_path, siv_lines(3))
    (file,) = _read(folder).manifest.files
    with FeedReader(folder / file.name) as reader:
        reader.check(file)
    path = write_file(folder, file.name, siv_lines(3, first=7))
    for lines in (0, 1, 3):
        with FeedReader(path) as reader:
            for batch in reader:
                if batch.lines >= lines:
                    break
            with pytest.raises(FeedRefused) as refused:
                reader.check(file)
        assert refused.value.code == "file_digest"


def test_what_is_counted_is_what_is_read(tmp_path):
    contents = (b"", b"\n", b"\n\n", GOOD, GOOD + b"\n\n", b"\n" + GOOD, b'"\n"\n')
    for place, content in enumerate(contents):
        folder = tmp_path / str(place)
        path = write_bytes(folder, "siv.csv.gz", HEADER + b"\n" + content)
        write_manifest(folder)
        assert _rows(path)[3] == _read(folder).lines


# In another encoding


def _latin(lines):
    return [csv_line(line.values()).encode("latin-1") for line in lines]


def _accented(count):
    return [siv_line(pers_nom_naissance_tit="LEMOÎNE") for _ in range(count)]


def _written(folder, lines, share_max):
    write_bytes(folder, "siv.csv.gz", b"\n".join([HEADER, *lines]) + b"\n")
    write_manifest(folder)
    (file,) = _read(folder).manifest.files
    feed.check_file(folder / file.name, file, share_max=share_max)


@pytest.mark.parametrize(
    ("lines", "share_max"),
    [
        # Over the share of lines that may be rejects.
        ([GOOD] * 97 + _latin(_accented(3)), 0.02),
        # Under it, and yet every letter that is no ASCII is of another encoding.
        ([GOOD] * 5000 + _latin(_accented(20)), 0.01),
    ],
)
def test_a_file_in_another_encoding_is_refused(tmp_path, lines, share_max):
    with pytest.raises(FeedRefused) as refused:
        _written(tmp_path, lines, share_max)
    assert refused.value.code == "file_encoding"


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD] * 5000 + _latin(_accented(19)),
        [GOOD] * 5000
        + [csv_line(line.values()).encode() for line in _accented(30)]
        + _latin(_accented(30)),
    ],
)
def test_dirt_in_a_file_is_no_other_encoding(tmp_path, lines):
    _written(tmp_path, lines, 0.01)


def test_a_file_in_two_bytes_a_letter_has_no_header(tmp_path):
    write_bytes(
        tmp_path, "siv.csv.gz", (HEADER + b"\n" + GOOD).decode().encode("utf-16")
    )
    with pytest.raises(FeedRefused) as refused:
        write_manifest(tmp_path)
    assert refused.value.code == "header_unreadable"


def test_one_bad_line_of_many_spoils_itself_alone(tmp_path):
    good = [csv_line(line.values()).encode() for line in siv_lines(300)]
    for place in (0, 7, 150, 299):
        for bad, code in ((b'a;"b"c;d', "malformed_csv"), (b"a;\xff", "invalid_utf8")):
            content = [*good[:place], bad, *good[place:]]
            path = write_bytes(tmp_path, "siv.csv.gz", b"\n".join([HEADER, *content]))
            numbers, rows, rejects, lines = _rows(path)
            assert rejects == [Reject(place + 2, code)]
            assert numbers == [n for n in range(2, 303) if n != place + 2]
            assert [csv_line(row).encode() for row in rows] == good
            assert lines == 301


# Parts


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["no newline at the end", "newline"])
@pytest.mark.parametrize("of", [1, 2, 3, 40])
@pytest.mark.parametrize("more", [0, 7], ids=["as said", "more than the manifest says"])
def test_the_parts_of_a_file_hold_each_line_once(tmp_path, monkeypatch, of, end, more):
    monkeypatch.setattr(feed, "BLOCK_BYTES", 5_000)
    lines = [csv_line(line.values()).encode() for line in siv_lines(60)]
    lines[30] = b"ragged;row"
    path = write_bytes(tmp_path, "siv.csv.gz", b"\n".join([HEADER, *lines]) + end)
    file = FeedFile(path.name, path.stat().st_size, "", len(lines) - more)
    whole, in_parts = [], []
    with FeedReader(path) as reader:
        whole += reader
    for number in range(1, of + 1):
        with FeedReader(path) as reader:
            in_parts += reader.batches(*Part(number, of).lines(file))
    assert in_parts == whole
    assert len(whole) > 8


def test_a_part_ends_where_the_next_begins():
    file = FeedFile("siv.csv.gz", 1, "", 1000)
    parts = [Part(number, 3).lines(file) for number in (1, 2, 3)]
    assert parts == [(2, 335), (335, 668), (668, COUNT_MAX)]
