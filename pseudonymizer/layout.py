"""The header of a file → what reads the lines under it. Source: docs/feed.md."""

from __future__ import annotations

import enum
from collections.abc import Callable

from pseudonymizer import inspections, registration
from pseudonymizer.certificate import (
    FORMULA_NUMBER,
    ISSUE_DATE,
    PLATE,
    CertificateColumns,
    columns_of,
)
from pseudonymizer.inspections import InspectionsLayout, holds_inspections
from pseudonymizer.records import Identity, InspectionLine, Registration
from pseudonymizer.registration import Layout

Line = Registration | InspectionLine


# All that any reader of lines looks at; the rest of a line is not even cut out of it.
COLUMNS_READ = frozenset(
    (
        PLATE, FORMULA_NUMBER, ISSUE_DATE, *registration.COLUMNS,
        *registration.OPTIONAL_COLUMNS, inspections.COLUMN, inspections.UPDATED_COLUMN,
    )
)  # fmt: skip


class Content(enum.Enum):
    REGISTRATIONS = enum.auto()
    INSPECTIONS = enum.auto()
    REMOVALS = enum.auto()


def content_of(header: list[str]) -> Content:
    """Return what the lines under this header are, or would be if it were whole."""
    if holds_inspections(header):
        return Content.INSPECTIONS
    return Content.REGISTRATIONS if "v" in header else Content.REMOVALS


def line_reader(header: list[str]) -> Callable[[list[str]], Line]:
    """Return what reads the lines under this header; it raises Unusable.

    Raises FeedRefused `unknown_layout`.
    """
    if holds_inspections(header):
        return InspectionsLayout.of(header).inspected
    return Layout.of(header).registration


def removal_reader(header: list[str]) -> Callable[[list[str]], Identity]:
    """Return what reads the certificates to remove; it raises Unusable.

    Raises FeedRefused `unknown_layout`.
    """
    return CertificateColumns(columns_of(header, ())).identity
