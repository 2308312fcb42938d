"""From a folder of extracts to the active release, whatever comes between."""

import dataclasses
import datetime as dt
import gzip
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import msgspec
import pytest
from django.db import connection

from pseudonymizer import load, parts
from pseudonymizer.envelope import release_mac
from pseudonymizer.errors import EnvelopeError, FeedRefused, ReleaseRefused, Unusable
from pseudonymizer.feed import FeedReader
from pseudonymizer.ingest import FileJob, ingest, load_file
from pseudonymizer.key_ring import KeyRing, write_new_ring
from pseudonymizer.layout import line_reader
from pseudonymizer.manifest import MANIFEST_NAME, read_feed
from pseudonymizer.progress import Progress
from pseudonymizer.records import SealedRow
from pseudonymizer.registration import Layout
from pseudonymizer.seal import Sealer
from tests.vehicles import (
    FNI_CERTIFICATE,
    SIV_COLUMNS,
    fni_line,
    inspection,
    inspections_line,
    siv_line,
    siv_lines,
    write_bytes,
    write_feed,
    write_file,
    write_manifest,
)


def _ingest(folder, config, **options):
    progress = Progress(io.StringIO())
    return ingest(folder, folder / MANIFEST_NAME, config, progress, **options)


def _active(vault):
    return next(state for state in vault.releases() if state.state == "active")


def _states(vault):
    return [state.state for state in reversed(vault.releases())]


def _assert_holds(vault, config, folder):
    """Every line of the folder opens from the active release, and no other does."""
    release = _active(vault).release
    sealer = Sealer(KeyRing.read(config.register_keys, "register"), release)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, generation, sealed FROM vault_record"
            " WHERE release_number = %s",
            [release.number],
        )
        rows = {
            record_id.bytes: SealedRow(record_id.bytes, generation, bytes(sealed))
            for record_id, generation, sealed in cursor.fetchall()
        }
    opened = 0
    for path in sorted(folder.glob("*.csv.gz")):
        with FeedReader(path) as reader:
            read = line_reader(reader.header)
            for batch in reader:
                for cells in batch.rows:
                    line = read(cells)
                    row = rows[sealer.record_id(line)]
                    assert sealer.opens_as(line, row)
                    opened += 1
    assert len(rows) == vault.count_rows(release) == opened


def _rejects(vault, release):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT file_name, line_number, code FROM vault_reject"
            " WHERE release_number = %s ORDER BY 1, 2",
            [release.number],
        )
        return cursor.fetchall()


def _in_a_hurry(folder, environment, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "pseudonymizer", "ingest", str(folder), *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


# Of this database alone: other tests copy beside this one.
COPYING = (
    "WITH copy AS (SELECT * FROM pg_stat_progress_copy "
    "WHERE datname = current_database()) SELECT count(*) >= {} FROM copy"
)


def _wait_until(query, process):
    with connection.cursor() as cursor:
        while process.poll() is None:
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.001)
    pytest.fail("the job ended before it could be killed")


def _kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


# Publishing


def test_every_line_opens_from_the_active_release(vault, config, folder):
    write_feed(folder, [*siv_lines(600), fni_line()])
    report = _ingest(folder, config)
    assert report.activated
    assert (report.lines, report.rows, report.rejects) == (601, 601, {})
    assert [file.rows for file in report.files] == [1, 600]
    _assert_holds(vault, config, folder)
    state = _active(vault)
    assert (state.lines, state.rows, state.rejects) == (601, 601, 0)
    assert state.release.label == "essai"


def test_the_same_feed_twice_changes_nothing(vault, config, folder):
    write_feed(folder, siv_lines(5))
    first = _ingest(folder, config)
    second = _ingest(folder, config)
    assert (first.activated, second.activated) == (True, False)
    assert first.release == second.release
    assert second.rows == 5
    assert _states(vault) == ["active"]


def test_two_releases_share_no_identifier_and_no_byte(vault, config, folder):
    write_feed(folder, siv_lines(50))
    _ingest(folder, config)
    write_manifest(folder, "suivant")
    _ingest(folder, config)
    assert _states(vault) == ["previous", "active"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT record_id), count(DISTINCT sealed), count(*)"
            " FROM vault_record"
        )
        assert cursor.fetchone() == (100, 100, 100)
        cursor.execute("SELECT count(DISTINCT salt) FROM vault_release")
        assert cursor.fetchone() == (2,)


