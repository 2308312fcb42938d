import dataclasses
import datetime as dt
import itertools

import pytest

from histovet.history.contradictions import UNFIT
from histovet.history.dates import Precision, ShownDate
from histovet.history.evidence import evidence
from histovet.history.report import Audience, report
from histovet.history.synthesis import CONTRADICTION, RULES, Gravity, Verdict, synthesis
from histovet.inspections.inspected import Absence, Inspected, Source
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Inspection,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
    Seizure,
    Suspension,
    Vehicle,
)

NOTHING = Inspected()
AS_OF = dt.date(2021, 10, 26)
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


def found(*, audience=Audience.HOLDER, inspected=NOTHING, **facts):
    record = Record(register=Register.SIV, masked_plate="AB-1**-CD", **(PLAIN | facts))
    return synthesis(
        evidence(report(record, audience=audience, as_of=AS_OF, inspected=inspected))
    )


def codes(**facts):
    return [alert.code for alert in found(**facts).alerts]


def opposition(kind):
    return {"oppositions": (Opposition(kind, DAY),)}


def suspension(reason):
    return {"suspensions": (Suspension(reason, DAY),)}


def procedure(running, **steps):
    return {"procedures": (DamageProcedure("1", running, **steps),)}


def inspections(*listed, **facts):
    """Oldest first, each (year, result, km); inspected each year on the same day."""
    known = [
        Inspection(dt.date(year, 3, 2), "VTP", result, km)
        for year, result, km in listed
    ]
    return {
        "inspected": Inspected(
            tuple(reversed(known)),
            Source.REGISTER,
            AS_OF,
            None if known else Absence.NONE_RECORDED,
        ),
        "vehicle": Vehicle(genre="VP"),
        "first_registration": dt.date(2010, 3, 1),
    } | facts


def visits(*listed):
    """Oldest first, each (nature, result, year, month), without a reading."""
    known = [
        Inspection(dt.date(year, month, 2), nature, result)
        for nature, result, year, month in listed
    ]
    return {
        "inspected": Inspected(tuple(reversed(known)), Source.REGISTER, AS_OF, None),
        "vehicle": Vehicle(genre="VP"),
        "first_registration": dt.date(2010, 3, 1),
    }


