"""A Django cache that counts: whole numbers, atomically, in one PostgreSQL table."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import DatabaseError, connection

from histovet.limits.keys import counter_digest
from histovet.statements import one_row

# For what is never to expire: a counter that outlives every reader. PostgreSQL's own
# infinity cannot be subtracted from.
_FOREVER_SECONDS = 100 * 365 * 24 * 3600.0

# Counters that one thread may know to exist; as many again as a busy second makes.
_KNOWN_MAX = 1000


class CountingCache(BaseCache):
    """Whole numbers alone, each with an expiry; what has expired does not exist.

    Every call is one statement on the request's own connection, which commits by
    itself: a failing request keeps what it counted. A caller inside `atomic()` gives
    that up. Keys are stored as HMACs, never as they are given. The table is that of
    migration 0001, whatever LOCATION says.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        # Digest → when it expires, on this process's monotonic clock. Django makes
        # one cache for each thread.
        self._known: dict[bytes, float] = {}

    def add(
        self,
        key: str,
        value: int,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """False without asking when this thread has seen the counter and it lasts:
        counting adds before each increment, and the answer is then known."""
        digest = self._digest(key, version)
        if self._seconds_left(digest) is not None:
            return False
        seconds = self._seconds(timeout)
        before = time.monotonic()
        added = one_row(
            """
            INSERT INTO limits_counter AS counter (digest, value, expires_at)
            VALUES (%s, %s, statement_timestamp() + %s * interval '1 second')
            ON CONFLICT (digest) DO UPDATE
            SET value = excluded.value, expires_at = excluded.expires_at
            WHERE counter.expires_at <= statement_timestamp()
            RETURNING value
            """,
            (digest, _whole(value), seconds),
        )
        if added is None:
            return False
        self._learn(digest, before + seconds)
        return True

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError when there is no such counter."""
        digest = self._digest(key, version)
        delta = _whole(delta)
        seconds = self._seconds_left(digest)
        if seconds is not None:
            return self._count(digest, delta, seconds)
        before = time.monotonic()
        row = one_row(
            """
            UPDATE limits_counter SET value = value + %s
            WHERE digest = %s AND expires_at > statement_timestamp()
            RETURNING value,
                extract(epoch FROM expires_at - statement_timestamp())::float8
            """,
            (delta, digest),
        )
        if row is None:
            raise ValueError("there is no such counter, or it has expired")
        value, seconds = row
        self._learn(digest, before + seconds)
        return value

    def get(
        self, key: str, default: Any = None, version: int | None = None
    ) -> int | Any:
        row = one_row(
            """
            SELECT value FROM limits_counter
            WHERE digest = %s AND expires_at > statement_timestamp()
            """,
            (self._digest(key, version),),
        )
        return default if row is None else row[0]

    def get_many(
        self, keys: Iterable[str], version: int | None = None
    ) -> dict[str, int]:
        names = {self._digest(key, version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT digest, value FROM limits_counter
                WHERE digest = ANY(%s) AND expires_at > statement_timestamp()
                """,
                (list(names),),
            )
            return {names[bytes(digest)]: value for digest, value in cursor}

    def set(
        self,
        key: str,
        value: int,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        digest = self._digest(key, version)
        self._known.pop(digest, None)
        one_row(
            """
            INSERT INTO limits_counter (digest, value, expires_at)
            VALUES (%s, %s, statement_timestamp() + %s * interval '1 second')
            ON CONFLICT (digest) DO UPDATE
            SET value = excluded.value, expires_at = excluded.expires_at
            RETURNING value
            """,
            (digest, _whole(value), self._seconds(timeout)),
        )

    def touch(
        self,
        key: str,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        digest = self._digest(key, version)
        self._known.pop(digest, None)
        touched = one_row(
            """
            UPDATE limits_counter
            SET expires_at = statement_timestamp() + %s * interval '1 second'
            WHERE digest = %s AND expires_at > statement_timestamp()
            RETURNING value
            """,
            (self._seconds(timeout), digest),
        )
        return touched is not None

    def delete(self, key: str, version: int | None = None) -> bool:
        digest = self._digest(key, version)
        self._known.pop(digest, None)
        deleted = one_row(
            """
            DELETE FROM limits_counter WHERE digest = %s
            RETURNING expires_at > statement_timestamp()
            """,
            (digest,),
        )
        return deleted is not None and deleted[0]

    def clear(self) -> None:
        self._known.clear()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM limits_counter")

    def purge(self) -> int:
        """Return how many expired counters were deleted."""
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM limits_counter WHERE expires_at <= statement_timestamp()"
            )
            return cursor.rowcount

    def _count(self, digest: bytes, delta: int, seconds: float) -> int:
        # Not an UPDATE: a counter that was seen may have been deleted since, and then
        # the count starts again rather than failing.
        row = one_row(
            """
            INSERT INTO limits_counter AS counter (digest, value, expires_at)
            VALUES (%s, %s, statement_timestamp() + %s * interval '1 second')
            ON CONFLICT (digest) DO UPDATE SET
                value = excluded.value + CASE
                    WHEN counter.expires_at > statement_timestamp()
                    THEN counter.value ELSE 0 END,
                expires_at = CASE
                    WHEN counter.expires_at > statement_timestamp()
                    THEN counter.expires_at ELSE excluded.expires_at END
            RETURNING value
            """,
            (digest, delta, seconds),
        )
        if row is None:
            raise DatabaseError("the counter was neither written nor returned")
        return row[0]

    def _digest(self, key: str, version: int | None) -> bytes:
        return counter_digest(self.make_key(key, version))

    def _seconds(self, timeout: Any) -> float:
        if timeout is DEFAULT_TIMEOUT:
            timeout = self.default_timeout
        return _FOREVER_SECONDS if timeout is None else float(timeout)

    def _seconds_left(self, digest: bytes) -> float | None:
        """Return for how long a counter seen by this thread still exists, else None."""
        until = self._known.get(digest)
        if until is None:
            return None
        left = until - time.monotonic()
        if left > 0:
            return left
        del self._known[digest]
        return None

    def _learn(self, digest: bytes, until: float) -> None:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[digest] = until


def _whole(value: int) -> int:
    # A bool is an int to Python and a mistake here.
    if type(value) is not int:
        raise TypeError(f"the cache counts whole numbers, not {type(value).__name__}")
    return value