def test_the_third_release_drops_the_first(vault, config, folder):
    write_feed(folder, siv_lines(5))
    for label in ("un", "deux", "trois"):
        write_manifest(folder, label)
        _ingest(folder, config)
    assert _states(vault) == ["dropped", "previous", "active"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM vault_record")
        assert cursor.fetchone() == (10,)


def test_several_workers_load_the_same(vault, config, folder):
    for number in range(3):
        write_file(folder, f"{number}.csv.gz", siv_lines(400, first=400 * number))
    write_manifest(folder)
    report = _ingest(folder, config, workers=2)
    assert report.rows == 1200
    _assert_holds(vault, config, folder)


def test_an_error_crosses_from_a_worker(vault, config, folder):
    write_file(folder, "1.csv.gz", siv_lines(3))
    write_bytes(folder, "2.csv.gz", b"a;b\n1;2\n")
    write_manifest(folder)
    with pytest.raises(FeedRefused) as refused:
        _ingest(folder, config, workers=2)
    assert refused.value.code == "unknown_layout"


@pytest.mark.parametrize(
    "error",
    [FeedRefused("code", "text"), ReleaseRefused("code", "text"), EnvelopeError(),
     Unusable("code")],
)  # fmt: skip
def test_errors_survive_the_way_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


# What is refused leaves the active release as it was


def test_a_refused_feed_begins_no_release(vault, config, folder):
    write_feed(folder, siv_lines(3))
    write_file(folder, "plus.csv.gz", [siv_line()])
    with pytest.raises(FeedRefused):
        _ingest(folder, config)
    write_manifest(folder)
    (folder / "plus.csv.gz").write_bytes(b"x" * (folder / "plus.csv.gz").stat().st_size)
    with pytest.raises(FeedRefused):
        _ingest(folder, config)
    assert vault.releases() == []


def test_an_unknown_layout_is_refused_before_anything_is_loaded(vault, config, folder):
    write_file(folder, "1.csv.gz", siv_lines(3))
    write_bytes(folder, "2.csv.gz", b"a;b\n1;2\n")
    write_manifest(folder)
    with pytest.raises(FeedRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "unknown_layout"
    assert vault.releases() == []


def test_too_many_rejects_keep_the_active_release(vault, config, folder):
    write_feed(folder, siv_lines(5), "bon")
    _ingest(folder, config)
    write_feed(folder, [*siv_lines(98), siv_line(plaq_immat=""), siv_line(v="{")])
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "too_many_rejects"
    assert "2 of 100 lines" in str(refused.value)
    assert "plate_missing 1" in str(refused.value)
    assert _states(vault) == ["active", "failed"]
    assert _active(vault).release.label == "bon"
    failed = vault.releases()[0].release
    assert _rejects(vault, failed) == [
        ("registrations-siv.csv.gz", 100, "plate_missing"),
        ("registrations-siv.csv.gz", 101, "facts_unreadable"),
    ]
    # The same feed is accepted by who accepts its rejects.
    lenient = dataclasses.replace(config, max_reject_share=0.02)
    assert _ingest(folder, lenient).rejects == {
        "facts_unreadable": 1,
        "plate_missing": 1,
    }


def test_a_feed_without_a_vehicle_is_not_activated(vault, config, folder):
    write_file(folder, "siv.csv.gz", [])
    write_manifest(folder)
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "no_row"
    assert _states(vault) == ["failed"]


def test_a_row_that_does_not_open_stops_the_activation(vault, config, folder):
    """A key ring that was exchanged for one of the same version while it loads."""
    write_feed(folder, siv_lines(5))
    _begin(vault, config, folder)
    release = vault.releases()[0].release
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE vault_record_{release.number}"
            " SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)"
        )
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "sample"
    assert _states(vault) == ["failed"]


def test_a_row_that_is_gone_stops_the_activation(vault, config, folder):
    write_feed(folder, siv_lines(5))
    _begin(vault, config, folder)
    release = vault.releases()[0].release
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM vault_record_{release.number} WHERE ctid='(0,1)'")
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "counts"


def test_a_release_begun_under_another_key_is_not_taken_up(
    vault, config, folder, tmp_path
):
    write_feed(folder, siv_lines(5))
    _begin(vault, config, folder)
    other = tmp_path / "other.json"
    write_new_ring(other, "register", bytes(range(32, 64)))
    _refused_as_changed(folder, dataclasses.replace(config, register_keys=other))


def test_another_ingest_is_waited_for_and_then_refused(
    vault, config, folder, monkeypatch
):
    monkeypatch.setattr(load, "LOCK_WAIT_MILLISECONDS", 100)
    write_feed(folder, siv_lines(5))
    with vault.alone(), pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "ingest_running"
    assert _ingest(folder, config).activated


class _ReplacesAFile(Progress):
    """Puts another file of as many lines in place when a stage begins."""

    def __init__(self, stage, folder, lines):
        super().__init__(io.StringIO())
        self._replaces = stage, folder, lines

    def begin(self, stage, total):
        at, folder, lines = self._replaces
        if stage == at:
            write_file(folder, "registrations-siv.csv.gz", lines)
        super().begin(stage, total)


def _refused_when_replaced(folder, config, stage, lines):
    progress = _ReplacesAFile(stage, folder, lines)
    with pytest.raises(FeedRefused) as refused:
        ingest(folder, folder / MANIFEST_NAME, config, progress)
    assert refused.value.code == "file_digest"


def test_a_file_replaced_after_it_was_checked_is_not_loaded(vault, config, folder):
    write_feed(folder, siv_lines(5), "bon")
    _ingest(folder, config)
    write_feed(folder, siv_lines(1000), "suivant")
    _refused_when_replaced(folder, config, "load", siv_lines(1000, first=5000))
    assert _states(vault) == ["active", "building"]
    begun = vault.releases()[0].release
    assert (vault.count_rows(begun), vault.file_reports(begun)) == (0, {})
    assert _active(vault).release.label == "bon"
    # The file that was delivered is loaded into the release that was begun.
    write_file(folder, "registrations-siv.csv.gz", siv_lines(1000))
    assert _ingest(folder, config).release == str(begun.uuid)
    _assert_holds(vault, config, folder)


def test_bytes_behind_the_last_line_are_of_the_file_too(vault, config, folder):
    """The reader of gzip stops at the end of a member; the digest does not."""
    write_feed(folder, siv_lines(5))
    path = folder / "registrations-siv.csv.gz"

    class Appends(Progress):
        def begin(self, stage, total):
            if stage == "load":
                path.write_bytes(path.read_bytes() + bytes(3_000_000))

    with pytest.raises(FeedRefused) as refused:
        ingest(folder, folder / MANIFEST_NAME, config, Appends(io.StringIO()))
    assert refused.value.code == "file_digest"
    assert _states(vault) == ["building"]


@pytest.mark.parametrize("stage", ["duplicates", "check"])
def test_a_file_replaced_before_it_is_read_again_stops_the_activation(
    vault, config, folder, stage
):
    lenient = dataclasses.replace(config, max_reject_share=0.5)
    older, newer = _changed("01/01/2019"), _changed("01/01/2020")
    write_feed(folder, siv_lines(5), "bon")
    _ingest(folder, config)
    others = siv_lines(50, first=100)
    write_feed(folder, [older, newer, *others], "suivant")
    _refused_when_replaced(folder, lenient, stage, [newer, older, *others])
    assert _states(vault) == ["active", "building"]
    assert _active(vault).release.label == "bon"


# Inspections


def _inspections_lines(count):
    """Return inspections of the vehicles of `siv_lines`."""
    return [
        inspections_line(
            inspection("2020-03-02", 1000 + n),
            plaq_immat=line["plaq_immat"],
            numero_formule=line["numero_formule"],
        )
        for n, line in enumerate(siv_lines(count))
    ]


def test_inspections_open_from_the_release_beside_the_records(vault, config, folder):
    lines = [*siv_lines(600), fni_line(), *_inspections_lines(500)]
    write_feed(folder, [*lines, inspections_line(**FNI_CERTIFICATE)])
    report = _ingest(folder, config)
    assert (report.lines, report.rows, report.rejects) == (1102, 1102, {})
    assert {file.name: file.rows for file in report.files} == {
        "inspections-fni.csv.gz": 1,
        "inspections-siv.csv.gz": 500,
        "registrations-fni.csv.gz": 1,
        "registrations-siv.csv.gz": 600,
    }
    assert _active(vault).release.inspections_as_of == dt.date(2022, 6, 1)
    _assert_holds(vault, config, folder)


def test_a_release_of_registrations_alone_has_no_date_of_inspections(
    vault, config, folder
):
    write_feed(folder, siv_lines(3))
    _ingest(folder, config)
    assert _active(vault).release.inspections_as_of is None


def test_two_kinds_of_rows_share_no_identifier(vault, config, folder):
    write_feed(folder, [siv_line(), inspections_line()])
    _ingest(folder, config)
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_id, sealed FROM vault_record")
        (one, sealed), (other, sealed_too) = cursor.fetchall()
    assert one != other
    assert bytes(sealed)[2:14] != bytes(sealed_too)[2:14]


def test_inspections_of_a_vehicle_without_a_registration_are_kept(
    vault, config, folder
):
    stranger = inspections_line(numero_formule="2016AB00001")
    write_feed(folder, [siv_line(), stranger])
    assert _ingest(folder, config).rows == 2


def test_rejects_of_inspections_are_counted_with_the_others(vault, config, folder):
    lines = _inspections_lines(300)
    lines[5]["controles_techniques"] = "[{}]"
    lines[9]["plaq_immat"] = ""
    lines[11]["date_mise_a_jour"] = "x"
    write_feed(folder, [*siv_lines(300), *lines])
    report = _ingest(folder, config)
    assert report.rows == 597
    name = "inspections-siv.csv.gz"
    assert _rejects(vault, _active(vault).release) == [
        (name, 7, "inspections_unreadable"),
        (name, 11, "plate_missing"),
        (name, 13, "update_date_unreadable"),
    ]


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        (("2022-01-01", "2022-02-01"), 1),
        (("2022-02-01", "2022-01-01"), 0),
        (("2022-01-01", "2022-01-01"), 1),
        (("", "2022-01-01"), 1),
        (("2022-01-01", ""), 0),
    ],
)
def test_the_newest_inspections_of_an_identity_are_kept(
    vault, config, folder, days, kept
):
    """A registration stands twice beside them: neither competes with the other kind."""
    twice = [
        inspections_line(inspection("2020-03-02", n), date_mise_a_jour=day)
        for n, day in enumerate(days, 1)
    ]
    older, newer = _changed("01/01/2019"), _changed("01/01/2020")
    write_feed(folder, [newer, older, *siv_lines(20, first=100), *twice])
    report = _ingest(folder, dataclasses.replace(config, max_reject_share=0.5))
    assert report.rejects == {"duplicate_identity": 2}
    release = _active(vault).release
    assert _rejects(vault, release) == [
        ("inspections-siv.csv.gz", 3 - kept, "duplicate_identity"),
        ("registrations-siv.csv.gz", 3, "duplicate_identity"),
    ]
    sealer = Sealer(KeyRing.read(config.register_keys, "register"), release)
    for line in (newer, twice[kept]):
        read = line_reader(list(line))(list(line.values()))
        assert sealer.opens_as(read, vault.read(release, sealer.record_id(read)))


