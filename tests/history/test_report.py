import dataclasses
import datetime as dt
import random

import msgspec
import pytest

from histovet.history.dates import Precision, ShownDate
from histovet.history.report import Audience, departement, masked_vin, report
from pseudonymizer.records import (
    DamageProcedure,
    Operation,
    Record,
    Register,
    Vehicle,
)
from pseudonymizer.registration import Layout
from tests import extract

AS_OF = dt.date(2021, 10, 26)
ISSUED = dt.date(2019, 6, 14)


def record(**changes):
    values = {
        "register": Register.SIV,
        "masked_plate": "AB-1**-CD",
        "postal_code": "69003",
        "first_registration": dt.date(2017, 3, 9),
        "issue_date": ISSUED,
        "operations": (
            Operation("CHANG_TIT_NORMAL", ISSUED),
            Operation("DECLARATION_CESSION", dt.date(2019, 6, 12)),
            Operation("IMMAT_NORMALE", dt.date(2017, 3, 9)),
        ),
    }
    return Record(**(values | changes))


def shown(day, precision=Precision.DAY):
    return ShownDate(day, precision)


def test_the_holder_reads_exact_dates():
    read = report(record(), audience=Audience.HOLDER, as_of=AS_OF)
    assert read.certificate.issue_date == shown(ISSUED)
    assert read.operations[0].date == shown(ISSUED)
    assert read.certificate.place == "69003"
    assert read.certificate.months_held == 28


def test_others_read_the_month_of_a_siv_certificate_and_of_all_in_it():
    changed = record(last_change=ISSUED, import_date=ISSUED)
    read = report(changed, audience=Audience.OTHERS, as_of=AS_OF)
    month = shown(dt.date(2019, 6, 1), Precision.MONTH)
    assert read.certificate.issue_date == month
    assert read.operations[0].date == month
    assert read.last_change == month
    assert read.imported.date == month
    assert read.operations[1].date == month
    assert read.operations[2].date == shown(dt.date(2017, 3, 9))
    assert read.certificate.place == "69"


def test_others_read_the_year_of_an_fni_certificate_and_of_all_in_it():
    day = dt.date(1999, 2, 5)
    old = record(register=Register.FNI, first_registration=day, issue_date=day)
    read = report(old, audience=Audience.OTHERS, as_of=AS_OF)
    year = shown(dt.date(1999, 1, 1), Precision.YEAR)
    assert read.certificate.issue_date == year
    assert read.first_registration == year
    beside = record(
        register=Register.FNI, issue_date=day, last_change=dt.date(1999, 2, 6)
    )
    read = report(beside, audience=Audience.OTHERS, as_of=AS_OF)
    assert read.last_change == year


@pytest.mark.parametrize(
    ("register", "precision"),
    [(Register.SIV, Precision.MONTH), (Register.FNI, Precision.YEAR)],
)
def test_others_read_no_exact_date_when_that_of_the_certificate_is_unknown(
    register, precision
):
    """Any of them may be it: the last change of holder usually is."""
    dates = {
        field.name: dt.date(2001 + place, 2, 3)
        for place, field in enumerate(msgspec.structs.fields(Record))
        if "datetime.date" in str(field.type)
    }
    undated = record(register=register, **dates | {"issue_date": None})
    read = report(undated, audience=Audience.OTHERS, as_of=AS_OF)
    found = list(_shown_dates(read))
    assert len(found) > len(dates)
    assert {date.precision for date in found} == {precision}
    assert read.certificate.issue_date is None
    exact = report(undated, audience=Audience.HOLDER, as_of=AS_OF)
    assert {date.precision for date in _shown_dates(exact)} == {Precision.DAY}


@pytest.mark.parametrize(
    ("as_of", "months"),
    [
        (dt.date(2019, 6, 14), 0),
        (dt.date(2019, 7, 13), 0),
        (dt.date(2019, 7, 14), 1),
        (dt.date(2021, 6, 13), 23),
        (dt.date(2021, 6, 14), 24),
    ],
)
def test_months_held_are_whole(as_of, months):
    read = report(record(), audience=Audience.HOLDER, as_of=as_of)
    assert read.certificate.months_held == months


def test_months_held_of_others_change_with_the_month_alone():
    for day in (1, 13, 14, 15, 30):
        as_of = dt.date(2021, 6, day)
        read = report(record(), audience=Audience.OTHERS, as_of=as_of)
        assert read.certificate.months_held == 24


def test_a_change_of_leaseholder_does_not_date_the_certificate():
    leased = record(
        operations=(
            Operation("CHANG_LOC", dt.date(2020, 1, 1)),
            Operation("CHANG_TIT_NORMAL", ISSUED),
        )
    )
    read = report(leased, audience=Audience.HOLDER, as_of=AS_OF)
    assert read.certificate.months_held == 28


def test_months_held_without_any_dating_operation_are_unknown():
    read = report(record(operations=()), audience=Audience.HOLDER, as_of=AS_OF)
    assert read.certificate.months_held is None


def test_a_resolution_before_the_last_claim_does_not_resolve_it():
    claimed = record(
        last_claim=dt.date(2018, 5, 2), last_resolution=dt.date(2012, 1, 1)
    )
    read = report(claimed, audience=Audience.HOLDER, as_of=AS_OF)
    assert read.damage.last_claim == shown(dt.date(2018, 5, 2))
    assert read.damage.last_resolution is None


