"""Dates as they are shown: exact, or the month or year they fall in."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass


class Precision(enum.Enum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class ShownDate:
    """`date` is the first day of the month or of the year when coarsened."""

    date: dt.date
    precision: Precision = Precision.DAY

    @property
    def last_day(self) -> dt.date:
        """The last day that this date may stand for."""
        if self.precision is Precision.MONTH:
            following = self.date.replace(day=28) + dt.timedelta(days=4)
            return following - dt.timedelta(days=following.day)
        if self.precision is Precision.YEAR:
            return self.date.replace(month=12, day=31)
        return self.date

    def is_before(self, other: ShownDate) -> bool:
        """Whether every day it may stand for is before every day of the other."""
        return self.last_day < other.date


def months_between(start: dt.date, end: dt.date) -> int:
    """Return whole months, none when the end comes first."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return max(0, months - (end.day < start.day))


def months_apart(begin: ShownDate | None, end: ShownDate | None) -> int | None:
    """Return whole months between dates as they are shown, None where one is missing
    or coarser than a month, and for one month whose days are not told."""
    if begin is None or end is None:
        return None
    if Precision.YEAR in (begin.precision, end.precision):
        return None
    if begin == end and begin.precision is Precision.MONTH:
        return None
    return months_between(begin.date, end.date)