def test_an_interrupted_ingest_of_both_kinds_goes_on(vault, config, folder):
    write_feed(folder, [*siv_lines(50), *_inspections_lines(50)])

    class Stops(Progress):
        def file_done(self, report):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(folder, folder / MANIFEST_NAME, config, Stops(io.StringIO()))
    begun = vault.releases()[0].release
    assert len(vault.file_reports(begun)) == 1
    assert _ingest(folder, config).release == str(begun.uuid)
    _assert_holds(vault, config, folder)


def test_other_inspections_of_the_same_vehicle_are_not_those_of_the_feed(
    vault, config, folder
):
    write_feed(folder, [siv_line(), inspections_line()])
    _ingest(folder, config)
    ring = KeyRing.read(config.register_keys, "register")
    sealer = Sealer(ring, _active(vault).release)
    one, other = (
        line_reader(list(line))(list(line.values()))
        for line in (inspections_line(), inspections_line(date_mise_a_jour=""))
    )
    assert sealer.record_id(one) == sealer.record_id(other)
    assert sealer.opens_as(one, sealer.seal(one))
    assert not sealer.opens_as(one, sealer.seal(other))


def test_inspections_that_do_not_open_to_the_feed_stop_the_activation(
    vault, config, folder
):
    write_feed(folder, [*siv_lines(1), *_inspections_lines(1)])

    class Swaps(Progress):
        """Gives each of the two rows what the other had."""

        def begin(self, stage, total):
            if stage == "check":
                with connection.cursor() as cursor:
                    cursor.execute(
                        "UPDATE vault_record a SET sealed = b.sealed"
                        " FROM vault_record b WHERE a.record_id <> b.record_id"
                    )

    with pytest.raises(ReleaseRefused) as refused:
        ingest(folder, folder / MANIFEST_NAME, config, Swaps(io.StringIO()))
    assert refused.value.code == "sample"


