import datetime as dt
import json

import pytest

from histovet.inspections.errors import AnswerRefused, UtacFailed
from histovet.inspections.utac_answer import read_answer
from pseudonymizer.records import Inspection, Inspections
from tests.inspections.vehicles import VIN

TODAY = dt.date(2026, 11, 26)


def entry(**changes):
    known = {
        "ct_id": 1,
        "ct_date": "14/03/2019",
        "ct_nature": "VTP",
        "ct_resultat": "A",
        "ct_km": 98429,
        "ct_deb": "14:30:00",
        "ct_fin": None,
        "ct_centre": "S075A001",
        "ct_immat": "AB-123-CD",
        "ct_pv": None,
        "ct_vin": VIN,
    } | changes
    return {key: value for key, value in known.items() if value is not ...}


def read(*entries, **changes) -> Inspections:
    known = {"status": 200, "update_date": "25/11/2026", "ct": list(entries)} | changes
    answer = {key: value for key, value in known.items() if value is not ...}
    return read_answer(json.dumps(answer).encode(), vin=VIN, today=TODAY)


def test_inspections_are_newest_first_whatever_their_order():
    found = read(
        entry(ct_id=1, ct_date="01/02/2017", ct_km=100),
        entry(ct_id=3, ct_date="01/02/2019", ct_km=300, ct_nature="CV"),
        entry(ct_id=2, ct_date="01/02/2019", ct_km=299, ct_resultat="S"),
    )
    assert found == Inspections(
        (
            Inspection(dt.date(2019, 2, 1), "CV", "A", 300),
            Inspection(dt.date(2019, 2, 1), "VTP", "S", 299),
            Inspection(dt.date(2017, 2, 1), "VTP", "A", 100),
        ),
        dt.date(2026, 11, 25),
    )


def test_no_inspection_is_an_answer():
    assert read() == Inspections((), dt.date(2026, 11, 25))


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_of_the_day_is_one(hour):
    assert read(entry(ct_deb=f"{hour:02}:15:00")).inspections


@pytest.mark.parametrize("nature", ["VTP", "VTC", "CV", "CVC"])
@pytest.mark.parametrize("result", ["A", "AP", "S", "SP", "R", "RP", "X"])
def test_every_known_code_passes(nature, result):
    (found,) = read(entry(ct_nature=nature, ct_resultat=result)).inspections
    assert (found.nature, found.result) == (nature, result)


@pytest.mark.parametrize(
    "changes",
    [
        {"ct_vin": None},
        {"ct_vin": ...},
        {"ct_immat": "123ABC75"},
        {"ct_immat": None},
        {"ct_date": "26/11/2026"},
        {"ct_date": "1-2-2019"},
        {"ct_deb": None},
        {"ct_new": "a field that we do not know"},
    ],
)
def test_what_says_nothing_against_the_vehicle_passes(changes):
    assert len(read(entry(**changes)).inspections) == 1


def test_a_vehicle_without_odometer_has_no_mileage():
    assert read(entry(ct_km=0)).inspections[0].mileage_km is None


@pytest.mark.parametrize(
    "changes",
    [
        {"ct_nature": "VTX"},
        {"ct_nature": "vtp"},
        {"ct_nature": None},
        {"ct_nature": ...},
        {"ct_resultat": "B"},
        {"ct_resultat": ...},
        {"ct_date": ...},
        {"ct_date": "2019-03-14"},
        {"ct_date": "14/03/19"},
        {"ct_date": "14/03/2019 "},
        {"ct_date": 20190314},
        {"ct_id": ...},
        {"ct_id": "1"},
        {"ct_id": 1.5},
        {"ct_id": True},
        {"ct_km": ...},
        {"ct_km": None},
        {"ct_km": "98429"},
        {"ct_km": 98429.5},
        {"ct_km": -1},
        {"ct_km": 10**7},
        {"ct_deb": "24:00:00"},
        {"ct_deb": "9:15:00"},
        {"ct_deb": "09:60:00"},
        {"ct_fin": 1},
        {"ct_vin": 1},
        {"ct_immat": "x" * 65},
    ],
)
def test_one_entry_of_another_shape_refuses_the_whole(changes):
    with pytest.raises(AnswerRefused) as refused:
        read(entry(), entry(**changes))
    assert refused.value.reason == "shape"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ct_date": "31/02/2019"}, "impossible_date"),
        ({"ct_date": "29/02/2019"}, "impossible_date"),
        ({"ct_date": "00/01/2019"}, "impossible_date"),
        ({"ct_date": "01/13/2019"}, "impossible_date"),
        ({"ct_date": "01/01/0000"}, "impossible_date"),
        ({"ct_date": "27/11/2026"}, "future_date"),
        ({"ct_vin": VIN[:-1] + "7"}, "other_vehicle"),
        ({"ct_vin": VIN.lower()}, "other_vehicle"),
        ({"ct_vin": ""}, "other_vehicle"),
    ],
)
def test_one_entry_that_cannot_be_true_refuses_the_whole(changes, reason):
    with pytest.raises(AnswerRefused) as refused:
        read(entry(), entry(**changes))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": 404}, "shape"),
        ({"status": ...}, "shape"),
        ({"ct": ...}, "shape"),
        ({"ct": None}, "shape"),
        ({"ct": {}}, "shape"),
        ({"update_date": ...}, "shape"),
        ({"update_date": "30/02/2026"}, "impossible_date"),
        ({"update_date": "27/11/2026"}, "future_date"),
    ],
)
def test_an_answer_that_cannot_be_true_is_refused(changes, reason):
    with pytest.raises(AnswerRefused) as refused:
        read(**changes)
    assert refused.value.reason == reason


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"status": 200', b"\xff\xfe"])
def test_what_is_no_json_is_a_failure(body):
    with pytest.raises(UtacFailed) as failed:
        read_answer(body, vin=VIN, today=TODAY)
    assert failed.value.reason == "no_json"


def test_a_refusal_quotes_nothing_of_the_answer():
    with pytest.raises(AnswerRefused) as refused:
        read(entry(ct_nature="CANARY"))
    assert "CANARY" not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_more_inspections_than_a_vehicle_has_are_refused():
    assert len(read(*[entry(ct_id=n, ct_km=n) for n in range(100)]).inspections) == 100
    with pytest.raises((AnswerRefused, UtacFailed)):
        read(*[entry(ct_id=n, ct_km=n) for n in range(101)])
