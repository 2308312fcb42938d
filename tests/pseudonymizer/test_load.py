"""What the job asks of PostgreSQL, asked of a real one."""

import datetime as dt
import hashlib
import threading
import uuid

import msgspec
import pytest
from django.db import connection

from pseudonymizer import load
from pseudonymizer.errors import DatabaseFailed, ReleaseRefused
from pseudonymizer.feed import WHOLE, FeedFile, Part, Reject
from pseudonymizer.load import SealedBatch, Totals, Vault
from pseudonymizer.records import Release, SealedRow

FILE = FeedFile("siv.csv.gz", 1, "ab" * 32, 3)


def _release(label="essai"):
    return Release(
        number=0,
        uuid=uuid.uuid4(),
        label=label,
        as_of=dt.date(2022, 6, 1),
        key_version=1,
        salt=b"s" * 32,
        manifest_sha256=hashlib.sha256(label.encode()).digest(),
        mac=b"m" * 32,
    )


def _row(number, sealed=b"sealed"):
    return SealedRow(bytes(15) + bytes([number]), 0, sealed)


def _load(vault, release, *rows, file=FILE, rejects=(), most=100):
    vault.load_file(release, file, [SealedBatch(list(rows), list(rejects))], most)


def _secrets(vault, release):
    """Return salt and MAC as they stand in the table."""
    return next(
        (state.release.salt, state.release.mac)
        for state in vault.releases()
        if state.release.number == release.number
    )


def _states(vault):
    return {state.release.number: state.state for state in vault.releases()}


def _activated(vault, label):
    release = vault.create(_release(label), b"kkkk")
    _load(vault, release, _row(1))
    assert vault.build_index(release)
    vault.activate(release, Totals(1, 1, 0))
    return release


@pytest.fixture
def release(vault):
    return vault.create(_release(), b"kkkk")


def test_a_row_is_read_as_it_was_loaded(vault, release):
    # Longer than a network buffer, and than what PostgreSQL keeps in line.
    rows = [_row(1, b"\0" * 400), _row(2, bytes(range(256)) * 500)]
    _load(vault, release, *rows)
    assert [vault.read(release, row.record_id) for row in rows] == rows
    assert vault.read(release, _row(3).record_id) is None
    assert vault.count_rows(release) == 2


def test_rows_rejects_and_the_mark_of_a_file_come_together(vault, release):
    _load(vault, release, _row(1), rejects=[Reject(3, "ragged_row")])
    (report,) = vault.file_reports(release).values()
    assert (report.name, report.lines, report.rows) == ("siv.csv.gz", 3, 1)
    assert report.rejects == {"ragged_row": 1}
    assert vault.rejected_lines(release, FILE.name, 3) == {3}
    assert vault.rejected_lines(release, FILE.name, 2) == set()


def test_a_file_that_fails_leaves_nothing(vault, release):
    def batches():
        yield SealedBatch([_row(1)], [Reject(3, "ragged_row")])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.load_file(release, FILE, batches(), 100)
    assert vault.count_rows(release) == 0
    assert vault.file_reports(release) == {}
    _load(vault, release, _row(1))
    assert vault.count_rows(release) == 1


def test_a_file_that_is_marked_is_not_read_again(vault, release):
    def never():
        raise AssertionError
        yield

    _load(vault, release, _row(1))
    vault.load_file(release, FILE, never(), 100)
    assert vault.count_rows(release) == 1


def test_two_jobs_that_load_the_same_file_load_it_once(config, vault, release):
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert go_on.wait(10)
        yield SealedBatch([_row(1)], [])

    def second():
        with Vault(config.database_url) as other:
            _load(other, release, _row(1))

    threads = [
        threading.Thread(target=vault.load_file, args=(release, FILE, slow(), 100)),
        threading.Thread(target=second),
    ]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert vault.count_rows(release) == 1


def test_more_rejects_than_fit_in_memory_at_once_are_all_written(
    vault, release, monkeypatch
):
    monkeypatch.setattr(load, "REJECTS_AT_ONCE", 2)
    batches = [
        SealedBatch([_row(n)], [Reject(2 * n, "ragged_row"), Reject(2 * n + 1, "x")])
        for n in range(1, 5)
    ]
    vault.load_file(release, FILE, batches, 8)
    assert vault.count_rows(release) == 4
    (report,) = vault.file_reports(release).values()
    assert report.rejects == {"ragged_row": 4, "x": 4}
    assert (report.lines, report.rows) == (3, 4)


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_reading_ends_with_the_reject_beyond_the_limit(
    vault, release, monkeypatch, at_once
):
    monkeypatch.setattr(load, "REJECTS_AT_ONCE", at_once)

    def batches():
        for n in range(1, 4):
            yield SealedBatch([_row(n)], [Reject(2 * n, "x"), Reject(2 * n + 1, "x")])
        raise AssertionError

    vault.load_file(release, FILE, batches(), 4)
    (report,) = vault.file_reports(release).values()
    assert report.rejects == {"x": 5}
    # Of no line it is said that it was loaded: no count will ever fit.
    assert (report.lines, report.rows) == (0, 0)


