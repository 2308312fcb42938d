"""Do a vehicle's odometer readings follow one another? Pure.

It speaks of readings and never of the distance driven: what stands on a counter may have
been false before the first of them. Source of the rule: docs/mileage.md.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from histovet.history.dates import Precision, ShownDate
from histovet.history.report import Report


class MileageVerdict(enum.Enum):
    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    NO_VERDICT = "no verdict"


class Reason(enum.Enum):
    RISING = "rising"
    FALL = "fall"
    TOO_FEW = "too few readings"
    TYPING_SLIP = "typing slip"
    REPLACED_COUNTER = "replaced counter"
    COUNTER_ROLLED_OVER = "counter rolled over"
    UNIT_CHANGE = "unit change"
    IMPLAUSIBLE_RISE = "implausible rise"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Reading:
    date: ShownDate
    mileage_km: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What else bears on the verdict. `imported_on` is the day on which an import came
    to France; None for what is not known, and nothing is then excused by it."""

    imported: bool | None = None
    imported_on: ShownDate | None = None
    first_registration: ShownDate | None = None
    may_count_miles: bool = False


@dataclass(frozen=True, slots=True)
class Mileage:
    """`at` are places in the readings that were given: those that do not fit. `steps` are
    the pairs of places (before, after) between which something is odd.

    `km_a_year` is the average of all readings but `at`, in hundreds; None under a year,
    between dates too coarse for it, and where they do not rise.
    """

    verdict: MileageVerdict
    reason: Reason
    at: tuple[int, ...] = ()
    steps: tuple[tuple[int, int], ...] = ()
    km_a_year: int | None = None
    last: Reading | None = None


# An inspection and its counter-visit, two months at most: two clerks, two readings.
ONE_VISIT_DAYS = 62
VISIT_KM, VISIT_SHARE = 1_000, 0.01
# Some read to the hundred, and nobody turns a counter back by less.
ROUNDED_KM = 100
# Nobody drives more, in the long run, than one driver may: 90 hours a fortnight.
MOST_KM_A_DAY = 500
# A private car that is driven more is rare; a slip needs more than this, and more than
# three times what the other readings tell.
FAST_KM_A_YEAR, FAR = 30_000, 3
RESTART_SHARE = 0.1
# Five digits were the rule on cars until about then.
LAST_SHORT_COUNTER = dt.date(1995, 12, 31)
FIVE_DIGITS, SIX_DIGITS = 100_000, 1_000_000
# Only near its end is a counter taken to have begun again.
LATE_SHARE = 0.8
KM_A_MILE = 1.609
# What an odd reading would mean has to fit the one before to this share.
FIT_SHARE = 0.03
_YEAR = 365.25
# Beyond this share of the span, what coarse dates leave open makes an average worthless.
_COARSE = 0.1

_COUNTED_IN_MILES = frozenset(("GB", "GBR", "US", "USA"))


@dataclass(frozen=True, slots=True)
class _Placed:
    place: int
    date: ShownDate
    km: float


_Series = Sequence[_Placed]


def facts_of(report: Report) -> Facts:
    origin = (report.imported.origin_code or "").upper()
    return Facts(
        imported=report.imported.imported,
        imported_on=_came_on(report) if report.imported.imported else None,
        first_registration=report.first_registration,
        may_count_miles=origin in _COUNTED_IN_MILES or "COL" in report.usages,
    )


def _came_on(report: Report) -> ShownDate | None:
    """The register mostly leaves the date of an import out; the first registration of a
    used vehicle is then its first day in France."""
    firsts = (o.date for o in report.operations if o.code == "IMMAT_NORMALE_PREM_VO")
    return report.imported.date or next(firsts, None)


def readings_of(report: Report) -> tuple[Reading, ...]:
    """Return what inspections read, oldest first; some read nothing."""
    return tuple(
        Reading(one.date, one.mileage_km)
        for one in reversed(report.inspections.listed)
        if one.mileage_km is not None
    )


def judge(readings: Sequence[Reading], facts: Facts | None = None) -> Mileage:
    """Return the verdict on readings given oldest first, in their true order; those of
    one day may come in any."""
    facts = facts or Facts()
    placed = _in_order(readings)
    if not placed:
        return Mileage(MileageVerdict.NO_VERDICT, Reason.TOO_FEW)
    last = readings[placed[-1].place]
    kept, slips = _without_slips(placed, facts)
    odd = _odd_steps(kept, facts)
    reasons = {reason for reason, _place in slips} | {reason for reason, *_ in odd}
    reason = next((one for one in _GRAVEST_FIRST if one in reasons), None)
    if reason is None:
        if _shortest_days(kept[0], kept[-1]) <= ONE_VISIT_DAYS:
            return Mileage(MileageVerdict.NO_VERDICT, Reason.TOO_FEW, last=last)
        reason = Reason.IMPORT if facts.imported else Reason.RISING
    steps = tuple(
        (before.place, after.place) for why, before, after in odd if why is reason
    )
    at = {place for why, place in slips if why is reason}
    return Mileage(
        verdict=_VERDICTS.get(reason, MileageVerdict.NO_VERDICT),
        reason=reason,
        at=tuple(sorted(at | {after for _before, after in steps})),
        steps=steps,
        km_a_year=None if odd else _km_a_year(kept[0], kept[-1]),
        last=last,
    )


