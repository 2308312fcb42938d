"""A report and what its readings come to: all that the rules of the synthesis see."""

from __future__ import annotations

from dataclasses import dataclass

from histovet.history.inspection_due import Due, next_due
from histovet.history.odometer import Mileage, Reading, facts_of, judge, readings_of
from histovet.history.report import Report, ShownOperation
from histovet.history.timeline import sales_since_last_holder


@dataclass(frozen=True, slots=True)
class Evidence:
    """`readings` are oldest first, and the places in `mileage` are theirs. `sales` are
    those since the last holder, newest first."""

    report: Report
    readings: tuple[Reading, ...]
    mileage: Mileage
    next_inspection: Due | None
    sales: tuple[ShownOperation, ...]

    def places_of_odd_readings(self) -> list[int]:
        """Return their places in the report's inspections, newest first."""
        read = [
            place
            for place, one in enumerate(self.report.inspections.listed)
            if one.mileage_km is not None
        ]
        last = len(read) - 1
        return sorted(read[last - at] for at in self.mileage.at)


def evidence(report: Report) -> Evidence:
    readings = readings_of(report)
    return Evidence(
        report,
        readings,
        judge(readings, facts_of(report)),
        next_due(report),
        tuple(sales_since_last_holder(report)),
    )
