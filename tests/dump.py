"""What a thief of the database has: every value of every table, as bytes."""

from collections.abc import Iterator

from django.db import connection


def values() -> Iterator[bytes]:
    """Yield each value of each column of each table as the bytes that it stands for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') "
            "AND table_type = 'BASE TABLE'"
        )
        tables = cursor.fetchall()
        for schema, table in tables:
            cursor.execute(f'SELECT * FROM "{schema}"."{table}"')
            for row in cursor:
                for value in row:
                    yield from _as_bytes(value)


def _as_bytes(value: object) -> Iterator[bytes]:
    if value is None:
        return
    if isinstance(value, bytes | memoryview):
        yield bytes(value)
    elif hasattr(value, "bytes"):  # a UUID
        yield value.bytes
    else:
        text = str(value)
        yield text.encode()
        try:
            yield bytes.fromhex(text)
        except ValueError:
            # No hexadecimal, and so no bytes in another dress.
            return
