"""Who is asked for work or a wait, and what either is good for: on the real pages."""

import datetime as dt
import re

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from histovet.limits import clients, proof_of_work, tickets
from tests import dump
from tests.history.showcase import typed
from tests.limits.work import brought_by, challenge_in, fail, solved
from tests.sharing import test_buyer_views
from tests.sharing.test_buyer_views import UNKNOWN, Given, give, opens  # noqa: F401
from tests.sharing.test_car_check import RIGHT, WRONG, make, told  # noqa: F401

pytestmark = pytest.mark.django_db

THIRD = 10


@pytest.fixture(autouse=True)
def short_steps(monkeypatch):
    """As many steps as ever, each a hundredth of the work: what a real one takes is for
    tests/limits and the journeys."""
    monkeypatch.setattr(proof_of_work, "_ROUNDS", proof_of_work._ROUNDS // 100)


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def is_asked(answer) -> bool:
    """Told nothing, and asked for work or a wait before anything else."""
    page = text(answer)
    return "Une vérification avant la réponse" in page and "js/proof.js" in page


def failures(purpose="seller", address="127.0.0.1"):
    """Return how many more fit in the budget of one address."""
    request = RequestFactory().post("/", REMOTE_ADDR=address)
    left = 0
    while clients.has_failures_left(request, purpose, timezone.now()):
        clients.count_failure(request, purpose, timezone.now())
        left += 1
    return 30 - left


def test_in_the_calm_nothing_is_asked(client, shown):
    fail(THIRD - 1, "seller")
    assert client.post("/vendeur", typed(shown["clean"])).status_code == 303
    assert "proof.js" not in text(client.get("/vendeur"))
    wrong = typed(shown["clean"], family_name="AUTRE")
    # The one that is the third itself, and its page begins with the next proof.
    page = text(client.post("/vendeur", wrong))
    assert "Aucun véhicule ne correspond" in page
    assert "Une vérification avant l’essai suivant" in page
    assert "autofocus" not in page.partition('id="proof"')[0].rpartition("<div")[2]


def test_a_network_that_used_a_third_is_asked_before_it_is_answered(client, shown):
    fail(THIRD, "seller")
    right, wrong = typed(shown["clean"]), typed(shown["clean"], family_name="AUTRE")
    pages = []
    for what in (right, wrong):
        answer = client.post("/vendeur", what)
        assert is_asked(answer)
        assert "seller" not in answer.cookies
        page = text(answer)
        for value in what.values():
            assert f'value="{value}"' in page, "what was typed is kept"
        pages.append(page)
    bare = {
        re.sub(
            r'value="[^"]*"|data-challenge="[^"]*"|(?s:<div id="wait">.*?</div>)', "", p
        )
        for p in pages
    }
    assert len(bare) == 1, "right and wrong are asked alike"
    # A neighbour is not, and neither is another page.
    beside = client.post("/vendeur", right, REMOTE_ADDR="127.9.0.1")
    assert beside.status_code == 303
    assert client.post("/acheteur", {"code": Given(UNKNOWN).code}).status_code == 404
    assert failures() == THIRD, "who is asked has not failed"


def test_a_proof_lets_one_answer_through(client, shown):
    fail(THIRD, "seller")
    right = typed(shown["clean"])
    page = text(client.post("/vendeur", right))
    proof = {"altcha": solved(challenge_in(page))}
    assert client.post("/vendeur", right | proof).status_code == 303
    assert is_asked(client.post("/vendeur", right | proof)), "a replay"
    assert "A check before the answer" in text(client.post("/en/seller", right | proof))


def test_a_failure_with_a_proof_is_told_and_counted(client, shown):
    fail(THIRD, "seller")
    wrong = typed(shown["clean"], family_name="AUTRE")
    page = text(client.post("/vendeur", wrong))
    proof = {"altcha": solved(challenge_in(page))}
    answer = text(client.post("/vendeur", wrong | proof))
    assert "Aucun véhicule ne correspond" in answer
    assert challenge_in(answer) != challenge_in(page)
    assert failures() == THIRD + 1


def test_a_proof_does_not_widen_a_budget(client, shown):
    fail(THIRD, "seller")
    right = typed(shown["clean"])
    proof = {"altcha": solved(challenge_in(text(client.post("/vendeur", right))))}
    fail(30 - THIRD, "seller")
    assert client.post("/vendeur", right | proof).status_code == 429


def test_a_proof_for_another_page_is_not_taken(client, shown):
    fail(THIRD, "seller")
    fail(THIRD, "opening")
    page = text(client.post("/acheteur", {"code": Given(UNKNOWN).code}))
    proof = {"altcha": solved(challenge_in(page))}
    assert is_asked(client.post("/vendeur", typed(shown["clean"]) | proof))


def test_what_a_form_with_an_error_brought_is_not_lost(client, shown):
    fail(THIRD, "seller")
    right = typed(shown["clean"])
    page = text(client.post("/vendeur", right))
    proof = {"altcha": solved(challenge_in(page)), "ticket": brought_by(page)["ticket"]}
    page = text(client.post("/vendeur", right | {"plate": "?"} | proof))
    assert brought_by(page) == proof
    assert "proof.js" not in page
    assert client.post("/vendeur", right | brought_by(page)).status_code == 303
    evil = {"altcha": '"><script>'}
    assert '"><script>' not in text(client.post("/vendeur", {**evil, "plate": "?"}))


@pytest.mark.parametrize("fields", [{"altcha": "x"}, {"ticket": "x"}])
def test_what_is_neither_is_asked_again(client, shown, fields):
    fail(THIRD, "seller")
    assert is_asked(client.post("/vendeur", typed(shown["clean"]) | fields))


def test_a_forged_header_neither_escapes_nor_shifts_the_brake(client, shown):
    fail(THIRD, "seller")
    headers = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9"}
    right = typed(shown["clean"])
    assert is_asked(client.post("/vendeur", right, headers=headers))
    wrong = typed(shown["clean"], family_name="AUTRE")
    client.post("/vendeur", wrong, headers=headers, REMOTE_ADDR="127.9.0.1")
    assert failures(address="192.0.2.9") == 0
    assert failures(address="127.9.0.1") == 1


def test_many_failures_of_the_whole_site_brake_everybody(client, shown, settings):
    settings.BRAKE_FAILURES = 20
    for network in range(20):
        fail(1, "seller", f"10.{network}.0.1")
    right = typed(shown["clean"])
    assert is_asked(client.post("/vendeur", right))
    assert client.post("/acheteur", {"code": Given(UNKNOWN).code}).status_code == 404
    request = RequestFactory().post("/")
    now = timezone.now()
    window = dt.timedelta(seconds=clients.SITE_WINDOW_SECONDS)
    # Not forgotten at the end of its window, and then it is.
    assert not clients.is_calm(request, "seller", now + window)
    assert clients.is_calm(request, "seller", now + 2 * window)


def test_without_a_script_whoever_waits_is_answered(client, shown, monkeypatch):
    fail(THIRD, "seller")
    right = typed(shown["clean"])
    page = text(client.post("/vendeur", right))
    assert "Attendez 20 secondes, puis appuyez sur le bouton." in page
    ticket = {"ticket": brought_by(page)["ticket"]}
    # Sooner: the same ticket, and how long is left.
    sooner = text(client.post("/vendeur", right | ticket))
    assert brought_by(sooner)["ticket"] == ticket["ticket"]
    assert re.search(r"Attendez \d+ secondes?, puis", sooner)
    # Somebody else behind the same address.
    other = text(Client().post("/vendeur", right))
    assert brought_by(other)["ticket"] == ""
    assert "Appuyez sur le bouton dans 5 minutes." in other
    # The same wait, without it.
    monkeypatch.setattr(tickets, "WAIT_SECONDS", 0)
    fail(THIRD, "seller", "127.9.0.1")
    page = text(client.post("/vendeur", right, REMOTE_ADDR="127.9.0.1"))
    ticket = {"ticket": brought_by(page)["ticket"]}
    assert is_asked(client.post("/vendeur", right | ticket)), "of another network"
    for status in (303, 200):
        answer = client.post("/vendeur", right | ticket, REMOTE_ADDR="127.9.0.1")
        assert answer.status_code == status, "once"


def test_a_proof_leaves_the_networks_ticket_to_the_next(client, shown):
    fail(THIRD, "seller")
    right = typed(shown["clean"])
    page = text(client.post("/vendeur", right))
    fields = brought_by(page) | {"altcha": solved(challenge_in(page))}
    assert fields["ticket"]
    assert client.post("/vendeur", right | fields).status_code == 303
    assert brought_by(text(Client().post("/vendeur", right)))["ticket"]


def test_right_codes_are_never_braked(client, give, settings):  # noqa: F811
    """128 bits are not guessed, and neighbours share an address."""
    settings.BRAKE_FAILURES = 20
    links = [give() for _ in range(20)]
    fail(25, "opening")
    for link in links:
        visitor = Client()
        assert opens(visitor, link)
        assert test_buyer_views.is_report(visitor.get(link.path))
    assert failures("opening") == 25


@pytest.mark.parametrize("at_link", [True, False])
def test_a_code_that_opens_nothing_is_told_so_after_a_proof(client, give, at_link):  # noqa: F811
    give()
    fail(THIRD, "opening")
    link = Given(UNKNOWN)
    path = link.path if at_link else "/acheteur"
    page = client.post(path, {"code": link.code})
    assert is_asked(page)
    assert f'value="{link.code}"' in text(page)
    proof = {"altcha": solved(challenge_in(text(page)))}
    assert client.post(path, {"code": link.code} | proof).status_code == 404
    assert is_asked(client.post(path, {"code": link.code} | proof)), "a replay"
    assert failures("opening") == THIRD + 1


def test_who_compares_the_car_is_braked_whatever_the_answer(make):  # noqa: F811
    page = make()
    assert told(page.check(vin=WRONG)) == ["Non"]
    fail(THIRD - 1, "car")
    for vin in (RIGHT, WRONG):
        asked = page.check(vin=vin)
        assert is_asked(asked)
        assert f'value="{vin}"' in text(asked)
    assert page.counted == (1, [1])
    proof = solved(challenge_in(text(asked)))
    assert told(page.check(vin=RIGHT, altcha=proof)) == ["Oui"]
    assert is_asked(page.check(vin=RIGHT, altcha=proof)), "a replay"
    fail(30 - THIRD, "car")
    assert page.check(vin=RIGHT).status_code == 429
    with_header = page.client.post(
        f"{page.path}/verifier",
        {"vin": RIGHT},
        headers={"X-Forwarded-For": "192.0.2.9"},
    )
    assert with_header.status_code == 429, "whatever it says of itself"


def test_what_is_stored_names_nobody(client, shown):
    before = set(dump.values())
    fail(THIRD, "seller")
    page = text(client.post("/vendeur", typed(shown["clean"])))
    stored = set(dump.values()) - before
    assert stored
    for known in (b"127.0.0", brought_by(page)["ticket"].encode()):
        assert not [value for value in stored if known in value]
