import datetime as dt

import pytest

from histovet.history.report import Audience, report
from histovet.history.tenures import Tenure, tenures
from pseudonymizer.records import Operation, Record, Register

NEW, CHANGE, LEASE = "IMMAT_NORMALE", "CHANG_TIT_NORMAL", "CHANG_LOC"


def of(*operations, count, audience=Audience.HOLDER, **facts):
    """Each operation is its code and day, newest first, or more of its fields."""
    record = Record(
        register=facts.pop("register", Register.SIV),
        masked_plate="AA-1**-AA",
        holder_count=count,
        operations=tuple(
            Operation(code, dt.date.fromisoformat(day) if day else None, *more)
            for code, day, *more in operations
        ),
        **facts,
    )
    return tenures(report(record, audience=audience, as_of=dt.date(2021, 10, 26)))


def test_each_holder_has_a_rank_and_whole_months():
    held = of(
        (CHANGE, "2019-06-16"),
        ("DECLARATION_ACHAT", "2019-06-10"),
        (CHANGE, "2018-01-18"),
        (NEW, "2017-11-23"),
        count=3,
    )
    assert held == {
        0: Tenure(3, 28, True),
        2: Tenure(2, 16, False),
        3: Tenure(1, 1, False),
    }


@pytest.mark.parametrize(
    ("count", "facts"),
    [
        # A first holder that the register does not know.
        (3, {}),
        (None, {}),
        (2, {"imported": True}),
    ],
)
def test_a_rank_is_told_only_where_all_are_known(count, facts):
    held = of((CHANGE, "2019-06-16"), (NEW, "2017-06-16"), count=count, **facts)
    assert [one.rank for one in held.values()] == [None, None]
    assert [one.months for one in held.values()] == [28, 24]


def test_a_leaseholder_is_counted_by_the_register_and_is_no_holder():
    held = of((LEASE, "2019-06-16"), (NEW, "2017-06-16"), count=2)
    assert held == {1: Tenure(None, 52, True)}


def test_what_was_cancelled_began_nothing():
    held = of((CHANGE, "2019-06-16", True), (NEW, "2017-06-16"), count=1)
    assert held == {1: Tenure(1, 52, True)}


def test_with_a_holder_of_no_date_nobody_knows_the_order():
    assert of((CHANGE, None), (NEW, "2017-06-16"), count=2) == {}


def test_others_read_lengths_of_the_dates_that_they_read():
    held = of(
        (CHANGE, "2019-06-16"),
        (CHANGE, "2018-01-18"),
        (NEW, "2017-11-23"),
        count=3,
        issue_date=dt.date(2019, 6, 16),
        audience=Audience.OTHERS,
    )
    # From the first of June, which is what stands for its month.
    assert [one.months for one in held.values()] == [28, 16, 1]


def test_two_of_one_month_have_no_length_for_others():
    held = of(
        (CHANGE, "2019-06-16"),
        (CHANGE, "2019-06-02"),
        (NEW, "2017-11-23"),
        count=3,
        issue_date=dt.date(2019, 6, 16),
        audience=Audience.OTHERS,
    )
    assert [one.months for one in held.values()] == [28, None, 18]


def test_between_years_no_months_are_told():
    held = of(
        (CHANGE, "2007-04-22"),
        (NEW, "1990-11-10"),
        count=2,
        register=Register.FNI,
        issue_date=dt.date(2007, 4, 22),
        audience=Audience.OTHERS,
    )
    assert held == {0: Tenure(2, None, True), 1: Tenure(1, None, False)}