def test_a_feed_whose_inspections_have_no_date_is_refused_before_it_is_loaded(
    vault, config, folder
):
    write_feed(folder, [siv_line(), inspections_line()])
    path = folder / MANIFEST_NAME
    document = json.loads(path.read_bytes())
    del document["inspections_as_of"]
    path.write_text(json.dumps(document))
    with pytest.raises(FeedRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "inspections_date"
    assert vault.releases() == []


def test_inspections_without_any_vehicle_are_no_release(vault, config, folder):
    write_file(folder, "registrations.csv.gz", [])
    write_file(folder, "inspections.csv.gz", [inspections_line()])
    write_manifest(folder)
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "no_row"


# What stands in the row of a release is not believed


def _refused_as_changed(folder, config):
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config)
    assert refused.value.code == "release_changed"
    assert "set its state to 'failed'" in str(refused.value)


def _digest(folder):
    return read_feed(folder, folder / MANIFEST_NAME).digest


def test_a_genuine_row_of_an_older_release_is_not_taken_up(vault, config, folder):
    """It would give the new release the identifiers of the old one."""
    for label in ("un", "deux"):
        write_feed(folder, siv_lines(5), label)
        _ingest(folder, config)
    write_manifest(folder, "trois")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_release SET state = 'building', manifest_sha256 = %s"
            " WHERE state = 'previous'",
            [_digest(folder)],
        )
    _refused_as_changed(folder, config)
    assert _states(vault) == ["building", "active"]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_release SET state = 'failed' WHERE state = 'building'"
        )
    assert _ingest(folder, config).activated
    assert _states(vault) == ["failed", "previous", "active"]


