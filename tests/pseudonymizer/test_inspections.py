"""A line of an inspections file → the vehicle's inspections: SPEC.md section 1."""

import datetime as dt
import json

import pytest

from pseudonymizer.errors import FeedRefused, Unusable
from pseudonymizer.inspections import InspectionsLayout, holds_inspections
from pseudonymizer.normalise import fni_identity, siv_identity
from pseudonymizer.records import Inspection, InspectionLine, Inspections
from tests.vehicles import (
    FNI_CERTIFICATE,
    FNI_INSPECTION_COLUMNS,
    SIV_COLUMNS,
    SIV_INSPECTION_COLUMNS,
    inspection,
    inspections_line,
)

DAY = dt.date(2020, 3, 2)


def read(line: dict[str, str]) -> InspectionLine:
    return InspectionsLayout.of(list(line)).inspected(list(line.values()))


def listed(*entries: object) -> tuple[Inspection, ...]:
    line = inspections_line(controles_techniques=json.dumps(entries))
    return read(line).inspections.inspections


def refused(line: dict[str, str]) -> str:
    with pytest.raises(Unusable) as found:
        read(line)
    return found.value.code


def entry(**changes: object) -> dict[str, object]:
    """An entry of a line; None takes a key away."""
    whole = inspection("2020-03-02", 81000) | changes
    return {key: value for key, value in whole.items() if value is not None}


def test_a_line_is_every_inspection_of_one_certificate() -> None:
    line = inspections_line(
        inspection("2018-03-02", 54321), inspection("2020-03-02", 81000, "CV", "AP")
    )
    assert read(line) == InspectionLine(
        siv_identity("AA-123-AA", "2015AB12345"),
        Inspections(
            (
                Inspection(DAY, "CV", "AP", 81000),
                Inspection(dt.date(2018, 3, 2), "VTP", "A", 54321),
            ),
            dt.date(2022, 5, 31),
        ),
    )


def test_an_fni_certificate_is_named_by_its_date() -> None:
    identity = read(inspections_line(**FNI_CERTIFICATE)).identity
    assert identity == fni_identity("123 ABC 75", dt.date(2008, 3, 6))


def test_a_source_that_has_recorded_none_says_so() -> None:
    found = read(inspections_line(date_mise_a_jour=""))
    assert found.inspections == Inspections()


def test_the_day_of_the_source_may_have_no_column() -> None:
    line = inspections_line(entry())
    del line["date_mise_a_jour"]
    assert read(line).inspections == Inspections((Inspection(DAY, "VTP", "A", 81000),))


@pytest.mark.parametrize("text", ["2020-03-02", "02/03/2020", " 02/03/2020 "])
def test_both_forms_of_a_date_are_read(text: str) -> None:
    assert listed(entry(ct_date=text))[0].date == DAY
    updated = read(inspections_line(date_mise_a_jour=text)).inspections.updated
    assert updated == DAY


@pytest.mark.parametrize("code", ["VTP", "VTC", "CV", "CVC", "A", "RP", "X", "Nouveau"])
def test_a_code_is_kept_as_it_is(code: str) -> None:
    (found,) = listed(entry(ct_nature=code, ct_resultat=f" {code} "))
    assert (found.nature, found.result) == (code, code)


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        (1, 1),
        (9_999_999, 9_999_999),
        ("81000", 81_000),
        (" 081000 ", 81_000),
        (0, None),
        ("0", None),
        (-5, None),
        ("-5", None),
        (10_000_000, None),
        ("10000000", None),
        (10**30, None),
        ("9" * 5000, None),
        (None, None),
        ("", None),
        ("81 000 km", None),
        ("٨", None),
        (81000.5, None),
        (True, None),
        ([81000], None),
        ({}, None),
    ],
)
def test_a_mileage_is_a_number_of_kilometres_or_none(
    given: object, read_as: int | None
) -> None:
    (found,) = listed({**entry(), "ct_km": given})
    assert found.mileage_km == read_as


def test_a_missing_mileage_is_none() -> None:
    assert listed(entry(ct_km=None))[0].mileage_km is None


def test_keys_that_are_not_known_are_not_read() -> None:
    more = entry(ct_centre="S069X001", ct_vin={"deep": [1]}, ct_pv=12)
    assert listed(more) == listed(entry())


def test_the_newest_stands_first_whatever_the_order_of_the_line() -> None:
    days = [entry(ct_date=f"20{n}-03-02", ct_km=n) for n in (14, 20, 16, 18)]
    assert [found.mileage_km for found in listed(*days)] == [20, 18, 16, 14]
    assert listed(*days) == listed(*reversed(days))


