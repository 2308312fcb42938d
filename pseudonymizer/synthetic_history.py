"""Dates and histories of synthetic vehicles.

A day is a number: days since 1936-01-01, the first day a vehicle may have. Text
pieces are in CSV form: the double quotes of the JSON are doubled.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from pseudonymizer.synthetic_technical import FNI, SIV, weighted
from pseudonymizer.synthetic_vocabulary import (
    CONVERTED_FIRST_YEARS,
    FNI_FIRST_YEARS,
    FNI_HOLDER_CHANGES,
    HOLDER_CHANGES,
    HOLDER_CYCLES,
    SIV_YEARS,
    TRAILING_OPERATIONS,
)

COMPUTED_ON = date(2021, 10, 26)
_ORIGIN = date(1936, 1, 1)
# Deltas tell of the days after.
_DAYS_AFTER = 31
_DATES = [
    _ORIGIN + timedelta(n)
    for n in range((COMPUTED_ON - _ORIGIN).days + 1 + _DAYS_AFTER)
]


def day_number(year: int, month: int = 1, day: int = 1) -> int:
    return (date(year, month, day) - _ORIGIN).days


def _is_summer_time(day: date) -> bool:
    # The rule of France since 1976, written out so that the bytes do not depend on
    # the machine's time zone database. 1976 to 1980 are off by a few days.
    if day.year < 1976:
        return False
    start = date(day.year, 3, 31)
    end = date(day.year, 10, 31) if day.year >= 1996 else date(day.year, 9, 30)
    start -= timedelta((start.weekday() + 1) % 7)
    end -= timedelta((end.weekday() + 1) % 7)
    return start < day <= end


def _whole_months_to_computation(day: date) -> int:
    months = (COMPUTED_ON.year - day.year) * 12 + COMPUTED_ON.month - day.month
    return max(months - (day.day > COMPUTED_ON.day), 0)


ISO = [d.isoformat() for d in _DATES]
YEAR = [d.year for d in _DATES]
FRENCH = [d.strftime("%d/%m/") + str(d.year) for d in _DATES]
ZONE = ["+02" if _is_summer_time(d) else "+01" for d in _DATES]
AGE = [str(_whole_months_to_computation(d)) for d in _DATES]
# Local midnight as UTC text: the evening before.
MIDNIGHT_HOUR = [" 22:00:00" if zone == "+02" else " 23:00:00" for zone in ZONE]
_MIDNIGHT = [""] + [
    f"{ISO[n - 1]}T{MIDNIGHT_HOUR[n][1:]}.000Z" for n in range(1, len(_DATES))
]

TODAY = (COMPUTED_ON - _ORIGIN).days
SIV_START = day_number(2009, 4, 15)
LAST_EVENT = day_number(2020, 12, 28)
_FNI_LAST_CERTIFICATE = day_number(2009, 10, 12)
_FNI_RECENT = day_number(1994, 9)
_MOPED_START = day_number(2004, 7, 1)
_MOPED_CONVERSION = day_number(2009, 4, 11)

FIRST_NEW, FIRST_USED = "IMMAT_NORMALE", "IMMAT_NORMALE_PREM_VO"
HOLDER, CONVERSION = "CHANG_TIT_NORMAL", "CONVERSION_DOSSIER_FNI"
SALE, DEALER, LEASE = "DECLARATION_CESSION", "DECLARATION_ACHAT", "CHANG_LOC"
CERTIFICATE_OPERATIONS = frozenset((FIRST_NEW, FIRST_USED, HOLDER))
_BY_LETTER = {"C": HOLDER, "S": SALE, "D": DEALER}


class Marks(NamedTuple):
    """What an event carries beside date and type, in each of the two histories."""

    raw_after: str
    local_before: str
    local_after: str


Event = tuple[int, str, Marks | None]
Random = Callable[[], float]


@dataclass(slots=True)
class Situation:
    """What the episodes of a vehicle left behind; texts are pieces of feed JSON."""

    suspensions: list[str] = field(default_factory=list)
    oveis: list[str] = field(default_factory=list)
    unpaid_fines: list[str] = field(default_factory=list)
    transfer_blocks: list[str] = field(default_factory=list)
    pledges: list[str] = field(default_factory=list)
    seizures: list[str] = field(default_factory=list)
    procedures: list[str] = field(default_factory=list)
    lost_title: bool = False
    duplicate: bool = False
    stolen_title: bool = False
    stolen: bool = False


@dataclass(slots=True)
class Life:
    """What happened to one vehicle: days, and events oldest first.

    `entry` is the first registration in SIV, 0 in FNI. `conversion` is 0 when there
    was none. `issued` is the date of the certificate.
    """

    first: int
    entry: int
    issued: int
    modified: int
    events: list[Event]
    conversion: int = 0
    imported: bool = False
    situation: Situation | None = None


def _year_days(pairs: Sequence[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """Return (first day, length) of each period, repeated by its weight."""
    starts = [day_number(year) for year, _ in pairs] + [end]
    return weighted(
        [
            ((starts[n], starts[n + 1] - starts[n]), weight)
            for n, (_, weight) in enumerate(pairs)
        ]
    )


_FNI_FIRST = _year_days(FNI_FIRST_YEARS, SIV_START)
_CONVERTED_FIRST = _year_days(CONVERTED_FIRST_YEARS, SIV_START)
_CYCLES = [
    weighted([(tuple(_BY_LETTER[c] for c in text), weight) for text, weight in table])
    for table in HOLDER_CYCLES
]
_TRAILING = [
    weighted([(tuple(_BY_LETTER[c] for c in text), weight) for text, weight in table])
    for table in TRAILING_OPERATIONS
]
_FNI_CHANGES = [weighted(list(enumerate(table))) for table in FNI_HOLDER_CHANGES]
_AGES = list(HOLDER_CHANGES)
_CHANGES = [weighted(list(enumerate(w))) for w in HOLDER_CHANGES.values()]
# Days between two operations of one change of hands.
_GAPS = (0, 0, 0, 0, 1, 1, 2, 3, 4, 6, 8, 11, 14, 18, 23, 29, 36, 46, 60, 90)

_SHARES: list[float] = []
_SHARE_STARTS: list[int] = []
for _year, _weight, _ in SIV_YEARS:
    _SHARES.append((_SHARES[-1] if _SHARES else 0) + _weight)
    _SHARE_STARTS.append(max(SIV_START, day_number(_year)))
_TOTAL = _SHARES[-1]
_CONVERTED_SHARE = [percent / 100 for _, _, percent in SIV_YEARS]


def _clock_times() -> list[tuple[int, str]]:
    """Return (days back, UTC time) in order of time within a local day.

    The extract's local history is its UTC history plus three hours, so the local
    day starts at 21:00 UTC.
    """
    rng = random.Random("clock")
    seconds = [rng.uniform(-3, 0) * 3600 for _ in range(100)]
    seconds += [rng.triangular(4.5, 20.9, 11) * 3600 for _ in range(3996)]
    times = []
    for second in sorted(seconds):
        ms = int(second * 1000) % 86_400_000
        hours, rest = divmod(ms, 3_600_000)
        minutes, rest = divmod(rest, 60_000)
        text = f"T{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}Z"
        times.append((int(second < 0), text))
    return times


_TIMES = _clock_times()
_LAST_TIME = len(_TIMES) - 1


def render(events: list[Event], rnd: Random) -> tuple[str, str]:
    """Return the texts of `historique` and `new_historique`, newest event first.

    `events` is in order of days. Before SIV events have a day only and the extract
    gives local midnight; since then they have a time.
    """
    raw, local = [], []
    previous, slot = -1, 0
    for day, operation, marks in events:
        if day < SIV_START:
            stamp = _MIDNIGHT[day]
        else:
            if day == previous:
                slot = min(slot + 1 + int(rnd() * 60), _LAST_TIME)
            else:
                slot = int(rnd() * 4000)
                previous = day
            back, time = _TIMES[slot]
            stamp = ISO[day - back] + time
        head = f'{{""opa_date"": ""{stamp}"", ""opa_type"": ""{operation}""'
        tail = f'""opa_date"": ""{FRENCH[day]}"", ""opa_type"": ""{operation}""'
        if marks is None:
            raw.append(head)
            local.append(tail)
        else:
            raw.append(head + marks.raw_after)
            local.append(f"{marks.local_before}{tail}{marks.local_after}")
    if not raw:
        return "", ""
    raw.reverse()
    local.reverse()
    return "},".join(raw) + "}", "{" + "}, {".join(local) + "}"


def cancelled(day: int, rnd: Random) -> Marks:
    """Return the marks of an operation cancelled on `day`.

    The source cuts the time stamp with its zone at 23 characters, so that trailing
    zeros of the milliseconds let a piece of the zone through.
    """
    time = _TIMES[100 + int(rnd() * 3900)][1][1:-1].rstrip("0").rstrip(".")
    text = f"{ISO[day]} {time}{ZONE[day]}"[:23]
    return Marks(
        f', ""ope_date_annul"": ""{text}""', f'""ope_date_annul"": ""{text}"", ', ""
    )


def _change_hands(
    events: list[Event], rnd: Random, register: int, low: int, day: int
) -> None:
    """Append one change of holder on `day` and what came before it since `low`."""
    operations = _CYCLES[register][int(rnd() * 100)]
    if len(operations) == 1:
        events.append((day, HOLDER, None))
        return
    place = len(events)
    for operation in reversed(operations):
        events.insert(place, (day, operation, None))
        # Two dealers seldom declare on one day.
        day -= _GAPS[int(rnd() * 20)] or int(rnd() * 3)
        day = max(low, day)


def _live(
    events: list[Event], rnd: Random, register: int, start: int, end: int, changes: int
) -> None:
    """Append `changes` changes of hands between two days."""
    if end - start < 60:
        return
    low = start
    span = end - start - 30
    # Cars change hands more when they are young.
    shares = [rnd() * (1 if rnd() < 0.55 else rnd()) for _ in range(changes)]
    for day in sorted([start + 30 + int(share * span) for share in shares]):
        _change_hands(events, rnd, register, low, day)
        low = day


def _trail(events: list[Event], rnd: Random, register: int, day: int) -> None:
    """Append what a dealer or a seller declared and no new holder followed."""
    operations = _TRAILING[register][int(rnd() * len(_TRAILING[register]))]
    end = LAST_EVENT - 200
    if register == FNI and rnd() < 0.8:
        end = max(day, SIV_START - 120)
    if operations and day <= end:
        day += int(rnd() * (end - day))
        for operation in operations:
            events.append((day, operation, None))
            day += int(rnd() * 60)


def _number_of_changes(rnd: Random, years: int) -> int:
    table = _CHANGES[0 if years <= _AGES[0] else 1 if years <= _AGES[1] else 2]
    return table[int(rnd() * len(table))]


def siv_life(rnd: Random, progress: float, origin: str = "") -> Life:
    """Draw the life of a vehicle registered in SIV.

    `progress` in [0, 1) is how far SIV plates had come when it got its own. `origin`
    may be `new`, `converted` or `import`; left empty, it is drawn.
    """
    share = progress * _TOTAL
    year = bisect_right(_SHARES, share)
    begin = _SHARE_STARTS[year]
    end = _SHARE_STARTS[year + 1] if year + 1 < len(_SHARES) else LAST_EVENT
    low = _SHARES[year - 1] if year else 0
    entry = begin + int((share - low) / (_SHARES[year] - low) * (end - begin))
    if not origin:
        draw = rnd()
        converted = _CONVERTED_SHARE[year]
        if draw < converted:
            origin = "converted"
        else:
            draw = (draw - converted) / (1 - converted)
            origin = "new" if draw < 0.81 else "import" if draw < 0.945 else "used"
            if draw > 0.975:
                origin = "moped"
    if origin == "converted":
        return _converted_life(rnd, entry)
    events: list[Event] = []
    life = Life(entry, entry, entry, entry, events)
    if origin == "moped":
        # Mopeds had plates of this series five years before SIV itself.
        life.first = life.entry = entry = _MOPED_START + int(rnd() * 1740)
        life.conversion = _MOPED_CONVERSION
    elif origin != "new":
        life.first = entry - 30 - int(rnd() * 4500 * rnd())
        life.imported = origin == "import"
    # One first registration in a hundred was recorded the day before.
    events.append(
        (
            entry - (rnd() < 0.01),
            FIRST_NEW if origin in ("new", "moped") else FIRST_USED,
            None,
        )
    )
    changes = _number_of_changes(rnd, 11 - year)
    _live(events, rnd, SIV, entry, LAST_EVENT, changes)
    return _close(life, rnd, SIV)


def _converted_life(rnd: Random, entry: int) -> Life:
    start, length = _CONVERTED_FIRST[int(rnd() * len(_CONVERTED_FIRST))]
    first = start + int(rnd() * length)
    events: list[Event] = []
    life = Life(first, entry, entry, entry, events, entry)
    draw = rnd()
    if draw < 0.045:
        life.imported = True
        bought = first + 30 + int(rnd() * (SIV_START - first - 30)) // 2
        events.append((min(bought, SIV_START - 1), FIRST_USED, None))
    elif draw < 0.93:
        events.append((first, FIRST_NEW, None))
    years = (SIV_START - first) // 365
    changes = _number_of_changes(rnd, years)
    low = events[-1][0] if events else first
    _live(events, rnd, SIV, low, SIV_START, changes - (changes > 1))
    low = events[-1][0] if events else first
    # Nearly always a change of hands made the conversion; else a move or a new title.
    if rnd() < 0.82:
        _change_hands(events, rnd, SIV, low, entry)
        events.insert(-1, (entry, CONVERSION, None))
    elif rnd() < 0.9:
        events.append((entry, CONVERSION, None))
    changes = _number_of_changes(rnd, (LAST_EVENT - entry) // 365)
    _live(events, rnd, SIV, entry, LAST_EVENT, changes - (changes > 2))
    return _close(life, rnd, SIV)


def fni_life(rnd: Random) -> Life:
    """Draw the life of a vehicle that kept a plate of before 2009."""
    start, length = _FNI_FIRST[int(rnd() * len(_FNI_FIRST))]
    first = start + int(rnd() * length)
    events: list[Event] = []
    life = Life(first, 0, first, first, events)
    table = _FNI_CHANGES[first >= _FNI_RECENT]
    changes = table[int(rnd() * len(table))]
    draw = rnd()
    low = first
    if draw < 0.068:
        life.imported = draw < 0.042
        low += min(30 + int(rnd() * 4000), (SIV_START - first) // 2)
        events.append((low, FIRST_USED, None))
    elif draw < 0.76:
        events.append((first, FIRST_NEW, None))
    else:
        changes = 0 if rnd() < 0.12 else max(changes, 1)
    # Nine present certificates in ten are of 1995 or later, whatever the vehicle's age.
    start = max(low, _FNI_RECENT) if rnd() < 0.85 else low
    _live(events, rnd, FNI, start, SIV_START, changes)
    return _close(life, rnd, FNI)


def _close(life: Life, rnd: Random, register: int) -> Life:
    """Date the certificate and the last change of file, and add what trails."""
    events = life.events
    if events:
        last = 0
        for day, operation, _ in reversed(events):
            if operation in CERTIFICATE_OPERATIONS:
                last = day
                break
        life.issued = max(last, life.entry, life.first)
    else:
        life.issued = min(life.first + int(rnd() * 4000), SIV_START)
    if rnd() < (0.08 if register == SIV else 0.035):
        # A new certificate for a new address, which no operation records.
        limit = LAST_EVENT if register == SIV else _FNI_LAST_CERTIFICATE
        life.issued += int(rnd() * max(limit - life.issued, 1))
    _trail(events, rnd, register, life.issued)
    life.modified = max(life.issued, events[-1][0] if events else 0)
    if register == SIV:
        if rnd() < 0.14:
            life.modified += int(rnd() * (LAST_EVENT + 1 - life.modified))
    elif rnd() < 0.044:
        # Taken over by SIV without a conversion in the history.
        life.conversion = day_number(2019) + int(rnd() * 720)
        life.modified = max(life.modified, life.conversion)
    elif life.modified < SIV_START:
        # Nearly every file was touched by the preparation of SIV.
        life.modified = max(life.modified, day_number(2008, 5) + int(rnd() * 330))
    return life