@pytest.mark.parametrize(
    "change",
    [
        {"label": "autre"},
        {"as_of": dt.date(2030, 1, 1)},
        {"inspections_as_of": dt.date(2022, 6, 1)},
    ],
    ids=str,
)
def test_a_release_begun_with_another_label_or_date_is_not_taken_up(
    vault, config, folder, change
):
    write_feed(folder, siv_lines(5))
    _begin(vault, config, folder)
    release = msgspec.structs.replace(vault.releases()[0].release, **change)
    mac = release_mac(KeyRing.read(config.register_keys, "register"), release)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_release SET label = %s, as_of = %s, inspections_as_of = %s,"
            " mac = %s",
            [release.label, release.as_of, release.inspections_as_of, mac],
        )
    _refused_as_changed(folder, config)


# Lines that give no record do not fill the database


def test_rejects_stop_the_load_and_a_bounded_number_is_kept(vault, config, folder):
    write_feed(folder, siv_lines(5), "bon")
    _ingest(folder, config)
    header = ";".join(SIV_COLUMNS).encode()
    (folder / "registrations-siv.csv.gz").write_bytes(
        gzip.compress(header + b"\n" * 200_001)
    )
    write_file(folder, "autre.csv.gz", siv_lines(3000))
    write_manifest(folder, "vide")
    told = io.StringIO()
    with pytest.raises(ReleaseRefused, match="ragged_row 2031") as refused:
        ingest(folder, folder / MANIFEST_NAME, config, Progress(told))
    assert refused.value.code == "too_many_rejects"
    assert "at least 2031 of 203000 lines" in str(refused.value)
    assert _states(vault) == ["active", "failed"]
    # The limit, and the one that was beyond it.
    assert len(_rejects(vault, vault.releases()[0].release)) == 2031


def test_rejects_of_several_files_and_workers_stop_the_load(vault, config, folder):
    header = ";".join(SIV_COLUMNS).encode()
    for number in range(4):
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.csv.gz").write_bytes(
            gzip.compress(header + b"\n" * 50_001)
        )
    write_manifest(folder, "vide")
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config, workers=2)
    assert refused.value.code == "too_many_rejects"
    assert _states(vault) == ["failed"]
    assert len(_rejects(vault, vault.releases()[0].release)) <= 2 * 2001


