"""Counts of one thing → where the bars of their chart stand. Pure.

Places across are shares of the width, so that text keeps the size of the page's own;
heights are pixels (templates/usage/_chart.html).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from histovet.charts import round_marks
from histovet.usage.daily_counts import What
from histovet.usage.figures import STEP, Period
from histovet.usage.words import Text

HEIGHT = 190
_TOP, _BOTTOM = 24, 160
# In hundredths of the width: "250 000" stands clear of the first bar on a telephone.
_LEFT, _RIGHT = 24.0, 100.0
_FILLED = 0.7
# What is below ten is seen to be there.
_LEAST_HEIGHT = 2


@dataclass(frozen=True)
class Bar:
    x: str
    y: int
    width: str
    height: int


@dataclass(frozen=True)
class Mark:
    """A line across at `y`, and its text."""

    value: int
    y: int

    @property
    def text_y(self) -> int:
        return self.y - 5


@dataclass(frozen=True)
class Chart:
    """`name` begins its ids; `first` and `last` are the periods at its ends, `most` is
    the highest count, None when all are below STEP."""

    title: Text
    name: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    first: dt.date
    last: dt.date
    most: int | None

    height = HEIGHT
    left = f"{_LEFT:g}%"
    baseline = _BOTTOM
    labels_y = _BOTTOM + 22


def bars(title: Text, what: What, periods: Sequence[Period]) -> Chart:
    """`periods` are one or more, oldest first."""
    counts = [period.counts[what] for period in periods]
    known = [count for count in counts if count is not None]
    marks = round_marks(max(4 * STEP, *known, 0))
    step = (_RIGHT - _LEFT) / len(counts)
    width = step * _FILLED
    return Chart(
        title,
        what.value.replace("_", "-"),
        tuple(
            _bar(_LEFT + place * step + (step - width) / 2, width, count, marks[-1])
            for place, count in enumerate(counts)
        ),
        tuple(Mark(value, _up(value, marks[-1])) for value in marks),
        periods[0].first,
        periods[-1].first,
        max(known, default=None),
    )


def _bar(x: float, width: float, count: int | None, top: int) -> Bar:
    height = max(_BOTTOM - _up(count or 0, top), _LEAST_HEIGHT)
    return Bar(f"{x:.2f}%", _BOTTOM - height, f"{width:.2f}%", height)


def _up(count: int, top: int) -> int:
    return round(_BOTTOM - count / top * (_BOTTOM - _TOP))
