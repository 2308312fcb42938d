"""Databases of a server, the embedded one or another."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from histovet.local.errors import LocalError, Stopped

# Followed by 8 hexadecimal digits; pytest-django puts test_ before its own.
_RUN_PREFIX = "histovet_run_"
_RUN_NAME = re.compile(r"(?:test_)?(histovet_run_[0-9a-f]{8})(?:_gw\d+)?")
# Roles are of the whole server: those that a run makes bear its database's name.
_RUN_ROLE = re.compile(r"(histovet_run_[0-9a-f]{8})_[a-z]+")

# A run that is being stopped has not the time to wait for a slow disk; what stays is
# dropped by a later run.
_DROP_TIMEOUT = "3s"
_STOPPED_DROP_TIMEOUT = "1s"

Connection = psycopg.Connection[tuple[object, ...]]


def ensure_database(url: str) -> None:
    """Create the database that the URL names, unless it exists."""
    name = urlsplit(url).path.removeprefix("/")
    with _connect(url) as connection:
        if name in _names(connection):
            return
        try:
            _create(connection, name)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            # Another command of ours was faster.
            return


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """Give the URL of a new database on the same server, dropped after the block.

    What killed runs left is dropped before: a run holds a lock with its database's name.
    Roles too, of which the name begins with the database's and a _.
    """
    name = _RUN_PREFIX + secrets.token_hex(4)
    with _connect(url) as connection:
        _drop_abandoned(connection)
        _lock(connection, name)
        _create(connection, name)
        timeout = _DROP_TIMEOUT
        try:
            yield with_database(url, name)
        except Stopped:
            timeout = _STOPPED_DROP_TIMEOUT
            raise
        finally:
            _drop_own(connection, name, timeout)


def with_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path="/" + name))


def _connect(url: str) -> Connection:
    try:
        return psycopg.connect(with_database(url, "postgres"), autocommit=True)
    except psycopg.OperationalError as exc:
        # Without the cause: what psycopg says may hold the URL.
        raise LocalError(
            "the PostgreSQL server of DATABASE_URL does not let us in; check the "
            "address, and that its user may connect to the database postgres"
        ) from exc


def _names(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    return [str(name) for (name,) in rows]


def _role_names(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT rolname FROM pg_roles").fetchall()
    return [str(name) for (name,) in rows]


def _create(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _drop(connection: Connection, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _drop_role(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def _lock(connection: Connection, name: str) -> bool:
    """Take the run's lock until the connection ends, or tell that it is held."""
    row = connection.execute(
        "SELECT pg_try_advisory_lock(hashtext(%s))", [name]
    ).fetchone()
    return row == (True,)


def _drop_abandoned(connection: Connection) -> None:
    for name in _names(connection):
        run = _RUN_NAME.fullmatch(name)
        if run is not None and _lock(connection, run.group(1)):
            _drop(connection, name)
    # What they owned and were granted went with the databases.
    for name in _role_names(connection):
        run = _RUN_ROLE.fullmatch(name)
        if run is not None and _lock(connection, run.group(1)):
            _drop_role(connection, name)


def _drop_own(connection: Connection, name: str, timeout: str) -> None:
    try:
        connection.execute(f"SET statement_timeout = '{timeout}'")
        _drop(connection, name)
        _drop(connection, f"test_{name}")
        for role in _role_names(connection):
            if role.startswith(f"{name}_"):
                _drop_role(connection, role)
    except psycopg.OperationalError:
        # The server was slow or is gone; a later run drops what is left.
        return
