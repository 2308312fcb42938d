"""Which Crit'Air sticker a vehicle has a right to, if its certificate tells.

Pure. Source: arrêté of 21 June 2016 (NOR DEVR1617072A), annex; the register's own value
follows another table for some diesels and is never shown.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from dataclasses import dataclass

from histovet.history.dates import ShownDate
from histovet.history.report import Report


class Sticker(enum.Enum):
    ELECTRIC = "electric"
    ONE = "1"
    TWO = "2"
    THREE = "3"
    FOUR = "4"
    FIVE = "5"
    UNCLASSIFIED = "unclassified"


class Why(enum.Enum):
    """Why no sticker is named."""

    NOT_CONCERNED = "not concerned"  # trailers, tractors, machines
    CATEGORY_UNKNOWN = "category unknown"
    ENERGY_UNKNOWN = "energy unknown"
    DATE_UNKNOWN = "date unknown"
    # The day decides, and is not told, or the table does not say from which day.
    DATE_TOO_COARSE = "date too coarse"


class _Family(enum.Enum):
    CAR = "car"
    VAN = "van"
    HEAVY = "heavy"
    MOTORCYCLE = "motorcycle"
    MOPED = "moped"


_FAMILIES = (
    ("M1", _Family.CAR),
    ("N1", _Family.VAN),
    ("M2", _Family.HEAVY),
    ("M3", _Family.HEAVY),
    ("N2", _Family.HEAVY),
    ("N3", _Family.HEAVY),
    # Mopeds and light quadricycles had one year more.
    ("L1", _Family.MOPED),
    ("L2", _Family.MOPED),
    ("L6", _Family.MOPED),
    ("L", _Family.MOTORCYCLE),
)
# National genres of certificates that name no European category.
_GENRES = {
    "VP": _Family.CAR,
    "CTTE": _Family.VAN,
    "CAM": _Family.HEAVY,
    "TCP": _Family.HEAVY,
    "TRR": _Family.HEAVY,
    "MTL": _Family.MOTORCYCLE,
    "MTT1": _Family.MOTORCYCLE,
    "MTT2": _Family.MOTORCYCLE,
    "TM": _Family.MOTORCYCLE,
    "CL": _Family.MOPED,
    "CYCL": _Family.MOPED,
}
_NOT_CONCERNED = frozenset(
    ("REM", "SREM", "RETC", "SRTC", "SRAT", "RESP", "SRSP", "TRA", "REA", "SREA",
     "MAGA", "MIAR")
)  # fmt: skip

_ELECTRIC = frozenset(("EL", "H2", "HE", "HH", "AC"))
# Gas, alone or with petrol, and whatever is plugged in.
_GAS_OR_PLUGGED = frozenset(
    ("GP", "GN", "GZ", "EG", "EN", "EP", "EQ", "FG", "FN", "PH", "NH", "EE", "ER", "EM",
     "FL", "GL", "GM", "PE", "NE")
)  # fmt: skip
_PETROL = frozenset(("ES", "EH", "ET", "FE", "FH"))
_DIESEL = frozenset(("GO", "GH", "GF", "GQ"))

_ONE, _TWO, _THREE, _FOUR, _FIVE = (
    Sticker.ONE,
    Sticker.TWO,
    Sticker.THREE,
    Sticker.FOUR,
    Sticker.FIVE,
)


@dataclass(frozen=True, slots=True)
class _Step:
    """With this standard or a later one (Euro 1 to 6); without any, from this day on."""

    euro: int | None
    since: dt.date
    petrol: Sticker
    diesel: Sticker


_DAY = dt.date
_LIGHT = (
    _Step(5, _DAY(2011, 1, 1), _ONE, _TWO),
    _Step(4, _DAY(2006, 1, 1), _TWO, _THREE),
    _Step(3, _DAY(2001, 1, 1), _THREE, _FOUR),
)
_TWO_WHEELS = (
    _Step(3, _DAY(2007, 1, 1), _TWO, _TWO),
    _Step(2, _DAY(2004, 7, 1), _THREE, _THREE),
    _Step(None, _DAY(2000, 6, 1), _FOUR, _FOUR),
)
# Newest first.
_STEPS = {
    _Family.CAR: (*_LIGHT, _Step(2, _DAY(1997, 1, 1), _THREE, _FIVE)),
    _Family.VAN: (*_LIGHT, _Step(2, _DAY(1997, 10, 1), _THREE, _FIVE)),
    _Family.HEAVY: (
        _Step(6, _DAY(2014, 1, 1), _ONE, _TWO),
        _Step(5, _DAY(2009, 10, 1), _TWO, _THREE),
        _Step(4, _DAY(2006, 10, 1), _THREE, _FOUR),
        _Step(3, _DAY(2001, 10, 1), _THREE, _FIVE),
    ),
    _Family.MOTORCYCLE: (_Step(4, _DAY(2017, 1, 1), _ONE, _ONE), *_TWO_WHEELS),
    _Family.MOPED: (_Step(4, _DAY(2018, 1, 1), _ONE, _ONE), *_TWO_WHEELS),
}

# "70/220*2003/76EURO4", "EURO 6", "EURO6D-TEMP"; heavy ones also in Roman numerals.
_EURO = re.compile(r"EURO ?([1-6]|VI|IV|V|III|II|I)(?![0-9IVX])")
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}


def sticker(report: Report) -> Sticker | Why:
    """Return the sticker, or why none can be named."""
    vehicle = report.vehicle
    family = _family(vehicle.eu_category or "", vehicle.genre or "")
    if family is None:
        known = vehicle.genre in _NOT_CONCERNED
        return Why.NOT_CONCERNED if known else Why.CATEGORY_UNKNOWN
    energy = vehicle.energy
    if energy in _ELECTRIC:
        return Sticker.ELECTRIC
    if energy in _GAS_OR_PLUGGED:
        return Sticker.ONE
    if energy not in _PETROL | _DIESEL:
        return Why.ENERGY_UNKNOWN
    diesel = energy in _DIESEL
    steps = _STEPS[family]
    euro = _euro(vehicle.environment_class or "")
    if euro is None or _standard_says_nothing(steps, euro):
        return _by_date(steps, report.first_registration, diesel)
    return _chosen(
        next((s for s in steps if s.euro is not None and s.euro <= euro), None), diesel
    )


def _family(category: str, genre: str) -> _Family | None:
    for prefix, family in _FAMILIES:
        if category.startswith(prefix):
            return family
    return _GENRES.get(genre)


def _euro(environment_class: str) -> int | None:
    found = _EURO.search(environment_class.upper())
    if not found:
        return None
    return _ROMAN.get(found[1]) or int(found[1])


def _standard_says_nothing(steps: tuple[_Step, ...], euro: int) -> bool:
    """For two wheels of Euro 1 the table gives days alone."""
    return steps[-1].euro is None and euro == 1


def _by_date(
    steps: tuple[_Step, ...], date: ShownDate | None, diesel: bool
) -> Sticker | Why:
    if date is None:
        return Why.DATE_UNKNOWN
    ends = {
        next((step for step in steps if step.since <= day), None)
        for day in (date.date, date.last_day)
    }
    stickers = {_chosen(step, diesel) for step in ends}
    return stickers.pop() if len(stickers) == 1 else Why.DATE_TOO_COARSE


def _chosen(step: _Step | None, diesel: bool) -> Sticker:
    if step is None:
        return Sticker.UNCLASSIFIED
    return step.diesel if diesel else step.petrol