@pytest.mark.parametrize(
    ("states", "running"),
    [((), False), ((False,), False), ((False, True), True), ((None, False), None)],
)
def test_a_running_procedure_is_read_from_the_procedures(states, running):
    damaged = record(procedures=tuple(DamageProcedure(running=s) for s in states))
    read = report(damaged, audience=Audience.HOLDER, as_of=AS_OF)
    assert read.damage.running is running


@pytest.mark.parametrize(
    ("postal_code", "number"),
    [
        ("69003", "69"),
        ("01000", "01"),
        ("20000", "2A"),
        ("20167", "2A"),
        ("20200", "2B"),
        ("20600", "2B"),
        ("97400", "974"),
        ("98800", "988"),
        (None, None),
        ("", None),
    ],
)
def test_departement(postal_code, number):
    assert departement(postal_code) == number


@pytest.mark.parametrize(
    ("vin", "to_holder", "to_others"),
    [
        ("VF1RFB00X12345678", "VF1R********45678", "VF1R*************"),
        ("VF1R********45678", "VF1R********45678", "VF1R*************"),
        ("VF1RFB00X123456789", "VF1R*********56789", "VF1R**************"),
        ("ABCDEFGHIJKL", "ABCD********", "ABCD********"),
        ("ABCDEFGHIJ", "AB********", "AB********"),
        ("***45678", "***45678", "********"),
        ("96", "**", "**"),
        ("", "", ""),
    ],
)
def test_a_vin_is_masked_as_the_register_does_and_for_others_to_its_end(
    vin, to_holder, to_others
):
    assert masked_vin(vin, Audience.HOLDER) == to_holder
    assert masked_vin(vin, Audience.OTHERS) == to_others


def test_no_report_holds_a_whole_vin_and_none_for_others_its_end():
    for vin in ("VF1RFB00X12345678", "VF1R********45678"):
        given = record(vehicle=Vehicle(vin=vin))
        read = {
            audience: report(given, audience=audience, as_of=AS_OF).vehicle.vin
            for audience in Audience
        }
        assert read == {
            Audience.HOLDER: "VF1R********45678",
            Audience.OTHERS: "VF1R*************",
        }


@pytest.mark.parametrize(
    ("date", "last"),
    [
        (shown(dt.date(2019, 2, 1), Precision.MONTH), dt.date(2019, 2, 28)),
        (shown(dt.date(2020, 2, 1), Precision.MONTH), dt.date(2020, 2, 29)),
        (shown(dt.date(2019, 12, 1), Precision.MONTH), dt.date(2019, 12, 31)),
        (shown(dt.date(2019, 1, 1), Precision.YEAR), dt.date(2019, 12, 31)),
        (shown(dt.date(2019, 1, 7)), dt.date(2019, 1, 7)),
    ],
)
def test_the_last_day_that_a_date_may_stand_for(date, last):
    assert date.last_day == last


def test_a_date_in_the_record_falls_on_the_report_only_through_the_rule():
    """Each date of the record is on the day of the certificate: none may be exact."""
    dates = {
        field.name: ISSUED
        for field in msgspec.structs.fields(Record)
        if "datetime.date" in str(field.type)
    }
    assert len(dates) > 10
    everything = record(
        **dates,
        operations=(Operation("CHANG_TIT_NORMAL", ISSUED, True, ISSUED),),
    )
    read = report(everything, audience=Audience.OTHERS, as_of=AS_OF)
    assert all(date.precision is Precision.MONTH for date in _shown_dates(read))


def _shown_dates(value):
    if isinstance(value, ShownDate):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _shown_dates(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _shown_dates(item)


def _real_records():
    layouts = {}
    for line in extract.lines():
        header = tuple(line)
        layout = layouts.setdefault(header, Layout.of(list(header)))
        yield layout.registration(list(line.values())).record


def _moved(value, day, other):
    """Return the structure with every date on `day` moved to `other`."""
    if value == day and isinstance(value, dt.date):
        return other
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(
            value,
            **{
                name: _moved(getattr(value, name), day, other)
                for name in value.__struct_fields__
            },
        )
    if isinstance(value, tuple):
        return tuple(_moved(item, day, other) for item in value)
    return value


def _period(date, register):
    return date.year if register is Register.FNI else (date.year, date.month)


def test_no_exact_date_of_a_shared_report_lies_in_the_period_of_its_certificate():
    """Otherwise a date beside the certificate's gives its day back: the register's last
    touch stands one to three days after it in every second case where both fall in one
    period, and the change of holder as often before it."""
    checked = 0
    for original in _real_records():
        read = report(original, audience=Audience.OTHERS, as_of=AS_OF)
        if original.issue_date is None:
            assert all(d.precision is not Precision.DAY for d in _shown_dates(read))
            continue
        period = _period(original.issue_date, original.register)
        for date in _shown_dates(read):
            if _period(date.date, original.register) == period:
                assert date.precision is not Precision.DAY
                checked += 1
    assert checked > 4000


def test_real_certificates_of_one_period_give_the_same_shared_report():
    """Whoever holds a shared report cannot tell the day: the record of a certificate
    issued on any other day of that month (SIV) or year (FNI) gives the very same."""
    rng = random.Random(11)
    checked = 0
    for original in _real_records():
        issued = original.issue_date
        if issued is None:
            continue
        first = issued.replace(day=1)
        if original.register is Register.FNI:
            first = first.replace(month=1)
        days = 28 if original.register is Register.SIV else 365
        read = report(original, audience=Audience.OTHERS, as_of=AS_OF)
        for _ in range(3):
            other = first + dt.timedelta(days=rng.randrange(days))
            moved = _moved(original, issued, other)
            assert report(moved, audience=Audience.OTHERS, as_of=AS_OF) == read
            checked += 1
    assert checked > 4000
