"""The technical inspections of synthetic vehicles: lines of an inspections file.

Text pieces are in CSV form: the double quotes of the JSON are doubled.
"""

import enum

from pseudonymizer.synthetic_history import (
    FRENCH,
    ISO,
    TODAY,
    Life,
    Random,
    day_number,
)
from pseudonymizer.synthetic_lines import Registration
from pseudonymizer.synthetic_technical import FNI

HEADER = "plaq_immat;{};controles_techniques;date_mise_a_jour\n"

# What the source still holds; an older vehicle then begins with a high mileage.
_HELD_FROM = day_number(2012)
_FIRST_AFTER_DAYS, _EVERY_DAYS = 1461, 730
_DRIVEN_MOST_DAYS = 4383
_SHOWN_AT_LEAST = 4

_UNKNOWN_SHARE = 0.04
# Vehicles of before 2009 of which nothing was heard for years.
_GONE_SHARE = 0.6
_FAILED_SHARE, _CRITICAL_SHARE = 0.18, 0.01
_BETWEEN_SHARE = 0.03
_ROLLED_BACK, _MISTYPED, _MISSING = 0.03, 0.04, 0.06

_DATES = (ISO, FRENCH)


class Story(enum.Enum):
    """What the inspections of a vehicle to try tell."""

    PLAIN = enum.auto()  # those that it would have, and mileages that only rise
    STEADY = enum.auto()  # the same, four at least
    ROLLED_BACK = enum.auto()  # four at least, and the mileage goes back


_Visit = tuple[int, str]
"""Day, and nature and result in JSON."""

_PASSED, _FAILED, _CRITICAL, _PASSED_AGAIN, _BETWEEN = (
    f'{nature}"", ""ct_resultat"": ""{result}""'
    for nature, result in (
        ("VTP", "A"),
        ("VTP", "S"),
        ("VTP", "R"),
        ("CV", "A"),
        ("VTC", "A"),
    )
)
# Most come in the last month, some late.
_DELAYS = (
    -29, -27, -25, -23, -21, -19, -17, -15, -13, -11, -9, -7, -5, -3, -2, -1, 0, 1, 3, 6,
    10, 15, 24, 40, 85,
)  # fmt: skip


def line(rnd: Random, registration: Registration, story: Story | None = None) -> str:
    """Return the vehicle's line, empty for one that its source does not know.

    Without a story one is drawn.
    """
    if registration.annulled or registration.block.inspected != "OUI":
        return ""
    if story is None and rnd() < _UNKNOWN_SHARE:
        return ""
    register, life = registration.register, registration.life
    visits = _visits(rnd, register, life)
    if story in (Story.STEADY, Story.ROLLED_BACK) and len(visits) < _SHOWN_AT_LEAST:
        visits = _close_visits(life)
    mileages = _mileages(rnd, life, visits, story)
    credential = registration.formula or FRENCH[life.issued]
    updated = ISO[min(visits[-1][0] + 1, TODAY)] if visits else ""
    entries = _entries(register, visits, mileages)
    return f'{registration.plate.text};{credential};"[{entries}]";{updated}\n'


def _entries(register: int, visits: list[_Visit], mileages: list[int | None]) -> str:
    """Return the JSON, newest first; the mileages of FNI are texts."""
    dates = _DATES[register]
    quote = '""' if register == FNI else ""
    texts = []
    for (day, codes), km in zip(reversed(visits), reversed(mileages), strict=True):
        read = "null" if km is None else f"{quote}{km}{quote}"
        texts.append(
            f'{{""ct_date"": ""{dates[day]}"", ""ct_nature"": ""{codes}, '
            f'""ct_km"": {read}}}'
        )
    return ", ".join(texts)


def _visits(rnd: Random, register: int, life: Life) -> list[_Visit]:
    """Return the visits, oldest first: after four years, then every two."""
    begin = max(life.first, life.entry, _HELD_FROM)
    end = TODAY
    if life.situation is not None:
        # What befell it may have ended its use.
        end = life.modified
    elif register == FNI and rnd() < _GONE_SHARE:
        end = begin + int(rnd() * (TODAY - begin))
    day = life.first + _FIRST_AFTER_DAYS - int(rnd() * 120)
    if day < begin:
        day += -((day - begin) // _EVERY_DAYS) * _EVERY_DAYS
    visits: list[_Visit] = []
    while day <= end:
        draw = rnd()
        if draw >= _FAILED_SHARE:
            visits.append((day, _PASSED))
            if draw > 1 - _BETWEEN_SHARE and day + 360 <= end:
                visits.append((day + 360, _BETWEEN))
        else:
            visits.append((day, _CRITICAL if draw < _CRITICAL_SHARE else _FAILED))
            again = day + 3 + int(rnd() * 50)
            if again <= end:
                visits.append((again, _PASSED_AGAIN))
        day += _EVERY_DAYS + _DELAYS[int(rnd() * len(_DELAYS))]
    return visits


def _close_visits(life: Life) -> list[_Visit]:
    """Return as many visits as a vehicle to try needs, whatever its age."""
    step = (TODAY - life.first - 10) // _SHOWN_AT_LEAST
    return [
        (life.first + step * place, _PASSED) for place in range(1, _SHOWN_AT_LEAST + 1)
    ]


def _mileages(
    rnd: Random, life: Life, visits: list[_Visit], story: Story | None
) -> list[int | None]:
    """Return the mileage in km read at each visit, None where none was."""
    if not visits:
        return []
    if story is None:
        daily, flaw = (1500 + 19_000 * (rnd() + rnd()) / 2) / 365.25, rnd()
    else:
        daily, flaw = (9000 + 6000 * rnd()) / 365.25, 1.0
    turned = 0
    if flaw < _ROLLED_BACK or story is Story.ROLLED_BACK:
        turned = len(visits) - 1
        while turned and visits[turned][1] is _PASSED_AGAIN:
            turned -= 1
    previous = visits[0][0]
    km = daily * min(previous - life.first, _DRIVEN_MOST_DAYS)
    read: list[int | None] = []
    for day, _ in visits:
        km += daily * (0.8 + 0.4 * rnd()) * (day - previous)
        read.append(int(km))
        previous = day
    if turned:
        share = 0.35 + 0.2 * rnd()
        read[turned:] = [int(km * share) for km in read[turned:] if km is not None]
    if _ROLLED_BACK <= flaw < _MISSING:
        place = int(rnd() * len(read))
        if flaw >= _MISTYPED:
            read[place] = None
        elif 0 < place < len(read) - 1:
            # A figure typed twice.
            read[place] = int(f"{read[place]}{(read[place] or 0) % 10}")
    return read
