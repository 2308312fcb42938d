"""The header of a file → what reads the lines under it. Source: docs/feed.md."""

from __future__ import annotations

from collections.abc import Callable

from pseudonymizer.inspections import InspectionsLayout, holds_inspections
from pseudonymizer.records import InspectionLine, Registration
from pseudonymizer.registration import Layout

Line = Registration | InspectionLine


def line_reader(header: list[str]) -> Callable[[list[str]], Line]:
    """Return what reads the lines under this header; it raises Unusable.

    Raises FeedRefused `unknown_layout`.
    """
    if holds_inspections(header):
        return InspectionsLayout.of(header).inspected
    return Layout.of(header).registration
