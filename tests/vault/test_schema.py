"""The tables and functions that job and site agree on."""

import hashlib
import uuid
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection

from histovet.vault.models import Release

ID = uuid.UUID(int=7)


def _execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _release(state="building", label="essai"):
    return Release.objects.create(
        uuid=uuid.uuid4(),
        label=label,
        as_of="2022-06-01",
        key_version=1,
        salt=bytes(32),
        mac=bytes(32),
        state=state,
        manifest_sha256=hashlib.sha256(label.encode()).digest(),
    )


def _with_record(state):
    release = _release()
    _execute("SELECT vault_add_partition(%s::smallint)", release.number)
    _execute(
        "INSERT INTO vault_record VALUES (%s, %s, 0, 'sealed')", ID, release.number
    )
    Release.objects.filter(number=release.number).update(state=state)
    return release.number


def _read(number, record_id=ID, edition=0):
    rows = _execute(
        "SELECT release_active, generation, sealed"
        " FROM vault_read_record(%s::smallint, %s, %s)",
        number,
        edition,
        record_id,
    )
    return [(active, n, sealed and bytes(sealed)) for active, n, sealed in rows]


def test_the_migrations_are_those_of_the_models(db):
    call_command("makemigrations", "vault", check=True, dry_run=True, verbosity=0)


def test_the_schema_has_one_version(db):
    assert _execute("SELECT version FROM vault_schema") == [(4,)]
    with pytest.raises(IntegrityError):
        _execute("INSERT INTO vault_schema VALUES (5)")


@pytest.mark.parametrize(
    ("state", "active"), [("active", True), ("previous", False), ("building", False)]
)
def test_one_row_is_read_whatever_there_is(db, state, active):
    number = _with_record(state)
    assert _read(number) == [(active, 0, b"sealed")]
    # Who knows another edition of the release has to read its row again.
    assert _read(number, edition=1) == [(False, 0, b"sealed")]
    assert _read(number, uuid.UUID(int=8)) == [(active, None, None)]
    assert _read(number + 1) == [(False, None, None)]


def test_one_release_is_active(db):
    _release("active", "un")
    with pytest.raises(IntegrityError):
        _release("active", "deux")


def test_one_release_is_built_from_a_manifest(db):
    _release("building")
    _release("active")
    with pytest.raises(IntegrityError):
        _release("building")


def test_an_unknown_state_is_refused(db):
    with pytest.raises(IntegrityError):
        _release("ready")


@pytest.mark.parametrize("column", ["salt", "mac", "manifest_sha256"])
def test_a_release_row_has_whole_values(db, column):
    _release()
    with pytest.raises(IntegrityError):
        Release.objects.update(**{column: bytes(31)})


def test_a_partition_is_added_to_a_release_that_is_built(db):
    active = _release("active")
    with pytest.raises(ProgrammingError, match="not being built"):
        _execute("SELECT vault_add_partition(%s::smallint)", active.number)


def test_a_partition_is_added_once(db):
    number = _with_record("building")
    _execute("SELECT vault_add_partition(%s::smallint)", number)
    assert _read(number) == [(False, 0, b"sealed")]


@pytest.mark.parametrize("state", ["building", "active", "previous"])
def test_a_partition_in_use_is_not_dropped(db, state):
    number = _with_record(state)
    with pytest.raises(ProgrammingError, match="neither retired nor failed"):
        _execute("SELECT vault_drop_partition(%s::smallint)", number)


@pytest.mark.parametrize("state", ["retired", "failed"])
def test_a_partition_of_no_use_is_dropped(db, state):
    number = _with_record(state)
    for _ in range(2):
        _execute("SELECT vault_drop_partition(%s::smallint)", number)
    assert _read(number) == [(False, None, None)]
    assert _execute("SELECT to_regclass(%s)", f"vault_record_{number}") == [(None,)]


def test_sealed_bytes_are_not_compressed_again(db):
    number = _with_record("building")
    assert _execute(
        "SELECT attstorage FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attname = 'sealed'",
        f"vault_record_{number}",
    ) == [("e",)]


@contextmanager
def _as_role(role):
    _execute(f"SET SESSION AUTHORIZATION {role}")
    try:
        yield
    finally:
        _execute("RESET SESSION AUTHORIZATION")


@pytest.fixture
def role(db):
    """A role that owns nothing and may use the tables' schema."""
    name = f"vault_test_{uuid.uuid4().hex}"
    _execute(f"CREATE ROLE {name}")
    return name


def test_a_role_that_may_add_a_partition_fills_it_and_owns_nothing(role):
    number = _release().number
    _execute(
        f"GRANT EXECUTE ON FUNCTION vault_add_partition, vault_index_partition TO {role}"
    )
    with _as_role(role):
        _execute("SELECT vault_add_partition(%s::smallint)", number)
        _execute(
            f"INSERT INTO vault_record_{number} VALUES (%s, %s, 0, 'sealed')",
            ID,
            number,
        )
        _execute("SELECT vault_index_partition(%s::smallint)", number)
    assert _read(number) == [(False, 0, b"sealed")]
    assert _execute(
        "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", role
    ) == [(0,)]


def test_it_fills_what_the_owner_added_too(role):
    _execute(f"GRANT EXECUTE ON FUNCTION vault_add_partition TO {role}")
    number = _release().number
    _execute("SELECT vault_add_partition(%s::smallint)", number)
    with _as_role(role):
        _execute(
            f"INSERT INTO vault_record_{number} VALUES (%s, %s, 0, 'sealed')",
            ID,
            number,
        )
    assert _read(number) == [(False, 0, b"sealed")]


def test_a_role_reads_one_record_and_no_table(role):
    number = _with_record("active")
    _execute(f"GRANT EXECUTE ON FUNCTION vault_read_record TO {role}")
    with _as_role(role):
        assert _read(number) == [(True, 0, b"sealed")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM vault_record",
        "SELECT 1 FROM vault_release",
        "SELECT vault_read_record(1::smallint, 0, gen_random_uuid())",
        "SELECT vault_add_partition(1::smallint)",
        "SELECT vault_index_partition(1::smallint)",
        "SELECT vault_drop_partition(1::smallint)",
    ],
)
def test_a_role_without_a_grant_is_refused(role, statement):
    _execute(f"SET SESSION AUTHORIZATION {role}")
    with pytest.raises(ProgrammingError, match="permission denied"):
        _execute(statement)
