"""Rows of the official table, and what it does not tell."""

import datetime as dt

import pytest

from histovet.history.critair import Sticker, Why, sticker
from histovet.history.report import Audience, report
from pseudonymizer.records import Record, Register, Vehicle

OLD = dt.date(1996, 12, 31)


def of(
    category="M1",
    energy="ES",
    first="2012-05-14",
    euro="",
    *,
    genre=None,
    register=Register.SIV,
    issued=None,
    audience=Audience.HOLDER,
):
    record = Record(
        register=register,
        masked_plate="AA-1**-AA",
        vehicle=Vehicle(
            eu_category=category,
            genre=genre,
            energy=energy,
            environment_class=f"70/220*2003/76{euro}" if euro else None,
        ),
        first_registration=dt.date.fromisoformat(first) if first else None,
        issue_date=dt.date.fromisoformat(issued) if issued else None,
    )
    return sticker(report(record, audience=audience, as_of=dt.date(2026, 1, 1)))


@pytest.mark.parametrize(
    ("category", "energy", "first", "expected"),
    [
        ("M1", "ES", "2011-01-01", "1"),
        ("M1", "ES", "2010-12-31", "2"),
        ("M1", "ES", "2006-01-01", "2"),
        ("M1", "ES", "2005-12-31", "3"),
        ("M1", "ES", "1997-01-01", "3"),
        ("M1", "ES", "1996-12-31", "unclassified"),
        ("M1", "GO", "2011-01-01", "2"),
        ("M1", "GO", "2010-12-31", "3"),
        ("M1", "GO", "2005-12-31", "4"),
        ("M1", "GO", "2001-01-01", "4"),
        ("M1", "GO", "2000-12-31", "5"),
        ("M1", "GO", "1996-12-31", "unclassified"),
        ("M1G", "GO", "2011-01-01", "2"),
        ("N1", "GO", "1997-10-01", "5"),
        ("N1", "GO", "1997-09-30", "unclassified"),
        ("N1", "ES", "1997-10-01", "3"),
        ("N3", "GO", "2014-01-01", "2"),
        ("N3", "GO", "2013-12-31", "3"),
        ("N3", "GO", "2009-10-01", "3"),
        ("N2", "GO", "2009-09-30", "4"),
        ("N2", "GO", "2006-10-01", "4"),
        ("N2", "GO", "2006-09-30", "5"),
        ("M3", "GO", "2001-09-30", "unclassified"),
        ("M2", "ES", "2014-01-01", "1"),
        ("M2", "ES", "2009-10-01", "2"),
        ("M2", "ES", "2006-10-01", "3"),
        ("M2", "ES", "2001-10-01", "3"),
        ("L3e", "ES", "2017-01-01", "1"),
        ("L3e", "ES", "2016-12-31", "2"),
        ("L3e", "ES", "2007-01-01", "2"),
        ("L3e-A2", "ES", "2006-12-31", "3"),
        ("L5e", "ES", "2004-07-01", "3"),
        ("L3e", "ES", "2004-06-30", "4"),
        ("L3e", "ES", "2000-06-01", "4"),
        ("L3e", "ES", "2000-05-31", "unclassified"),
        ("L5e", "GO", "2017-01-01", "1"),
        ("L5e", "GO", "2016-12-31", "2"),
        ("L5e", "GO", "2006-12-31", "3"),
        ("L5e", "GO", "2004-06-30", "4"),
        ("L1e", "ES", "2017-12-31", "2"),
        ("L1e", "ES", "2018-01-01", "1"),
        ("L6e", "GO", "2018-01-01", "1"),
    ],
)
def test_without_a_standard_the_day_decides(category, energy, first, expected):
    assert of(category, energy, first) is Sticker(expected)


@pytest.mark.parametrize(
    ("category", "energy", "euro", "expected"),
    [
        ("M1", "ES", "EURO6", "1"),
        ("M1", "ES", "EURO 5", "1"),
        ("M1", "ES", "EURO4", "2"),
        ("M1", "ES", "EURO3", "3"),
        ("M1", "ES", "EURO2", "3"),
        ("M1", "ES", "EURO1", "unclassified"),
        ("M1", "GO", "EURO6D-TEMP", "2"),
        ("M1", "GO", "EURO4", "3"),
        ("M1", "GO", "EURO3", "4"),
        ("M1", "GO", "EURO2", "5"),
        ("M1", "ES", "EUROII", "3"),
        ("N1", "GO", "EURO2", "5"),
        ("N1", "GO", "EURO1", "unclassified"),
        ("N3", "GO", "EUROVI", "2"),
        ("N3", "GO", "EURO V", "3"),
        ("N3", "GO", "EUROIV", "4"),
        ("N3", "GO", "EUROIII", "5"),
        ("N3", "GO", "EUROII", "unclassified"),
        ("N3", "GO", "EUROI", "unclassified"),
        ("L3e", "ES", "EURO5", "1"),
        ("L3e", "ES", "EURO4", "1"),
        ("L3e", "ES", "EURO3", "2"),
        ("L1e", "ES", "EURO4", "1"),
        ("L1e", "ES", "EURO3", "2"),
        ("L3e", "ES", "EURO2", "3"),
    ],
)
@pytest.mark.parametrize("first", ["1990-01-01", "2025-01-01", None])
def test_the_standard_on_the_certificate_decides_before_the_day(
    category, energy, euro, expected, first
):
    assert of(category, energy, first, euro) is Sticker(expected)


