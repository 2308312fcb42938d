"""Who held the vehicle for how long, as far as the register tells. Pure.

An operation that counts a new holder begins a tenure, and the next one ends it. Source:
docs/report.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from histovet.history.dates import ShownDate, months_apart
from histovet.history.report import NEW_HOLDERS, Report


@dataclass(frozen=True, slots=True)
class Tenure:
    """`rank` counts holders from 1, None where not all of them are known; `months` are
    whole, None where a date is missing or coarser than a month."""

    rank: int | None
    months: int | None
    is_current: bool


def tenures(report: Report) -> dict[int, Tenure]:
    """Return each tenure under the place in `report.operations` that begins it; none
    where one has no date, since nobody knows between which two it stands."""
    places = [
        place
        for place, operation in enumerate(report.operations)
        if operation.code in NEW_HOLDERS and not operation.cancelled
    ]
    if any(report.operations[place].date is None for place in places):
        return {}
    # The register counts an unknown first holder, and leaseholders, who are none.
    is_complete = report.holder_count == len(places) and not report.imported.imported
    found = {}
    end: ShownDate | None = ShownDate(report.as_of)
    for number, place in enumerate(places):
        begin = report.operations[place].date
        found[place] = Tenure(
            rank=len(places) - number if is_complete else None,
            months=months_apart(begin, end),
            is_current=number == 0,
        )
        end = begin
    return found
