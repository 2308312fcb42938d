"""A delivery that is not what its manifest says is refused before a line is loaded."""

import datetime as dt
import json

import pytest

from pseudonymizer import manifest
from pseudonymizer.errors import FeedRefused
from pseudonymizer.feed import check_file
from pseudonymizer.layout import Content
from tests.vehicles import (
    AS_OF,
    fni_line,
    inspections_line,
    siv_line,
    siv_lines,
    write_feed,
    write_file,
)


def _read(folder, path=None):
    return manifest.read_feed(folder, path or folder / manifest.MANIFEST_NAME)


def _refused(folder, path=None):
    with pytest.raises(FeedRefused) as refused:
        found = _read(folder, path)
        for file in found.manifest.files:
            check_file(found.path(file), file)
    return refused.value.code


def _edit_manifest(folder, change):
    path = folder / manifest.MANIFEST_NAME
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def test_a_feed_is_what_its_manifest_says(tmp_path):
    folder = write_feed(tmp_path, [*siv_lines(3), fni_line()])
    found = _read(folder)
    assert [(file.name, file.lines) for file in found.manifest.files] == [
        ("registrations-fni.csv.gz", 1),
        ("registrations-siv.csv.gz", 3),
    ]
    assert (found.manifest.label, found.manifest.as_of) == ("essai", AS_OF)
    assert found.lines == 4
    for file in found.manifest.files:
        check_file(found.path(file), file)


def test_the_digest_of_a_feed_is_that_of_its_manifest(tmp_path):
    one = _read(write_feed(tmp_path / "1", siv_lines(3)))
    same = _read(write_feed(tmp_path / "2", siv_lines(3)))
    other = _read(write_feed(tmp_path / "3", siv_lines(4)))
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 32


def test_a_manifest_without_inspections_has_the_bytes_that_it_had(tmp_path):
    folder = write_feed(tmp_path, siv_lines(3))
    document = json.loads((folder / manifest.MANIFEST_NAME).read_bytes())
    assert list(document) == ["format", "label", "as_of", "kind", "files"]


INSPECTED_ON = dt.date(2022, 5, 31)


@pytest.mark.parametrize(("given", "told"), [(None, AS_OF), (INSPECTED_ON,) * 2])
def test_a_manifest_dates_the_inspections(tmp_path, given, told):
    write_feed(tmp_path, [siv_line(), inspections_line()])
    built = manifest.build_manifest(tmp_path, "essai", AS_OF, inspections_as_of=given)
    assert built.inspections_as_of == told
    (tmp_path / manifest.MANIFEST_NAME).write_bytes(manifest.manifest_bytes(built))
    found = _read(tmp_path)
    assert found.manifest == built
    assert manifest.contents(found) == {
        "inspections-siv.csv.gz": Content.INSPECTIONS,
        "registrations-siv.csv.gz": Content.REGISTRATIONS,
    }


def _refused_kinds(folder):
    with pytest.raises(FeedRefused) as refused:
        manifest.contents(_read(folder))
    return refused.value.code


def test_inspections_without_a_date_are_refused(tmp_path):
    folder = write_feed(tmp_path, [siv_line(), inspections_line()])
    _edit_manifest(folder, lambda m: m.pop("inspections_as_of"))
    assert _refused_kinds(folder) == "inspections_date"
    _edit_manifest(folder, lambda m: m.update(inspections_as_of=None))
    assert _refused_kinds(folder) == "inspections_date"


def test_a_date_without_inspections_is_refused(tmp_path):
    folder = write_feed(tmp_path, [siv_line()])
    _edit_manifest(folder, lambda m: m.update(inspections_as_of="2022-05-31"))
    assert _refused_kinds(folder) == "inspections_date"
    with pytest.raises(FeedRefused) as refused:
        manifest.build_manifest(tmp_path, "x", AS_OF, inspections_as_of=INSPECTED_ON)
    assert refused.value.code == "inspections_date"


def test_inspections_alone_are_refused(tmp_path):
    write_file(tmp_path, "inspections.csv.gz", [inspections_line()])
    with pytest.raises(FeedRefused) as refused:
        manifest.build_manifest(tmp_path, "essai", AS_OF)
    assert refused.value.code == "no_registration"
    folder = write_feed(tmp_path / "whole", [siv_line(), inspections_line()])
    (folder / "registrations-siv.csv.gz").unlink()
    _edit_manifest(folder, lambda m: m.update(files=m["files"][:1]))
    assert _refused_kinds(folder) == "no_registration"


def test_every_byte_of_every_file_is_told_as_it_is_measured(tmp_path):
    folder = write_feed(tmp_path, [*siv_lines(500), fni_line()])
    with open(folder / "registrations-fni.csv.gz", "ab") as file:
        file.write(bytes(3000))  # Behind the end of the compressed bytes.
    told = []
    built = manifest.build_manifest(folder, "essai", AS_OF, told.append)
    sizes = [file.size for file in built.files]
    assert sum(told) == sum(sizes) == manifest.delivered_bytes(folder)


def test_a_folder_without_files_has_no_manifest(tmp_path):
    with pytest.raises(FeedRefused) as refused:
        manifest.build_manifest(tmp_path, "essai", AS_OF)
    assert refused.value.code == "no_file"