def operations(*listed):
    """Oldest first, each (code, date)."""
    return {"operations": tuple(Operation(*one) for one in reversed(listed))}


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
    (procedure(None), ["claim_open"]),
    (procedure(True, declaration=BEYOND), ["beyond_repair", "procedure_running"]),
    (procedure(None, first_report=BEYOND), ["beyond_repair"]),
    (procedure(False, declaration=BEYOND), []),
    # The later step is the one that counts; one that says nothing does not.
    (procedure(None, declaration=BEYOND, first_report=REPAIRABLE), ["claim_open"]),
    (
        procedure(None, declaration=BEYOND, second_report=ExpertStep(LATER)),
        ["beyond_repair"],
    ),
    ({"certificate_stolen": True}, ["certificate_stolen"]),
    ({"certificate_lost": True}, ["certificate_lost"]),
    ({"certificate_duplicate": True}, ["duplicate"]),
    (
        {"certificate_stolen": True, "certificate_duplicate": True},
        ["certificate_stolen"],
    ),
    (
        {"certificate_lost": True, "certificate_duplicate": True},
        ["certificate_lost"],
    ),
    ({"claim_count": 1, "last_claim": DAY}, ["claim_open"]),
    ({"claim_count": 1, "fit_to_drive": True}, ["claim_open", "contradiction"]),
    ({"holder_count": 0}, ["contradiction"]),
    ({"fit_to_drive": False}, ["unfit"]),
    # What stops a sale says it.
    ({"fit_to_drive": False, **suspension("PEN")}, ["penalty"]),
    (operations(("DESTRUCTION_VEHICULE", DAY)), ["destroyed"]),
    (operations(("DESTRUCTION_VEHICULE", DAY, True)), []),
    (
        {"claim_count": 1, "last_claim": DAY, "last_resolution": LATER},
        ["claim_repaired"],
    ),
    # The resolution is the end of a procedure whose state nobody tells.
    (
        {
            "claim_count": 1,
            "last_claim": DAY,
            "last_resolution": LATER,
            **procedure(None),
        },
        ["claim_repaired"],
    ),
    # A resolution before the claim is of another one.
    (
        {"claim_count": 2, "last_claim": LATER, "last_resolution": DAY},
        ["claim_open"],
    ),
    ({"claim_count": None, "last_claim": None}, []),
    ({"imported": True}, ["imported"]),
    (inspections((2020, "A", 80_000), (2021, "A", 90_000)), []),
    (inspections((2019, "A", 90_000), (2021, "A", 60_000)), ["mileage_falls"]),
    (
        inspections(
            (2014, "A", 40_000),
            (2016, "A", 60_000),
            (2018, "A", 800_000),
            (2020, "A", 100_000),
        ),
        ["mileage_slip"],
    ),
    (
        inspections(
            (2014, "A", 150_000),
            (2016, "A", 180_000),
            (2018, "A", 6_000),
            (2020, "A", 30_000),
        ),
        ["mileage_odd"],
    ),
    # Once in miles
    (
        inspections((2014, "A", 96_000), (2016, "A", 64_000), (2020, "A", 111_000))
        | {"usages": ("COL",)},
        ["mileage_odd"],
    ),
    # More than anybody drives
    (inspections((2020, "A", 70_000), (2021, "A", 390_000)), ["mileage_odd"]),
    (inspections((2019, "A", 70_000), (2021, "S", 90_000)), ["inspection_failed"]),
    (inspections((2019, "A", 70_000), (2021, "SP", 90_000)), ["inspection_failed"]),
    (inspections((2019, "S", 70_000), (2021, "A", 90_000)), []),
    (inspections((2019, "A", 70_000), (2021, "R", 90_000)), ["inspection_critical"]),
    (inspections((2019, "A", 70_000), (2021, "RP", 90_000)), ["inspection_critical"]),
    (inspections((2016, "A", 70_000), (2018, "A", 90_000)), ["inspection_overdue"]),
    (
        operations(("CHANG_TIT_NORMAL", DAY), ("DECLARATION_CESSION", LATER)),
        ["sold_since"],
    ),
    (
        operations(("IMMAT_NORMALE", DAY), ("DECLARATION_CESSION_DGME", LATER)),
        ["sold_since"],
    ),
    (operations(("DECLARATION_CESSION", DAY), ("CHANG_TIT_NORMAL", LATER)), []),
    # The sale and the new holder of one day are one handover.
    (operations(("DECLARATION_CESSION", DAY), ("CHANG_TIT_NORMAL", DAY)), []),
    (
        operations(("CHANG_TIT_NORMAL", DAY), ("DECLARATION_CESSION", LATER, True)),
        [],
    ),
    (
        operations(("CHANG_TIT_NORMAL", DAY), ("DECLARATION_ACHAT", LATER)),
        ["taken_by_professional"],
    ),
    (
        operations(
            ("CHANG_TIT_NORMAL", DAY),
            ("DECLARATION_CESSION", LATER),
            ("DECLARATION_ACHAT", LATER),
        ),
        ["taken_by_professional"],
    ),
    # A professional bought it, and has sold it since.
    (
        operations(
            ("CHANG_TIT_NORMAL", DAY),
            ("DECLARATION_ACHAT", LATER),
            ("DECLARATION_CESSION", dt.date(2020, 10, 1)),
        ),
        ["sold_since", "taken_by_professional"],
    ),
    (
        inspections(first_registration=dt.date(2010, 3, 1)),
        ["never_inspected"],
    ),
    (inspections(first_registration=dt.date(2019, 3, 1)), []),
    # Failed, and what came after settles nothing: postponed, or another matter.
    (
        visits(("VTP", "S", 2021, 2), ("VTP", "X", 2021, 3)),
        ["inspection_failed"],
    ),
    (
        visits(("VTP", "R", 2021, 2), ("VTC", "A", 2021, 3)),
        ["inspection_critical"],
    ),
    (visits(("VTP", "R", 2021, 2), ("CV", "A", 2021, 3)), []),
    (
        visits(("VTP", "A", 2021, 2), ("VTC", "S", 2021, 3)),
        ["inspection_failed"],
    ),
    (visits(("VTC", "S", 2021, 2), ("VTP", "A", 2021, 3)), []),
    ({"vehicle_stolen": None}, ["theft_unknown"]),
    # Of a cancelled certificate the register keeps nothing, of a theft neither.
    ({"vehicle_stolen": None, "certificate_cancelled": True}, []),
    ({}, []),
]


