"""The budgets of what was not found, and the quotas of what was."""

import datetime as dt
import json

import pytest

from histovet.partners.failure_budget import A_DAY, A_DAY_AND_PLATE
from histovet.partners.models import PartnerUse
from tests.partner import failures
from tests.partners import demands
from tests.partners.demands import CERTIFICATE, NO_LINK, Link, changed

EVENING = dt.datetime(2026, 11, 22, 23, 59, 30, tzinfo=dt.UTC)
PLATE = f"{CERTIFICATE}/numero_immatriculation"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Set the hour of the site, at first EVENING."""

    def at(moment: dt.datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    at(EVENING)
    return at


def wrong(plate: str = "AB-123-CD") -> dict:
    demand = changed(demands.FULL, f"{CERTIFICATE}/numero_formule", "2019ZZ99999")
    return changed(demand, PLATE, plate)


def refused(answer) -> int:
    """How many seconds a refusal says to wait."""
    assert answer.status_code == 429
    assert json.loads(answer.content)["type"] == "/api/problems/too-many-failures"
    return int(answer.headers["Retry-After"])


def test_a_plate_has_three_failures_a_day(published, ask, clock):
    for _ in range(A_DAY_AND_PLATE):
        assert ask(wrong()).status_code == 404
    assert refused(ask(wrong())) == 30
    # Right data too, or the fourth guess would still tell.
    assert refused(ask(demands.FULL)) == 30
    # However the plate is written, and no other plate.
    assert refused(ask(wrong("ab123cd"))) == 30
    assert ask(demands.COMPANY).status_code == 200
    clock(EVENING + dt.timedelta(seconds=30))
    assert ask(demands.FULL).status_code == 200


def test_a_partner_has_fifty_failures_a_day(published, ask, clock):
    for n in range(A_DAY):
        assert ask(wrong(f"ZZ-{n:03}-ZZ")).status_code == 404
    assert refused(ask(wrong("YY-000-YY"))) == 30
    assert refused(ask(demands.FULL)) == 30
    clock(EVENING + dt.timedelta(seconds=30))
    assert ask(demands.FULL).status_code == 200
    assert ask(wrong()).status_code == 404


def test_the_keys_of_one_partner_share_its_failures(published, ask, make_key):
    _, second = make_key()
    _, other = make_key(name="Autre")
    for _ in range(A_DAY_AND_PLATE):
        assert ask(wrong()).status_code == 404
    refused(ask(wrong(), with_key=second))
    assert ask(demands.FULL, with_key=other).status_code == 200
    for n in range(A_DAY - A_DAY_AND_PLATE):
        each = (None, second)[n % 2]
        answer = ask(wrong(f"ZZ-{n:03}-ZZ"), **({"with_key": each} if each else {}))
        assert answer.status_code == 404
    refused(ask(wrong("YY-000-YY"), with_key=second))
    refused(ask(demands.COMPANY))
    assert ask(demands.COMPANY, with_key=other).status_code == 200


def test_another_spelling_of_the_name_is_the_same_partner(published, ask, make_key):
    _, second = make_key(name="ESSAI")
    for _ in range(A_DAY_AND_PLATE):
        assert ask(wrong()).status_code == 404
    refused(ask(wrong(), with_key=second))
    _, other = make_key(name="Essai 2")
    assert ask(wrong(), with_key=other).status_code == 404


def test_codes_have_the_partners_failures_and_none_of_a_plate(
    make_link, ask, ask_code, make_key, clock
):
    link = make_link()
    assert ask(wrong()).status_code == 404
    for n in range(1, A_DAY):
        assert ask_code(Link(None, bytes([n]) * 16)).status_code == 404
    for answer in (ask_code(NO_LINK), ask_code(link), ask(demands.FULL)):
        assert refused(answer) == 30
    assert link.row.openings == 0
    _, other = make_key(name="Autre")
    assert ask_code(link, with_key=other).status_code == 200
    clock(EVENING + dt.timedelta(seconds=30))
    assert ask_code(link).status_code == 200


def test_clocks_that_are_apart_give_no_failures_twice(published, ask, clock):
    found = 0
    for n in range(A_DAY // 2 + 5):
        # Two sites at the same moment.
        for moment in (EVENING, EVENING + dt.timedelta(minutes=1)):
            clock(moment)
            found += ask(wrong(f"ZZ-{n:03}-ZZ")).status_code == 404
    # The first is of the day that ends.
    assert found == 1 + A_DAY
    refused(ask(demands.FULL))


def test_clocks_that_are_apart_give_a_plate_no_failures_twice(published, ask, clock):
    statuses = []
    for _ in range(A_DAY_AND_PLATE):
        for moment in (EVENING, EVENING + dt.timedelta(minutes=1)):
            clock(moment)
            statuses.append(ask(wrong()).status_code)
    assert statuses == [404] * (1 + A_DAY_AND_PLATE) + [429] * (A_DAY_AND_PLATE - 1)


def test_a_vehicle_without_failures_left_still_opens_by_its_code(
    make_link, ask, ask_code
):
    link = make_link()
    for _ in range(A_DAY_AND_PLATE):
        assert ask(wrong()).status_code == 404
    refused(ask(demands.FULL))
    assert ask_code(link).status_code == 200


def test_what_is_found_costs_no_failure(published, ask):
    for _ in range(A_DAY_AND_PLATE + 2):
        assert ask(demands.FULL).status_code == 200
    assert failures() == 0


def test_a_request_that_cannot_be_read_costs_none_either(published, ask):
    for _ in range(A_DAY_AND_PLATE + 2):
        assert ask({}).status_code == 400
    assert failures() == 0


def test_a_failure_beyond_the_budget_tells_nothing(published, ask, key):
    """As when requests run side by side, and the budget ends in between."""
    for _ in range(A_DAY_AND_PLATE):
        ask(wrong())
    PartnerUse.objects.update(failures=0)
    refused(ask(wrong()))


def test_the_rate_of_a_key(published, ask, make_key):
    _, slow = make_key(rate="2/h")
    answers = [ask(demands.FULL, with_key=slow) for _ in range(4)]
    statuses = [answer.status_code for answer in answers]
    # One more each, should the hour of this key end in between.
    assert statuses in ([200, 200, 429, 429], [200, 200, 429, 200], [200] * 4, [
        200, 200, 200, 429,
    ])  # fmt: skip
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert json.loads(limited.content)["type"] == "/api/problems/rate-exceeded"
    assert 1 <= int(limited.headers["Retry-After"]) <= 3600


def test_requests_that_are_wrong_count_for_the_rate(published, ask, make_key):
    _, slow = make_key(rate="2/h")
    statuses = [ask({}, with_key=slow).status_code for _ in range(6)]
    assert 429 in statuses


def test_the_quota_counts_reports_alone(published, ask, make_key):
    _, small = make_key(daily_quota=2)
    assert ask({}, with_key=small).status_code == 400
    assert ask(wrong(), with_key=small).status_code == 404
    answers = [ask(demands.FULL, with_key=small) for _ in range(4)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:2] == [200, 200] and 429 in statuses
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert json.loads(limited.content)["type"] == "/api/problems/quota-exceeded"
    assert 1 <= int(limited.headers["Retry-After"]) <= 86400


def test_without_quota_left_right_data_and_wrong_get_one_answer(
    published, ask, make_key
):
    _, small = make_key(daily_quota=1)
    assert ask(demands.FULL, with_key=small).status_code == 200
    right, wrong_plate, wrong_proof = (
        ask(demand, with_key=small)
        for demand in (demands.FULL, wrong("ZZ-999-ZZ"), wrong())
    )
    assert right.status_code == 429
    assert right.content == wrong_plate.content == wrong_proof.content
    assert failures() == 0


def test_a_rate_of_a_second_says_to_wait_one(published, ask, make_key):
    _, slow = make_key(rate="1/s")
    for _ in range(50):
        answer = ask(demands.FULL, with_key=slow)
        if answer.status_code == 429:
            break
    assert answer.headers["Retry-After"] == "1"
