from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from histovet.usage.chart import bars
from histovet.usage.daily_counts import What
from histovet.usage.figures import STEP, Period, figures, last_day
from histovet.usage.words import CALLED, REPORTS, TABLES, Text

MONTHS_SHOWN, DAYS_SHOWN = 12, 30
# They change once a day; who looks just then waits no longer than this.
_published = cache_control(public=True, max_age=3600)

# How a file writes a count that is not given.
BELOW_STEP = f"<{STEP}"


@require_safe
@_published
def page(request: HttpRequest) -> HttpResponse:
    found = figures(last_day(timezone.now()))
    days, months = found.days[-DAYS_SHOWN:], found.months[-MONTHS_SHOWN:]
    # One month alone shows no course.
    drawn = months if len(months) > 1 else days
    latest = (months or days)[-1:]
    context = {
        "since": found.since,
        "latest": _line(latest[0], REPORTS) if latest else None,
        "latest_is_month": bool(months),
        "charts_are_by_month": drawn is months,
        "charts": [bars(CALLED[what].head, what, drawn) for what in REPORTS if drawn],
        "months": _tables(months),
        # The rest of them is in the file.
        "days": _tables(days)[:1],
        "called": CALLED.values(),
        "step": STEP,
    }
    return render(request, "usage/figures.html", context)


@dataclass(frozen=True)
class Line:
    first: dt.date
    counts: tuple[int | None, ...]


@dataclass(frozen=True)
class Table:
    """Newest first."""

    heading: Text
    heads: tuple[Text, ...]
    lines: tuple[Line, ...]


def _tables(periods: Sequence[Period]) -> list[Table]:
    return [
        Table(
            heading,
            tuple(CALLED[what].head for what in columns),
            tuple(_line(period, columns) for period in reversed(periods)),
        )
        for heading, columns in TABLES.items()
        if periods
    ]


def _line(period: Period, columns: Sequence[What]) -> Line:
    return Line(period.first, tuple(period.counts[what] for what in columns))


@require_safe
@conditional_page
@_published
def days(request: HttpRequest) -> HttpResponse:
    """Every day, the oldest first."""
    found = figures(last_day(timezone.now()))
    return _file("jour", found.days, dt.date.isoformat)


@require_safe
@conditional_page
@_published
def months(request: HttpRequest) -> HttpResponse:
    found = figures(last_day(timezone.now()))
    return _file("mois", found.months, lambda first: f"{first:%Y-%m}")


def _file(
    name: str, periods: Iterable[Period], written: Callable[[dt.date], str]
) -> HttpResponse:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([name, *(called.column for called in CALLED.values())])
    for period in periods:
        counts = (period.counts[what] for what in CALLED)
        writer.writerow(
            [
                written(period.first),
                *(BELOW_STEP if count is None else count for count in counts),
            ]
        )
    return HttpResponse(
        out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="histovet-{name}.csv"'},
    )
