"""Where the register contradicts itself: docs/report.md, Contradictions."""

import datetime as dt
import re
from pathlib import Path

import pytest

from histovet.history.contradictions import RULES
from histovet.history.evidence import evidence
from histovet.history.labels import CONTRADICTIONS
from histovet.history.report import Audience, report
from histovet.history.synthesis import synthesis
from histovet.inspections.inspected import Inspected, Source
from pseudonymizer.records import (
    DamageProcedure,
    Inspection,
    Operation,
    Opposition,
    Record,
    Register,
    Suspension,
)

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "report.md"
AS_OF = dt.date(2021, 10, 26)
BIRTH, DAY, LATER = (dt.date(2015, 5, 4), dt.date(2020, 5, 4), dt.date(2020, 9, 1))
CLAIM = {"claim_count": 1, "last_claim": DAY, "fit_to_drive": True}
REPAIRED = CLAIM | {"last_resolution": LATER}


def found(audience=Audience.HOLDER, inspected=None, **facts):
    record = Record(register=Register.SIV, masked_plate="X", **facts)
    known = Inspected(
        tuple(Inspection(day, "VTP", "A") for day in inspected or ()),
        Source.REGISTER,
        AS_OF,
        None if inspected else Inspected().absence,
    )
    shown = report(record, audience=audience, as_of=AS_OF, inspected=known)
    return synthesis(evidence(shown)).contradictions


CASES = [
    ({}, []),
    (CLAIM | {"oppositions": (Opposition("oveis", DAY),)}, ["fit_beside_damage"]),
    (CLAIM | {"suspensions": (Suspension("PVE", DAY),)}, ["fit_beside_damage"]),
    (CLAIM | {"fit_to_drive": False}, []),
    (CLAIM, ["fit_without_resolution"]),
    (REPAIRED, []),
    (
        REPAIRED | {"oppositions": (Opposition("oves", DAY),)},
        ["fit_beside_damage", "repaired_but_suspended"],
    ),
    (
        REPAIRED | {"fit_to_drive": False, "suspensions": (Suspension("FNIV", None),)},
        ["repaired_but_suspended"],
    ),
    (
        REPAIRED | {"fit_to_drive": False, "procedures": (DamageProcedure("1", True),)},
        ["repaired_but_suspended"],
    ),
    # Fit to drive and never damaged: nothing was to be resolved.
    ({"fit_to_drive": True}, []),
    # A resolution of before the claim is of another one.
    (CLAIM | {"fit_to_drive": False, "last_resolution": BIRTH}, []),
    ({"holder_count": 0}, ["nobody_holds_it"]),
    ({"holder_count": None}, []),
    # Nobody at all says more than fewer than there were.
    (
        {"holder_count": 0, "operations": (Operation("CHANG_TIT_NORMAL", DAY),)},
        ["nobody_holds_it"],
    ),
    (
        {
            "holder_count": 1,
            "operations": (
                Operation("CHANG_TIT_NORMAL", DAY),
                Operation("IMMAT_NORMALE", BIRTH),
            ),
        },
        ["fewer_holders_than_changes"],
    ),
    (
        {
            "holder_count": 1,
            "operations": (
                Operation("CHANG_TIT_NORMAL", DAY, True),
                Operation("IMMAT_NORMALE", BIRTH),
            ),
        },
        [],
    ),
    (
        {
            "first_registration": DAY,
            "operations": (Operation("INSCRIPTION_GAGE", BIRTH),),
        },
        ["before_its_birth"],
    ),
    (
        {
            "first_registration": DAY,
            "first_registration_abroad": BIRTH,
            "imported": True,
            "operations": (Operation("INSCRIPTION_GAGE", BIRTH),),
        },
        [],
    ),
    (
        {"first_registration": DAY, "issue_date": BIRTH},
        ["certificate_before_birth"],
    ),
    ({"first_registration": DAY, "issue_date": DAY}, []),
    (
        {
            "suspensions": (Suspension("DES", DAY),),
            "operations": (Operation("CHANG_TIT_NORMAL", LATER),),
        },
        ["held_after_its_end"],
    ),
    (
        {
            "suspensions": (Suspension("FNIM", DAY),),
            "operations": (Operation("CHANG_TIT_NORMAL", LATER),),
        },
        ["held_after_its_end"],
    ),
    # Other suspensions end nothing.
    (
        {
            "suspensions": (Suspension("PEN", DAY),),
            "operations": (Operation("CHANG_TIT_NORMAL", LATER),),
        },
        [],
    ),
    (
        {
            "suspensions": (Suspension("FNIM", LATER),),
            "operations": (Operation("CHANG_TIT_NORMAL", DAY),),
        },
        [],
    ),
    (
        {
            "operations": (
                Operation("DESTRUCTION_VEHICULE", DAY),
                Operation("CHANG_TIT_NORMAL", LATER),
            )
        },
        ["held_after_its_end"],
    ),
    ({"first_registration": dt.date(2030, 1, 1)}, ["after_the_register"]),
    (
        {"operations": (Operation("CHANG_TIT_NORMAL", dt.date(2021, 10, 27)),)},
        ["after_the_register"],
    ),
    ({"operations": (Operation("CHANG_TIT_NORMAL", AS_OF),)}, []),
    ({"first_registration": DAY, "inspected": [BIRTH]}, ["inspected_before_its_birth"]),
    ({"first_registration": BIRTH, "inspected": [DAY]}, []),
    (
        {"subject_to_inspection": False, "inspected": [DAY]},
        ["inspected_but_not_subject"],
    ),
    ({"subject_to_inspection": False}, []),
]


@pytest.mark.parametrize(
    "facts",
    [
        {
            "first_registration": DAY,
            "operations": (Operation("INSCRIPTION_GAGE", None),),
        },
        {
            "suspensions": (Suspension("DES", None),),
            "operations": (Operation("CHANG_TIT_NORMAL", LATER),),
        },
        {
            "suspensions": (Suspension("DES", DAY),),
            "operations": (Operation("CHANG_TIT_NORMAL", None),),
        },
    ],
)
def test_what_has_no_date_contradicts_none(facts):
    assert found(**facts) == ()


@pytest.mark.parametrize(("facts", "expected"), CASES)
def test_each_rule_finds_its_contradiction(facts, expected):
    assert list(found(**facts)) == expected


def test_every_rule_is_found_in_the_table_and_has_its_words():
    tested = {code for _, expected in CASES for code in expected}
    assert {rule.code for rule in RULES} == tested == set(CONTRADICTIONS)


def test_they_are_told_in_the_order_of_the_documentation():
    text = DOCUMENTATION.read_text("utf-8")
    section = text.partition("\n## Contradictions\n")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*`) \|", section, re.MULTILINE)
    documented = re.findall(r"`(\w+)`", " ".join(first_cells))
    assert [rule.code for rule in RULES] == documented


def test_a_cancelled_certificate_has_nothing_to_contradict():
    assert found(certificate_cancelled=True, holder_count=0) == ()


def test_nothing_is_said_to_others_that_orders_days_of_the_certificates_month():
    facts = {
        "issue_date": dt.date(2020, 5, 20),
        "first_registration": dt.date(2020, 5, 20),
        "operations": (Operation("INSCRIPTION_GAGE", dt.date(2020, 5, 4)),),
    }
    assert found(**facts) == ("before_its_birth",)
    assert found(Audience.OTHERS, **facts) == ()