def test_a_file_given_up_for_its_rejects_is_never_taken_for_loaded(
    vault, config, folder
):
    """A kill before the release is failed, and then a limit that is higher."""
    write_feed(folder, [*siv_lines(20), siv_line(plaq_immat="")])

    class Stops(Progress):
        def file_done(self, file):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(folder, folder / MANIFEST_NAME, config, Stops(io.StringIO()))
    assert _states(vault) == ["building"]
    lenient = dataclasses.replace(config, max_reject_share=0.5)
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, lenient)
    assert refused.value.code == "counts"
    assert _states(vault) == ["failed"]
    assert _ingest(folder, lenient).rows == 20


# Two lines of one identity


def _changed(day, **columns):
    return siv_line({"dos_date_derniere_modif": day, "couleur": day}, **columns)


@pytest.mark.parametrize(
    ("files", "kept", "losers"),
    [
        # Within one file, the newest first or last.
        ([[_changed("01/01/2020"), _changed("01/01/2019")]], (0, 0), [("0", 3)]),
        ([[_changed("01/01/2019"), _changed("01/01/2020")]], (0, 1), [("0", 2)]),
        # The same day: the last of the feed.
        ([[_changed("01/01/2020"), _changed("01/01/2020")]], (0, 1), [("0", 2)]),
        # No day is older than any.
        ([[_changed("01/01/2019"), _changed("")]], (0, 0), [("0", 3)]),
        # Across files, written differently, three times.
        (
            [
                [_changed("01/01/2019"), *siv_lines(1, first=7)],
                [_changed("01/01/2021", plaq_immat="aa 123 aa")],
                [_changed("01/01/2020", numero_formule="2015-AB-12345")],
            ],
            (1, 0),
            [("0", 2), ("2", 2)],
        ),
    ],
)
def test_the_newest_line_of_an_identity_is_kept(
    vault, config, folder, files, kept, losers
):
    others = siv_lines(20, first=100)
    write_file(folder, "9.csv.gz", others)
    for number, lines in enumerate(files):
        write_file(folder, f"{number}.csv.gz", lines)
    write_manifest(folder)
    report = _ingest(folder, dataclasses.replace(config, max_reject_share=0.5))
    assert report.rejects == {"duplicate_identity": len(losers)}
    release = _active(vault).release
    assert _rejects(vault, release) == [
        (f"{name}.csv.gz", line, "duplicate_identity") for name, line in losers
    ]
    sealer = Sealer(KeyRing.read(config.register_keys, "register"), release)
    line = files[kept[0]][kept[1]]
    registration = Layout.of(list(line)).registration(list(line.values()))
    row = vault.read(release, sealer.record_id(registration))
    assert sealer.opens_as(registration, row)
    assert report.rows == vault.count_rows(release)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("day", ["01/01/2018", "01/01/2021"])
def test_a_line_too_large_for_a_record_is_no_duplicate_of_any(
    vault, config, folder, place, day
):
    """Neither when it is the newest line of its identity nor when it is an older one."""
    facts = {"dos_date_derniere_modif": day, "nouveau": "x" * 64_480}
    lines = [_changed("01/01/2020"), _changed("01/01/2019")]
    lines.insert(place, siv_line(v=json.dumps(facts)))
    write_feed(folder, [*lines, *siv_lines(20, first=100)])
    report = _ingest(folder, dataclasses.replace(config, max_reject_share=0.5))
    assert report.rejects == {"record_too_large": 1, "duplicate_identity": 1}
    file = "registrations-siv.csv.gz"
    assert {*_rejects(vault, _active(vault).release)} == {
        (file, place + 2, "record_too_large"),
        (file, 3 if place == 2 else 4, "duplicate_identity"),
    }


class _AddsARow(Progress):
    """Writes one more row of an identity that stood in the release once."""

    def begin(self, stage, total):
        if stage == "duplicates":
            with connection.cursor() as cursor:
                cursor.execute(
                    "WITH built AS (SELECT * FROM vault_record WHERE release_number ="
                    " (SELECT max(number) FROM vault_release))"
                    " INSERT INTO vault_record SELECT * FROM built WHERE record_id IN"
                    " (SELECT record_id FROM built GROUP BY 1 HAVING count(*) = 1"
                    " LIMIT 1)"
                )
        super().begin(stage, total)