@pytest.mark.parametrize("label", ["", "a\nb", "x" * 101])
def test_a_label_is_short_and_printable(tmp_path, label):
    write_file(tmp_path, "siv.csv.gz", [siv_line()])
    with pytest.raises(FeedRefused) as refused:
        manifest.build_manifest(tmp_path, label, AS_OF)
    assert refused.value.code == "label"


def test_a_missing_manifest_is_refused_with_the_command_to_run(tmp_path):
    with pytest.raises(FeedRefused, match="pseudonymizer manifest") as refused:
        _read(tmp_path)
    assert refused.value.code == "manifest_missing"


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff", b'{"format": 1}', b'{"label": "x"}', b"null"),
        b'{"format": 1, "a": ' + b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / manifest.MANIFEST_NAME).write_bytes(content)
    assert _refused(tmp_path) == "manifest_invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m.update(format=2), "manifest_format"),
        (lambda m: m.update(format="1"), "manifest_format"),
        (lambda m: m.update(kind="autre"), "wrong_kind"),
        (lambda m: m.update(kind="delta"), "manifest_invalid"),
        (lambda m: m.update(after="0" * 64), "manifest_invalid"),
        (lambda m: m.update(kind="delta", after="0" * 63), "manifest_invalid"),
        (lambda m: m.update(signed=True), "manifest_invalid"),
        (lambda m: m.update(files=[]), "manifest_invalid"),
        (lambda m: m.update(files=m["files"] * 2), "manifest_invalid"),
        (lambda m: m.update(as_of="01/06/2022"), "manifest_invalid"),
        (lambda m: m.update(inspections_as_of="01/06/2022"), "manifest_invalid"),
        (lambda m: m.update(label=""), "manifest_invalid"),
        (lambda m: m.update(label="a\tb"), "manifest_invalid"),
        (lambda m: m["files"][0].update(size=-1), "manifest_invalid"),
        (lambda m: m["files"][0].update(lines="3"), "manifest_invalid"),
        (lambda m: m["files"][0].update(lines=2**53 + 1), "manifest_invalid"),
        (lambda m: m["files"][0].update(size=10**4299), "manifest_invalid"),
        (lambda m: m["files"][0].update(name="a" * 243 + ".csv.gz"), "file_name"),
        (lambda m: m["files"][0].update(sha256="0"), "manifest_invalid"),
        (lambda m: m["files"][0].update(name="../siv.csv.gz"), "file_name"),
        (lambda m: m["files"][0].update(name="/etc/x.csv.gz"), "file_name"),
        (lambda m: m["files"][0].update(name="siv.csv"), "file_name"),
        (lambda m: m["files"][0].update(name="a\0.csv.gz"), "file_name"),
        (lambda m: m["files"][0].update(name="autre.csv.gz"), "file_missing"),
        (lambda m: m["files"][0].update(size=1), "file_size"),
        (lambda m: m["files"][0].update(sha256="0" * 64), "file_digest"),
        (lambda m: m["files"][0].update(lines=4), "file_lines"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path, change, code):
    write_feed(tmp_path, siv_lines(3))
    _edit_manifest(tmp_path, change)
    assert _refused(tmp_path) == code


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(CANARI=True),
        lambda m: m.update({"x - at `$.CANARI`": True}),
        lambda m: m.update(kind="CANARI"),
        lambda m: m.update(as_of="CANARI"),
        lambda m: m.update(format="CANARI"),
        lambda m: m["files"][0].update(CANARI="x"),
        lambda m: m["files"][0].update(sha256="CANARI"),
    ],
)
def test_what_stands_in_a_manifest_that_is_refused_is_not_repeated(tmp_path, change):
    folder = write_feed(tmp_path, siv_lines(3))
    _edit_manifest(folder, change)
    with pytest.raises(FeedRefused) as refused:
        _read(folder)
    assert "CANARI" not in str(refused.value)


def test_a_file_the_manifest_does_not_name_is_refused(tmp_path):
    write_feed(tmp_path, siv_lines(3))
    write_file(tmp_path, "plus.csv.gz", [siv_line()])
    assert _refused(tmp_path) == "file_extra"


def test_a_name_from_the_folder_writes_no_escapes_to_the_terminal(tmp_path):
    write_feed(tmp_path, siv_lines(3))
    write_file(tmp_path, "\x1b[2J.csv.gz", [siv_line()])
    with pytest.raises(FeedRefused) as refused:
        _read(tmp_path)
    assert refused.value.code == "file_extra"
    assert str(refused.value).isprintable()


def test_other_files_in_the_folder_do_not_matter(tmp_path):
    write_feed(tmp_path, siv_lines(3))
    (tmp_path / "LISEZMOI.txt").write_text("…")
    _read(tmp_path)


def test_a_link_to_a_file_elsewhere_is_refused(tmp_path):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    path = folder / "registrations-siv.csv.gz"
    path.rename(tmp_path / "elsewhere.csv.gz")
    path.symlink_to(tmp_path / "elsewhere.csv.gz")
    assert _refused(folder) == "file_name"


def test_a_manifest_may_stand_elsewhere(tmp_path):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    elsewhere = tmp_path / "manifest.json"
    (folder / manifest.MANIFEST_NAME).rename(elsewhere)
    assert _read(folder, elsewhere).lines == 3