@pytest.mark.parametrize(("facts", "expected"), CASES)
def test_each_rule_finds_its_fact(facts, expected):
    assert codes(**facts) == expected


def test_every_rule_is_found_in_the_table():
    tested = {code for _, expected in CASES for code in expected}
    assert {rule.code for rule in RULES} | {CONTRADICTION} == tested


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
        "contradiction",
        "imported",
    ]
    gravities = [alert.gravity for alert in found(**ALL).alerts]
    assert gravities == sorted(gravities, key=list(Gravity).index)


# A theft and an end of life before all else, then what a buyer would lose most by.
IN_ORDER = {
    Gravity.BLOCKING: (
        "vehicle_stolen irreparable beyond_repair destroyed procedure_running "
        "damage_opposition damage_suspension seizure opposition fines other_opposition "
        "penalty police administrative registered_abroad left_territory withdrawn "
        "transformation other_suspension"
    ),
    Gravity.CHECK: (
        "pledge mileage_falls inspection_critical inspection_failed sold_since "
        "certificate_stolen certificate_lost claim_open theft_unknown "
        "inspection_overdue never_inspected unfit mileage_odd"
    ),
    Gravity.NOTE: "mileage_slip claim_repaired duplicate taken_by_professional imported",
}


@pytest.mark.parametrize("gravity", Gravity)
def test_within_a_gravity_what_weighs_most_stands_first(gravity):
    alike = [rule.code for rule in RULES if rule.gravity is gravity]
    assert alike == IN_ORDER[gravity].split()


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
    alone = found(**claimed, fit_to_drive=True)
    assert "fit_beside_damage" not in alone.contradictions
    both = found(**claimed, fit_to_drive=True, **facts)
    assert "fit_beside_damage" in both.contradictions
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


@pytest.mark.parametrize(
    ("kilometres", "code", "year"),
    [
        ((40_000, 30_000, 60_000, 20_000), "mileage_falls", 2016),
        ((150_000, 180_000, 6_000, 30_000), "mileage_odd", 2018),
        ((40_000, 60_000, 800_000, 100_000), "mileage_slip", 2018),
    ],
)
def test_a_mileage_is_dated_by_the_first_reading_that_does_not_fit(
    kilometres, code, year
):
    years = zip((2014, 2016, 2018, 2020), kilometres, strict=True)
    (alert,) = found(**inspections(*((y, "A", km) for y, km in years))).alerts
    assert (alert.code, alert.dates) == (code, (ShownDate(dt.date(year, 3, 2)),))


@pytest.mark.parametrize(
    ("day", "is_told"),
    [(dt.date(2021, 3, 1), False), (dt.date(2021, 3, 3), True), (None, True)],
)
@pytest.mark.parametrize(
    ("listed", "code"),
    [((2019, "A", 70_000), "inspection_overdue"), (None, "never_inspected")],
)
def test_an_inspection_is_late_on_the_sources_own_day_or_else_the_registers(
    listed, code, day, is_told
):
    facts = inspections(
        *([listed] if listed else []), first_registration=dt.date(2017, 3, 2)
    )
    facts["inspected"] = dataclasses.replace(facts["inspected"], as_of=day)
    assert (code in codes(**facts)) is is_told