def test_an_identity_that_still_stands_twice_stops_the_activation(
    vault, config, folder
):
    write_feed(folder, siv_lines(5), "bon")
    _ingest(folder, config)
    twice = [_changed("01/01/2019"), _changed("01/01/2020")]
    write_feed(folder, [*twice, *siv_lines(20, first=100)], "suivant")
    lenient = dataclasses.replace(config, max_reject_share=0.5)
    with pytest.raises(ReleaseRefused) as refused:
        ingest(folder, folder / MANIFEST_NAME, lenient, _AddsARow(io.StringIO()))
    assert refused.value.code == "duplicates_left"
    assert _states(vault) == ["active", "failed"]
    assert _active(vault).release.label == "bon"


def test_a_plate_of_two_vehicles_is_no_duplicate(vault, config, folder):
    write_feed(folder, [siv_line(), siv_line(numero_formule="2016AB00001"), fni_line()])
    assert _ingest(folder, config).rows == 3


def test_a_feed_that_holds_everything_twice_fails(vault, config, folder):
    write_feed(folder, siv_lines(50) * 2)
    with pytest.raises(ReleaseRefused, match="duplicate_identity 50") as refused:
        _ingest(folder, config)
    assert refused.value.code == "too_many_rejects"
    assert _states(vault) == ["failed"]


# Killed, and run again


class _StopsBeforeTheIndex(Progress):
    def begin(self, stage, total):
        if stage == "index":
            raise KeyboardInterrupt
        super().begin(stage, total)


def _begin(vault, config, folder):
    """Load a feed and stop, as a kill would."""
    with pytest.raises(KeyboardInterrupt):
        ingest(
            folder,
            folder / MANIFEST_NAME,
            config,
            _StopsBeforeTheIndex(io.StringIO()),
        )
    assert vault.releases()[0].state == "building"


@pytest.fixture
def large_folder(folder):
    for number in range(2):
        write_file(folder, f"{number}.csv.gz", siv_lines(8000, first=8000 * number))
    write_manifest(folder)
    return folder


@pytest.mark.parametrize(
    ("moment", "workers"),
    [
        ("SELECT count(*) = 1 FROM vault_release_file", 1),
        (f"{COPYING.format(1)} WHERE tuples_processed > 0", 1),
        (f"{COPYING.format(1)} WHERE tuples_processed > 0", 2),
    ],
    ids=["between files", "within a file", "within two files"],
)
def test_a_killed_ingest_goes_on_where_it_ended(
    vault, config, environment, large_folder, moment, workers
):
    process = _in_a_hurry(large_folder, environment, "--workers", str(workers))
    _wait_until(moment, process)
    _kill(process)
    begun = vault.releases()
    assert [state.state for state in begun] == ["building"]
    done = set(vault.file_reports(begun[0].release))
    report = _ingest(large_folder, config)
    assert report.activated
    assert report.release == str(begun[0].release.uuid)
    assert len(done) < 2
    _assert_holds(vault, config, large_folder)


