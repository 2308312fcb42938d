"""Each thing that is counted, done as people do it, and what is none of them."""

import re
from collections import Counter

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from histovet.usage.daily_counts import daily_counts
from histovet.vault import withholding
from histovet.vault.withholding import Reason
from pseudonymizer.normalise import siv_identity
from tests.history.showcase import publish_showcase, typed
from tests.partner import new_key
from tests.sharing.test_seller_views import make, opens, seller_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(transactional_db, tmp_path):
    cache.clear()
    return publish_showcase(tmp_path / "register")


@pytest.fixture
def counted(shown):
    """Return what was counted since it was called last."""
    before: Counter[str] = Counter()

    def since() -> dict[str, int]:
        now = Counter()
        for (_day, what), count in daily_counts._unwritten.items():
            now[what.value] += count
        found = now - before
        before.clear()
        before.update(now)
        return dict(found)

    since()
    return since


def test_a_report_is_counted_when_its_certificate_is_typed(counted, shown):
    seller = seller_of(shown["clean"])
    assert counted() == {"seller_report": 1}
    for _ in range(2):
        assert seller.get("/rapport").status_code == 200
        seller.head("/rapport")
    assert counted() == {}


def test_a_search_that_finds_nothing_is_counted_and_a_form_half_filled_is_not(
    counted, shown, client
):
    client.post("/vendeur", typed(shown["clean"], formula_number="2021ZZ90909"))
    assert counted() == {"not_found": 1}
    client.post("/vendeur", typed(shown["clean"], plate=""))
    client.get("/vendeur")
    assert counted() == {}


def test_a_withheld_report_is_not_counted(counted, shown, client):
    link = make(seller_of(shown["clean"]))
    vehicle = shown["clean"]
    identity = siv_identity(vehicle.plate, vehicle.formula_number)
    withholding.withhold(identity, Reason.OTHER, "essai", now=timezone.now())
    counted()
    assert client.post("/vendeur", typed(vehicle)).status_code == 303
    Client().post(link.reader_path, {"code": link.code})
    assert counted() == {}


def test_a_link_and_its_openings_are_counted(counted, shown):
    seller = seller_of(shown["clean"])
    counted()
    link = make(seller)
    assert counted() == {"link": 1}
    assert seller.post("/liens", {"days": "0"}).status_code == 200
    assert opens(link)
    assert counted() == {"buyer_report": 1}
    buyer = Client()
    buyer.post("/acheteur", {"code": link.code})
    assert counted() == {"buyer_report": 1}
    # Read again, opened again in the same browser, looked at without the code.
    buyer.get(link.reader_path)
    buyer.post(link.reader_path, {"code": link.code})
    Client().get(link.reader_path)
    Client().post(link.reader_path, {"code": "A" * 27})
    assert counted() == {}


def test_a_document_is_counted_when_it_is_made(counted, shown):
    seller = seller_of(shown["clean"])
    counted()
    assert seller.post("/rapport/pdf").status_code == 200
    assert seller.post("/rapport/situation.pdf").status_code == 200
    assert counted() == {"document": 2}
    assert Client().post("/rapport/pdf").status_code == 303
    assert counted() == {}


def test_a_partner_is_counted_without_a_name(counted, shown, client):
    link = make(seller_of(shown["clean"]))
    counted()
    key = new_key("Zyx Annonces")

    def ask(call: str, vehicle: dict[str, object], **more: object) -> int:
        return client.post(
            f"/api/v1/{call}",
            {"vehicule": vehicle, **more},
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        ).status_code

    assert ask("report_by_code", {"code": link.code}) == 200
    assert counted() == {"partner_report": 1}
    advert = {"marque": "Renault"}
    assert ask("listing_check", {"code": link.code}, annonce=advert) == 200
    assert counted() == {"listing_check": 1}
    assert ask("listing_check", {"code": "A" * 27}, annonce=advert) in (400, 404, 422)
    assert ask("report_by_code", {"code": "A" * 27}) in (400, 404, 422)
    assert ask("report_by_code", {}) in (400, 422)
    assert counted() == {}
    assert not re.search("zyx", repr(daily_counts._unwritten), re.IGNORECASE)
