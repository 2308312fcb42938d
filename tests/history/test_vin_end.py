"""The third datum: beyond a vehicle's failures the end of its VIN, and never a lock."""

import datetime as dt
import re
import threading

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from histovet.history.forms import IdentityForm
from histovet.history.vin_end import is_vin_end, typed_vin_end
from histovet.limits import clients, vehicles
from histovet.vault import reading
from tests.history.showcase import publish_showcase, typed
from tests.history.test_seller import without_what_was_typed

PAGES = ["/vendeur", "/en/seller"]
NOT_FOUND = {"/vendeur": "Aucun véhicule ne correspond", "/en/seller": "No vehicle"}


@pytest.mark.parametrize(
    ("recorded", "text", "is_right"),
    [
        ("VF1B********12345", "2345", True),
        ("VF1B********12345", "23 45", True),
        ("VF1B********12345", "vf1bb0000h0012345", True),
        ("VF1B********1Q3I5", "O315", True),
        ("VF1RFB00X12345678", "5678", True),
        ("VF1B********12345", "2346", False),
        ("VF1B********12345", "345", False),
        ("VF1B********12345", "", False),
        ("96", "96", True),
        ("96", "69", False),
        ("VF1B***********45", "2345", True),
        ("VF1B***********45", "2354", False),
        # Nothing to compare with: no record is behind a lock for it.
        ("VF1B*************", "2345", True),
        (None, "2345", True),
    ],
)
def test_the_end_is_compared_as_far_as_the_register_shows_it(recorded, text, is_right):
    assert is_vin_end(typed_vin_end(text), recorded) is is_right


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


@pytest.fixture
def shown(transactional_db, tmp_path):
    return publish_showcase(tmp_path)


def vin_end(vehicle) -> str:
    form = IdentityForm(typed(vehicle))
    assert form.is_valid()
    vin = reading.read(form.enquiry.identity).record.vehicle.vin
    assert re.fullmatch(".{4}[*]{8}.{5}|[^*]{17}", vin)
    return vin[-4:]


def use_up(client, vehicle, **changes):
    for n in range(vehicles.A_DAY):
        wrong = typed(vehicle, **({"family_name": f"AUTRE{n}"} | changes))
        answer = client.post("/vendeur", wrong, REMOTE_ADDR=f"127.7.{n}.1")
        assert answer.status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", ["clean", "company", "fni"])
def test_beyond_its_failures_a_vehicle_asks_and_is_never_locked(
    client, shown, kind, page
):
    vehicle = shown[kind]
    use_up(client, vehicle, company_name="AUTRE SOCIETE")
    asked = client.post(page, typed(vehicle))
    content = asked.content.decode()
    assert asked.status_code == 200
    assert '<a href="#id_vin_end">' in content and 'id="id_vin_end"' in content
    assert NOT_FOUND[page] not in content
    assert f'value="{vehicle.plate}"' in content, "what was typed stays"
    wrong = client.post(page, typed(vehicle, vin_end="ZZZZ"))
    assert wrong.status_code == 200
    assert NOT_FOUND[page] in wrong.content.decode()
    assert 'value="ZZZZ"' in wrong.content.decode()
    right = client.post(page, typed(vehicle, vin_end=vin_end(vehicle)))
    assert right.status_code == 303


def test_within_its_failures_nothing_is_asked(client, shown):
    vehicle = shown["clean"]
    for n in range(vehicles.A_DAY - 1):
        page = client.post("/vendeur", typed(vehicle, family_name=f"AUTRE{n}"))
        assert "vin_end" not in page.content.decode()
    # Nor compared, should it have been left there.
    assert client.post("/vendeur", typed(vehicle, vin_end="ZZZZ")).status_code == 303


def test_the_last_failure_already_says_what_is_asked_next(client, shown):
    wrong = typed(shown["clean"], family_name="AUTRE")
    pages = [client.post("/vendeur", wrong) for _ in range(vehicles.A_DAY)]
    shows = ['id="id_vin_end"' in page.content.decode() for page in pages]
    assert shows == [False] * (vehicles.A_DAY - 1) + [True]
    assert "la fin du numéro de série" in pages[-1].content.decode()


