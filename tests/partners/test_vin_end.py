"""Beyond a vehicle's failures the API asks for the end of its VIN, and never locks it."""

import json

import pytest
from django.core.cache import cache

from histovet.limits import vehicles
from histovet.partners.models import PartnerKey, PartnerUse
from tests.partners import demands, register
from tests.partners.demands import CERTIFICATE, changed

PROOF = f"{CERTIFICATE}/numero_formule"
PLATE = f"{CERTIFICATE}/numero_immatriculation"
END = "/histovet/fin_vin"
RIGHT_END = register.FULL_VEHICLE.vin[-4:]
WRONG = changed(demands.FULL, PROOF, "2019ZZ99999")


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


@pytest.fixture
def use_up(published, ask, make_key):
    """Let partners that know nothing of each other use up a vehicle's failures."""

    def send(demand=WRONG):
        for n in range(vehicles.A_DAY):
            _, other = make_key(name=f"Autre {n}")
            assert ask(demand, with_key=other).status_code == 404

    return send


def problem(answer) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return json.loads(answer.content)["type"].removeprefix("/api/problems/")


def test_the_answer_says_what_to_send_and_then_gives_the_report(use_up, ask):
    before = ask(demands.FULL)
    use_up()
    asked = ask(demands.FULL)
    assert (asked.status_code, problem(asked)) == (403, "vin-end-asked")
    (error,) = json.loads(asked.content)["errors"]
    assert (error["field"], error["code"]) == (END, "vin_end_missing")
    right = ask(changed(demands.FULL, END, RIGHT_END))
    assert right.status_code == 200
    assert right.content == before.content
    whole = changed(demands.FULL, END, register.FULL_VEHICLE.vin.lower())
    assert ask(whole).status_code == 200


def test_a_wrong_end_is_the_same_as_all_else_that_is_wrong(use_up, ask, make_key):
    nowhere = changed(demands.FULL, PLATE, "QQ-111-QQ")
    use_up()
    use_up(nowhere)
    _, other = make_key(name="Encore")
    assert problem(ask(nowhere)) == problem(ask(WRONG)) == "vin-end-asked"
    answers = [
        ask(changed(demand, END, end), with_key=other)
        for demand, end in (
            (demands.FULL, "ZZZZ"),
            (WRONG, RIGHT_END),
            (nowhere, RIGHT_END),
        )
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_it_counts_for_the_partners_own_budget_and_to_be_asked_does_not(use_up, ask):
    use_up()
    for _ in range(5):
        assert ask(demands.FULL).status_code == 403
    row = PartnerKey.objects.get(name="Essai")
    used = PartnerUse.objects.get(key_id=row.pk)
    assert (used.failures, used.reports) == (0, 0)
    for _ in range(3):
        assert ask(changed(demands.FULL, END, "ZZZZ")).status_code == 404
    # Three failures a plate; another partner is not held up.
    assert ask(changed(demands.FULL, END, RIGHT_END)).status_code == 429


def test_the_partner_who_is_not_held_up_gets_the_report(use_up, ask, make_key):
    use_up()
    _, other = make_key(name="Encore")
    for _ in range(3):
        ask(changed(demands.FULL, END, "ZZZZ"), with_key=other)
    assert ask(changed(demands.FULL, END, RIGHT_END)).status_code == 200


def test_unasked_it_is_not_compared(published, ask):
    assert ask(changed(demands.FULL, END, "ZZZZ")).status_code == 200


def test_one_budget_stands_for_the_form_and_the_api(published, ask, client):
    form = {
        "register": "SIV",
        "holder_kind": "person",
        "plate": "AB-123-CD",
        "formula_number": "2019ZZ99999",
        "family_name": "LEMOINE",
    }
    for _ in range(vehicles.A_DAY - 1):
        assert client.post("/vendeur", form).status_code == 200
    assert ask(WRONG).status_code == 404
    assert problem(ask(demands.FULL)) == "vin-end-asked"
    right = form | {"formula_number": "2019AB12345"}
    assert "id_vin_end" in client.post("/vendeur", right).content.decode()
    right |= {"vin_end": RIGHT_END}
    assert client.post("/vendeur", right).status_code == 303


def test_a_code_is_never_asked_for_it(make_link, use_up, ask_code):
    link = make_link()
    use_up()
    assert ask_code(link).status_code == 200


@pytest.mark.parametrize(
    ("value", "field", "code"),
    [
        (7, END, "type"),
        ("A" * 201, END, "too_long"),
        ("A\x00B", END, "null_characters_not_allowed"),
    ],
)
def test_what_is_no_end_of_a_vin_is_told_so(published, ask, value, field, code):
    answer = ask(changed(demands.FULL, END, value))
    assert answer.status_code == 400
    (error,) = json.loads(answer.content)["errors"]
    assert (error["field"], error["code"]) == (field, code)
