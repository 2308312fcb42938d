"""A vehicle that is withheld: what its links show, and that they live on."""

import pytest
from django.test import Client
from django.utils import timezone

from histovet.sharing import links as acts
from histovet.sharing.links import NotShareable
from histovet.sharing.models import Link, Scope
from histovet.vault import reading, withholding
from histovet.vault.withholding import Reason
from pseudonymizer.normalise import siv_identity
from tests import dump
from tests.history.showcase import typed
from tests.sharing.test_car_check import DAY, OWNER, Read, told

REFERENCE = "TJ Lyon 26/00123"


@pytest.fixture
def identity(shown):
    return siv_identity(shown["clean"].plate, shown["clean"].formula_number)


@pytest.fixture
def secret(identity):
    opened, now = reading.read(identity), timezone.now()
    return acts.create(identity, opened, OWNER, life=7 * DAY, now=now)


@pytest.fixture
def withhold(identity):
    def withheld():
        now = timezone.now()
        return withholding.withhold(identity, Reason.COURT_ORDER, REFERENCE, now=now)

    return withheld


def is_withheld_page(answer) -> bool:
    text = answer.content.decode()
    assert "TJ Lyon" not in text
    return (
        answer.status_code == 200
        and "n’est montré à personne" in text
        and 'id="verdict"' not in text
    )


def test_a_reader_is_shown_nothing_any_more(secret, withhold):
    page = Read(secret)
    withhold()
    before = list(dump.values())
    assert is_withheld_page(page.client.get(page.path))
    assert is_withheld_page(page.check(vin="VF1B0000000012345", plate="ZZ-999-ZZ"))
    assert is_withheld_page(page.client.get(page.path + "/verifier"))
    assert list(dump.values()) == before


@pytest.mark.parametrize("at_link", [True, False])
def test_a_live_link_opens_nothing_and_counts_nothing(secret, withhold, at_link):
    page = Read(secret)
    row = withhold()
    visitor = Client()
    answer = visitor.post(page.path if at_link else "/acheteur", {"code": page.code})
    assert is_withheld_page(answer)
    assert set(answer.cookies) <= {"csrf"}
    assert "no-store" in answer.headers["Cache-Control"]
    link = Link.objects.get()
    assert (link.openings, link.ended_at) == (1, None)
    withholding.lift(row.pk, now=timezone.now())
    assert visitor.post(page.path, {"code": page.code}).status_code == 303
    assert told(page.check(plate="ZZ-999-ZZ")) == ["Non"]


def test_whoever_has_no_live_link_learns_nothing_of_it(secret, withhold):
    page = Read(secret)
    withhold()
    assert Client().get(page.path).content.count(b"id_code") > 0
    elsewhere = Client().post("/r/AAAAAAAAAAAAAAAA", {"code": page.code})
    assert elsewhere.status_code == 404
    Link.objects.update(expires_at=timezone.now())
    assert Client().post(page.path, {"code": page.code}).status_code == 404


def test_no_link_is_made(identity, withhold):
    withhold()
    opened = reading.read(identity)
    for scope in Scope:
        with pytest.raises(NotShareable):
            acts.create(
                identity, opened, OWNER, life=DAY, now=timezone.now(), scope=scope
            )
    assert not Link.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/liens"),
        ("post", "/liens"),
        ("get", "/liens/AAAAAAAAAAAAAAAA"),
        ("post", "/liens/code-de-gestion"),
    ],
)
def test_the_sellers_pages_of_links_lead_to_what_is_said(
    client, shown, withhold, method, path
):
    assert client.post("/vendeur", typed(shown["clean"])).status_code == 303
    withhold()
    answer = getattr(client, method)(path, {"days": "7"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/rapport")
    assert not Link.objects.exists()


def test_its_owner_may_end_its_links_all_the_same(client, shown, withhold):
    """Otherwise lifting would revive what they no longer want to live."""
    assert client.post("/vendeur", typed(shown["clean"])).status_code == 303
    assert client.post("/liens", {"days": "7"}).status_code == 303
    withhold()
    page = client.get("/rapport").content.decode()
    assert 'action="/liens/fin"' in page
    assert client.post("/liens/fin").status_code == 303
    assert Link.objects.filter(end=None).count() == 0