def test_a_code_without_a_rule_is_kept_as_it_is():
    (alert,) = found(**opposition("otcis_new")).alerts
    assert alert.raw == ("otcis_new",)
    (alert,) = found(**suspension("NEW")).alerts
    assert alert.raw == ("NEW",)


def one_of_each():
    """Return, for each rule that stands alone, the facts that make it find something."""
    alone = {}
    for facts, expected in CASES:
        # An untold procedure alone is an open claim; a claim is one whatever else is.
        if expected == ["claim_open"] and "procedures" in facts:
            continue
        if len(expected) == 1 and expected[0] not in alone:
            alone[expected[0]] = facts
    return alone


BLOCKING = {rule.code for rule in RULES if rule.gravity is Gravity.BLOCKING}


def together(first, second):
    """Return the facts of both; None where they are two values of one thing."""
    merged = dict(first)
    for name, value in second.items():
        if name not in merged or merged[name] == value:
            merged[name] = value
        elif isinstance(value, tuple):
            merged[name] = merged[name] + value
        else:
            return None
    return merged


@pytest.mark.parametrize("audience", Audience)
def test_of_every_two_rules_neither_hides_the_other(audience):
    alone = one_of_each()
    compared = 0
    for first, second in itertools.combinations(alone, 2):
        facts = together(alone[first], alone[second])
        # An open claim and a repaired one are two words on one claim.
        if facts is None or {first, second} == {"claim_open", "claim_repaired"}:
            continue
        compared += 1
        expected = {first, second}
        # Whoever has lost it is told of the duplicate too.
        if expected & {"certificate_lost", "certificate_stolen"}:
            expected.discard("duplicate")
        if "claim_repaired" in expected and expected & UNFIT:
            expected = (expected - {"claim_repaired"}) | {"claim_open"}
        # The purchase of that day says that it was sold.
        if expected == {"sold_since", "taken_by_professional"}:
            expected = {"taken_by_professional"}
        # An import was first registered elsewhere, under other rules.
        if "imported" in expected:
            expected.discard("never_inspected")
        # What stops a sale, or denies a repair, says that it is unfit.
        if "unfit" in expected and BLOCKING & expected:
            expected.discard("unfit")
        told = {alert.code for alert in found(audience=audience, **facts).alerts}
        # What both facts together make true besides may be told too.
        assert expected <= told, (first, second, told)
    assert compared > 300


def test_every_combination_keeps_the_graver_first_and_the_verdict():
    alone = one_of_each()
    gravity = {rule.code: rule.gravity for rule in RULES}
    gravity[CONTRADICTION] = Gravity.CHECK
    order = list(Gravity)
    for three in itertools.combinations(alone, 3):
        facts = {}
        for code in three:
            facts = None if facts is None else together(facts, alone[code])
        if facts is None:
            continue
        told = found(**facts)
        ranks = [order.index(alert.gravity) for alert in told.alerts]
        assert ranks == sorted(ranks)
        worst = min((gravity[alert.code] for alert in told.alerts), key=order.index)
        assert (
            told.verdict
            is {
                Gravity.BLOCKING: Verdict.BLOCKED,
                Gravity.CHECK: Verdict.CHECK,
                Gravity.NOTE: Verdict.CLEAR,
            }[worst]
        )
        if set(three) & UNFIT:
            assert told.verdict is Verdict.BLOCKED


def test_a_sale_in_the_certificates_own_period_is_not_told_to_others():
    facts = operations(
        ("CHANG_TIT_NORMAL", dt.date(2020, 5, 4)),
        ("DECLARATION_CESSION", dt.date(2020, 5, 20)),
    )
    facts["issue_date"] = dt.date(2020, 5, 5)
    assert codes(**facts) == ["sold_since"]
    assert codes(audience=Audience.OTHERS, **facts) == []