def test_a_plate_that_stands_for_no_vehicle_asks_alike(client, shown):
    real, none = shown["clean"], {"plate": "QQ-111-QQ"}
    use_up(client, real)
    use_up(client, real, **none)
    for more in ({}, {"vin_end": ""}, {"vin_end": "ZZZZ"}, {"vin_end": "12"}):
        there = client.post("/vendeur", typed(real, family_name="AUTRE", **more))
        nowhere = client.post("/vendeur", typed(real, **none, **more))
        assert there.status_code == nowhere.status_code == 200
        assert without_what_was_typed(there.content) == without_what_was_typed(
            nowhere.content
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"formula_number": "2001AA00001"},
        {"family_name": "AUTRENOM"},
        {"formula_number": "2001AA00001", "vin_end": "ZZZZ"},
    ],
    ids=["formula number", "name", "all but the plate"],
)
def test_a_right_end_tells_nothing_of_the_rest(client, shown, wrong):
    vehicle = shown["clean"]
    use_up(client, vehicle)
    end = vin_end(vehicle)
    by_end = client.post("/vendeur", typed(vehicle, vin_end="ZZZZ"))
    by_rest = client.post("/vendeur", typed(vehicle, **({"vin_end": end} | wrong)))
    assert by_end.status_code == by_rest.status_code == 200
    assert without_what_was_typed(by_end.content) == without_what_was_typed(
        by_rest.content
    )


def test_however_the_plate_is_written_it_is_one_vehicle(client, shown):
    vehicle = shown["clean"]
    use_up(client, vehicle, plate=vehicle.plate.replace("-", " ").lower())
    assert "id_vin_end" in client.post("/vendeur", typed(vehicle)).content.decode()


def test_the_plate_of_another_register_and_tomorrow_are_apart(client, shown):
    form = IdentityForm(typed(shown["clean"]))
    assert form.is_valid()
    identity = form.enquiry.identity
    evening = dt.datetime(2026, 11, 22, 23, 59, tzinfo=dt.UTC)
    for n in range(vehicles.A_DAY):
        assert not vehicles.asks_vin_end(identity, evening)
        assert vehicles.count_failure(identity, evening) is (n == vehicles.A_DAY - 1)
    assert vehicles.asks_vin_end(identity, evening)
    assert not vehicles.asks_vin_end(identity, evening + dt.timedelta(minutes=1))
    form = IdentityForm(typed(shown["clean"], register="FNI", issue_date="2005-01-01"))
    assert form.is_valid()
    assert not vehicles.asks_vin_end(form.enquiry.identity, evening)


def test_who_leaves_the_field_empty_is_told_at_the_field(client, shown):
    vehicle = shown["clean"]
    use_up(client, vehicle)
    for empty in ("", " - "):
        page = client.post("/vendeur", typed(vehicle, vin_end=empty)).content.decode()
        error = "Indiquez les 4 derniers caractères du numéro de série (rubrique E)."
        assert "<title>À corriger" in page
        assert f'<li><a href="#id_vin_end">{error}</a></li>' in page
        assert f'<p class="error" id="id_vin_end_error">{error}</p>' in page


def test_to_be_asked_is_no_failure(client, shown):
    vehicle = shown["clean"]
    use_up(client, vehicle)
    most = clients.BUDGETS[4][32]
    for _ in range(most + 1):
        assert client.post("/vendeur", typed(vehicle)).status_code == 200
    right = typed(vehicle, vin_end=vin_end(vehicle))
    assert client.post("/vendeur", right).status_code == 303