@pytest.mark.parametrize("again", ["CV", "CVC"])
def test_a_second_visit_of_one_day_is_the_newer(again: str) -> None:
    visits = [entry(ct_resultat="S"), entry(ct_nature=again)]
    for order in (visits, visits[::-1]):
        assert [found.nature for found in listed(*order)] == [again, "VTP"]


def test_what_stands_twice_is_kept_once() -> None:
    same, other = entry(ct_date="02/03/2020"), entry(ct_km=81001)
    assert [found.mileage_km for found in listed(entry(), same, other)] == [
        81001,
        81000,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "null",
        '"[]"',
        "[1]",
        "[[]]",
        "[null]",
        "[{}]",
        "[]]",
        "[" * 100_000,
        '[{"ct_date": "2020-03-02", "ct_nature": "VTP", "ct_resultat": NaN}]',
        '[{"ct_date": "2020-03-02", "ct_nature": "\\ud800", "ct_resultat": "A"}]',
    ],
)
def test_what_is_no_list_of_inspections_is_a_reject(text: str) -> None:
    line = inspections_line(controles_techniques=text)
    assert refused(line) == "inspections_unreadable"


@pytest.mark.parametrize(
    "changes",
    [
        {"ct_date": None},
        {"ct_date": ""},
        {"ct_date": "01/01/1900"},
        {"ct_date": "2020-02-30"},
        {"ct_date": "mars 2020"},
        {"ct_date": 20200302},
        {"ct_nature": None},
        {"ct_nature": " "},
        {"ct_nature": 1},
        {"ct_nature": "x" * 21},
        {"ct_nature": "V\nTP"},
        {"ct_resultat": None},
        {"ct_resultat": ""},
        {"ct_resultat": ["A"]},
        {"ct_resultat": "A\u202e"},
    ],
    ids=str,
)
def test_one_entry_without_its_date_or_codes_costs_the_line(changes: dict) -> None:
    line = inspections_line(entry(), entry(**changes))
    assert refused(line) == "inspections_unreadable"


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"plaq_immat": "--"}, "plate_missing"),
        ({"plaq_immat": "A" * 33}, "plate_too_long"),
        ({"numero_formule": ""}, "formula_number_missing"),
        ({"numero_formule": "1" * 33}, "formula_number_too_long"),
        ({"date_mise_a_jour": "hier"}, "update_date_unreadable"),
    ],
)
def test_a_line_that_names_no_certificate_is_a_reject(columns: dict, code: str) -> None:
    assert refused(inspections_line(entry(), **columns)) == code


@pytest.mark.parametrize(
    ("day", "code"), [("", "issue_date_missing"), ("x", "issue_date_unreadable")]
)
def test_an_fni_line_needs_the_date_of_its_certificate(day: str, code: str) -> None:
    line = inspections_line(entry(), **FNI_CERTIFICATE | {"date_emission_CI": day})
    assert refused(line) == code


def test_the_header_alone_tells_what_a_file_holds() -> None:
    assert holds_inspections(list(SIV_INSPECTION_COLUMNS))
    assert holds_inspections(list(FNI_INSPECTION_COLUMNS))
    assert not holds_inspections(list(SIV_COLUMNS))


@pytest.mark.parametrize(
    "header",
    [
        ("numero_formule", "controles_techniques"),
        ("plaq_immat", "controles_techniques"),
        ("plaq_immat", "numero_formule"),
        ("plaq_immat", "numero_formule", "date_emission_CI", "controles_techniques"),
        ("plaq_immat", "plaq_immat", "numero_formule", "controles_techniques"),
        (*SIV_COLUMNS, "controles_techniques"),
    ],
)
def test_another_header_is_refused(header: tuple[str, ...]) -> None:
    with pytest.raises(FeedRefused) as found:
        InspectionsLayout.of(list(header))
    assert found.value.code == "unknown_layout"


def test_columns_may_stand_in_any_order_among_others() -> None:
    line = inspections_line(entry(), autre="x")
    turned = dict(reversed(line.items()))
    assert read(turned) == read(line)


@pytest.mark.parametrize(
    ("count", "code"), [(100, None), (101, "too_many_inspections")]
)
def test_a_vehicle_has_so_many_inspections_and_no_more(
    count: int, code: str | None
) -> None:
    entries = [inspection("2020-03-02", 1000 + number) for number in range(count)]
    line = inspections_line(*entries)
    if code is None:
        assert len(read(line).inspections.inspections) == count
    else:
        assert refused(line) == code
