"""What happens on the site → one number a UTC day, with nothing of to whom.

A request adds in the memory of its process, which costs it a microsecond and no
statement; the watch of the process writes every few seconds (histovet/operation/watch.py).
"""

from __future__ import annotations

import datetime as dt
import enum
import threading
from collections import Counter

from django.db import connection, transaction

WRITE_SECONDS = 5.0
# As long as a look of the watch, whose thread writes.
_STATEMENT_MILLISECONDS = 2000

# Every process writes in the order of the key: two never wait for each other.
_ADD = """
    INSERT INTO usage_count AS before (day, what, count)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::bigint[])
    ON CONFLICT (day, what) DO UPDATE SET count = before.count + excluded.count
"""


class What(enum.StrEnum):
    """What is counted. A withheld report is none, and what is read again neither."""

    # A certificate was typed and its vehicle found; and was not.
    SELLER_REPORT = "seller_report"
    NOT_FOUND = "not_found"
    LINK = "link"
    # A buyer opened a link; partners, all together, have their own.
    BUYER_REPORT = "buyer_report"
    PARTNER_REPORT = "partner_report"
    LISTING_CHECK = "listing_check"
    DOCUMENT = "document"


class DailyCounts:
    """What one process has counted and not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Who writes last, as its process ends, waits for who is writing.
        self._writing = threading.Lock()
        self._unwritten: Counter[tuple[dt.date, What]] = Counter()
        self._has_begun = False

    def add(self, what: What, now: dt.datetime) -> None:
        day = now.astimezone(dt.UTC).date()
        with self._lock:
            self._unwritten[day, what] += 1

    def write(self, now: dt.datetime) -> None:
        """Add to the database what came since, and nought of everything at first: the
        first day of the site tells nothing of what happened on it.

        What it does not take is kept for the next time. Raises django.db.Error.
        """
        with self._writing:
            with self._lock:
                taken, self._unwritten = self._unwritten, Counter()
            added = dict(taken)
            if not self._has_begun:
                today = now.astimezone(dt.UTC).date()
                added = {(today, what): 0 for what in What} | added
            if not added:
                return
            is_written = False
            try:
                _write(added)
                self._has_begun = is_written = True
            finally:
                if not is_written:
                    with self._lock:
                        self._unwritten.update(taken)


def _write(added: dict[tuple[dt.date, What], int]) -> None:
    rows = sorted(added.items())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {_STATEMENT_MILLISECONDS}")
        cursor.execute(
            _ADD,
            [
                [day for (day, _what), _count in rows],
                [what.value for (_day, what), _count in rows],
                [count for _key, count in rows],
            ],
        )


daily_counts = DailyCounts()
