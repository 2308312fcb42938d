"""One line of an inspections file → the vehicle's Inspections.

Pure. Source: SPEC.md section 1.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from msgspec import Struct

from pseudonymizer.certificate import CertificateColumns, columns_of
from pseudonymizer.errors import FeedRefused, Unusable
from pseudonymizer.normalise import feed_day
from pseudonymizer.records import (
    INSPECTIONS_MAX,
    Inspection,
    InspectionLine,
    Inspections,
)

COLUMN = "controles_techniques"
UPDATED_COLUMN = "date_mise_a_jour"

MILEAGE_MAX_KM = 9_999_999
# UTAC's codes have one to three letters.
_CODE_LENGTH_MAX = 20
# What is made after a test that was failed, the same day at the earliest.
_COUNTER_VISITS = frozenset(("CV", "CVC"))


class _Entry(Struct):
    ct_date: str
    ct_nature: str
    ct_resultat: str
    ct_km: Any = None


_decode = msgspec.json.Decoder(list[_Entry]).decode


def holds_inspections(header: list[str]) -> bool:
    return COLUMN in header


class InspectionsLayout:
    """Where the columns of one inspections file stand."""

    def __init__(self, columns: dict[str, int]) -> None:
        self._certificate = CertificateColumns(columns)
        self._entries = columns[COLUMN]
        self._updated = columns.get(UPDATED_COLUMN)

    @classmethod
    def of(cls, header: list[str]) -> InspectionsLayout:
        """Raises FeedRefused `unknown_layout`."""
        columns = columns_of(header, (COLUMN,))
        if "v" in columns:
            raise FeedRefused(
                "unknown_layout",
                f"the header has both v and {COLUMN}: registrations and inspections "
                "stand in files of their own",
            )
        return cls(columns)

    def inspected(self, row: list[str]) -> InspectionLine:
        """Return one line as types; `row` has as many cells as the header.

        Raises Unusable when the line has no usable identity, `inspections_unreadable`
        when one of its inspections has no readable date or code, and
        `update_date_unreadable`.
        """
        identity = self._certificate.identity(row)
        updated = None
        if self._updated is not None:
            try:
                updated = feed_day(row[self._updated].strip())
            except Unusable as exc:
                raise Unusable("update_date_unreadable") from exc
        return InspectionLine(identity, Inspections(_read(row[self._entries]), updated))


def _read(text: str) -> tuple[Inspection, ...]:
    try:
        entries = _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
        raise Unusable("inspections_unreadable") from exc
    found = {_inspection(entry) for entry in entries}
    if len(found) > INSPECTIONS_MAX:
        raise Unusable("too_many_inspections")
    # The last three only so that one line always gives the same bytes.
    return tuple(
        sorted(
            found,
            key=lambda i: (
                i.date,
                i.nature in _COUNTER_VISITS,
                i.mileage_km or 0,
                i.nature,
                i.result,
            ),
            reverse=True,
        )
    )


def _inspection(entry: _Entry) -> Inspection:
    return Inspection(
        _day(entry.ct_date),
        _code(entry.ct_nature),
        _code(entry.ct_resultat),
        _mileage(entry.ct_km),
    )


def _day(text: str) -> dt.date:
    try:
        day = feed_day(text.strip())
    except Unusable:
        day = None
    if day is None:
        raise Unusable("inspections_unreadable")
    return day


def _code(text: str) -> str:
    code = text.strip()
    if not (1 <= len(code) <= _CODE_LENGTH_MAX and code.isprintable()):
        raise Unusable("inspections_unreadable")
    return code


def _mileage(value: Any) -> int | None:
    if isinstance(value, str):
        digits = value.strip()
        # Python reads a number of over 4,300 digits as an error.
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
            return None
        value = int(digits)
    # A bool is an int to Python.
    if type(value) is not int or not 1 <= value <= MILEAGE_MAX_KM:
        return None
    return value
