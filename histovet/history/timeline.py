"""A report's operations → what happened to the vehicle, newest first. Pure.

An opening is told with its closing, the steps of one damage procedure are one story,
and a long silence is said. Source: docs/report.md.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from histovet.history.dates import ShownDate, months_apart
from histovet.history.labels import INTERNAL_OPERATIONS
from histovet.history.report import (
    NEW_HOLDERS,
    SALES,
    Report,
    ShownOperation,
    ShownProcedure,
    ShownStep,
    newest_first,
    standing,
)
from histovet.history.tenures import Tenure, tenures


class EventKind(enum.Enum):
    """Values stand in addresses."""

    HOLDERS = "titulaires"
    PLEDGES = "gages"
    MEASURES = "oppositions"
    DAMAGE = "sinistres"
    OTHER = "autres"


class Standing(enum.Enum):
    """What became of something that was opened."""

    CLOSED = "closed"
    OPEN = "open"
    # The register's situation has none any more, and its history no closing.
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Happening:
    """One operation. `closed_on` is the day of the closing; `standing` is None for what
    opens nothing, and where the register does not tell."""

    kind: EventKind
    date: ShownDate | None
    operation: ShownOperation
    tenure: Tenure | None = None
    standing: Standing | None = None
    closed_on: ShownDate | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One damage procedure, dated by its first step, with every step that is known from
    the history or from the procedure itself."""

    date: ShownDate | None
    procedure: ShownProcedure
    kind: EventKind = EventKind.DAMAGE


class Silence(enum.Enum):
    LONG = "long"  # nothing on record for years
    ABROAD = "abroad"  # before an import
    BEFORE = "before"  # the first holder is not known


@dataclass(frozen=True, slots=True)
class Gap:
    """`months` is None where nobody knows how long."""

    why: Silence
    months: int | None = None


Entry = Happening | Story | Gap

# Many hold a vehicle for less without giving the register anything to enter.
SILENCE_MONTHS = 8 * 12

_PLEDGES = frozenset(
    ("INSCRIPTION_GAGE", "PROROG_GAGE", "CESSION_GAGE", "RADIATION_GAGE",
     "INSCRIRE_DVS", "RENOUV_DVS", "LEVER_DVS")
)  # fmt: skip
_MEASURES = frozenset(
    ("INSCRIRE_OTCI", "LEVER_OTCI", "INSCRIRE_OPPOSITION", "LEVER_OPPOSITION",
     "IMMOBILISATION_VEHICULE", "IMMOBILISATION_VEHICULE_ADM",
     "LEVEE_IMMOBILISATION_VEHICULE", "RETRAIT_VOLONTAIRE", "REMISE_CIRC_RETRAIT_VOL",
     "SORTIE_TERRITOIRE", "REMISE_CIRC_SORTIE_TERR", "REIMMAT_ETRANGER",
     "RETOUR_REIMMAT_ETR", "DECLARATION_DESTRUCTION", "DESTRUCTION_VEHICULE")
)  # fmt: skip
_DAMAGE = frozenset(
    ("DEC_VE", "PREM_RAP_VE", "SEC_RAP_VE", "INSCRIRE_OVE", "LEVER_OVE")
)
_HOLDERS = (
    NEW_HOLDERS
    | SALES
    | frozenset(
        ("CHANG_TIT_PREDEMANDE_INTERNET", "CHANG_TIT_DIPLO", "CHANG_LOC",
         "CHANG_LOC_CVN", "IMMAT_NORMALE_PREM_ETRANGER",
         "IMMAT_NORMALE_SOURCE_INCERTAINE", "IVN_CARROSSIER_QUALIFIE")
    )
)  # fmt: skip
_KINDS = {
    code: kind
    for kind, codes in (
        (EventKind.HOLDERS, _HOLDERS),
        (EventKind.PLEDGES, _PLEDGES),
        (EventKind.MEASURES, _MEASURES),
        (EventKind.DAMAGE, _DAMAGE),
    )
    for code in codes
}

# What opens something → what closes it.
_CLOSED_BY = {
    "INSCRIPTION_GAGE": "RADIATION_GAGE",
    "INSCRIRE_DVS": "LEVER_DVS",
    "INSCRIRE_OTCI": "LEVER_OTCI",
    "INSCRIRE_OPPOSITION": "LEVER_OPPOSITION",
    "INSCRIRE_OVE": "LEVER_OVE",
    "IMMOBILISATION_VEHICULE": "LEVEE_IMMOBILISATION_VEHICULE",
    "IMMOBILISATION_VEHICULE_ADM": "LEVEE_IMMOBILISATION_VEHICULE",
    "RETRAIT_VOLONTAIRE": "REMISE_CIRC_RETRAIT_VOL",
    "SORTIE_TERRITOIRE": "REMISE_CIRC_SORTIE_TERR",
    "REIMMAT_ETRANGER": "RETOUR_REIMMAT_ETR",
}
_CLOSING = frozenset(_CLOSED_BY.values())

# Operation → the step of the procedure that it names.
_STEPS = {
    "DEC_VE": "declaration",
    "PREM_RAP_VE": "first_report",
    "SEC_RAP_VE": "second_report",
}