_VERDICTS = {
    Reason.RISING: MileageVerdict.CONSISTENT,
    Reason.FALL: MileageVerdict.INCONSISTENT,
}
# A fall that nothing explains is told whatever else is odd.
_GRAVEST_FIRST = (
    Reason.FALL,
    Reason.REPLACED_COUNTER,
    Reason.COUNTER_ROLLED_OVER,
    Reason.UNIT_CHANGE,
    Reason.TYPING_SLIP,
    Reason.IMPLAUSIBLE_RISE,
    Reason.IMPORT,
)


def _in_order(readings: Sequence[Reading]) -> list[_Placed]:
    placed = [
        _Placed(place, reading.date, reading.mileage_km)
        for place, reading in enumerate(readings)
    ]

    def day(one: _Placed) -> object:
        return one.date if one.date.precision is Precision.DAY else one.place

    # Of one day nobody knows which was read first: the order that accuses nobody.
    return [
        one
        for _day, same in groupby(placed, key=day)
        for one in sorted(same, key=lambda one: one.km)
    ]


# Slips


def _without_slips(
    series: _Series, facts: Facts
) -> tuple[_Series, list[tuple[Reason, int]]]:
    """Return the series without readings that are slips, and why and where they are."""
    slips = []
    found = _first_slip(series, facts, 1)
    while found:
        start, end, reason = found
        slips += [(reason, one.place) for one in series[start:end]]
        series = [*series[:start], *series[end:]]
        # What stood beside it has other neighbours now, and nothing before that has:
        # from the beginning again, a hundred readings would take a tenth of a second.
        found = _first_slip(series, facts, max(1, start - 1))
    return series, slips


def _first_slip(
    series: _Series, facts: Facts, first: int
) -> tuple[int, int, Reason] | None:
    """Return the bounds of a reading, or of several of one visit that repeat it."""
    for start in range(first, len(series) - 1):
        for end in range(start + 1, len(series)):
            if not _repeats(series[start], series[end - 1]):
                break
            if reason := _slip(series, start, end, facts):
                return start, end, reason
    return None


def _repeats(first: _Placed, other: _Placed) -> bool:
    is_one_visit = _shortest_days(first, other) <= ONE_VISIT_DAYS
    return is_one_visit and abs(other.km - first.km) <= _slack(first, other)


def _slip(series: _Series, start: int, end: int, facts: Facts) -> Reason | None:
    before, run, after = series[start - 1], series[start:end], series[end]
    if _falls(before, after) or _is_implausible(before, after):
        return None
    own = _km_a_day(*series[:start], *series[end:])
    is_peak = _falls(run[-1], after) and all(one.km > after.km for one in run)
    if is_peak:
        # High once, then low to the end, may be a counter that was turned back: the
        # return needs two readings, or a rise that nobody can drive.
        is_confirmed = end + 1 < len(series)
        is_slip = (
            _is_far(before, run[0], own) or _misread(run, before, after)
            if is_confirmed
            else _is_implausible(before, run[0])
        )
    elif _falls(before, run[0]) and all(one.km < before.km for one in run):
        is_slip = _is_far(run[-1], after, own) or _misread(run, before, after)
    else:
        return None
    if is_slip:
        return Reason.TYPING_SLIP
    factor = 1 / KM_A_MILE if is_peak else KM_A_MILE
    if facts.may_count_miles and all(
        before.km * (1 - FIT_SHARE) <= one.km * factor <= after.km * (1 + FIT_SHARE)
        for one in run
    ):
        return Reason.UNIT_CHANGE
    return None


def _is_far(before: _Placed, after: _Placed, own_km_a_day: float) -> bool:
    pace = _km_a_day(before, after)
    return pace > FAST_KM_A_YEAR / _YEAR and pace > FAR * own_km_a_day


def _misread(run: _Series, before: _Placed, after: _Placed) -> bool:
    """Whether each becomes one between its neighbours with two digits exchanged, or with
    one more or less. One wrong digit would explain nearly everything."""
    return all(
        any(before.km <= meant <= after.km for meant in _meant(str(int(one.km))))
        for one in run
    )


def _meant(digits: str) -> Iterable[int]:
    for at in range(len(digits)):
        head, tail = digits[:at], digits[at:]
        if len(digits) > 1:
            yield int(head + tail[1:])
        if len(tail) > 1:
            yield int(head + tail[1] + tail[0] + tail[2:])
    for at in range(len(digits) + 1):
        for more in "0123456789":
            yield int(digits[:at] + more + digits[at:])


