"""What a vehicle's technical inspections are known to be, and from where."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

from pseudonymizer.records import Inspection

# UTAC's codes of results; X, and any other, is neither.
FAVOURABLE = frozenset(("A", "AP"))
MAJOR = frozenset(("S", "SP"))
CRITICAL = frozenset(("R", "RP"))


class Source(enum.Enum):
    REGISTER = "register"  # sealed with the vehicle, from files of the feed
    UTAC = "utac"  # asked for this vehicle


class Absence(enum.Enum):
    """Why there is none to show."""

    NONE_RECORDED = "none_recorded"
    NOT_SUBJECT = "not_subject"
    NOT_AVAILABLE = "not_available"  # now; the source did not answer as it should
    NOT_CONNECTED = "not_connected"


@dataclass(frozen=True, slots=True)
class Inspected:
    """`inspections` are newest first; `absence` is None when there is one at least.

    `as_of` is the day for which the source speaks, `source` where they come from or
    would have; both are None when none is connected.
    """

    inspections: tuple[Inspection, ...] = ()
    source: Source | None = None
    as_of: dt.date | None = None
    absence: Absence | None = Absence.NOT_CONNECTED
