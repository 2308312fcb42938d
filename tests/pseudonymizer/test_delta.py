"""A delta changes the active release: whole, once, in its turn, or not at all."""

import dataclasses
import datetime as dt
import io
import re
import signal
import subprocess
import sys
import time

import msgspec
import pytest
from django.db import connection

from pseudonymizer.envelope import check_release, release_mac
from pseudonymizer.errors import FeedRefused, ReleaseRefused
from pseudonymizer.ingest import ingest
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.layout import line_reader
from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.progress import Progress
from pseudonymizer.seal import Sealer
from tests.vehicles import (
    AS_OF,
    SIV_CERTIFICATE,
    SIV_COLUMNS,
    fni_line,
    inspection,
    inspections_line,
    siv_line,
    siv_lines,
    write_bytes,
    write_delta,
    write_feed,
    write_file,
)

NEXT_DAY = AS_OF + dt.timedelta(days=1)
RED = {"couleur": "ROUGE"}


def _ingest(folder, config, progress=None):
    progress = progress or Progress(io.StringIO())
    return ingest(folder, folder / MANIFEST_NAME, config, progress)


def _refused(folder, config, kind, progress=None):
    with pytest.raises(kind) as refused:
        _ingest(folder, config, progress)
    return refused.value.code


def _active(vault):
    return next(state for state in vault.releases() if state.state == "active")


def _ring(config):
    return KeyRing.read(config.register_keys, "register")


