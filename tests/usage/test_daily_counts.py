"""Counts of a day: added in memory, written whole, by any number of processes."""

import datetime as dt
import os
import subprocess
import sys
import threading
import time

import pytest
from django.db import DatabaseError, connection, connections

from histovet.local.state import REPOSITORY
from histovet.operation.watch import Reason, Seen, Watch
from histovet.usage.daily_counts import DailyCounts, What
from histovet.usage.models import CountOfDay
from tests.publish import database_url

NOON = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
TODAY = NOON.date()


def written() -> dict[tuple[dt.date, str], int]:
    rows = CountOfDay.objects.values_list("day", "what", "count")
    return {(day, what): count for day, what, count in rows if count}


@pytest.mark.django_db
def test_what_was_counted_is_added_to_what_is_there():
    for _ in range(2):
        counts = DailyCounts()
        counts.add(What.LINK, NOON)
        counts.add(What.LINK, NOON)
        counts.add(What.DOCUMENT, NOON)
        counts.write(NOON)
        counts.write(NOON)
    assert written() == {(TODAY, "link"): 4, (TODAY, "document"): 2}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-26T23:59:59.999999+00:00", "2026-11-26"),
        ("2026-11-27T00:00:00+00:00", "2026-11-27"),
        ("2026-11-27T00:30:00+01:00", "2026-11-26"),
        ("2026-11-26T20:00:00-05:00", "2026-11-27"),
    ],
)
def test_a_day_is_that_of_utc(moment, day):
    counts = DailyCounts()
    counts.add(What.LINK, dt.datetime.fromisoformat(moment))
    counts.write(NOON)
    assert written() == {(dt.date.fromisoformat(day), "link"): 1}


@pytest.mark.django_db
def test_the_first_day_has_every_row_whatever_happened():
    """Or its date would say that something was counted on it."""
    # A server of another test may have written its first day when it ended.
    CountOfDay.objects.all().delete()
    DailyCounts().write(NOON)
    found = CountOfDay.objects.values_list("day", "what", "count")
    assert set(found) == {(TODAY, what.value, 0) for what in What}


@pytest.mark.django_db
def test_nothing_new_asks_the_database_nothing(django_assert_num_queries):
    counts = DailyCounts()
    counts.write(NOON)
    with django_assert_num_queries(0):
        counts.write(NOON)
        counts.add(What.LINK, NOON)


@pytest.mark.django_db
def test_what_the_database_does_not_take_is_kept():
    counts = DailyCounts()
    counts.add(What.LINK, NOON)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE usage_count RENAME TO away")
    with pytest.raises(DatabaseError):
        counts.write(NOON)
    counts.add(What.LINK, NOON)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO usage_count")
    counts.write(NOON)
    assert written() == {(TODAY, "link"): 2}


@pytest.mark.django_db(transaction=True)
def test_threads_lose_nothing_while_others_write():
    counts = DailyCounts()
    start = threading.Barrier(6)

    def add() -> None:
        start.wait()
        for _ in range(2000):
            counts.add(What.SELLER_REPORT, NOON)

    def write() -> None:
        start.wait()
        try:
            for _ in range(20):
                counts.write(NOON)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for one in (add,) * 4 + (write,) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.write(NOON)
    assert written() == {(TODAY, "seller_report"): 8000}


_PROCESS = """
import datetime as dt, sys
import django
django.setup()
from histovet.usage.daily_counts import DailyCounts, What
counts = DailyCounts()
now = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
order = list(What)[::int(sys.argv[1])]
for _ in range(40):
    for what in order:
        counts.add(what, now)
    counts.write(now)
"""


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_wait_for_nobody_for_ever():
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "histovet.settings",
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, direction],
            cwd=REPOSITORY,
            env=environment,
        )
        for direction in ("1", "-1")
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    assert written() == {(TODAY, what.value): 80 for what in What}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "reason", [Reason.MAINTENANCE, Reason.DATABASE_UNREACHABLE, None]
)
def test_nothing_is_written_while_the_database_is_worked_on(counts, reason):
    one = Watch(seen=Seen(time.monotonic(), (reason,) if reason else ()))
    counts.add(What.LINK, NOON)
    one.write_counts(NOON)
    assert written() == ({} if reason else {(TODAY, "link"): 1})
    one.seen = Seen(time.monotonic(), ())
    one.write_counts(NOON)
    assert written() == {(TODAY, "link"): 1}


@pytest.mark.django_db
def test_a_table_that_is_missing_stops_no_watch(counts, caplog):
    one = Watch(seen=Seen(time.monotonic(), ()))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE usage_count RENAME TO away")
    counts.add(What.LINK, NOON)
    one.write_counts(NOON)
    assert "what was counted could not be written and is kept" in caplog.text