def test_the_workers_of_a_killed_ingest_end(vault, environment, large_folder):
    process = _in_a_hurry(large_folder, environment, "--workers", "2")
    _wait_until(COPYING.format(2), process)
    _kill(process)
    deadline = time.monotonic() + 5
    while _group_lives(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_with_a_clean_message(vault, environment, large_folder, workers):
    process = _in_a_hurry(large_folder, environment, "--workers", str(workers))
    _wait_until(COPYING.format(1), process)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert errors.rstrip().endswith(b"run the same command again")
    assert output == b""


def test_a_worker_that_is_killed_is_told_and_taken_up(
    vault, config, environment, large_folder
):
    process = _in_a_hurry(large_folder, environment, "--workers", "2")
    _wait_until(COPYING.format(1), process)
    os.kill(_worker_of(process.pid), signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 68
    assert b"worker_died" in errors
    assert b"Traceback" not in errors
    assert _ingest(large_folder, config).rows == 16000


def test_a_failure_after_the_activation_does_not_say_that_nothing_changed(
    vault, config, environment, large_folder
):
    """The connection is lost while the job waits to drop an old release."""
    for label in ("un", "deux"):
        write_feed(large_folder / label, siv_lines(5), label)
        _ingest(large_folder / label, config)
    oldest = vault.releases()[-1].release
    with vault._connection.transaction(), connection.cursor() as cursor:
        vault.count_rows(oldest)
        process = _in_a_hurry(large_folder, environment)
        _wait_until(
            "SELECT count(*) = 1 FROM vault_release WHERE state = 'retired'", process
        )
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> %s"
            " AND application_name = 'pseudonymizer'",
            [vault._connection.info.backend_pid],
        )
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 6
    assert _active(vault).rows == 16000
    assert b"as it was" not in errors
    assert not _ingest(large_folder, config).activated
    assert _states(vault) == ["dropped", "previous", "active"]


def test_a_lost_connection_is_told_once_and_in_our_words(
    vault, environment, large_folder
):
    """psycopg logs another line, which nobody but Python itself would show."""
    process = _in_a_hurry(large_folder, environment)
    _wait_until(f"{COPYING.format(1)} WHERE tuples_processed > 0", process)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy"
            " WHERE datname = current_database()"
        )
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 6
    (told,) = [line for line in errors.splitlines() if b"error" in line]
    assert told.startswith(b"error: the database did not do its part")


def _worker_of(parent):
    """Return a child that spawn made; another child only tracks its resources."""
    with open(f"/proc/{parent}/task/{parent}/children") as file:
        children = [int(child) for child in file.read().split()]
    for child in children:
        with open(f"/proc/{child}/cmdline", "rb") as file:
            if b"spawn_main" in file.read():
                return child
    raise AssertionError("no worker")


# Files in parts


def test_a_feed_in_parts_is_published_and_taken_up_again(
    vault, config, folder, monkeypatch
):
    monkeypatch.setattr(parts, "CUT_BYTES_MIN", 0)
    lines = siv_lines(1500)
    write_file(folder, "large.csv.gz", [*lines, lines[1400], lines[3]])
    write_file(folder, "small.csv.gz", [fni_line()])
    write_manifest(folder)
    stopped = []

    class Stops(Progress):
        def file_done(self, report):
            stopped.append(report.name)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(folder, folder / MANIFEST_NAME, config, Stops(io.StringIO()), workers=2)
    begun = vault.releases()[0].release
    loaded = vault.parts_loaded(begun)
    assert {part.of for part in loaded[stopped[0]]} == {4}
    report = _ingest(folder, config, workers=1)
    assert report.release == str(begun.uuid)
    assert {file.name: file.rows for file in report.files} == {
        "large.csv.gz": 1500,
        "small.csv.gz": 1,
    }
    assert report.rejects == {"duplicate_identity": 2}
    rejects = _rejects(vault, _active(vault).release)
    assert [(name, code) for name, _, code in rejects] == [
        ("large.csv.gz", "duplicate_identity")
    ] * 2
    assert vault.count_rows(begun) == 1501


def test_too_many_rejects_in_a_part_fail_the_release(
    vault, config, folder, monkeypatch
):
    monkeypatch.setattr(parts, "CUT_BYTES_MIN", 0)
    lines = siv_lines(1500)
    for line in lines[700:900]:
        line["plaq_immat"] = ""
    write_feed(folder, lines)
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config, workers=2)
    assert refused.value.code == "too_many_rejects"
    assert _states(vault) == ["failed"]


def test_a_file_loaded_whole_beside_its_parts_fails_the_release(
    vault, config, folder, monkeypatch
):
    monkeypatch.setattr(parts, "CUT_BYTES_MIN", 0)
    write_feed(folder, siv_lines(600))
    with pytest.raises(KeyboardInterrupt):
        ingest(
            folder,
            folder / MANIFEST_NAME,
            config,
            _StopsBeforeTheIndex(io.StringIO()),
            workers=2,
        )
    begun = vault.releases()[0].release
    feed = read_feed(folder, folder / MANIFEST_NAME)
    (file,) = feed.manifest.files
    assert len(vault.parts_loaded(begun)[file.name]) == 4
    # A task on a cluster that outlived its job.
    job = FileJob(feed.path(file), file, config, begun, file.lines)
    load_file(job, lambda lines, rejects: None)
    with pytest.raises(ReleaseRefused):
        _ingest(folder, config)
    assert _states(vault) == ["failed"]