def test_for_two_wheels_of_euro_1_the_table_gives_days_alone():
    assert of("L3e", "ES", "2003-01-01", "EURO1") is Sticker.FOUR
    assert of("L3e", "ES", "2003-01-01", "EURO I") is Sticker.FOUR
    assert of("L3e", "ES", "1999-01-01", "EURO1") is Sticker.UNCLASSIFIED


ELECTRIC = "EL H2 HE HH AC"
GAS_OR_PLUGGED = "GP GN GZ EG EN EP EQ FG FN PH NH EE ER EM FL GL GM PE NE"
# Not plugged in: what they burn decides.
PETROL = "ES EH ET FE FH"
DIESEL = "GO GH GF GQ"


@pytest.mark.parametrize(
    ("energies", "expected"),
    [(ELECTRIC, "electric"), (GAS_OR_PLUGGED, "1"), (PETROL, "3"), (DIESEL, "4")],
)
def test_each_energy_of_the_certificate_has_its_column(energies, expected):
    for energy in energies.split():
        assert of("M1", energy, "2003-01-01") is Sticker(expected), energy


@pytest.mark.parametrize("category", ["M1", "N3", "L3e"])
def test_electricity_and_gas_have_theirs_whatever_the_day_and_the_vehicle(category):
    assert of(category, "EL", None) is Sticker.ELECTRIC
    assert of(category, "GL", "1980-01-01") is Sticker.ONE


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"category": "O2", "genre": "RESP"}, Why.NOT_CONCERNED),
        ({"category": "T1", "genre": "TRA"}, Why.NOT_CONCERNED),
        *(
            ({"category": None, "genre": genre}, Why.NOT_CONCERNED)
            for genre in (
                *("REM", "SREM", "RETC", "SRTC", "SRAT", "RESP", "SRSP"),
                *("TRA", "REA", "SREA", "MAGA", "MIAR"),
            )
        ),
        ({"category": None, "genre": "VASP"}, Why.CATEGORY_UNKNOWN),
        ({"category": None}, Why.CATEGORY_UNKNOWN),
        ({"energy": None}, Why.ENERGY_UNKNOWN),
        ({"energy": "1A"}, Why.ENERGY_UNKNOWN),
        ({"energy": "PL"}, Why.ENERGY_UNKNOWN),
        ({"first": None}, Why.DATE_UNKNOWN),
    ],
)
def test_what_the_certificate_does_not_tell_is_told_as_such(changes, why):
    assert of(**changes) is why


# Of petrol, of the springs of 1997, 2001 and 2017: no two families have the same three.
FAMILIES = {
    "car": ("3", "3", "1"),
    "van": ("unclassified", "3", "1"),
    "heavy": ("unclassified", "unclassified", "1"),
    "motorcycle": ("unclassified", "4", "1"),
    "moped": ("unclassified", "4", "2"),
}


def of_three_springs(category, genre):
    return tuple(
        of(category, "ES", f"{year}-05-01", genre=genre).value
        for year in (1997, 2001, 2017)
    )


@pytest.mark.parametrize(
    ("genres", "family"),
    [
        ("VP", "car"),
        ("CTTE", "van"),
        ("CAM TCP TRR", "heavy"),
        ("MTL MTT1 MTT2 TM", "motorcycle"),
        ("CL CYCL", "moped"),
    ],
)
def test_the_national_genre_stands_for_a_category_that_is_missing(genres, family):
    for genre in genres.split():
        assert of_three_springs(None, genre) == FAMILIES[family], genre


@pytest.mark.parametrize(
    ("categories", "family"),
    [
        ("M1 M1G", "car"),
        ("N1 N1G", "van"),
        ("M2 M3 N2 N3 N3G", "heavy"),
        ("L3e L4e L5e L7e", "motorcycle"),
        ("L1e L2e L6e", "moped"),
    ],
)
def test_the_category_decides_before_the_genre(categories, family):
    for category in categories.split():
        other = "CTTE" if family == "car" else "VP"
        assert of_three_springs(category, other) == FAMILIES[family], category


def test_a_day_that_others_may_not_read_decides_nothing():
    year = {"register": Register.FNI, "audience": Audience.OTHERS}
    within = of("N3", "GO", "2006-10-01", issued="2006-03-01", **year)
    assert within is Why.DATE_TOO_COARSE
    assert of("M1", "GO", "2006-10-01", issued="2006-03-01", **year) is Sticker.THREE
