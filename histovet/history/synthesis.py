"""A report → may the vehicle be sold, and what stands in the way.

Pure. One table of rules: a rule that finds something gives one alert. Wording is in
labels.py. Source of each rule: docs/report.md.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from histovet.history.report import Report, ShownDate


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
    """`alerts` by gravity, then in the order of the rules."""

    verdict: Verdict
    alerts: tuple[Alert, ...]

    @property
    def denies_fitness(self) -> bool:
        """Whether an alert says that the vehicle may not be driven."""
        return any(alert.code in _UNFIT for alert in self.alerts)


Finder = Callable[[Report], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    gravity: Gravity
    find: Finder


def synthesis(report: Report) -> Synthesis:
    """Return every alert: none hides another."""
    alerts = [alert for rule in RULES if (alert := _applied(rule, report))]
    alerts.sort(key=lambda alert: _ORDER[alert.gravity])
    if report.certificate.cancelled:
        verdict = Verdict.CANCELLED
    else:
        verdict = _VERDICTS[alerts[0].gravity] if alerts else Verdict.CLEAR
    return Synthesis(verdict, tuple(alerts))


def _applied(rule: Rule, report: Report) -> Alert | None:
    found = tuple(rule.find(report))
    if not found:
        return None
    return Alert(
        code=rule.code,
        gravity=rule.gravity,
        count=len(found),
        dates=tuple(one.date for one in found if one.date),
        raw=tuple(one.raw for one in found if one.raw),
    )


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


def _is_repaired(report: Report) -> bool:
    """A resolution is on record and no rule finds what denies it."""
    denied = any(any(rule.find(report)) for rule in RULES if rule.code in _UNFIT)
    return report.damage.last_resolution is not None and not denied


def _claim(*, repaired: bool) -> Finder:
    def find(report: Report) -> Iterable[Found]:
        if not report.damage.claim_count or _is_repaired(report) is not repaired:
            return ()
        return (Found(report.damage.last_claim),)

    return find


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


_OPPOSITIONS = {"oveis", "oves", "otcis", "otcis_pv"}
_SUSPENSIONS = {
    "PVE", "FNIV", "DES", "FNIM", "REI", "TRA", "VOL", "PEN", "PJU", "SOR", "ADM",
}  # fmt: skip

# Nothing may be called fit to drive beside one of these.
_UNFIT = {
    "irreparable", "beyond_repair", "destroyed", "procedure_running",
    "damage_opposition", "damage_suspension",
}  # fmt: skip

_BLOCKING, _CHECK, _NOTE = Gravity

# Within one gravity, what weighs most stands first: nothing may stand before a theft or
# an end of life.
RULES = (
    Rule("vehicle_stolen", _BLOCKING, lambda r: _when(r.vehicle_stolen)),
    Rule("irreparable", _BLOCKING, _opposition("oveis")),
    Rule("beyond_repair", _BLOCKING, _beyond_repair),
    Rule("destroyed", _BLOCKING, _suspension("DES", "FNIM")),
    Rule("procedure_running", _BLOCKING, _running_procedure),
    Rule("damage_opposition", _BLOCKING, _opposition("oves")),
    Rule("damage_suspension", _BLOCKING, _suspension("PVE", "FNIV")),
    Rule("seizure", _BLOCKING, lambda r: (Found(s.date) for s in r.seizures)),
    Rule("opposition", _BLOCKING, _opposition("otcis")),
    Rule("fines", _BLOCKING, _opposition("otcis_pv")),
    Rule("other_opposition", _BLOCKING, _other_oppositions),
    Rule("penalty", _BLOCKING, _suspension("PEN")),
    Rule("police", _BLOCKING, _suspension("PJU")),
    Rule("administrative", _BLOCKING, _suspension("ADM")),
    Rule("registered_abroad", _BLOCKING, _suspension("REI")),
    Rule("left_territory", _BLOCKING, _suspension("SOR")),
    Rule("withdrawn", _BLOCKING, _suspension("VOL")),
    Rule("transformation", _BLOCKING, _suspension("TRA")),
    Rule("other_suspension", _BLOCKING, _other_suspensions),
    Rule("pledge", _CHECK, lambda r: (Found(p.date) for p in r.pledges)),
    Rule("certificate_stolen", _CHECK, _stolen_certificate),
    Rule("certificate_lost", _CHECK, _lost_certificate),
    Rule("claim_open", _CHECK, _claim(repaired=False)),
    Rule("theft_unknown", _CHECK, _unknown_theft),
    Rule("claim_repaired", _NOTE, _claim(repaired=True)),
    Rule("duplicate", _NOTE, _duplicate),
    Rule("imported", _NOTE, lambda r: _when(r.imported.imported)),
)
