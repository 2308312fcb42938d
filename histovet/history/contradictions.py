"""Where the register says two things that do not go together. Pure.

One table: a rule that holds is one contradiction. With coarsened dates only what is
certain counts. Wording is in labels.py. Source of each rule: docs/report.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from histovet.history.report import NEW_HOLDERS, Report, ShownOperation
from histovet.history.synthesis import Synthesis


@dataclass(frozen=True, slots=True)
class Contradiction:
    code: str
    holds: Callable[[Report, Synthesis], bool]


def contradictions(report: Report, found: Synthesis) -> tuple[str, ...]:
    """Return the code of each; `found` is the synthesis of this report."""
    if report.certificate.cancelled:
        return ()
    return tuple(rule.code for rule in RULES if rule.holds(report, found))


def _fit_beside_damage(report: Report, found: Synthesis) -> bool:
    return report.damage.fit_to_drive is True and found.denies_fitness


def _fit_without_resolution(report: Report, found: Synthesis) -> bool:
    """Said fit after a claim, without a word on who found so."""
    damage = report.damage
    return (
        damage.fit_to_drive is True
        and bool(damage.claim_count)
        and damage.last_resolution is None
        and not found.denies_fitness
    )


def _repaired_but_suspended(report: Report, found: Synthesis) -> bool:
    if report.damage.last_resolution is None:
        return False
    return any(
        alert.code in ("damage_opposition", "damage_suspension", "procedure_running")
        for alert in found.alerts
    )


def _nobody_holds_it(report: Report, found: Synthesis) -> bool:
    return report.holder_count == 0


def _fewer_holders_than_changes(report: Report, found: Synthesis) -> bool:
    count = report.holder_count
    return count is not None and 0 < count < len(_changes(report))


def _before_its_birth(report: Report, found: Synthesis) -> bool:
    """An operation before the first registration, wherever that was."""
    born = report.imported.first_registration_abroad or report.first_registration
    if born is None:
        return False
    return any(
        operation.date is not None and operation.date.is_before(born)
        for operation in report.operations
    )


def _certificate_before_birth(report: Report, found: Synthesis) -> bool:
    issued, born = report.certificate.issue_date, report.first_registration
    return issued is not None and born is not None and issued.is_before(born)


def _held_after_its_end(report: Report, found: Synthesis) -> bool:
    """A new holder after a destruction."""
    ends = [
        suspension.date
        for suspension in report.suspensions
        if suspension.reason in ("DES", "FNIM") and suspension.date
    ]
    return any(
        change.date is not None and end.is_before(change.date)
        for change in _changes(report)
        for end in ends
    )


def _inspected_before_its_birth(report: Report, found: Synthesis) -> bool:
    born = report.imported.first_registration_abroad or report.first_registration
    if born is None:
        return False
    return any(one.date.is_before(born) for one in report.inspections.listed)


def _inspected_but_not_subject(report: Report, found: Synthesis) -> bool:
    return report.subject_to_inspection is False and bool(report.inspections.listed)


def _changes(report: Report) -> list[ShownOperation]:
    return [o for o in report.operations if o.code in NEW_HOLDERS and not o.cancelled]


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
    Contradiction("inspected_but_not_subject", _inspected_but_not_subject),
)
