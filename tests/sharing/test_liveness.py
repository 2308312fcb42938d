"""Whether a link lives: docs/links.md, Life."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from histovet.sharing.liveness import created_on, end_of, is_handed_over
from histovet.sharing.models import End, Scope
from histovet.vault.reading import Opened
from pseudonymizer.codec import OPERATION_CODES
from pseudonymizer.errors import KeyRingError
from pseudonymizer.records import (
    Capsule,
    HolderProof,
    Identity,
    LinkTerms,
    Operation,
    Record,
    Register,
)

PARIS = ZoneInfo("Europe/Paris")
SECOND = dt.timedelta(seconds=1)
MICROSECOND = dt.timedelta(microseconds=1)

CREATED = "2026-11-22 10:00:00"
THE_DAY_BEFORE, THE_DAY, THE_DAY_AFTER = (
    dt.date(2026, 11, day) for day in (21, 22, 23)
)
LATER = dt.date(2026, 11, 28)
NOW = dt.datetime(2026, 11, 29, 9, 59, 59, tzinfo=dt.UTC)

SALES = ["DECLARATION_CESSION", "DECLARATION_CESSION_DGME", "DECLARATION_ACHAT"]
NEW_HOLDERS = [
    "IMMAT_NORMALE",
    "IMMAT_NORMALE_PREM_VO",
    "CHANG_TIT_NORMAL",
    "CHANG_TIT_NORMAL_CVN",
]
OTHERS = [*sorted({*OPERATION_CODES} - {*SALES, *NEW_HOLDERS}), "A_NEW_CODE", ""]

TAG, OTHER_TAG = b"holder 1", b"holder 2"
CAPSULE = Capsule(Identity(Register.SIV, "AA123AA", "2015AB12345"), TAG)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def terms(
    created: str = CREATED, *, days: int = 7, holder_key_version: int = 2
) -> LinkTerms:
    start = int(utc(created).timestamp())
    return LinkTerms(
        public_id=bytes(12),
        key_version=1,
        holder_key_version=holder_key_version,
        created_at=start,
        expires_at=start + days * 86_400,
        scope=Scope.FULL,
        max_openings=None,
    )


def opened(*operations: Operation, tags=((2, TAG),), **facts) -> Opened:
    record = Record(
        register=Register.SIV,
        masked_plate="AA-1**-AA",
        operations=operations,
        **facts,
    )
    identity = Identity(Register.SIV, "AA123AA", "2015AB12345")
    return Opened(identity, record, HolderProof(tags=tags), None, False)


def end(*operations: Operation, **facts) -> End | None:
    return end_of(terms(), CAPSULE, opened(*operations, **facts), NOW)


def test_a_link_lives_while_nothing_ended_it():
    assert end() is None


# Its time


@pytest.mark.parametrize(
    ("created", "days", "over"),
    [
        pytest.param("2026-11-22 10:00:00", 1, "2026-11-23 10:00:00", id="a day"),
        pytest.param("2026-11-22 10:00:00", 7, "2026-11-29 10:00:00", id="a week"),
        pytest.param("2026-11-22 10:00:00", 30, "2026-12-22 10:00:00", id="30 days"),
        # 24 hours, whatever the clocks in France show.
        pytest.param("2026-03-28 12:00:00", 1, "2026-03-29 12:00:00", id="to summer"),
        pytest.param("2026-03-28 01:30:00", 1, "2026-03-29 01:30:00", id="lost hour"),
        pytest.param("2026-10-24 12:00:00", 1, "2026-10-25 12:00:00", id="to winter"),
        pytest.param("2026-10-24 00:30:00", 1, "2026-10-25 00:30:00", id="first 2:30"),
        pytest.param("2026-10-24 01:30:00", 1, "2026-10-25 01:30:00", id="second 2:30"),
        pytest.param("2026-12-30 23:59:59", 1, "2026-12-31 23:59:59", id="year's end"),
        pytest.param("2026-12-31 00:00:00", 1, "2027-01-01 00:00:00", id="new year"),
        pytest.param("2028-02-28 10:00:00", 1, "2028-02-29 10:00:00", id="leap day"),
    ],
)
def test_a_link_is_over_at_the_second_of_its_expiry(created, days, over):
    link = terms(created, days=days)
    for zone in (dt.UTC, PARIS, ZoneInfo("Pacific/Auckland")):
        for moment, expected in (
            (utc(created), None),
            (utc(over) - SECOND, None),
            (utc(over) - MICROSECOND, None),
            (utc(over), End.EXPIRED),
            (utc(over) + MICROSECOND, End.EXPIRED),
            (utc(over) + SECOND, End.EXPIRED),
            (utc(over) + dt.timedelta(days=3650), End.EXPIRED),
        ):
            now = moment.astimezone(zone)
            assert end_of(link, CAPSULE, opened(), now) is expected, now


def test_an_hour_that_comes_twice_is_told_apart():
    link = terms("2026-10-24 01:00:00", days=1)
    for fold, expected in ((0, None), (1, End.EXPIRED)):
        now = dt.datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=PARIS)
        assert end_of(link, CAPSULE, opened(), now) is expected


# The certificate and its holder


@pytest.mark.parametrize(
    ("cancelled", "expected"),
    [(True, End.CERTIFICATE_GONE), (False, None), (None, None)],
)
def test_a_cancelled_certificate_ends_a_link(cancelled, expected):
    assert end(certificate_cancelled=cancelled) is expected


def test_a_vehicle_that_is_in_no_record_any_more_ends_a_link():
    assert end_of(terms(), CAPSULE, None, NOW) is End.CERTIFICATE_GONE


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param(((2, TAG),), None, id="the holder"),
        pytest.param(((1, OTHER_TAG), (2, TAG)), None, id="under two keys"),
        pytest.param(((2, TAG), (3, OTHER_TAG)), None, id="under a newer key too"),
        pytest.param(((2, OTHER_TAG),), End.CHANGED_HANDS, id="another holder"),
        pytest.param(
            ((1, TAG), (2, OTHER_TAG), (3, TAG)),
            End.CHANGED_HANDS,
            id="another holder, equal under other keys",
        ),
        pytest.param(((2, TAG[:7]),), End.CHANGED_HANDS, id="a tag cut short"),
        pytest.param((), End.CHANGED_HANDS, id="no holder"),
    ],
)
def test_another_holder_tag_ends_a_link(tags, expected):
    assert end(tags=tags) is expected


@pytest.mark.parametrize("version", [1, 3])
def test_without_a_tag_of_its_key_nobody_can_tell_and_a_link_is_not_ended(version):
    with pytest.raises(KeyRingError, match="no holder tags of version 2"):
        end(tags=((version, TAG),))


def test_the_key_of_the_holder_tag_is_that_of_the_terms():
    link = terms(holder_key_version=3)
    tags = ((2, OTHER_TAG), (3, TAG))
    assert end_of(link, CAPSULE, opened(tags=tags), NOW) is None
    tags = ((2, TAG), (3, OTHER_TAG))
    assert end_of(link, CAPSULE, opened(tags=tags), NOW) is End.CHANGED_HANDS


# Sales and new holders


@pytest.mark.parametrize(
    ("code", "date", "expected"),
    [
        *((code, THE_DAY_BEFORE, None) for code in SALES + NEW_HOLDERS),
        *((code, THE_DAY, End.CHANGED_HANDS) for code in SALES),
        *((code, THE_DAY, None) for code in NEW_HOLDERS),
        *((code, THE_DAY_AFTER, End.CHANGED_HANDS) for code in SALES + NEW_HOLDERS),
        *((code, LATER, End.CHANGED_HANDS) for code in SALES + NEW_HOLDERS),
        *((code, None, None) for code in SALES + NEW_HOLDERS),
        *((code, dt.date(2012, 3, 6), None) for code in SALES + NEW_HOLDERS),
        *((code, LATER, None) for code in OTHERS),
    ],
)
def test_a_sale_of_that_day_and_a_new_holder_of_a_later_one_end_a_link(
    code, date, expected
):
    assert end(Operation(code, date)) is expected


@pytest.mark.parametrize("date", [THE_DAY_BEFORE, THE_DAY, THE_DAY_AFTER, LATER])
@pytest.mark.parametrize("code", SALES + NEW_HOLDERS)
def test_a_cancelled_operation_ends_no_link(code, date):
    assert end(Operation(code, date, cancelled=True)) is None
    undone = Operation(code, date, cancelled=True, cancelled_on=LATER)
    assert end(undone) is None
    # What is said about the day alone cancels nothing.
    stands = Operation(code, LATER, cancelled=False, cancelled_on=LATER)
    assert end(stands) is End.CHANGED_HANDS


def test_the_sale_that_counts_may_stand_anywhere_in_the_history():
    harmless = [
        Operation("INSCRIPTION_GAGE", LATER),
        Operation("DECLARATION_CESSION", LATER, cancelled=True),
        Operation("DECLARATION_CESSION", None),
        Operation("CHANG_TIT_NORMAL", THE_DAY),
        Operation("DECLARATION_CESSION", THE_DAY_BEFORE),
        Operation("IMMAT_NORMALE", dt.date(2012, 3, 6)),
    ]
    assert end(*harmless) is None
    sale = Operation("DECLARATION_CESSION", THE_DAY)
    for place in range(len(harmless) + 1):
        history = [*harmless[:place], sale, *harmless[place:]]
        assert end(*history) is End.CHANGED_HANDS, place


@pytest.mark.parametrize(
    ("since", "expected"),
    [(THE_DAY_BEFORE, True), (THE_DAY, True), (THE_DAY_AFTER, False)],
)
def test_a_sale_is_one_since_its_own_day(since, expected):
    record = opened(Operation("DECLARATION_CESSION", THE_DAY)).record
    assert is_handed_over(record, since=since) is expected
    assert not is_handed_over(opened().record, since=since)


@pytest.mark.parametrize(
    ("created", "day"),
    [
        pytest.param("2026-11-22 22:59:59", "2026-11-22", id="last second of a day"),
        pytest.param("2026-11-22 23:00:00", "2026-11-23", id="first second of a day"),
        pytest.param("2026-11-22 23:30:00", "2026-11-23", id="half past midnight"),
        pytest.param("2026-07-14 21:59:59", "2026-07-14", id="last of a summer's day"),
        pytest.param("2026-07-14 22:00:00", "2026-07-15", id="first of a summer's day"),
        pytest.param("2026-03-28 22:30:00", "2026-03-28", id="before summer time"),
        pytest.param("2026-03-28 23:30:00", "2026-03-29", id="day of 23 hours"),
        pytest.param("2026-03-29 21:59:59", "2026-03-29", id="its last second"),
        pytest.param("2026-03-29 22:00:00", "2026-03-30", id="the day after it"),
        pytest.param("2026-10-24 22:00:00", "2026-10-25", id="day of 25 hours"),
        pytest.param("2026-10-25 22:59:59", "2026-10-25", id="its last second too"),
        pytest.param("2026-10-25 23:00:00", "2026-10-26", id="the day after it too"),
        pytest.param("2026-12-31 22:59:59", "2026-12-31", id="last of a year"),
        pytest.param("2026-12-31 23:00:00", "2027-01-01", id="first of a year"),
    ],
)
def test_a_link_is_made_on_a_day_in_france(created, day):
    link, day = terms(created), dt.date.fromisoformat(day)
    assert created_on(link) == day
    one_day, now = dt.timedelta(days=1), utc(created) + SECOND
    for code, date, expected in (
        ("DECLARATION_CESSION", day - one_day, None),
        ("DECLARATION_CESSION", day, End.CHANGED_HANDS),
        ("CHANG_TIT_NORMAL", day, None),
        ("CHANG_TIT_NORMAL", day + one_day, End.CHANGED_HANDS),
    ):
        found = end_of(link, CAPSULE, opened(Operation(code, date)), now)
        assert found is expected, (code, date)


# Which reason is told


def test_of_several_reasons_the_first_is_told():
    sale = Operation("DECLARATION_CESSION", LATER)
    sold = opened(sale, tags=((2, OTHER_TAG),))
    gone = opened(sale, tags=((2, OTHER_TAG),), certificate_cancelled=True)
    assert end_of(terms(), CAPSULE, sold, NOW) is End.CHANGED_HANDS
    assert end_of(terms(), CAPSULE, gone, NOW) is End.CERTIFICATE_GONE
    for found in (sold, gone, None):
        assert end_of(terms(), CAPSULE, found, NOW + SECOND) is End.EXPIRED
