import datetime as dt

import pytest

from histovet.history.report import Audience, Precision, ShownDate, report
from histovet.history.synthesis import RULES, Gravity, Verdict, synthesis
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Opposition,
    Pledge,
    Record,
    Register,
    Seizure,
    Suspension,
)

DAY = dt.date(2020, 5, 4)
LATER = dt.date(2020, 9, 1)
PLAIN = {
    "vehicle_stolen": False,
    "certificate_cancelled": False,
    "certificate_lost": False,
    "certificate_stolen": False,
    "certificate_duplicate": False,
    "imported": False,
    "claim_count": 0,
}


def found(**facts):
    record = Record(register=Register.SIV, masked_plate="AB-1**-CD", **(PLAIN | facts))
    return synthesis(
        report(record, audience=Audience.HOLDER, as_of=dt.date(2021, 10, 26))
    )


def codes(**facts):
    return [alert.code for alert in found(**facts).alerts]


def opposition(kind):
    return {"oppositions": (Opposition(kind, DAY),)}


def suspension(reason):
    return {"suspensions": (Suspension(reason, DAY),)}


def procedure(running, **steps):
    return {"procedures": (DamageProcedure("1", running, **steps),)}


BEYOND = ExpertStep(DAY, "E1", True, False)
REPAIRABLE = ExpertStep(LATER, "E1", True, True)

CASES = [
    ({"vehicle_stolen": True}, ["vehicle_stolen"]),
    (opposition("oveis"), ["irreparable"]),
    (opposition("oves"), ["damage_opposition"]),
    (opposition("otcis"), ["opposition"]),
    (opposition("otcis_pv"), ["fines"]),
    (opposition("otcis_new"), ["other_opposition"]),
    (suspension("DES"), ["destroyed"]),
    (suspension("FNIM"), ["destroyed"]),
    (suspension("PVE"), ["damage_suspension"]),
    (suspension("FNIV"), ["damage_suspension"]),
    (suspension("PEN"), ["penalty"]),
    (suspension("PJU"), ["police"]),
    (suspension("ADM"), ["administrative"]),
    (suspension("REI"), ["registered_abroad"]),
    (suspension("SOR"), ["left_territory"]),
    (suspension("VOL"), ["withdrawn"]),
    (suspension("TRA"), ["transformation"]),
    (suspension("NEW"), ["other_suspension"]),
    ({"seizures": (Seizure(DAY, "X"),)}, ["seizure"]),
    ({"pledges": (Pledge(DAY, "X"),)}, ["pledge"]),
    (procedure(True), ["procedure_running"]),
    (procedure(False), []),
    (procedure(None), []),
    (procedure(True, declaration=BEYOND), ["beyond_repair", "procedure_running"]),
    (procedure(None, first_report=BEYOND), ["beyond_repair"]),
    (procedure(False, declaration=BEYOND), []),
    # The later step is the one that counts; one that says nothing does not.
    (procedure(None, declaration=BEYOND, first_report=REPAIRABLE), []),
    (
        procedure(None, declaration=BEYOND, second_report=ExpertStep(LATER)),
        ["beyond_repair"],
    ),
    ({"certificate_stolen": True}, ["certificate_stolen"]),
    ({"certificate_lost": True}, ["certificate_lost"]),
    ({"certificate_duplicate": True}, ["duplicate"]),
    (
        {"certificate_lost": True, "certificate_duplicate": True},
        ["certificate_lost"],
    ),
    ({"claim_count": 1, "last_claim": DAY}, ["claim_open"]),
    ({"claim_count": 1, "fit_to_drive": True}, ["claim_open"]),
    (
        {"claim_count": 1, "last_claim": DAY, "last_resolution": LATER},
        ["claim_repaired"],
    ),
    # A resolution before the claim is of another one.
    (
        {"claim_count": 2, "last_claim": LATER, "last_resolution": DAY},
        ["claim_open"],
    ),
    ({"claim_count": None, "last_claim": None}, []),
    ({"imported": True}, ["imported"]),
    ({"vehicle_stolen": None}, ["theft_unknown"]),
    ({}, []),
]


@pytest.mark.parametrize(("facts", "expected"), CASES)
def test_each_rule_finds_its_fact(facts, expected):
    assert codes(**facts) == expected


def test_every_rule_is_found_in_the_table():
    tested = {code for _, expected in CASES for code in expected}
    assert {rule.code for rule in RULES} == tested


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({}, Verdict.CLEAR),
        ({"imported": True}, Verdict.CLEAR),
        ({"certificate_duplicate": True}, Verdict.CLEAR),
        ({"pledges": (Pledge(DAY, "X"),)}, Verdict.CHECK),
        ({"vehicle_stolen": None}, Verdict.CHECK),
        ({"vehicle_stolen": True}, Verdict.BLOCKED),
        (opposition("new"), Verdict.BLOCKED),
        (suspension("NEW"), Verdict.BLOCKED),
        ({"certificate_cancelled": True}, Verdict.CANCELLED),
        ({"certificate_cancelled": True, "vehicle_stolen": True}, Verdict.CANCELLED),
    ],
)
def test_the_gravest_alert_decides(facts, verdict):
    assert found(**facts).verdict is verdict


ALL = {
    "vehicle_stolen": True,
    "imported": True,
    "certificate_lost": True,
    "claim_count": 1,
    "last_claim": DAY,
    "last_resolution": LATER,
    "pledges": (Pledge(DAY, "X"),),
    "seizures": (Seizure(None, "Y"),),
    "oppositions": (Opposition("otcis", DAY), Opposition("oveis", LATER)),
    "suspensions": (Suspension("PVE", None),),
    "procedures": (DamageProcedure("1", True, declaration=ExpertStep(DAY)),),
}


def test_no_alert_hides_another_and_the_gravest_stand_first():
    assert codes(**ALL) == [
        "vehicle_stolen",
        "irreparable",
        "procedure_running",
        "damage_suspension",
        "seizure",
        "opposition",
        "pledge",
        "certificate_lost",
        "claim_open",
        "imported",
    ]
    gravities = [alert.gravity for alert in found(**ALL).alerts]
    assert gravities == sorted(gravities, key=list(Gravity).index)


@pytest.mark.parametrize(
    "facts",
    [
        opposition("oveis"),
        opposition("oves"),
        suspension("PVE"),
        suspension("FNIV"),
        procedure(True),
        procedure(None, declaration=BEYOND),
        suspension("DES"),
    ],
)
def test_nothing_is_repaired_or_fit_beside_what_denies_it(facts):
    claimed = {"claim_count": 1, "last_claim": DAY, "last_resolution": LATER}
    assert not found(**claimed, fit_to_drive=True).denies_fitness
    both = found(**claimed, fit_to_drive=True, **facts)
    assert both.denies_fitness
    assert "claim_repaired" not in [alert.code for alert in both.alerts]
    assert "claim_open" in [alert.code for alert in both.alerts]


def test_things_of_one_kind_are_one_alert_with_every_known_date():
    (alert,) = found(
        pledges=(Pledge(LATER, "X"), Pledge(None, "Y"), Pledge(DAY))
    ).alerts
    assert alert.count == 3
    assert alert.dates == (
        ShownDate(LATER, Precision.DAY),
        ShownDate(DAY, Precision.DAY),
    )


def test_a_code_without_a_rule_is_kept_as_it_is():
    (alert,) = found(**opposition("otcis_new")).alerts
    assert alert.raw == ("otcis_new",)
    (alert,) = found(**suspension("NEW")).alerts
    assert alert.raw == ("NEW",)
