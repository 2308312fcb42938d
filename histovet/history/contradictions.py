"""Where the register says two things that do not go together. Pure.

One table: a rule that holds is one contradiction. With coarsened dates only what is
certain counts. Wording is in labels.py. Source of each rule: docs/report.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from histovet.history.dates import ShownDate
from histovet.history.report import (
    DESTRUCTIONS,
    NEW_HOLDERS,
    Report,
    ShownOperation,
    standing,
)

# Nothing may be called fit to drive beside one of these alerts.
UNFIT = frozenset(
    ("irreparable", "beyond_repair", "destroyed", "procedure_running",
     "damage_opposition", "damage_suspension")
)  # fmt: skip
_OF_DAMAGE = frozenset(("damage_opposition", "damage_suspension", "procedure_running"))


@dataclass(frozen=True, slots=True)
class Contradiction:
    code: str
    holds: Callable[[Report, frozenset[str]], bool]


def contradictions(report: Report, alerts: frozenset[str]) -> tuple[str, ...]:
    """Return the code of each; `alerts` are the codes of what else was found."""
    if report.certificate.cancelled:
        return ()
    return tuple(rule.code for rule in RULES if rule.holds(report, alerts))


def _fit_beside_damage(report: Report, alerts: frozenset[str]) -> bool:
    return report.damage.fit_to_drive is True and bool(alerts & UNFIT)


def _fit_without_resolution(report: Report, alerts: frozenset[str]) -> bool:
    """Said fit after a claim, without a word on who found so."""
    damage = report.damage
    return (
        damage.fit_to_drive is True
        and bool(damage.claim_count)
        and damage.last_resolution is None
        and not alerts & UNFIT
    )


def _repaired_but_suspended(report: Report, alerts: frozenset[str]) -> bool:
    return report.damage.last_resolution is not None and bool(alerts & _OF_DAMAGE)


def _nobody_holds_it(report: Report, alerts: frozenset[str]) -> bool:
    return report.holder_count == 0


def _fewer_holders_than_changes(report: Report, alerts: frozenset[str]) -> bool:
    count = report.holder_count
    return count is not None and 0 < count < len(_changes(report))


def _before_its_birth(report: Report, alerts: frozenset[str]) -> bool:
    """An operation before the first registration, wherever that was."""
    born = _born(report)
    return born is not None and any(
        operation.date is not None and operation.date.is_before(born)
        for operation in report.operations
    )


def _certificate_before_birth(report: Report, alerts: frozenset[str]) -> bool:
    issued, born = report.certificate.issue_date, report.first_registration
    return issued is not None and born is not None and issued.is_before(born)


def _held_after_its_end(report: Report, alerts: frozenset[str]) -> bool:
    """A new holder after a destruction."""
    ends = [
        suspension.date
        for suspension in report.suspensions
        if suspension.reason in ("DES", "FNIM") and suspension.date
    ]
    ends += [o.date for o in standing(report.operations, DESTRUCTIONS) if o.date]
    return any(
        change.date is not None and end.is_before(change.date)
        for change in _changes(report)
        for end in ends
    )


def _inspected_before_its_birth(report: Report, alerts: frozenset[str]) -> bool:
    born = _born(report)
    return born is not None and any(
        one.date.is_before(born) for one in report.inspections.listed
    )


def _after_the_register(report: Report, alerts: frozenset[str]) -> bool:
    """Something dated after the day for which the register speaks."""
    today = ShownDate(report.as_of)
    dates = [report.first_registration, report.certificate.issue_date]
    dates += [operation.date for operation in report.operations]
    return any(date is not None and today.is_before(date) for date in dates)


def _born(report: Report) -> ShownDate | None:
    return report.imported.first_registration_abroad or report.first_registration


def _inspected_but_not_subject(report: Report, alerts: frozenset[str]) -> bool:
    return report.subject_to_inspection is False and bool(report.inspections.listed)


def _changes(report: Report) -> list[ShownOperation]:
    return standing(report.operations, NEW_HOLDERS)


RULES = (
    Contradiction("fit_beside_damage", _fit_beside_damage),
    Contradiction("repaired_but_suspended", _repaired_but_suspended),
    Contradiction("fit_without_resolution", _fit_without_resolution),
    Contradiction("nobody_holds_it", _nobody_holds_it),
    Contradiction("fewer_holders_than_changes", _fewer_holders_than_changes),
    Contradiction("before_its_birth", _before_its_birth),
    Contradiction("certificate_before_birth", _certificate_before_birth),
    Contradiction("held_after_its_end", _held_after_its_end),
    Contradiction("inspected_before_its_birth", _inspected_before_its_birth),
    Contradiction("after_the_register", _after_the_register),
    Contradiction("inspected_but_not_subject", _inspected_but_not_subject),
)