def _content(vault):
    """Return every row of the active release by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, generation, sealed FROM vault_record"
            " WHERE release_number = %s",
            [_active(vault).release.number],
        )
        return {
            record_id.bytes: (generation, bytes(sealed))
            for record_id, generation, sealed in cursor.fetchall()
        }


def _generation(vault, config, line):
    """Return the generation of the row that opens to this line, None when the release
    has no row of that identity."""
    release = _active(vault).release
    sealer = Sealer(_ring(config), release)
    typed = line_reader(list(line))(list(line.values()))
    row = vault.read(release, sealer.record_id(typed))
    if row is None:
        return None
    assert sealer.opens_as(typed, row)
    return row.generation


def _rejects(vault):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT file_name, line_number, code FROM vault_reject ORDER BY 1, 2"
        )
        return cursor.fetchall()


@pytest.fixture
def base(config, tmp_path):
    folder = write_feed(
        tmp_path / "base",
        [siv_line(), *siv_lines(200), fni_line(), inspections_line()],
    )
    _ingest(folder, config)
    return folder


@pytest.fixture
def lenient(config):
    return dataclasses.replace(config, max_reject_share=1.0)


# What a delta does


def test_a_new_certificate_opens_and_the_old_one_opens_nothing(
    vault, config, base, tmp_path
):
    before = _content(vault)
    sold, bought = siv_line(), siv_line(numero_formule="2022ZZ00001")
    changed = {**siv_lines(1)[0], "v": siv_line(RED)["v"]}
    delta = write_delta(
        tmp_path / "d1", base, remove=[sold], upsert=[bought, changed], as_of=NEXT_DAY
    )
    report = _ingest(delta, config)
    assert (report.edition, report.activated) == (1, True)
    assert (report.lines, report.rows, report.rejects) == (3, 3, {})
    assert [file.name for file in report.files] == [
        "remove-nume.csv.gz",
        "upsert-0.csv.gz",
    ]
    assert _generation(vault, config, sold) is None
    assert _generation(vault, config, bought) == 1
    assert _generation(vault, config, changed) == 1
    assert _generation(vault, config, siv_lines(2)[1]) == 0
    after = _content(vault)
    assert len(after) == len(before) - 1  # The inspections went with the certificate.
    assert sum(before.get(key) == row for key, row in after.items()) == len(after) - 2


def test_the_release_is_of_the_day_of_its_last_delta(vault, config, base, tmp_path):
    first = _active(vault)
    line = inspections_line(inspection("2022-06-01", 1000))
    delta = write_delta(tmp_path / "d1", base, upsert=[line], as_of=NEXT_DAY)
    _ingest(delta, config)
    state = _active(vault)
    release = state.release
    check_release(_ring(config), release)
    assert release.edition == 1
    assert release.as_of == release.inspections_as_of == NEXT_DAY
    assert release.salt == first.release.salt
    assert state.rows == first.rows == vault.count_rows(release)
    assert _generation(vault, config, line) == 1


def test_a_delta_without_inspections_leaves_their_day(vault, config, base, tmp_path):
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)], as_of=NEXT_DAY)
    _ingest(delta, config)
    assert _active(vault).release.inspections_as_of == AS_OF


def test_what_is_removed_and_put_back_in_one_delta_is_there(
    vault, config, base, tmp_path
):
    line = siv_line(RED)
    delta = write_delta(tmp_path / "d1", base, remove=[line], upsert=[line])
    _ingest(delta, config)
    assert _generation(vault, config, line) == 1


def test_a_row_that_was_removed_does_not_begin_again(vault, config, base, tmp_path):
    """Or the bytes of its first generation could be put in the place of the new ones."""
    first = write_delta(tmp_path / "d1", base, remove=[siv_line()])
    _ingest(first, config)
    _ingest(write_delta(tmp_path / "d2", first, upsert=[siv_line()]), config)
    assert _generation(vault, config, siv_line()) == 2


def test_deltas_follow_one_another(vault, config, base, tmp_path):
    before = base
    for number in range(1, 4):
        line = siv_line({"couleur": f"ROUGE {number}"})
        before = write_delta(tmp_path / f"d{number}", before, upsert=[line])
        assert _ingest(before, config).edition == number
        assert _generation(vault, config, line) == number
    assert [delta.edition for delta in vault.deltas(_active(vault).release)] == [
        1,
        2,
        3,
    ]


def test_the_last_delta_twice_changes_nothing(vault, config, base, tmp_path):
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
    first = _ingest(delta, config)
    content, state = _content(vault), _active(vault)
    second = _ingest(delta, config)
    assert (first.activated, second.activated) == (True, False)
    assert second.rows == first.rows == 1
    assert (_content(vault), _active(vault)) == (content, state)


def test_the_full_feed_again_changes_nothing(vault, config, base, tmp_path):
    _ingest(write_delta(tmp_path / "d1", base, remove=[siv_line()]), config)
    content = _content(vault)
    report = _ingest(base, config)
    assert not report.activated
    assert (report.edition, report.lines, report.rows) == (0, 203, 203)
    assert _content(vault) == content


# What it refuses, and then nothing of it was applied


@pytest.fixture
def untouched(vault, base):
    """What the release holds before the test is what it holds after it."""
    before = _whole(vault)
    yield
    assert _whole(vault) == before


def _whole(vault):
    # What was rolled back takes space all the same.
    state = msgspec.structs.replace(_active(vault), size_bytes=None)
    return _content(vault), state, _rejects(vault)


def test_a_delta_without_a_release_is_refused(vault, config, tmp_path):
    base = write_feed(tmp_path / "base", siv_lines(3))
    delta = write_delta(tmp_path / "d1", base, upsert=siv_lines(1))
    assert _refused(delta, config, ReleaseRefused) == "no_release"
    assert vault.releases() == []


def test_a_delta_of_another_release_is_refused(untouched, config, tmp_path):
    other = write_feed(tmp_path / "other", siv_lines(3))
    delta = write_delta(tmp_path / "d1", other, upsert=siv_lines(1))
    assert _refused(delta, config, FeedRefused) == "delta_other_release"


def test_a_delta_whose_forerunner_is_missing_is_refused(
    untouched, config, base, tmp_path
):
    first = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
    second = write_delta(tmp_path / "d2", first, upsert=[siv_line()])
    assert _refused(second, config, FeedRefused) == "delta_other_release"


def test_an_old_delta_is_refused(vault, config, base, tmp_path):
    first = write_delta(tmp_path / "d1", base, remove=[siv_line()])
    second = write_delta(tmp_path / "d2", first, upsert=[siv_line(RED)])
    _ingest(first, config)
    _ingest(second, config)
    content = _content(vault)
    assert _refused(first, config, FeedRefused) == "delta_replayed"
    # Under another manifest, which says the same or another day.
    again = write_delta(
        tmp_path / "d1 again", base, remove=[siv_line()], as_of=NEXT_DAY
    )
    assert _refused(again, config, FeedRefused) == "delta_replayed"
    assert _content(vault) == content


def test_a_delta_of_an_earlier_day_is_refused(untouched, config, base, tmp_path):
    yesterday = AS_OF - dt.timedelta(days=1)
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)], as_of=yesterday)
    assert _refused(delta, config, FeedRefused) == "delta_outdated"


def test_a_release_whose_row_was_changed_takes_no_delta(vault, config, base, tmp_path):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_release SET as_of = as_of - 1")
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
    assert _refused(delta, config, ReleaseRefused) == "release_changed"


def test_generations_end(vault, config, base, tmp_path):
    release = msgspec.structs.replace(
        _active(vault).release, edition=32767, delta_sha256=b"d" * 32
    )
    mac = release_mac(_ring(config), release)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_release SET edition = 32767, delta_sha256 = %s, mac = %s",
            [release.delta_sha256, mac],
        )
        cursor.execute(
            "INSERT INTO vault_delta SELECT n, CASE n WHEN 32767 THEN %s"
            " ELSE sha256(n::text::bytea) END, 'delta', %s, 1, 0, now(), %s"
            " FROM generate_series(1, 32767) n",
            [release.delta_sha256, AS_OF, release.number],
        )
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
    document = (delta / MANIFEST_NAME).read_bytes()
    after = msgspec.json.decode(document)["after"].encode()
    changed = document.replace(after, release.delta_sha256.hex().encode())
    (delta / MANIFEST_NAME).write_bytes(changed)
    assert _refused(delta, config, ReleaseRefused) == "editions_over"


@pytest.mark.parametrize(
    ("name", "lines", "code"),
    [
        ("registrations.csv.gz", siv_lines(1), "file_name"),
        ("remove.csv.gz", siv_lines(1), "unknown_layout"),
        ("remove.csv.gz", [inspections_line()], "unknown_layout"),
        (
            "upsert.csv.gz",
            [{"plaq_immat": "A", "numero_formule": "B"}],
            "unknown_layout",
        ),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    untouched, config, base, tmp_path, name, lines, code
):
    delta = tmp_path / "d1"
    write_file(delta, name, lines)
    with pytest.raises(FeedRefused) as refused:
        write_delta(delta, base)
    assert refused.value.code == code
    # Somebody else's program may write such a manifest.
    path = write_delta(tmp_path / "d2", base, upsert=siv_lines(1)) / MANIFEST_NAME
    document = msgspec.json.decode(path.read_bytes())
    (tmp_path / "d2" / "upsert-0.csv.gz").unlink()
    content = (delta / name).read_bytes()
    (tmp_path / "d2" / name).write_bytes(content)
    document["files"][0] |= {"name": name, "size": len(content)}
    if "inspections" in str(lines) or "controles" in str(lines):
        document["inspections_as_of"] = "2022-06-01"
    path.write_bytes(msgspec.json.encode(document))
    assert _refused(tmp_path / "d2", config, FeedRefused) == code


@pytest.mark.parametrize(
    "header", [b"plaq_immat\n", b"numero_formule;x\n", b"plaq_immat;numero_formule;date_emission_CI\n"]
)  # fmt: skip
def test_a_removal_names_a_certificate(untouched, config, base, tmp_path, header):
    write_bytes(tmp_path / "d1", "remove.csv.gz", header)
    delta = write_delta(tmp_path / "d1", base)
    assert _refused(delta, config, FeedRefused) == "unknown_layout"


def test_too_many_rejects_apply_nothing(untouched, config, base, tmp_path):
    delta = write_delta(
        tmp_path / "d1",
        base,
        remove=[siv_line(), siv_line(numero_formule="2001AA00001")],
        upsert=siv_lines(50),
    )
    with pytest.raises(ReleaseRefused, match="not_found 1") as refused:
        _ingest(delta, config)
    assert refused.value.code == "too_many_rejects"


def test_rejects_of_a_delta_stop_the_reading(untouched, config, base, tmp_path):
    """They wait in memory until the file ends."""
    delta = tmp_path / "d1"
    delta.mkdir()
    for name in ("remove-siv", "upsert-siv"):
        columns = SIV_COLUMNS if name == "upsert-siv" else list(SIV_CERTIFICATE)
        header = ";".join(columns).encode()
        write_bytes(delta, f"{name}.csv.gz", header + b"\n" * 100_001)
        write_delta(delta, base)
        told = io.StringIO()
        with pytest.raises(ReleaseRefused, match="ragged_row") as refused:
            _ingest(delta, config, Progress(told))
        assert refused.value.code == "too_many_rejects"
        counted = re.search(r"at least (\d+) of (\d+) lines", str(refused.value))
        assert 1000 < int(counted[1]) < 8193
        (delta / f"{name}.csv.gz").unlink()


class _Replaces(Progress):
    """Puts another file in place when the delta is about to be applied."""

    def __init__(self, folder, lines):
        super().__init__(io.StringIO())
        self._folder, self._lines = folder, lines

    def begin(self, stage, total):
        if stage == "apply":
            write_file(self._folder, "upsert-0.csv.gz", self._lines)
        super().begin(stage, total)


def test_a_file_replaced_after_it_was_checked_is_not_applied(
    untouched, config, base, tmp_path
):
    delta = write_delta(tmp_path / "d1", base, remove=[siv_line()], upsert=siv_lines(2))
    replaces = _Replaces(delta, siv_lines(2, first=50))
    assert _refused(delta, config, FeedRefused, replaces) == "file_digest"


def test_a_release_with_a_row_more_than_its_count_takes_no_delta(
    vault, config, base, tmp_path
):
    number = _active(vault).release.number
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO vault_record_{number} VALUES (gen_random_uuid(), %s, 0, '')",
            [number],
        )
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
    assert _refused(delta, config, ReleaseRefused) == "counts"
    assert _generation(vault, config, siv_line()) == 0


def test_a_row_that_does_not_open_stops_the_delta(vault, config, base, tmp_path):
    number = _active(vault).release.number
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " NEW.sealed := set_byte(NEW.sealed, 20, get_byte(NEW.sealed, 20) # 1);"
            " RETURN NEW; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER spoil BEFORE UPDATE ON vault_record_{number}"
            " FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
    try:
        delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
        assert _refused(delta, config, ReleaseRefused) == "sample"
        assert _generation(vault, config, siv_line()) == 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION spoil CASCADE")


# Lines that change nothing


def test_what_is_not_found_and_what_stands_twice_is_counted(
    vault, lenient, base, tmp_path
):
    old, new = (
        siv_line({"dos_date_derniere_modif": day, "couleur": day})
        for day in ("01/01/2021", "01/01/2022")
    )
    delta = write_delta(
        tmp_path / "d1",
        base,
        remove=[
            siv_lines(1)[0],
            siv_line(numero_formule="2001AA00001"),
            siv_lines(1)[0],
            siv_line(plaq_immat=""),
        ],
        upsert=[new, old, siv_line(v="{")],
    )
    report = _ingest(delta, lenient)
    assert report.rejects == {
        "duplicate_identity": 2,
        "facts_unreadable": 1,
        "not_found": 1,
        "plate_missing": 1,
    }
    assert _rejects(vault) == [
        ("1/remove-nume.csv.gz", 3, "not_found"),
        ("1/remove-nume.csv.gz", 4, "duplicate_identity"),
        ("1/remove-nume.csv.gz", 5, "plate_missing"),
        ("1/upsert-0.csv.gz", 3, "duplicate_identity"),
        ("1/upsert-0.csv.gz", 4, "facts_unreadable"),
    ]
    assert _generation(vault, lenient, new) == 1
    assert _generation(vault, lenient, siv_lines(1)[0]) is None
    state = _active(vault)
    assert state.rows == vault.count_rows(state.release) == 202


def test_of_two_files_the_last_one_stays(vault, lenient, base, tmp_path):
    write_file(tmp_path / "d1", "upsert-a.csv.gz", [siv_line({"couleur": "BLEU"})])
    write_file(tmp_path / "d1", "upsert-b.csv.gz", [siv_line(RED)])
    _ingest(write_delta(tmp_path / "d1", base), lenient)
    assert _generation(vault, lenient, siv_line(RED)) == 1
    assert vault.count_rows(_active(vault).release) == 203


# Killed, and run again


def test_a_killed_delta_is_applied_whole_by_the_same_command(
    vault, config, environment, base, tmp_path
):
    delta = write_delta(
        tmp_path / "d1", base, remove=siv_lines(100), upsert=siv_lines(8000, first=500)
    )
    before = _content(vault)
    process = subprocess.Popen(
        [sys.executable, "-m", "pseudonymizer", "ingest", str(delta)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with connection.cursor() as cursor:
        found = False
        while not found and process.poll() is None:
            cursor.execute(
                "SELECT count(*) > 0 FROM pg_stat_progress_copy"
                " WHERE datname = current_database() AND tuples_processed > 1000"
            )
            (found,) = cursor.fetchone()
            time.sleep(0.001)
    assert found
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _content(vault) == before
    report = _ingest(delta, config)
    assert (report.activated, report.rows) == (True, 8100)
    assert vault.count_rows(_active(vault).release) == 203 - 100 + 8000


# Beside other releases


def test_a_delta_changes_the_active_release_alone(vault, config, base, tmp_path):
    following = write_feed(tmp_path / "suivant", [siv_line(), *siv_lines(20)], "suite")
    _ingest(following, config)
    delta = write_delta(tmp_path / "d1", base, upsert=[siv_line(RED)])
    assert _refused(delta, config, FeedRefused) == "delta_other_release"
    of_following = write_delta(tmp_path / "d2", following, upsert=[siv_line(RED)])
    _ingest(of_following, config)
    assert {state.state: state.release.edition for state in vault.releases()} == {
        "active": 1,
        "previous": 0,
    }