# Steps


def _odd_steps(series: _Series, facts: Facts) -> list[tuple[Reason, _Placed, _Placed]]:
    found = []
    for place, (before, after) in enumerate(pairwise(series)):
        others = [*series[: place + 1]], [*series[place + 1 :]]
        if _falls(before, after):
            reason = _why_it_falls(before, after, series[place + 2 :], facts)
        elif facts.may_count_miles and _turned_to_km(before, after, *others):
            reason = Reason.UNIT_CHANGE
        elif _is_implausible(before, after):
            reason = Reason.IMPLAUSIBLE_RISE
        else:
            continue
        found.append((reason, before, after))
    return found


def _why_it_falls(
    before: _Placed, after: _Placed, later: _Series, facts: Facts
) -> Reason:
    if _came_between(before, after, facts):
        return Reason.IMPORT
    if _rolled_over(before, after, facts):
        return Reason.COUNTER_ROLLED_OVER
    if _restarted(before, after, later):
        return Reason.REPLACED_COUNTER
    if facts.may_count_miles and _turned_to_miles(before, after):
        return Reason.UNIT_CHANGE
    return Reason.FALL


def _came_between(before: _Placed, after: _Placed, facts: Facts) -> bool:
    came = facts.imported_on if facts.imported else None
    return (
        came is not None
        and before.date.date <= came.last_day
        and came.date <= after.date.last_day
    )


def _rolled_over(before: _Placed, after: _Placed, facts: Facts) -> bool:
    first = facts.first_registration
    counters = [(SIX_DIGITS, float(MOST_KM_A_DAY))]
    if first is not None and first.last_day <= LAST_SHORT_COUNTER:
        counters.append((FIVE_DIGITS, FAST_KM_A_YEAR / _YEAR))
    return any(
        end * LATE_SHARE <= before.km < end
        and _fits(before, after, end + after.km, most_km_a_day)
        for end, most_km_a_day in counters
    )


def _restarted(before: _Placed, after: _Placed, later: _Series) -> bool:
    """Near nothing, no more than was driven since, and rising from there."""
    rest = [after, *later]
    return (
        after.km < before.km * RESTART_SHARE
        and after.km / _days(before, after) <= FAST_KM_A_YEAR / _YEAR
        and rest[-1].km > after.km
        and not any(_falls(*step) or _is_implausible(*step) for step in pairwise(rest))
    )


def _turned_to_miles(before: _Placed, after: _Placed) -> bool:
    return _fits(before, after, after.km * KM_A_MILE, FAST_KM_A_YEAR / _YEAR)


def _turned_to_km(before: _Placed, after: _Placed, *others: _Series) -> bool:
    pace = _km_a_day(before, after)
    own = max((_km_a_day(*part) for part in others if len(part) > 1), default=0.0)
    is_fast = pace > FAST_KM_A_YEAR / _YEAR or pace > FAR * own > 0
    return is_fast and _fits(
        before, after, after.km / KM_A_MILE, FAST_KM_A_YEAR / _YEAR
    )


def _fits(
    before: _Placed, after: _Placed, meant_km: float, most_km_a_day: float
) -> bool:
    driven = meant_km - before.km
    most = most_km_a_day * _days(before, after)
    return -before.km * FIT_SHARE <= driven <= most + before.km * FIT_SHARE


def _falls(before: _Placed, after: _Placed) -> bool:
    return before.km - after.km > _slack(before, after)


def _slack(before: _Placed, after: _Placed) -> float:
    if _shortest_days(before, after) <= ONE_VISIT_DAYS:
        return max(VISIT_KM, VISIT_SHARE * before.km)
    return ROUNDED_KM


def _is_implausible(before: _Placed, after: _Placed) -> bool:
    driven = after.km - before.km
    most = MOST_KM_A_DAY * _days(before, after)
    return driven > max(most, VISIT_KM, VISIT_SHARE * before.km)


# Time between dates that may be coarse. A pace takes the middle of what they allow, so that
# a reader of months or years is told what the holder is.


def _days(before: _Placed, after: _Placed) -> float:
    longest = _longest_days(before, after)
    return max(1, (_shortest_days(before, after) + longest) / 2)


def _longest_days(before: _Placed, after: _Placed) -> int:
    return max(1, (after.date.last_day - before.date.date).days)


def _shortest_days(before: _Placed, after: _Placed) -> int:
    return max(0, (after.date.date - before.date.last_day).days)


def _km_a_day(*series: _Placed) -> float:
    return (series[-1].km - series[0].km) / _days(series[0], series[-1])


def _km_a_year(first: _Placed, last: _Placed) -> int | None:
    shortest, longest = _shortest_days(first, last), _longest_days(first, last)
    if shortest < int(_YEAR) or longest - shortest > _COARSE * _days(first, last):
        return None
    return round(max(0, _km_a_day(first, last)) * _YEAR / 100) * 100
