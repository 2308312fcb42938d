"""What a buyer is told to be new, and what is kept of them for it: in their browser."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from histovet.sharing.models import Scope
from histovet.vault import withholding
from histovet.vault.withholding import Reason
from pseudonymizer.normalise import siv_identity
from tests import dump
from tests.journeys import handover
from tests.sharing.test_buyer_views import DAY, give, is_report, opens

__all__ = ["give"]

pytestmark = pytest.mark.django_db

SEEN = ("seen-fr", "seen-en")
PLEDGE = ("INSCRIPTION_GAGE", dt.date(2021, 11, 3))


def read(client: Client, link, language: str = "") -> str:
    answer = client.get(language + link.path)
    assert is_report(answer)
    return answer.content.decode()


def news(page: str) -> str | None:
    found = re.search(r'<section class="panel note news".*?</section>', page, re.DOTALL)
    return found and found[0]


def listed(page: str) -> list[str]:
    """Return each line of what is new, without markup."""
    found = news(page)
    assert found is not None
    lines = re.findall(r"<li>(.*?)</li>", found, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", line) for line in lines]


@pytest.mark.parametrize("language", ["", "/en"])
def test_across_two_releases_the_buyer_is_told_what_came(
    shown, give, republish, language
):
    vehicle, link, buyer = shown["clean"], give(), Client()
    assert opens(buyer, link, language + link.path)
    assert news(read(buyer, link, language)) is None
    assert news(read(buyer, link, language)) is None
    republish({vehicle.plate: handover.operation(*PLEDGE)}, as_of="2021-11-26")
    page = read(buyer, link, language)
    (line,) = listed(page)
    assert line.startswith("New " if language else "Nouveau ")
    assert "3\u00a0" in line
    for month in ("octobre", "novembre"):
        assert (f"26 {month} 2021" in news(page)) is not bool(language)
    # It stays news, in the other language too, and to who opens the link once more.
    del buyer.cookies["reader-fr"], buyer.cookies["reader-en"]
    assert opens(buyer, link)
    assert len(listed(read(buyer, link, "" if language else "/en"))) == 1
    # From the register of before, which never had that.
    republish({vehicle.plate: handover.painted("MAUVE")}, as_of="2021-12-26")
    assert listed(read(buyer, link)) == ["Modifié Les caractéristiques du véhicule."]


def test_a_newer_register_without_news_is_told_too(shown, give, republish):
    link, buyer = give(), Client()
    assert opens(buyer, link)
    read(buyer, link)
    republish({}, as_of="2021-10-26")
    assert news(read(buyer, link)) is None
    republish({}, as_of="2021-11-26")
    page = read(buyer, link)
    assert "Rien n’a changé" in news(page)
    assert listed(page) == []


def test_another_browser_and_another_link_begin_anew(shown, give, republish):
    one, other, buyer = give(), give(), Client()
    assert opens(buyer, one)
    read(buyer, one)
    republish({shown["clean"].plate: handover.operation(*PLEDGE)}, as_of="2021-11-26")
    late = Client()
    assert opens(late, one)
    assert news(read(late, one)) is None
    assert news(read(late, one)) is None
    # The client of these tests minds no path, and brings what it has everywhere.
    assert opens(buyer, other)
    assert news(read(buyer, other)) is None


def test_what_is_kept_is_in_the_browser_and_for_the_link_alone(give):
    link, buyer = give(life=30 * DAY), Client()
    assert opens(buyer, link)
    before = list(dump.values())
    answer = buyer.get(link.path)
    assert list(dump.values()) == before
    assert {*SEEN} <= set(answer.cookies) <= {*SEEN, "csrf"}
    paths = {answer.cookies[name]["path"] for name in SEEN}
    assert paths == {link.path, "/en" + link.path}
    for name in SEEN:
        given = answer.cookies[name]
        assert abs(given["max-age"] - 30 * 24 * 3600) < 60
        assert given["httponly"]
        assert given["samesite"] == "Lax"
        assert len(given.value) < 1000
    # Once, and not again.
    assert not {*SEEN} & set(buyer.get(link.path).cookies)


def test_who_is_shown_no_report_keeps_nothing(shown, give):
    link, buyer = give(), Client()
    assert not {*SEEN} & set(Client().get(link.path).cookies)
    assert not {*SEEN} & set(buyer.post(link.path, {"code": link.code}).cookies)
    identity = siv_identity(shown["clean"].plate, shown["clean"].formula_number)
    withholding.withhold(identity, Reason.COURT_ORDER, "1", now=timezone.now())
    assert not {*SEEN} & set(buyer.get(link.path).cookies)


@pytest.mark.parametrize("how", ["a byte", "empty", "the reader's", "garbage"])
def test_a_broken_cookie_is_none(give, how):
    link, buyer = give(), Client()
    assert opens(buyer, link)
    read(buyer, link)
    value = buyer.cookies["seen-fr"].value
    buyer.cookies["seen-fr"] = {
        "a byte": value[:50] + ("A" if value[50] != "A" else "B") + value[51:],
        "empty": "",
        "the reader's": buyer.cookies["reader-fr"].value,
        "garbage": "%%%",
    }[how]
    answer = buyer.get(link.path)
    assert is_report(answer)
    assert {*SEEN} <= set(answer.cookies)


def test_news_say_no_more_than_the_link_may(shown, give, republish):
    """Who reads without administrative details is not told that another bank lent."""
    vehicle = shown["pledged"]
    republish({vehicle.plate: handover.lent_by("BANQUE DU LAC")})
    sober = give("pledged", scope=Scope.WITHOUT_ADMINISTRATIVE_DETAILS)
    full = give("pledged")
    buyers = {}
    for link in (sober, full):
        buyers[link.public_id] = Client()
        assert opens(buyers[link.public_id], link)
        read(buyers[link.public_id], link)
    republish({vehicle.plate: handover.lent_by("BANQUE DU MONT")}, as_of="2021-11-26")
    assert listed(read(buyers[full.public_id], full)) == ["Modifié Les gages."]
    page = read(buyers[sober.public_id], sober)
    assert "Rien n’a changé" in news(page)
    assert "BANQUE" not in page


def test_the_seen_cookie_opens_nothing(give):
    link, buyer = give(), Client()
    assert opens(buyer, link)
    read(buyer, link)
    thief = Client()
    for name in SEEN:
        thief.cookies[name] = buyer.cookies[name].value
        thief.cookies[name.replace("seen", "reader")] = buyer.cookies[name].value
    assert not is_report(thief.get(link.path))