def test_nothing_is_loaded_into_a_release_that_is_not_being_built(vault, release):
    vault.activate(release, Totals(0, 0, 0))
    with pytest.raises(ReleaseRefused) as refused:
        _load(vault, release, _row(1))
    assert refused.value.code == "release_closed"


def test_nothing_is_loaded_into_another_databases_release(vault, release):
    elsewhere = msgspec.structs.replace(release, uuid=uuid.uuid4())
    with pytest.raises(ReleaseRefused) as refused:
        _load(vault, elsewhere, _row(1))
    assert refused.value.code == "release_closed"
    assert vault.count_rows(release) == 0


def test_an_index_refuses_an_identity_twice(vault, release):
    _load(vault, release, _row(1), _row(1))
    assert vault.build_index(release) is False


def test_an_index_built_before_a_kill_is_kept(vault, release):
    _load(vault, release, _row(1))
    assert vault.build_index(release)
    assert vault.build_index(release)


def test_one_row_stays_of_each_identity(vault, release):
    _load(vault, release, _row(1, b"old"), _row(1, b"new"), _row(2))
    assert vault.find_duplicates(release) == 1
    assert vault.duplicate_ids() == {_row(1).record_id}
    vault.replace_duplicates(
        release, [_row(1, b"new")], [(FILE.name, Reject(2, "duplicate_identity"))]
    )
    assert vault.build_index(release)
    assert vault.read(release, _row(1).record_id) == _row(1, b"new")
    (report,) = vault.file_reports(release).values()
    assert (report.rows, report.rejects) == (2, {"duplicate_identity": 1})


def test_activation_moves_every_release_on(vault):
    first = _activated(vault, "1")
    abandoned = vault.create(_release("abandoned"), b"kkkk")
    second = _activated(vault, "2")
    assert _states(vault) == {
        first.number: "previous",
        abandoned.number: "retired",
        second.number: "active",
    }
    later = vault.create(_release("later"), b"kkkk")
    third = _activated(vault, "3")
    assert _states(vault) == {
        first.number: "retired",
        abandoned.number: "retired",
        second.number: "previous",
        later.number: "retired",
        third.number: "active",
    }


@pytest.mark.parametrize("state", ["active", "previous", "retired", "failed"])
def test_only_a_release_that_is_being_built_is_activated(vault, state):
    active = _activated(vault, "1")
    other = vault.create(_release("2"), b"kkkk")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_release SET state = 'retired'")
        cursor.execute(
            "UPDATE vault_release SET state = %s WHERE number = %s",
            [state, other.number],
        )
    before = _states(vault)
    for release in (active, other, _release("of no row")):
        with pytest.raises(ReleaseRefused) as refused:
            vault.activate(release, Totals(1, 1, 0))
        assert refused.value.code == "release_closed"
    assert _states(vault) == before


def test_retired_releases_are_dropped_and_listed_still(vault):
    first, second, third = (_activated(vault, label) for label in "123")
    assert vault.drop_unused() == []
    sizes = {state.release.number: state.size_bytes for state in vault.releases()}
    assert sizes[first.number] is None
    assert sizes[second.number] > 0
    assert _states(vault)[first.number] == "dropped"
    assert _secrets(vault, first) == (bytes(32), bytes(32))
    assert _secrets(vault, second) == (second.salt, second.mac)
    assert vault.read(third, _row(1).record_id) == _row(1)


def test_a_retired_release_that_is_read_is_dropped_later(vault, config, monkeypatch):
    monkeypatch.setattr(load, "DROP_PAUSE_SECONDS", 0)
    first, _, _ = (_activated(vault, label) for label in "123")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT count(*) FROM vault_record_{first.number}")
        assert vault.drop_unused() == [first.number]
        cursor.execute("COMMIT")
    assert _states(vault)[first.number] == "retired"
    assert vault.drop_unused() == []


def test_a_failed_release_keeps_its_rejects_alone(vault, release):
    _load(vault, release, _row(1), rejects=[Reject(3, "ragged_row")])
    vault.fail(release, Totals(3, 1, 1))
    assert vault.drop_unused() == []
    (state,) = vault.releases()
    assert (state.state, state.size_bytes) == ("failed", None)
    assert (state.lines, state.rows, state.rejects) == (3, 1, 1)
    assert _secrets(vault, release) == (bytes(32), bytes(32))
    assert vault.rejected_lines(release, FILE.name, 3) == {3}


