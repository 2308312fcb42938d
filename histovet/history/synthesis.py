"""What is known of a vehicle → may it be sold, and what stands in the way.

Pure. One table of rules: a rule that finds something gives one alert. Wording is in
labels.py. Source of each rule: docs/report.md.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from histovet.history import odometer
from histovet.history.contradictions import UNFIT, contradictions
from histovet.history.dates import ShownDate
from histovet.history.evidence import Evidence
from histovet.history.inspection_due import DueKind, first_due, pending
from histovet.history.report import DESTRUCTIONS, Report, standing
from histovet.inspections.inspected import CRITICAL, MAJOR, Absence


class Gravity(enum.Enum):
    BLOCKING = "blocking"
    CHECK = "check"
    NOTE = "note"


class Verdict(enum.Enum):
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    CHECK = "check"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing in the report that a rule looks for; `raw` is a code without a rule."""

    date: ShownDate | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """`count` is the number of things found, `dates` those of their dates known."""

    code: str
    gravity: Gravity
    count: int
    dates: tuple[ShownDate, ...]
    raw: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synthesis:
    """`alerts` by gravity, then in the order of the rules; `contradictions` by code."""

    verdict: Verdict
    alerts: tuple[Alert, ...]
    contradictions: tuple[str, ...]


Finder = Callable[[Report], Iterable[Found]]
# Sees also which alerts the rules before it gave, by code.
EvidenceFinder = Callable[[Evidence, frozenset[str]], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    gravity: Gravity
    find: EvidenceFinder


def synthesis(known: Evidence) -> Synthesis:
    """Return every alert: none hides another."""
    alerts: list[Alert] = []
    told: frozenset[str] = frozenset()
    for rule in RULES:
        if alert := _applied(rule, known, told):
            alerts.append(alert)
            told |= {alert.code}
    contradictory = contradictions(known.report, told)
    if contradictory:
        alerts.append(Alert(CONTRADICTION, Gravity.CHECK, len(contradictory), (), ()))
    alerts.sort(key=lambda alert: _ORDER[alert.gravity])
    if known.report.certificate.cancelled:
        verdict = Verdict.CANCELLED
    else:
        verdict = _VERDICTS[alerts[0].gravity] if alerts else Verdict.CLEAR
    return Synthesis(verdict, tuple(alerts), contradictory)


def _applied(rule: Rule, known: Evidence, told: frozenset[str]) -> Alert | None:
    found = tuple(rule.find(known, told))
    if not found:
        return None
    return Alert(
        code=rule.code,
        gravity=rule.gravity,
        count=len(found),
        dates=tuple(one.date for one in found if one.date),
        raw=tuple(one.raw for one in found if one.raw),
    )


# One alert for all of them: they have a table of their own.
CONTRADICTION = "contradiction"

_ORDER = {gravity: place for place, gravity in enumerate(Gravity)}
_VERDICTS = {
    Gravity.BLOCKING: Verdict.BLOCKED,
    Gravity.CHECK: Verdict.CHECK,
    Gravity.NOTE: Verdict.CLEAR,
}


def _when(condition: bool | None, date: ShownDate | None = None) -> tuple[Found, ...]:
    return (Found(date),) if condition else ()


def _opposition(kind: str) -> Finder:
    return lambda report: (Found(o.date) for o in report.oppositions if o.kind == kind)


def _suspension(*reasons: str) -> Finder:
    return lambda report: (
        Found(s.date) for s in report.suspensions if s.reason in reasons
    )


def _other_oppositions(report: Report) -> Iterable[Found]:
    return (
        Found(o.date, o.kind) for o in report.oppositions if o.kind not in _OPPOSITIONS
    )


def _other_suspensions(report: Report) -> Iterable[Found]:
    return (
        Found(s.date, s.reason)
        for s in report.suspensions
        if s.reason not in _SUSPENSIONS
    )


def _beyond_repair(report: Report) -> Iterable[Found]:
    """What the latest expert to say so says, while the procedure is not closed."""
    for procedure in report.damage.procedures:
        steps = (
            procedure.second_report,
            procedure.first_report,
            procedure.declaration,
        )
        said = [step for step in steps if step and step.repairable is not None]
        if procedure.running is not False and said and said[0].repairable is False:
            yield Found(said[0].date)


def _running_procedure(report: Report) -> Iterable[Found]:
    return (
        Found(procedure.declaration.date if procedure.declaration else None)
        for procedure in report.damage.procedures
        if procedure.running
    )


def _destroyed(report: Report) -> Iterable[Found]:
    yield from _suspension("DES", "FNIM")(report)
    yield from (Found(o.date) for o in standing(report.operations, DESTRUCTIONS))


def _claim(*, repaired: bool) -> EvidenceFinder:
    """Repaired when a resolution is on record and no alert denies it."""

    def find(known: Evidence, told: frozenset[str]) -> Iterable[Found]:
        damage = known.report.damage
        is_repaired = damage.last_resolution is not None and not told & UNFIT
        if damage.claim_count and is_repaired is repaired:
            return (Found(damage.last_claim),)
        # Of a procedure whose state nobody tells, the end is not established either.
        untold = [p for p in damage.procedures if p.running is None]
        if untold and not (damage.claim_count or repaired or told & UNFIT):
            begun = untold[0].declaration
            return (Found(begun.date if begun else None),)
        return ()

    return find


def _unfit(known: Evidence, told: frozenset[str]) -> Iterable[Found]:
    """What stops a sale says it already."""
    return _when(known.report.damage.fit_to_drive is False and not told & _STOPPING)


def _unknown_theft(report: Report) -> Iterable[Found]:
    return _when(report.vehicle_stolen is None and not report.certificate.cancelled)


def _stolen_certificate(report: Report) -> Iterable[Found]:
    return _when(report.certificate.stolen)


def _lost_certificate(report: Report) -> Iterable[Found]:
    return _when(report.certificate.lost)


def _duplicate(report: Report) -> Iterable[Found]:
    """Not for a lost or stolen one: those say already that another replaced it."""
    certificate = report.certificate
    explained = certificate.lost or certificate.stolen
    return _when(certificate.duplicate and not explained)


def _taken(known: Evidence, told: frozenset[str]) -> Iterable[Found]:
    """A professional who buys gets no certificate."""
    bought = [sale for sale in known.sales if sale.code == _PURCHASE]
    return (Found(bought[0].date),) if bought else ()


def _sold(known: Evidence, told: frozenset[str]) -> Iterable[Found]:
    """Not what a professional's purchase of that day or later says already."""
    sales = known.sales
    bought = next((s.date for s in sales if s.code == _PURCHASE), None)
    others = [sale.date for sale in sales if sale.code != _PURCHASE and sale.date]
    if not others or (bought is not None and not bought.is_before(others[0])):
        return ()
    return (Found(others[0]),)


def _mileage(
    verdict: odometer.MileageVerdict, *reasons: odometer.Reason
) -> EvidenceFinder:
    """Of verdicts and reasons that name the readings that do not fit."""

    def find(known: Evidence, told: frozenset[str]) -> Iterable[Found]:
        mileage = known.mileage
        if mileage.verdict is not verdict or (
            reasons and mileage.reason not in reasons
        ):
            return ()
        return (Found(known.readings[mileage.at[0]].date),)

    return find


def _failed(results: frozenset[str]) -> Finder:
    return lambda report: (
        Found(visit.date) for visit in pending(report) if visit.result in results
    )


def _never_inspected(report: Report) -> Iterable[Found]:
    """A car or van whose first inspection is over by law, of which none is known."""
    due = first_due(report)
    today = report.inspections.as_of or ShownDate(report.as_of)
    is_known = report.inspections.absence is Absence.NONE_RECORDED
    return _when(is_known and due is not None and due.is_before(today), due)


def _overdue(known: Evidence, told: frozenset[str]) -> Iterable[Found]:
    """Not of a counter-visit: the failure before it has its own alert."""
    due = known.next_inspection
    today = known.report.inspections.as_of or ShownDate(known.report.as_of)
    if due is None or due.kind is DueKind.COUNTER_VISIT or not due.by.is_before(today):
        return ()
    return (Found(due.by),)


def _reported(find: Finder) -> EvidenceFinder:
    """A finder that the report alone answers."""
    return lambda known, told: find(known.report)


_OPPOSITIONS = {"oveis", "oves", "otcis", "otcis_pv"}
_SUSPENSIONS = {
    "PVE", "FNIV", "DES", "FNIM", "REI", "TRA", "VOL", "PEN", "PJU", "SOR", "ADM",
}  # fmt: skip

_PURCHASE = "DECLARATION_ACHAT"

_BLOCKING, _CHECK, _NOTE = Gravity

_FALLS, _UNTOLD = (
    odometer.MileageVerdict.INCONSISTENT,
    odometer.MileageVerdict.NO_VERDICT,
)
# What a buyer should ask about, though it proves nothing.
_ODD = (
    odometer.Reason.REPLACED_COUNTER,
    odometer.Reason.UNIT_CHANGE,
    odometer.Reason.IMPLAUSIBLE_RISE,
)


def _rule(code: str, gravity: Gravity, find: Finder) -> Rule:
    return Rule(code, gravity, _reported(find))


# Within one gravity, what weighs most stands first: nothing may stand before a theft or
# an end of life.
RULES = (
    _rule("vehicle_stolen", _BLOCKING, lambda r: _when(r.vehicle_stolen)),
    _rule("irreparable", _BLOCKING, _opposition("oveis")),
    _rule("beyond_repair", _BLOCKING, _beyond_repair),
    _rule("destroyed", _BLOCKING, _destroyed),
    _rule("procedure_running", _BLOCKING, _running_procedure),
    _rule("damage_opposition", _BLOCKING, _opposition("oves")),
    _rule("damage_suspension", _BLOCKING, _suspension("PVE", "FNIV")),
    _rule("seizure", _BLOCKING, lambda r: (Found(s.date) for s in r.seizures)),
    _rule("opposition", _BLOCKING, _opposition("otcis")),
    _rule("fines", _BLOCKING, _opposition("otcis_pv")),
    _rule("other_opposition", _BLOCKING, _other_oppositions),
    _rule("penalty", _BLOCKING, _suspension("PEN")),
    _rule("police", _BLOCKING, _suspension("PJU")),
    _rule("administrative", _BLOCKING, _suspension("ADM")),
    _rule("registered_abroad", _BLOCKING, _suspension("REI")),
    _rule("left_territory", _BLOCKING, _suspension("SOR")),
    _rule("withdrawn", _BLOCKING, _suspension("VOL")),
    _rule("transformation", _BLOCKING, _suspension("TRA")),
    _rule("other_suspension", _BLOCKING, _other_suspensions),
    _rule("pledge", _CHECK, lambda r: (Found(p.date) for p in r.pledges)),
    Rule("mileage_falls", _CHECK, _mileage(_FALLS)),
    _rule("inspection_critical", _CHECK, _failed(CRITICAL)),
    _rule("inspection_failed", _CHECK, _failed(MAJOR)),
    Rule("sold_since", _CHECK, _sold),
    _rule("certificate_stolen", _CHECK, _stolen_certificate),
    _rule("certificate_lost", _CHECK, _lost_certificate),
    Rule("claim_open", _CHECK, _claim(repaired=False)),
    _rule("theft_unknown", _CHECK, _unknown_theft),
    Rule("inspection_overdue", _CHECK, _overdue),
    _rule("never_inspected", _CHECK, _never_inspected),
    Rule("unfit", _CHECK, _unfit),
    Rule("mileage_odd", _CHECK, _mileage(_UNTOLD, *_ODD)),
    Rule("mileage_slip", _NOTE, _mileage(_UNTOLD, odometer.Reason.TYPING_SLIP)),
    Rule("claim_repaired", _NOTE, _claim(repaired=True)),
    _rule("duplicate", _NOTE, _duplicate),
    Rule("taken_by_professional", _NOTE, _taken),
    _rule("imported", _NOTE, lambda r: _when(r.imported.imported)),
)

_STOPPING = frozenset(rule.code for rule in RULES if rule.gravity is _BLOCKING)
