"""An opened record → its report, with its technical inspections."""

from __future__ import annotations

import datetime as dt

from histovet.history.report import Audience, Report, report
from histovet.inspections.inspected import Inspected
from histovet.inspections.retrieve import inspected
from histovet.vault.reading import Opened


def report_of(opened: Opened, *, audience: Audience, now: dt.datetime | None) -> Report:
    """Return what this audience may read of the vehicle; without inspections, which are
    not sought then, when `now` is None.

    Inspections that cannot be had are said to be so; nothing is raised for them.
    """
    return report(
        opened.record,
        audience=audience,
        as_of=opened.release.row.as_of,
        inspected=Inspected() if now is None else inspected(opened, now),
    )