def test_two_jobs_exclude_each_other(config, vault, monkeypatch):
    monkeypatch.setattr(load, "LOCK_WAIT_MILLISECONDS", 100)
    with (
        Vault(config.database_url) as other,
        other.alone(),
        pytest.raises(ReleaseRefused) as refused,
        vault.alone(),
    ):
        pytest.fail("two jobs at once")
    assert refused.value.code == "ingest_running"
    with vault.alone():
        pass


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE vault_schema SET version = 5", r"version \[5\]"),
        ("DELETE FROM vault_schema", r"version \[\]"),
        ("ALTER TABLE vault_schema RENAME TO elsewhere", "no tables"),
    ],
)
def test_another_schema_is_refused_with_the_command_to_run(vault, change, told):
    undo = "DELETE FROM vault_schema; INSERT INTO vault_schema VALUES (4)"
    if "RENAME" in change:
        undo = "ALTER TABLE elsewhere RENAME TO vault_schema"
    with connection.cursor() as cursor:
        cursor.execute(change)
        try:
            with pytest.raises(DatabaseFailed, match=told) as refused:
                vault.check_schema()
        finally:
            cursor.execute(undo)
    assert "python manage.py migrate" in str(refused.value)
    vault.check_schema()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:s3cret-word@127.0.0.1:1/none",
        "postgresql://nobody:s3cret-word@127.0.0.1:port/none",
        "postgresql://nobody:s3cret-word@[/none",
        "host=/nowhere password=s3cret-word",
        "s3cret-word",
    ],
)
def test_no_error_tells_the_password(url):
    with pytest.raises(DatabaseFailed) as failed:
        Vault(url)
    assert "s3cret-word" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_a_connection_that_is_lost_is_one_error(vault, release):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'pseudonymizer'"
            # Another process of the suite has its own database on this server.
            " AND datname = current_database()"
        )
    with pytest.raises(DatabaseFailed, match="goes on where this one ended"):
        vault.count_rows(release)


def test_both_ends_give_a_silent_network_up(vault):
    """What they then do with one is in the proof `kills`: this server has no TCP."""
    asked = vault._connection.info.get_parameters()
    with vault._connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_settings WHERE source = 'session'"
            " AND name LIKE 'tcp\\_%'"
        )
        named = {name for (name,) in cursor.fetchall()}
    assert {name.removeprefix("tcp_") for name in named} == {
        name.removeprefix("tcp_") for name in asked if name in load._SILENCE
    }
    assert asked["tcp_user_timeout"] == "120000"
    assert len(named) == 4


def test_what_the_address_says_of_silence_holds(config):
    url = config.database_url + "&tcp_user_timeout=5000&connect_timeout=3"
    with Vault(url) as vault:
        asked = vault._connection.info.get_parameters()
    assert (asked["tcp_user_timeout"], asked["connect_timeout"]) == ("5000", "3")
    assert asked["keepalives_idle"] == "30"


# Files in parts


def test_a_file_is_loaded_when_all_its_parts_are(vault, release):
    first, second = Part(1, 2), Part(2, 2)
    vault.load_file(release, FILE, [SealedBatch([_row(1)], [])], 100, second)
    assert vault.parts_loaded(release) == {FILE.name: {second}}
    assert vault.file_reports(release) == {}
    batch = SealedBatch([_row(2)], [Reject(3, "ragged_row")])
    vault.load_file(release, FILE, [batch], 100, first)
    assert vault.parts_loaded(release) == {FILE.name: {first, second}}
    (report,) = vault.file_reports(release).values()
    assert (report.name, report.lines, report.rows) == (FILE.name, FILE.lines, 2)
    assert report.rejects == {"ragged_row": 1}


def test_a_part_that_is_marked_is_not_read_again(vault, release):
    def never():
        raise AssertionError
        yield

    part = Part(1, 2)
    vault.load_file(release, FILE, [SealedBatch([_row(1)], [])], 100, part)
    vault.load_file(release, FILE, never(), 100, part)
    assert vault.count_rows(release) == 1
    assert vault.parts_loaded(release) == {FILE.name: {part}}


def test_a_whole_file_is_one_part(vault, release):
    _load(vault, release, _row(1))
    assert vault.parts_loaded(release) == {FILE.name: {WHOLE}}


def test_a_duplicate_is_taken_from_a_file_in_parts(vault, release):
    for number in (1, 2):
        batch = SealedBatch([_row(1)], [])
        vault.load_file(release, FILE, [batch], 100, Part(number, 2))
    assert not vault.build_index(release)
    assert vault.find_duplicates(release) == 1
    loser = FILE.name, Reject(3, "duplicate_identity")
    vault.replace_duplicates(release, [_row(1)], [loser])
    (report,) = vault.file_reports(release).values()
    assert (report.lines, report.rows) == (FILE.lines, 1)
    assert report.rejects == {"duplicate_identity": 1}