def test_an_address_has_few_tries_at_the_end_and_leaves_others_theirs(client, shown):
    vehicle = shown["clean"]
    use_up(client, vehicle)
    right = typed(vehicle, vin_end=vin_end(vehicle))
    for _ in range(clients.BUDGETS[4][32] // vehicles.SHARE):
        assert client.post("/vendeur", right | {"vin_end": "ZZZZ"}).status_code == 200
    for body in (right, right | {"vin_end": "ZZZZ"}, typed(vehicle)):
        answer = client.post("/vendeur", body)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 86400
    forged = client.post("/vendeur", right, headers={"X-Forwarded-For": "192.0.2.9"})
    assert forged.status_code == 429, "a header that a client wrote counts for nothing"
    assert client.post("/vendeur", right, REMOTE_ADDR="127.0.0.2").status_code == 303
    other = client.post("/vendeur", typed(shown["fni"]))
    assert other.status_code == 303, "another vehicle is not held up"


def test_a_wide_network_has_five_addresses_worth_of_tries(client, shown):
    vehicle = shown["clean"]
    use_up(client, vehicle)
    right = typed(vehicle, vin_end=vin_end(vehicle))
    for n in range(clients.BUDGETS[4][24] // vehicles.SHARE):
        wrong = client.post(
            "/vendeur", right | {"vin_end": "ZZZZ"}, REMOTE_ADDR=f"192.0.2.{n}"
        )
        assert wrong.status_code == 200
    inside = client.post("/vendeur", right, REMOTE_ADDR="192.0.2.200")
    outside = client.post("/vendeur", right, REMOTE_ADDR="192.0.3.1")
    assert (inside.status_code, outside.status_code) == (429, 303)


def test_a_wait_of_hours_is_told_in_hours(client, shown, monkeypatch):
    noon = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0)
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon)
    vehicle = shown["clean"]
    use_up(client, vehicle)
    wrong = typed(vehicle, vin_end="ZZZZ")
    for _ in range(clients.BUDGETS[4][32] // vehicles.SHARE):
        client.post("/vendeur", wrong)
    page = client.post("/vendeur", wrong)
    assert (page.status_code, page.headers["Retry-After"]) == (429, "43200")
    assert "Attendez 12 heures" in page.content.decode()
    assert "depuis un autre (le téléphone, le travail)" in page.content.decode()
    assert "Wait 12 hours" in client.post("/en/seller", wrong).content.decode()


def test_a_forged_header_makes_nobody_another_vehicle_or_network(client, shown):
    vehicle = shown["clean"]
    wrong = typed(vehicle, family_name="AUTRE")
    for n in range(vehicles.A_DAY):
        headers = {"X-Forwarded-For": f"198.51.{n}.7", "Forwarded": f"for=10.0.0.{n}"}
        client.post("/vendeur", wrong, headers=headers)
    headers = {"X-Forwarded-For": "203.0.113.5"}
    page = client.post("/vendeur", typed(vehicle), headers=headers).content.decode()
    assert "id_vin_end" in page


def test_twenty_sellers_behind_one_address_all_succeed(shown):
    """At once, each with a connection of their own; half find their vehicle's failures
    used up by somebody else."""
    attacked, calm = shown["clean"], shown["fni"]
    use_up(Client(), attacked)
    bodies = [typed(attacked, vin_end=vin_end(attacked)), typed(calm)] * 10
    begin, statuses = threading.Barrier(len(bodies)), []

    def sell(body):
        begin.wait()
        try:
            statuses.append(Client().post("/vendeur", body).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=sell, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303] * 20


def test_what_is_counted_names_no_vehicle_and_is_purged(client, shown):
    vehicle = shown["clean"]
    use_up(client, vehicle)
    client.post("/vendeur", typed(vehicle, vin_end="ZZZZ"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(digest, 'hex'), expires_at FROM limits_counter")
        rows = cursor.fetchall()
        cursor.execute("UPDATE limits_counter SET expires_at = statement_timestamp()")
    assert rows
    midnight = dt.datetime.now(dt.UTC) + dt.timedelta(days=1, minutes=1)
    for digest, expires_at in rows:
        assert len(digest) == 32
        assert expires_at < midnight
    assert cache.purge() == len(rows)


def test_the_end_that_was_typed_is_in_no_address_cookie_or_log(client, shown, caplog):
    caplog.set_level("DEBUG")
    vehicle = shown["clean"]
    use_up(client, vehicle)
    answer = client.post("/vendeur", typed(vehicle, vin_end="WXYZ987"))
    right = client.post("/vendeur", typed(vehicle, vin_end=vin_end(vehicle)))
    assert (answer.status_code, right.status_code) == (200, 303)
    assert "WXYZ987" not in caplog.text and "Z987" not in caplog.text
    assert right.headers["Location"] == "/rapport"
