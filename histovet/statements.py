"""One prepared statement, for what every request asks.

Django's cursor costs half as much again as the statement, and its connection, opened and
closed for a request, as much as both. Errors are Django's, and whatever transaction is
open holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, cast

import psycopg
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

_Arguments = Sequence[Any] | Mapping[str, Any]


def one_row(sql: LiteralString, arguments: _Arguments) -> tuple[Any, ...] | None:
    """Return the first row, None when there is none."""
    wrapper = cast(DatabaseWrapper, connection)
    with wrapper.wrap_database_errors:
        if wrapper.connection is not None or wrapper.pool is None:
            wrapper.ensure_connection()
            return _first_row(wrapper.connection, sql, arguments)
        # None is open, so no transaction is: one of the pool for this statement alone.
        wrapper.pool.open()
        pooled = wrapper.pool.getconn()
        try:
            # One that was closed within a transaction comes back as it was in it.
            if not pooled.autocommit:
                pooled.autocommit = True
            return _first_row(pooled, sql, arguments)
        finally:
            wrapper.pool.putconn(pooled)


def _first_row(
    link: psycopg.Connection, sql: LiteralString, arguments: _Arguments
) -> tuple[Any, ...] | None:
    with psycopg.Cursor(link) as cursor:
        cursor.execute(sql, arguments, prepare=True, binary=True)
        return cursor.fetchone()


def array_of_bytes(values: Iterable[bytes]) -> str:
    """Return what PostgreSQL reads as bytea[].

    psycopg looks at each list anew for the type of its elements, which takes as long as
    all other values of a statement together.
    """
    return "{" + ",".join(f"\\\\x{value.hex()}" for value in values) + "}"


def array_of_numbers(values: Iterable[int]) -> str:
    """Return what PostgreSQL reads as an array of whole numbers of any size."""
    return "{" + ",".join(map(str, values)) + "}"
