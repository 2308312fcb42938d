"""One prepared statement on the request's own connection, for what every request asks.

Django's cursor costs half as much again as the statement. Errors are Django's, and
whatever transaction is open holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from django.db import connection


def one_row(
    sql: LiteralString, arguments: Sequence[Any] | Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """Return the first row, None when there is none."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    with connection.wrap_database_errors, cursor:
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
