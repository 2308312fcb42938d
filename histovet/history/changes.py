"""What is new in a report since somebody read it: from marks that they kept. Pure.

Marks are checksums of what a report showed, so that they are small and say nothing by
themselves. They are of the report as it was shown, coarsened and without what its scope
leaves out: a comparison tells no more than reading twice does.
"""

from __future__ import annotations

import datetime as dt
import enum
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from histovet.history.labels import INTERNAL_OPERATIONS
from histovet.history.report import Report, ShownInspection, ShownOperation
from histovet.inspections.inspected import Absence

# To be raised when a report shows the same facts in other values: marks of before are
# then none, instead of changes that never were.
VERSION = 2
# Of four bytes each, in a cookie of at most 4,096 (RFC 6265, section 6.1). No vehicle
# of the real extract has half as many; one that has more is not compared in these.
OPERATIONS_MAX = 250
INSPECTIONS_MAX = 100
_NOT_MARKED = 255
_UNKNOWN = (Absence.NOT_AVAILABLE, Absence.NOT_CONNECTED)


class Facet(enum.Enum):
    """A part of the report that is compared as a whole, in the order of its marks."""

    THEFT = "theft"
    PLEDGES = "pledges"
    SEIZURES = "seizures"
    OPPOSITIONS = "oppositions"
    SUSPENSIONS = "suspensions"
    DAMAGE = "damage"
    CERTIFICATE = "certificate"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class Changes:
    """`came` are operations that the reader has not seen, `cancelled` those that were
    not cancelled then; `has_lost` says that some are listed no more. What could not be
    compared, being too much or not to be had then or now, is no news."""

    as_of_before: dt.date
    came: tuple[ShownOperation, ...]
    cancelled: tuple[ShownOperation, ...]
    has_lost: bool
    inspections: tuple[ShownInspection, ...]
    facets: tuple[Facet, ...]
    are_operations_compared: bool = True
    are_inspections_compared: bool = True

    @property
    def are_none(self) -> bool:
        return not (
            self.came
            or self.cancelled
            or self.has_lost
            or self.inspections
            or self.facets
        )


def marks(report: Report) -> bytes:
    """Return what to keep of a report: 1.5 kB at most, 150 bytes for most."""
    facets = _facets(report)
    listed = _inspections(report)
    return b"".join(
        (
            struct.pack(">BI", VERSION, report.as_of.toordinal()),
            struct.pack(f">{len(Facet)}I", *(facets[facet] for facet in Facet)),
            _packed([_operation(one) for one in _operations(report)], OPERATIONS_MAX),
            _packed(
                None if listed is None else [_inspection(one) for one in listed],
                INSPECTIONS_MAX,
            ),
        )
    )


def changes(kept: bytes, report: Report) -> Changes | None:
    """Return what is new since a report of which these are the marks; None when they are
    none of this version."""
    try:
        version, ordinal = struct.unpack_from(">BI", kept)
        if version != VERSION:
            return None
        as_of = dt.date.fromordinal(ordinal)
        facets = struct.unpack_from(f">{len(Facet)}I", kept, 5)
        operations, rest = _unpacked(kept[5 + 4 * len(Facet) :])
        inspections, rest = _unpacked(rest)
    except (struct.error, ValueError, OverflowError):
        return None
    came, cancelled, has_lost = _compared(_operations(report), operations)
    now = _facets(report)
    listed = _inspections(report)
    compared = listed is not None and inspections is not None
    return Changes(
        as_of,
        came,
        cancelled,
        has_lost,
        _not_among(listed or (), inspections or ()) if compared else (),
        tuple(
            facet
            for facet, before in zip(Facet, facets, strict=True)
            if now[facet] != before
        ),
        are_operations_compared=operations is not None,
        are_inspections_compared=compared,
    )


def _compared(
    shown: Sequence[ShownOperation], seen: Sequence[int] | None
) -> tuple[tuple[ShownOperation, ...], tuple[ShownOperation, ...], bool]:
    if seen is None:
        return (), (), False
    left = Counter(seen)
    unseen = []
    for one in shown:
        if left[mark := _operation(one)]:
            left[mark] -= 1
        else:
            unseen.append(one)
    came, cancelled = [], []
    for one in unseen:
        before = _operation(one, cancelled=False)
        if one.cancelled and left[before]:
            left[before] -= 1
            cancelled.append(one)
        else:
            came.append(one)
    return tuple(came), tuple(cancelled), any(left.values())


def _not_among(
    listed: Iterable[ShownInspection], seen: Sequence[int]
) -> tuple[ShownInspection, ...]:
    left = Counter(seen)
    found = []
    for one in listed:
        if left[mark := _inspection(one)]:
            left[mark] -= 1
        else:
            found.append(one)
    return tuple(found)


def _operations(report: Report) -> list[ShownOperation]:
    """Return those that the report lists."""
    return [one for one in report.operations if one.code not in INTERNAL_OPERATIONS]


def _inspections(report: Report) -> tuple[ShownInspection, ...] | None:
    """Return none for a vehicle that has none, and None when nobody can tell."""
    found = report.inspections
    return None if found.absence in _UNKNOWN else found.listed


def _operation(one: ShownOperation, *, cancelled: bool | None = None) -> int:
    is_cancelled = one.cancelled if cancelled is None else cancelled
    return _mark(one.code, one.date, is_cancelled)


def _inspection(one: ShownInspection) -> int:
    return _mark(one.date, one.nature, one.result, one.mileage_km)


def _facets(report: Report) -> dict[Facet, int]:
    held = report.certificate
    damage = report.damage
    # Without ages, which change by the day.
    return {
        Facet.THEFT: _mark(report.vehicle_stolen, held.stolen, held.lost),
        Facet.PLEDGES: _mark(*_sorted(report.pledges)),
        Facet.SEIZURES: _mark(*_sorted(report.seizures)),
        Facet.OPPOSITIONS: _mark(*_sorted(report.oppositions)),
        Facet.SUSPENSIONS: _mark(*_sorted(report.suspensions)),
        Facet.DAMAGE: _mark(damage),
        Facet.CERTIFICATE: _mark(
            held.issue_date, held.duplicate, held.initials, held.place, held.leased
        ),
        Facet.VEHICLE: _mark(report.vehicle, report.first_registration, report.usages),
    }


def _sorted(found: Iterable[Any]) -> list[str]:
    """In no order of the register's: that may be another in the next release."""
    return sorted(map(repr, found))


def _mark(*facts: object) -> int:
    return zlib.crc32("\n".join(map(repr, facts)).encode())


def _packed(found: Sequence[int] | None, most: int) -> bytes:
    if found is None or len(found) > most:
        return bytes((_NOT_MARKED,))
    return struct.pack(f">B{len(found)}I", len(found), *found)


def _unpacked(kept: bytes) -> tuple[tuple[int, ...] | None, bytes]:
    """Raises struct.error."""
    (count,) = struct.unpack_from(">B", kept)
    if count == _NOT_MARKED:
        return None, kept[1:]
    return struct.unpack_from(f">{count}I", kept, 1), kept[1 + 4 * count :]
