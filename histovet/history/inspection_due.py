"""When the next technical inspection is due, if that can be told. Pure.

For cars and vans alone. Source: code de la route, article R. 323-22; arrêté of 18 June
1991, articles 4 to 8; docs/mileage.md.
"""

from __future__ import annotations

import calendar
import datetime as dt
import enum
from dataclasses import dataclass

from histovet.history.dates import Precision, ShownDate
from histovet.history.report import Report, ShownInspection
from histovet.inspections.inspected import CRITICAL, FAVOURABLE, MAJOR, Absence


class DueKind(enum.Enum):
    FIRST = "first"
    PERIODIC = "periodic"
    COUNTER_VISIT = "counter-visit"


@dataclass(frozen=True, slots=True)
class Due:
    """`by` is the last day, `opens` the first one of a first inspection. `drives_until`
    is the day of a critical failure: after it the vehicle may not be driven before its
    counter-visit. None where a coarse date does not tell."""

    kind: DueKind
    by: ShownDate
    opens: ShownDate | None = None
    drives_until: ShownDate | None = None


# The last may be heavy as well: its mass has to be known.
_LIGHT_BY_LAW = frozenset(("VP", "CTTE"))
_LIGHT = _LIGHT_BY_LAW | {"VASP"}
_MAX_LIGHT_KG = 3_500
# These are inspected every year, and a farm's vehicles under other rules.
_YEARLY_BODIES = frozenset(("AMBULANC", "DEPANNAG"))
_COLLECTION = "COL"
_OTHER_RULES = frozenset(("AGR",))
_FIRST_INSPECTED_COLLECTION_YEAR = 1960

_FIRST_AFTER, _FIRST_WINDOW = 48, 6
_VALID, _VALID_COLLECTION = 24, 60
_COUNTER_VISIT = 2


def next_due(report: Report) -> Due | None:
    """Return what is due next, past or to come; None when it cannot be told."""
    if report.inspections.absence not in (None, Absence.NONE_RECORDED):
        return None
    if not _is_ruled(report):
        return None
    is_collection = _COLLECTION in report.usages
    newest_first = report.inspections.listed
    periodic = next((one for one in newest_first if one.nature == "VTP"), None)
    if periodic:
        newer = newest_first[: newest_first.index(periodic)]
        last = next((one for one in newer if one.nature == "CV"), periodic)
        return _after(periodic, last, _VALID_COLLECTION if is_collection else _VALID)
    if newest_first or is_collection or report.imported.imported:
        return None
    source = report.inspections.as_of
    as_of = source.last_day if source else report.as_of
    return _first(report.first_registration, as_of)


def first_due(report: Report) -> ShownDate | None:
    """Return the last day for the first inspection; None when it cannot be told."""
    if _COLLECTION in report.usages or report.imported.imported:
        return None
    first = report.first_registration
    return _later(first, _FIRST_AFTER) if first and _is_ruled(report) else None


# What is asked of a visit is settled by the next one of its family.
_FAMILIES = {"VTP": "periodic", "CV": "periodic", "VTC": "extra", "CVC": "extra"}


def pending(report: Report) -> list[ShownInspection]:
    """Return the visits that failed and that no later one has settled, newest first. A
    visit that was postponed, or has an unknown result, settles nothing; a periodic one
    that passed settles the extra ones before it too."""
    settled: set[str] = set()
    found = []
    for visit in report.inspections.listed:
        family = _FAMILIES.get(visit.nature, visit.nature)
        passed = visit.result in FAVOURABLE
        failed = visit.result in MAJOR | CRITICAL
        if family in settled or not (passed or failed):
            continue
        settled.add(family)
        if failed:
            found.append(visit)
        elif family == "periodic":
            settled.add("extra")
    return found


def _is_ruled(report: Report) -> bool:
    vehicle = report.vehicle
    mass = vehicle.max_laden_mass_kg
    if mass is None:
        is_light = vehicle.genre in _LIGHT_BY_LAW
    else:
        is_light = vehicle.genre in _LIGHT and mass <= _MAX_LIGHT_KG
    if not is_light or vehicle.body in _YEARLY_BODIES:
        return False
    if report.subject_to_inspection is False or _OTHER_RULES & set(report.usages):
        return False
    if _COLLECTION not in report.usages:
        return True
    first = report.first_registration
    return first is not None and first.date.year >= _FIRST_INSPECTED_COLLECTION_YEAR


def _after(
    periodic: ShownInspection, last: ShownInspection, valid_months: int
) -> Due | None:
    """A counter-visit is due, and its success is valid, from the periodic inspection on.
    What is asked of one again after two months is a periodic inspection."""
    if last.result in FAVOURABLE:
        by = _later(periodic.date, valid_months)
        return None if by is None else Due(DueKind.PERIODIC, by)
    if last.result not in MAJOR | CRITICAL:
        return None
    by = _later(periodic.date, _COUNTER_VISIT)
    if by is None:
        return None
    critical = last.result in CRITICAL
    return Due(DueKind.COUNTER_VISIT, by, drives_until=last.date if critical else None)


def _first(registered: ShownDate | None, as_of: dt.date) -> Due | None:
    by = _later(registered, _FIRST_AFTER) if registered else None
    # Of an older vehicle without one on record, the source does not reach back so far.
    if by is None or by.last_day < as_of:
        return None
    return Due(DueKind.FIRST, by, opens=_later(by, -_FIRST_WINDOW))


def _later(shown: ShownDate, months: int) -> ShownDate | None:
    """Return a date as coarse; None for months counted from a year."""
    if shown.precision is Precision.YEAR and months % 12:
        return None
    year, month = divmod(shown.date.year * 12 + shown.date.month - 1 + months, 12)
    day = min(shown.date.day, calendar.monthrange(year, month + 1)[1])
    return ShownDate(dt.date(year, month + 1, day), shown.precision)
