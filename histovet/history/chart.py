"""Odometer readings → one `<svg>` element of the page or of a document. Pure.

On the page it is as wide as its place, and places are shares of that width: text keeps
the size of the page's own, where a picture that is scaled would shrink it to half on a
telephone. In a document (`plain`) it is a picture of 640 by 280 with its own colours.
"""

from __future__ import annotations

import datetime as dt
import html
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from histovet.charts import round_marks
from histovet.history.dates import ShownDate
from histovet.history.odometer import Reading
from histovet.inspections.inspected import CRITICAL, FAVOURABLE, MAJOR

WIDTH, HEIGHT = 640, 280


@dataclass(frozen=True, slots=True)
class ChartWords:
    """Already translated; `description` tells in words what the chart shows."""

    title: str
    description: str
    unit: str = "km"


# In units of the picture. On the page, on the left of the narrowest width, 288 pixels,
# "250 000" still stands clear of the first reading.
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 592, 30, 248
_MOST_YEARS = 4
_TEXT = 14

_FAILED = MAJOR | CRITICAL


@dataclass(frozen=True, slots=True)
class _Paint:
    """The attributes of each part; on the page colours come from its stylesheet."""

    svg: str
    text: str
    grid: str
    line: str
    points: str
    rings: str


_ON_PAGE = _Paint(
    svg=f'class="km" width="100%" height="{HEIGHT}"',
    text='class="soft" fill="currentColor"',
    grid='stroke="currentColor" stroke-opacity=".25"',
    line='stroke="currentColor"',
    points='class="dots" fill="currentColor"',
    rings='class="off" stroke="currentColor"',
)
_IN_DOCUMENT = _Paint(
    svg=f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"',
    text='fill="#4a5a66" font-family="Atkinson Hyperlegible Next, sans-serif"',
    grid='stroke="#cfd8dd"',
    line='stroke="#0a5060"',
    points='fill="#0a5060" stroke="#fff"',
    rings='stroke="#9d1c14"',
)


def mileage_chart(
    readings: Sequence[Reading],
    results: Sequence[str],
    *,
    at: Collection[int],
    plain: bool,
    words: ChartWords,
    number: Callable[[int], str],
) -> str:
    """Return the element, or nothing for no reading.

    `readings` are oldest first, `results` UTAC's codes beside them: a circle is a
    favourable one, a triangle an unfavourable one, a square any other. Those `at` these
    places have a ring.
    """
    if not readings:
        return ""
    scale = _Scale(readings, is_share=not plain)
    paint = _IN_DOCUMENT if plain else _ON_PAGE
    places = [(scale.across(one.date), scale.up(one.mileage_km)) for one in readings]
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {paint.svg} role="img" ',
            'aria-labelledby="mileage-title mileage-desc">',
            f'<title id="mileage-title">{html.escape(words.title)}</title>',
            f'<desc id="mileage-desc">{html.escape(words.description)}</desc>',
            '<defs><path id="mileage-no" d="M0-9 8 6h-16z"/></defs>',
            f"<g {paint.grid}>{_grid(scale)}</g>",
            f'<g {paint.text} font-size="{_TEXT}">',
            *_mileages(scale, number, html.escape(words.unit)),
            *_years(scale),
            f'</g><g {paint.line} fill="none" stroke-width="2.5">',
            _line(places, is_stretched=not plain),
            f'</g><g {paint.points} stroke-width="1.5">',
            *_points(scale, places, results),
            f'</g><g {paint.rings} fill="none" stroke-width="2.5">',
            *(
                f'<circle cx="{scale.x(across)}" cy="{up:g}" r="12"/>'
                for across, up in (places[place] for place in sorted(at))
            ),
            "</g></svg>",
        )
    )


class _Scale:
    """Where years and kilometres stand, in units of the picture."""

    def __init__(self, readings: Sequence[Reading], *, is_share: bool) -> None:
        self._is_share = is_share
        self._first = min(one.date.date.year for one in readings)
        last = max(one.date.last_day.year for one in readings) + 1
        every = math.ceil((last - self._first) / _MOST_YEARS)
        self.years = range(self._first, last + 1, every)
        self._start = dt.date(self._first, 1, 1)
        self._days = (dt.date(last, 1, 1) - self._start).days
        most = max(1_000, *(one.mileage_km for one in readings))
        self.mileages = round_marks(most)
        self._top = self.mileages[-1]

    def across(self, shown: ShownDate) -> float:
        """A coarse date stands in the middle of its period."""
        middle = shown.date + (shown.last_day - shown.date) / 2
        share = (middle - self._start).days / self._days
        return round(_LEFT + share * (_RIGHT - _LEFT), 1)

    def up(self, mileage_km: int) -> float:
        return round(_BOTTOM - mileage_km / self._top * (_BOTTOM - _TOP), 1)

    def x(self, across: float) -> str:
        return f"{across / WIDTH:.2%}" if self._is_share else f"{across:g}"


def _grid(scale: _Scale) -> str:
    heights = [scale.up(mileage) for mileage in scale.mileages]
    lines = [f'<line x2="{scale.x(WIDTH)}" y1="{up:g}" y2="{up:g}"/>' for up in heights]
    for year in scale.years:
        x = scale.x(scale.across(ShownDate(dt.date(year, 1, 1))))
        lines.append(f'<line x1="{x}" x2="{x}" y1="{_BOTTOM}" y2="{_BOTTOM + 6}"/>')
    return "".join(lines)


def _mileages(scale: _Scale, number: Callable[[int], str], unit: str) -> Iterable[str]:
    """The unit stands at nought alone, where the room beside it is widest."""
    for mileage in scale.mileages:
        text = html.escape(number(mileage))
        if not mileage:
            text = f"{text}\u00a0{unit}"
        yield f'<text y="{scale.up(mileage) - 6:g}">{text}</text>'


def _years(scale: _Scale) -> Iterable[str]:
    yield '<g text-anchor="middle">'
    for year in scale.years:
        x = scale.x(scale.across(ShownDate(dt.date(year, 1, 1))))
        yield f'<text x="{x}" y="{_BOTTOM + 23}">{year}</text>'
    yield "</g>"


def _line(places: Sequence[tuple[float, float]], *, is_stretched: bool) -> str:
    points = " ".join(f"{across:g},{up:g}" for across, up in places)
    if not is_stretched:
        return f'<polyline points="{points}"/>'
    return (
        f'<svg width="100%" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' preserveAspectRatio="none">'
        f'<polyline points="{points}" vector-effect="non-scaling-stroke"/></svg>'
    )


def _points(
    scale: _Scale,
    places: Sequence[tuple[float, float]],
    results: Sequence[str],
) -> Iterable[str]:
    points = list(zip(places, results, strict=True))
    # The last one covers its neighbours: no favourable one hides what was found.
    points.sort(key=lambda point: point[1] in _FAILED)
    for (across, up), result in points:
        x = scale.x(across)
        if result in FAVOURABLE:
            yield f'<circle cx="{x}" cy="{up:g}" r="5.5"/>'
        elif result in _FAILED:
            yield f'<use href="#mileage-no" x="{x}" y="{up:g}"/>'
        else:
            middle = 'transform="translate(-5.5-5.5)"'
            yield f'<rect x="{x}" y="{up:g}" width="11" height="11" {middle}/>'