def timeline(report: Report) -> list[Entry]:
    """Return every operation but the administration's internal ones, newest first."""
    told = _told_in_stories(report)
    held = tenures(report)
    fates = _fates(report)
    entries: list[Happening | Story] = [
        Happening(
            _KINDS.get(operation.code, EventKind.OTHER),
            operation.date,
            operation,
            held.get(place),
            *fates.get(place, (None, None)),
        )
        for place, operation in enumerate(report.operations)
        if place not in told and operation.code not in INTERNAL_OPERATIONS
    ]
    if stories := [_story(procedure) for procedure in _procedures(report)]:
        entries = newest_first([*entries, *stories])
    return list(_with_gaps(entries, report))


def _told_in_stories(report: Report) -> set[int]:
    return {
        place
        for place, operation in enumerate(report.operations)
        if _is_step(operation)
    }


def _is_step(operation: ShownOperation) -> bool:
    return (
        operation.code in _STEPS
        and operation.procedure is not None
        and not operation.cancelled
    )


def _procedures(report: Report) -> Iterator[ShownProcedure]:
    """Yield each procedure with the steps that the history alone tells."""
    steps: dict[str, dict[str, ShownStep]] = defaultdict(dict)
    for operation in report.operations:
        if operation.procedure is not None and _is_step(operation):
            name = _STEPS[operation.code]
            steps[operation.procedure][name] = ShownStep(
                operation.date, operation.expert, None, None
            )
    for procedure in report.damage.procedures:
        yield _completed(procedure, steps.pop(procedure.number or "", {}))
    for number, known in steps.items():
        yield _completed(ShownProcedure(number, None, None, None, None), known)


def _completed(procedure: ShownProcedure, told: dict[str, ShownStep]) -> ShownProcedure:
    return dataclasses.replace(
        procedure,
        declaration=_step(procedure.declaration, told.get("declaration")),
        first_report=_step(procedure.first_report, told.get("first_report")),
        second_report=_step(procedure.second_report, told.get("second_report")),
    )


def _step(own: ShownStep | None, told: ShownStep | None) -> ShownStep | None:
    """Return the step; of one that both know, what the procedure itself says stands."""
    if own is None or told is None:
        return own or told
    return dataclasses.replace(
        own, date=own.date or told.date, expert=own.expert or told.expert
    )


def _story(procedure: ShownProcedure) -> Story:
    steps = (procedure.declaration, procedure.first_report, procedure.second_report)
    return Story(
        next((step.date for step in steps if step and step.date), None), procedure
    )


def _fates(report: Report) -> dict[int, tuple[Standing | None, ShownDate | None]]:
    """Return what became of each opening, under its place in the operations.

    A closing is that of the one thing open then; of several nobody knows which.
    """
    fates: dict[int, tuple[Standing | None, ShownDate | None]] = {}
    opened: dict[str, list[int]] = defaultdict(list)
    for place in range(len(report.operations) - 1, -1, -1):
        operation = report.operations[place]
        if operation.cancelled:
            continue
        if closing := _CLOSED_BY.get(operation.code):
            opened[closing].append(place)
        elif operation.code in _CLOSING:
            waiting = opened[operation.code]
            if len(waiting) == 1:
                fates[waiting[0]] = Standing.CLOSED, operation.date
            waiting.clear()
    today = _still_standing(report)
    for closing, places in opened.items():
        if closing not in today:
            continue
        now = today[closing]
        for place in places:
            if not now:
                fates[place] = Standing.LAPSED, None
            elif now >= len(places):
                fates[place] = Standing.OPEN, None
    return fates


def _still_standing(report: Report) -> dict[str, int]:
    """Return how many of each the situation has today, under what closes them."""
    kinds = [opposition.kind for opposition in report.oppositions]
    return {
        "RADIATION_GAGE": len(report.pledges),
        "LEVER_DVS": len(report.seizures),
        "LEVER_OTCI": sum(kind.startswith("otci") for kind in kinds),
        "LEVER_OVE": sum(kind.startswith("ove") for kind in kinds),
    }


def _with_gaps(entries: Iterable[Happening | Story], report: Report) -> Iterator[Entry]:
    inspected = sorted(
        (i.date for i in report.inspections.listed), key=lambda d: d.date, reverse=True
    )
    later: ShownDate | None = ShownDate(report.as_of)
    for entry in entries:
        if entry.date is not None and later is not None:
            if months := _silence(entry.date, later, inspected):
                yield Gap(Silence.LONG, months)
            later = entry.date
        yield entry
    if report.imported.imported:
        yield Gap(Silence.ABROAD)
    elif report.uncertain_origin:
        yield Gap(Silence.BEFORE)


def _silence(
    earlier: ShownDate, later: ShownDate, inspected: Iterable[ShownDate]
) -> int | None:
    """Return the longest time without anything on record, None when it is not long."""
    longest = 0
    end = later
    for date in [*(d for d in inspected if _is_between(d, earlier, later)), earlier]:
        longest = max(longest, months_apart(date, end) or 0)
        end = date
    return longest if longest >= SILENCE_MONTHS else None


def _is_between(date: ShownDate, earlier: ShownDate, later: ShownDate) -> bool:
    return earlier.date <= date.date <= later.date


def sales_since_last_holder(report: Report) -> list[ShownOperation]:
    """Return the sales that stand, dated after the last change of holder for certain,
    newest first."""
    holders = [o.date for o in standing(report.operations, NEW_HOLDERS) if o.date]
    last = max(holders, key=attrgetter("last_day"), default=None)
    return [
        sale
        for sale in standing(report.operations, SALES)
        if sale.date and (last is None or last.is_before(sale.date))
    ]
