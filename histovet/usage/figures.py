"""What is published of the counts: no day before it is over, nothing exact, nothing small.

Source: docs/figures.md.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from histovet.usage.daily_counts import What
from histovet.usage.models import CountOfDay

# To the nearest of these, and below the first nothing but that it is below.
STEP = 10
# Every process has written its last seconds by then.
_SETTLED = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Period:
    """A day, or a month by its first. A count is rounded, None when it is below STEP,
    nought included."""

    first: dt.date
    counts: Mapping[What, int | None]


@dataclass(frozen=True)
class Figures:
    """Oldest first and without a gap, since the day of the site's first count."""

    since: dt.date | None
    days: tuple[Period, ...] = ()
    months: tuple[Period, ...] = ()


def rounded(count: int) -> int | None:
    """Return the count to the nearest ten, halves upwards; None below ten."""
    return None if count < STEP else (count + STEP // 2) // STEP * STEP


def last_day(now: dt.datetime) -> dt.date:
    """Return the last UTC day that is over for long enough to be published."""
    return (now - _SETTLED).astimezone(dt.UTC).date() - dt.timedelta(days=1)


@functools.lru_cache(maxsize=1)
def figures(until: dt.date) -> Figures:
    """Return what is published when `until` is the last day.

    Once a day in a process: what came late does not change what was read already.
    """
    counts = CountOfDay.objects.filter(day__lte=until)
    since = counts.order_by("day").values_list("day", flat=True).first()
    if since is None:
        return Figures(None)
    by_day = _summed(counts.values_list("day", "what", "count"))
    # Of a month that is not over, each day would tell what the one before it did not.
    ended = counts.filter(day__lt=_first_of_month(until + dt.timedelta(days=1)))
    by_month = _summed(
        ended.annotate(month=TruncMonth("day"))
        .values_list("month", "what")
        .annotate(Sum("count"))
    )
    return Figures(
        since,
        tuple(_period(day, by_day) for day in _days(since, until)),
        tuple(_period(month, by_month) for month in _months(since, until)),
    )


_Counts = Mapping[tuple[dt.date, str], int]


def _summed(rows: Iterable[tuple[dt.date, str, int]]) -> _Counts:
    return {(first, what): int(count) for first, what, count in rows}


def _period(first: dt.date, counts: _Counts) -> Period:
    return Period(first, {what: rounded(counts.get((first, what), 0)) for what in What})


def _days(since: dt.date, until: dt.date) -> Iterator[dt.date]:
    for number in range((until - since).days + 1):
        yield since + dt.timedelta(days=number)


def _months(since: dt.date, until: dt.date) -> Iterator[dt.date]:
    """Yield the first of each month of which a day was counted and the last is over."""
    month = _first_of_month(since)
    while (following := _first_of_month(month + dt.timedelta(days=31))) <= (
        until + dt.timedelta(days=1)
    ):
        yield month
        month = following


def _first_of_month(day: dt.date) -> dt.date:
    return day.replace(day=1)
