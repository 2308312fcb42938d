"""What is due next, for which vehicle, and what is not told."""

import datetime as dt

import pytest

from histovet.history.dates import Precision, ShownDate
from histovet.history.inspection_due import Due, DueKind, next_due
from histovet.history.report import Audience, report
from histovet.inspections.inspected import Absence, Inspected, Source
from pseudonymizer.records import Inspection, Record, Register, Vehicle

AS_OF = dt.date(2026, 1, 1)


def day(text):
    return ShownDate(dt.date.fromisoformat(text))


def due(
    *visits,
    genre="VP",
    body=None,
    mass=None,
    first="2015-03-04",
    absence=Absence.NONE_RECORDED,
    audience=Audience.HOLDER,
    as_of=AS_OF,
    register=Register.SIV,
    **facts,
):
    """Each visit is its day, nature and result, newest first."""
    record = Record(
        register=register,
        masked_plate="AA-1**-AA",
        vehicle=Vehicle(genre=genre, body=body, max_laden_mass_kg=mass),
        first_registration=dt.date.fromisoformat(first) if first else None,
        **facts,
    )
    inspected = Inspected(
        inspections=tuple(
            Inspection(dt.date.fromisoformat(date), nature, result)
            for date, nature, result in visits
        ),
        source=Source.REGISTER,
        as_of=as_of,
        absence=None if visits else absence,
    )
    return next_due(report(record, audience=audience, as_of=AS_OF, inspected=inspected))


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([("2025-03-04", "VTP", "A")], Due(DueKind.PERIODIC, day("2027-03-04"))),
        ([("2025-03-04", "VTP", "AP")], Due(DueKind.PERIODIC, day("2027-03-04"))),
        ([("2024-02-29", "VTP", "A")], Due(DueKind.PERIODIC, day("2026-02-28"))),
        ([("2025-03-04", "VTP", "S")], Due(DueKind.COUNTER_VISIT, day("2025-05-04"))),
        ([("2025-12-31", "VTP", "SP")], Due(DueKind.COUNTER_VISIT, day("2026-02-28"))),
        (
            [("2025-03-04", "VTP", "R")],
            Due(
                DueKind.COUNTER_VISIT, day("2025-05-04"), drives_until=day("2025-03-04")
            ),
        ),
        (
            [("2025-03-04", "VTP", "RP")],
            Due(
                DueKind.COUNTER_VISIT, day("2025-05-04"), drives_until=day("2025-03-04")
            ),
        ),
        # Two years and two months run from the periodic inspection.
        (
            [("2025-04-20", "CV", "A"), ("2025-03-04", "VTP", "S")],
            Due(DueKind.PERIODIC, day("2027-03-04")),
        ),
        (
            [("2025-04-20", "CV", "S"), ("2025-03-04", "VTP", "R")],
            Due(DueKind.COUNTER_VISIT, day("2025-05-04")),
        ),
        (
            [("2025-04-20", "CV", "R"), ("2025-03-04", "VTP", "S")],
            Due(
                DueKind.COUNTER_VISIT, day("2025-05-04"), drives_until=day("2025-04-20")
            ),
        ),
        # A complementary one changes nothing, nor does an older counter-visit.
        (
            [("2025-09-04", "VTC", "S"), ("2025-03-04", "VTP", "A")],
            Due(DueKind.PERIODIC, day("2027-03-04")),
        ),
        (
            [("2025-03-04", "VTP", "A"), ("2023-04-04", "CV", "S")],
            Due(DueKind.PERIODIC, day("2027-03-04")),
        ),
        # Not told: a postponement, an unknown result, no periodic one on record.
        ([("2025-03-04", "VTP", "X")], None),
        ([("2025-03-04", "VTP", "?")], None),
        ([("2025-03-04", "CV", "A")], None),
    ],
)
def test_what_the_last_inspections_make_due(visits, expected):
    assert due(*visits) == expected


@pytest.mark.parametrize("genre", ["VP", "CTTE"])
def test_the_first_is_due_in_the_six_months_before_the_fourth_anniversary(genre):
    first = due(genre=genre, first="2023-03-04")
    assert first == Due(DueKind.FIRST, day("2027-03-04"), opens=day("2026-09-04"))


@pytest.mark.parametrize(
    "facts",
    [
        # The source may not reach back to its first.
        {"first": "2021-12-31"},
        {"first": None},
        # It may have passed one abroad.
        {"imported": True, "first": "2023-03-04"},
        {"usages": ("COL",), "first": "2023-03-04"},
    ],
)
def test_a_first_one_is_not_told_of_every_vehicle(facts):
    assert due(**facts) is None


def test_the_day_of_the_fourth_anniversary_still_counts():
    assert due(first="2022-01-01").by == day("2026-01-01")


@pytest.mark.parametrize(
    ("facts", "is_told"),
    [
        ({"genre": "VASP", "mass": 3500.0}, True),
        ({"genre": "VASP", "mass": 3501.0}, False),
        ({"genre": "VASP"}, False),
        ({"genre": "VP", "mass": 3501.0}, False),
        ({"genre": "CTTE", "mass": 3500.0}, True),
        ({"genre": "VASP", "mass": 3000.0, "body": "AMBULANC"}, False),
        ({"genre": "VASP", "mass": 3000.0, "body": "DEPANNAG"}, False),
        ({"genre": "CAM"}, False),
        ({"genre": "MTT2"}, False),
        ({"genre": "REM"}, False),
        ({"genre": None}, False),
        ({"usages": ("AGR",)}, False),
        ({"subject_to_inspection": False}, False),
        ({"subject_to_inspection": True}, True),
    ],
)
def test_which_vehicles_the_rule_is_for(facts, is_told):
    assert (due(("2025-03-04", "VTP", "A"), **facts) is not None) == is_told


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("1960-01-01", Due(DueKind.PERIODIC, day("2030-03-04"))),
        ("1959-12-31", None),
        (None, None),
    ],
)
def test_a_collection_vehicle_has_five_years(first, expected):
    found = due(("2025-03-04", "VTP", "A"), usages=("COL",), first=first)
    assert found == expected


@pytest.mark.parametrize(
    "absence", [Absence.NOT_SUBJECT, Absence.NOT_AVAILABLE, Absence.NOT_CONNECTED]
)
def test_nothing_is_told_where_no_source_answers(absence):
    assert due(absence=absence, first="2023-03-04") is None


def coarse(date, precision):
    return ShownDate(dt.date.fromisoformat(date), precision)


def test_a_coarse_date_stays_as_coarse():
    shared = {"audience": Audience.OTHERS, "issue_date": dt.date(2025, 3, 20)}
    periodic = due(("2025-03-04", "VTP", "A"), **shared)
    assert periodic == Due(DueKind.PERIODIC, coarse("2027-03-01", Precision.MONTH))
    failed = due(("2025-03-04", "VTP", "S"), **shared)
    assert failed == Due(DueKind.COUNTER_VISIT, coarse("2025-05-01", Precision.MONTH))
    yearly = due(("2025-03-04", "VTP", "A"), register=Register.FNI, **shared)
    assert yearly == Due(DueKind.PERIODIC, coarse("2027-01-01", Precision.YEAR))


def test_months_after_a_year_are_not_told():
    shared = {"audience": Audience.OTHERS, "register": Register.FNI}
    failed = due(("2025-03-04", "VTP", "S"), issue_date=dt.date(2025, 3, 20), **shared)
    assert failed is None
    first = due(first="2023-03-04", issue_date=dt.date(2023, 3, 4), **shared)
    assert first == Due(DueKind.FIRST, coarse("2027-01-01", Precision.YEAR), opens=None)
