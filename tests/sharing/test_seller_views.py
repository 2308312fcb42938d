"""The seller's links without a browser: make, find again, end; and who may not."""

import datetime as dt
import html
import re
from dataclasses import dataclass

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from histovet.history import cookie
from histovet.logs import LineFormatter
from histovet.sharing import addresses, codes, cookies
from histovet.sharing import links as acts
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link
from histovet.sharing.opening import open_link
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import PARIS, siv_identity
from tests import dump
from tests.history.showcase import typed
from tests.journeys import handover

pytestmark = pytest.mark.django_db

SELLER, OWNER = "seller", "owner"
OVER = "/vendeur?suite=delai"
DONE = "/liens?suite=fini"
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """A link as its owner is shown it."""

    public_id: str
    address: str
    code: str
    owner_code: str

    @property
    def path(self) -> str:
        return f"/liens/{self.public_id}"

    @property
    def reader_path(self) -> str:
        return f"/r/{self.public_id}"

    @property
    def row(self) -> Link:
        return Link.objects.get(pk=link_id(self.secret))

    @property
    def secret(self) -> bytes:
        return codes.decode(self.code, Kind.LINK)


def seller_of(vehicle, **changes: str) -> Client:
    """Return a browser in which the certificate was typed."""
    client = Client()
    assert client.post("/vendeur", typed(vehicle, **changes)).status_code == 303
    return client


def make(client: Client, days: int = 7, language: str = "") -> Made:
    answer = client.post("/en/links" if language else "/liens", {"days": days})
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).content.decode()
    (address,) = re.findall(r'<p class="code" id="address">([^<]+)</p>', page)
    (code,) = re.findall(r'<p class="code" id="code">([^<]+)</p>', page)
    (owner_code,) = re.findall(r'<p class="code">([^<]+)</p>', page)
    public_id = answer.headers["Location"].rpartition("/")[2]
    return Made(public_id, html.unescape(address), code, owner_code)


def opens(link: Made) -> bool:
    answer = Client().post(link.reader_path, {"code": link.code})
    return answer.status_code == 303


def listed(client: Client) -> str:
    answer = client.get("/liens")
    assert answer.status_code == 200
    return answer.content.decode()


def today() -> dt.date:
    return timezone.now().astimezone(PARIS).date()


@pytest.mark.parametrize(("language", "links"), [("", "/liens"), ("/en", "/en/links")])
def test_a_seller_makes_a_link_that_opens(shown, language, links):
    seller = seller_of(shown["clean"])
    answer = seller.post(links, {"days": "7"})
    assert answer.status_code == 303
    assert re.fullmatch(links + r"/[A-Za-z0-9_-]{16}", answer.headers["Location"])
    link = make(seller, language=language)
    assert link.address == (
        f"http://testserver{language}/r/{link.public_id}"
        f"#{codes.encode(link.secret, Kind.LINK)}"
    )
    assert link.public_id == addresses.written(link_id(link.secret))
    assert re.fullmatch(r"([A-Z2-7]{3}-){8}[A-Z2-7]{3}", link.code)
    assert opens(link)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_link_lives_as_long_as_was_chosen(shown, days):
    link = make(seller_of(shown["clean"]), days)
    row = link.row
    assert row.expires_at - row.created_at == days * DAY
    assert abs(timezone.now() - row.created_at) < dt.timedelta(minutes=1)


@pytest.mark.parametrize("days", [None, "", "0", "2", "-1", "90", "7.5", "<b>"])
def test_another_life_is_no_choice(shown, days):
    seller = seller_of(shown["clean"])
    answer = seller.post("/liens", {} if days is None else {"days": days})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert '<p class="error" id="id_days_error">Choisissez une durée.</p>' in page
    assert "<b>" not in page
    assert not Link.objects.exists()
    assert OWNER not in answer.cookies


@pytest.mark.parametrize("kind", ["clean", "company", "fni", "stolen", "irreparable"])
def test_every_vehicle_that_can_be_sold_or_not_has_its_links(shown, kind):
    assert opens(make(seller_of(shown[kind])))


def test_the_page_of_a_link_holds_all_that_is_given(shown):
    seller = seller_of(shown["clean"])
    link = make(seller, 30)
    page = seller.get(link.path).content.decode()
    until = link.row.expires_at.astimezone(PARIS)
    assert f'datetime="{until.isoformat()}"' in page
    (message,) = re.findall(r"<textarea[^>]*readonly>([^<]*)</textarea>", page)
    for text in (link.address, link.code, "http://testserver/acheteur"):
        assert text in message
        assert text in page
    assert date_format(until, "H:i") in message
    assert link.owner_code not in message
    vehicle = shown["clean"]
    for text in (vehicle.surname, vehicle.plate, vehicle.formula_number):
        assert text not in page


def test_the_list_tells_the_owner_of_each_link(shown):
    seller = seller_of(shown["clean"])
    one, two = make(seller), make(seller, 1)
    page = listed(seller)
    assert page.count("Pas encore ouvert") == 2
    for _ in range(2):
        assert opens(one)
    assert opens(two)
    page = listed(seller)
    day = date_format(timezone.localdate(), "j F Y")
    assert f"Ouvert 2 fois, la dernière le {day}" in page
    assert f"Ouvert une fois, le {day}" in page
    for link in (one, two):
        assert f'href="{link.path}"' in page
        assert link.code not in page


def test_the_day_of_an_opening_is_a_day_in_france(shown):
    seller = seller_of(shown["clean"])
    link = make(seller, 30)
    evening = (timezone.now() + DAY).replace(hour=23, minute=30)
    assert open_link(link.secret, evening) is not None
    day = date_format(evening.astimezone(PARIS).date(), "j F Y")
    assert f"Ouvert une fois, le {day}" in listed(seller)


def test_the_owner_ends_one_link(shown):
    seller = seller_of(shown["clean"])
    one, other = make(seller), make(seller)
    answer = seller.post(one.path + "/fin")
    assert (answer.status_code, answer.headers["Location"]) == (303, DONE)
    page = seller.get(DONE).content.decode()
    assert "C’est fait." in page
    assert "Vous y avez mis fin" in page
    assert not opens(one)
    assert opens(other)
    row = one.row
    assert (row.end, row.capsule, row.keepsake) == (End.REVOKED_BY_OWNER, None, None)
    again = seller.get(one.path)
    assert (again.status_code, again.headers["Location"]) == (303, "/liens")
    assert seller.post(one.path + "/fin").status_code == 303
    assert one.row.ended_at == row.ended_at, "ended once"


def test_the_owner_ends_all(shown):
    seller = seller_of(shown["clean"])
    links = [make(seller) for _ in range(3)]
    of_another_vehicle = make(seller_of(shown["stolen"]))
    answer = seller.post("/liens/fin")
    assert (answer.status_code, answer.headers["Location"]) == (303, DONE)
    assert {link.row.end for link in links} == {End.REVOKED_BY_OWNER}
    assert not any(opens(link) for link in links)
    assert opens(of_another_vehicle)


def test_who_typed_the_certificate_sees_a_count_and_may_end_all(shown):
    owner = seller_of(shown["clean"])
    links = [make(owner), make(owner)]
    other = seller_of(shown["clean"])
    page = listed(other)
    assert "<strong>2 autres liens</strong> vers ce véhicule sont ouverts" in page
    assert "Aucun lien ouvert ici." in page
    for link in links:
        assert link.public_id not in page
        for answer in (other.get(link.path), other.post(link.path + "/fin")):
            assert answer.status_code == 404
        assert opens(link)
    assert other.post("/liens/fin").status_code == 303
    assert not any(opens(link) for link in links)
    page = listed(owner)
    assert page.count("Quelqu’un qui a ce certificat y a mis fin, <time datetime=") == 2
    assert "vers ce véhicule" not in listed(other)


def test_each_owner_reads_who_ended_what(shown):
    one, two = seller_of(shown["clean"]), seller_of(shown["clean"])
    ours, theirs = make(one), make(two)
    assert "<strong>Un autre lien</strong>" in listed(one)
    one.post("/liens/fin")
    assert ours.row.end == End.REVOKED_BY_OWNER
    assert theirs.row.end == End.REVOKED_BY_CERTIFICATE
    assert "Vous y avez mis fin" in listed(one)
    assert "Quelqu’un qui a ce certificat y a mis fin" in listed(two)


def test_the_owners_code_shows_the_links_in_another_browser(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    other = seller_of(shown["clean"])
    answer = other.post("/liens/code-de-gestion", {"code": link.owner_code.lower()})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/liens")
    assert link.path in listed(other)
    assert "autre lien" not in listed(other)
    assert make(other).owner_code == link.owner_code
    assert other.post(link.path + "/fin").status_code == 303
    assert link.row.end == End.REVOKED_BY_OWNER


def test_the_owners_code_works_with_the_certificate_alone(shown):
    link = make(seller_of(shown["clean"]))
    other = seller_of(shown["stolen"])
    answer = other.post("/liens/code-de-gestion", {"code": link.owner_code})
    assert answer.status_code == 200
    assert "n’est celui d’aucun lien de ce véhicule" in answer.content.decode()
    assert OWNER not in answer.cookies
    stranger = Client()
    answer = stranger.post("/liens/code-de-gestion", {"code": link.owner_code})
    assert (answer.status_code, answer.headers["Location"]) == (303, OVER)
    assert OWNER not in answer.cookies


@pytest.mark.parametrize(
    ("typed_code", "words"),
    [
        ("", "Tapez le code de gestion reçu avec votre premier lien."),
        ("ABC", "Ce code de gestion est incomplet ou mal recopié."),
        ("{code}", "Ne tapez pas ici le code d’un lien."),
        ("{address}", "Ne tapez pas ici le code d’un lien."),
        (codes.encode(bytes(16), Kind.OWNER), "n’est celui d’aucun lien"),
    ],
)
def test_what_is_no_owners_code_is_said_so(shown, typed_code, words):
    owner = seller_of(shown["clean"])
    link = make(owner)
    other = seller_of(shown["clean"])
    code = typed_code.format(code=link.code, address=link.address)
    answer = other.post("/liens/code-de-gestion", {"code": code})
    assert answer.status_code == 200
    page = answer.content.decode()
    (error,) = re.findall(r'<p class="error" id="id_code_error">([^<]*)</p>', page)
    assert words in error
    assert "<details open><summary>Retrouver des liens" in page
    assert OWNER not in answer.cookies
    assert link.path not in page


def test_the_other_language_of_a_refused_owners_code_is_a_page(shown):
    other = seller_of(shown["clean"])
    page = other.post("/liens/code-de-gestion", {"code": "A"}).content.decode()
    (address,) = re.findall(r'<a href="([^"]*)" hreflang="en"', page)
    assert other.get(address, follow=True).status_code == 200


def test_twenty_links_are_enough_for_a_day(shown):
    seller = seller_of(shown["clean"])
    links = [make(seller) for _ in range(20)]
    answer = seller.post("/liens", {"days": "7"})
    assert answer.status_code == 200
    assert "Ce véhicule a déjà 20 liens." in answer.content.decode()
    assert Link.objects.count() == 20
    assert seller.post(links[0].path + "/fin").status_code == 303
    assert seller.post("/liens", {"days": "7"}).status_code == 200, "the day counts"
    other = seller_of(shown["clean"])
    # Nineteen live, and one of the vehicle's twenty is free for whoever comes first.
    assert other.post("/liens", {"days": "7"}).status_code == 303
    refused = other.post("/liens", {"days": "7"})
    assert refused.status_code == 200, "whoever asks"
    assert seller_of(shown["stolen"]).post("/liens", {"days": 7}).status_code == 303


def test_links_of_yesterday_that_are_over_leave_room(shown):
    vehicle = shown["clean"]
    identity = siv_identity(vehicle.plate, vehicle.formula_number)
    opened = reading.read(identity)
    now = timezone.now()
    for _ in range(20):
        acts.create(identity, opened, bytes(16), life=DAY, now=now - 2 * DAY)
    assert opens(make(seller_of(vehicle)))


@pytest.mark.parametrize("code", ["DECLARATION_CESSION", "DECLARATION_ACHAT"])
def test_a_vehicle_sold_today_has_no_new_link(shown, republish, code):
    owner = seller_of(shown["clean"])
    make(owner)
    republish({shown["clean"].plate: handover.operation(code, today())})
    answer = owner.post("/liens", {"days": "7"})
    assert answer.status_code == 200
    assert "Ce véhicule est vendu." in answer.content.decode()
    assert Link.objects.count() == 1


def test_after_a_sale_the_owner_reads_that_the_links_are_over(shown, republish):
    owner = seller_of(shown["clean"])
    link = make(owner)
    sale = handover.operation("DECLARATION_CESSION", today())
    republish({shown["clean"].plate: sale})
    for is_written in (False, True):
        page = listed(owner)
        assert "Le véhicule est vendu, selon le registre" in page
        assert link.path not in page
        answer = owner.get(link.path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/liens")
        assert (link.row.end is not None) is is_written
        assert not opens(link)


def test_an_owners_dead_links_are_not_told_as_somebody_elses(shown, republish):
    owner = seller_of(shown["clean"])
    make(owner)
    sale = handover.operation("DECLARATION_CESSION", today())
    republish({shown["clean"].plate: sale})
    page = listed(owner)
    assert "Le véhicule est vendu, selon le registre" in page
    assert "Un autre lien" not in page


def test_a_cancelled_certificate_is_sent_to_what_is_said_of_it(shown, republish):
    owner = seller_of(shown["clean"])
    link = make(owner)
    republish({shown["clean"].plate: handover.cancelled()})
    asked = [
        *(owner.get(path) for path in ("/liens", link.path)),
        owner.post("/liens", {"days": "7"}),
        owner.post(link.path + "/fin"),
        owner.post("/liens/fin"),
        owner.post("/liens/code-de-gestion", {"code": link.owner_code}),
    ]
    for answer in asked:
        assert (answer.status_code, answer.headers["Location"]) == (303, "/rapport")
    assert "Certificat annulé" in owner.get("/rapport").content.decode()
    assert Link.objects.count() == 1
    page = seller_of(shown["cancelled"]).get("/rapport").content.decode()
    assert "/liens" not in page


def requests_of(client: Client, link: Made) -> list[HttpResponse]:
    return [
        client.get("/liens"),
        client.get("/en/links"),
        client.get(link.path),
        client.post("/liens", {"days": "7"}),
        client.post(link.path + "/fin"),
        client.post("/liens/fin"),
        client.post("/liens/code-de-gestion", {"code": link.owner_code}),
    ]


def test_the_owners_cookie_alone_opens_no_list(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    del owner.cookies[SELLER]
    assert owner.cookies[OWNER].value
    before = list(dump.values())
    for answer in requests_of(owner, link):
        assert answer.status_code == 303
        assert answer.headers["Location"] in (OVER, "/en/seller?suite=delai")
        assert not answer.content
    assert list(dump.values()) == before
    assert opens(link)


def test_a_certificate_of_half_an_hour_ago_is_typed_again(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    vehicle = shown["clean"]
    identity = siv_identity(vehicle.plate, vehicle.formula_number)
    response = HttpResponse()
    cookie.give(response, identity, now=int(timezone.now().timestamp()) - 1801)
    owner.cookies[SELLER] = response.cookies[SELLER].value
    for answer in requests_of(owner, link):
        assert answer.status_code == 303
    assert opens(link)


def test_the_links_of_another_vehicle_are_neither_shown_nor_ended(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    assert owner.post("/vendeur", typed(shown["stolen"])).status_code == 303
    own = make(owner)
    page = listed(owner)
    assert own.path in page
    assert link.path not in page
    assert "autre lien" not in page
    for path in (link.path, f"/en/links/{link.public_id}"):
        assert owner.get(path).status_code == 404
    for path in (link.path + "/fin", f"/en/links/{link.public_id}/end"):
        assert owner.post(path).status_code == 404
    assert owner.post("/liens/fin").status_code == 303
    assert opens(link)
    assert not opens(own)


def test_a_broken_owner_cookie_shows_no_link(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    value = owner.cookies[OWNER].value
    other = "A" if value[20] != "A" else "B"
    for broken in (value[:20] + other + value[21:], value[:-4], "é", ""):
        owner.cookies[OWNER] = broken
        page = listed(owner)
        assert link.public_id not in page
        assert "Un autre lien" in page
        assert owner.get(link.path).status_code == 404


def test_the_owners_cookie_is_for_this_site_alone_and_half_a_year(shown):
    seller = seller_of(shown["clean"])
    given = seller.post("/liens", {"days": "7"}).cookies[OWNER]
    assert given["httponly"] is True
    assert given["samesite"] == "Lax"
    assert given["path"] == "/"
    assert given["max-age"] == 180 * 24 * 3600
    assert not given["domain"]


def test_in_production_the_cookie_is_bound_to_the_host_and_to_https(shown, settings):
    settings.DEVELOPMENT = False
    seller = Client()
    seller.post("/vendeur", typed(shown["clean"]), secure=True)
    answer = seller.post("/liens", {"days": "7"}, secure=True)
    assert set(answer.cookies) == {"__Host-owner"}
    given = answer.cookies["__Host-owner"]
    assert given["secure"] is True
    assert given["path"] == "/"
    assert not given["domain"]
    assert seller.get(answer.headers["Location"], secure=True).status_code == 200


def test_one_browser_has_one_owners_secret_for_all_its_links(shown):
    seller = seller_of(shown["clean"])
    first = make(seller)
    assert seller.post("/vendeur", typed(shown["stolen"])).status_code == 303
    second = make(seller)
    assert first.owner_code == second.owner_code
    rows = list(Link.objects.all())
    assert len({bytes(row.owner_proof) for row in rows}) == 2, "and no row says so"
    assert len({bytes(row.owner_tag) for row in rows}) == 2


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("who", ["owner", "seller", "stranger"])
def test_reading_changes_nothing(shown, republish, method, who):
    owner = seller_of(shown["clean"])
    live, ended, sold = make(owner), make(owner), make(owner)
    owner.post(ended.path + "/fin")
    client = {
        "owner": owner,
        "seller": seller_of(shown["clean"]),
        "stranger": Client(),
    }[who]
    for is_sold in (False, True):
        if is_sold:
            sale = handover.operation("DECLARATION_CESSION", today())
            republish({shown["clean"].plate: sale})
        before = list(dump.values())
        assert len(before) > 100
        for path in (
            "/liens", "/en/links", "/liens?suite=fini", "/liens?days=7",
            live.path, ended.path, sold.path, "/liens/AAAAAAAAAAAAAAAA",
            live.path + "/fin", "/liens/fin", "/liens/code-de-gestion",
            live.path + "/affiche", sold.path + "/affiche",
        ):  # fmt: skip
            answer = getattr(client, method)(path)
            assert answer.status_code in (200, 303, 404, 405), path
            assert set(answer.cookies) <= {"csrf"}
        assert list(dump.values()) == before


def test_a_form_of_another_site_does_nothing(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = owner.cookies
    before = list(dump.values())
    for path, body in (
        ("/liens", {"days": "7"}),
        (link.path + "/fin", {}),
        ("/liens/fin", {}),
        ("/liens/code-de-gestion", {"code": link.owner_code}),
    ):
        assert forged.post(path, body).status_code == 403
    assert list(dump.values()) == before


def test_no_cache_and_no_search_engine_keeps_a_page(shown):
    owner = seller_of(shown["clean"])
    link = make(owner)
    asked = [
        owner.head("/liens"),
        owner.head(link.path),
        owner.post("/liens", {}),
        owner.post("/liens/code-de-gestion", {"code": "A"}),
        Client().get("/liens"),
        *requests_of(owner, link),
    ]
    for answer in asked:
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_before_a_release_the_page_says_when_to_come_back(db):
    response = HttpResponse()
    now = int(timezone.now().timestamp())
    cookie.give(response, siv_identity("AA-123-AA", "2015AB12345"), now=now)
    cookies.give_owner(response, bytes(16), now=now)
    client = Client()
    for name in (SELLER, OWNER):
        client.cookies[name] = response.cookies[name].value
    public_id = addresses.written(bytes(12))
    asked = [
        client.get("/liens"),
        client.get(f"/liens/{public_id}"),
        client.post("/liens", {"days": "7"}),
        client.post(f"/liens/{public_id}/fin"),
        client.post("/liens/fin"),
    ]
    for answer in asked:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "revenez dans quelques minutes" in answer.content.decode()


def test_no_code_and_no_address_reaches_the_log(shown, caplog):
    owner = seller_of(shown["clean"])
    link = make(owner)
    owner.post("/liens/code-de-gestion", {"code": link.owner_code})
    seller_of(shown["clean"]).get(link.path)
    assert owner.post(link.path + "/fin").status_code == 303
    lines = [LineFormatter().format(made) for made in caplog.records]
    assert any("status=404" in line for line in lines)
    for text in (link.code, link.public_id, link.owner_code):
        assert not any(text in line for line in lines)


@pytest.mark.parametrize(("french", "english"), [("/liens", "/en/links")])
def test_the_other_language_is_the_same_page(shown, french, english):
    owner = seller_of(shown["clean"])
    link = make(owner)
    own = f"/{link.public_id}"
    for tail, other in (("", ""), (own, own), (f"{own}/affiche", f"{own}/sheet")):
        page = owner.get(french + tail).content.decode()
        assert f'href="{english}{other}" hreflang' in page
        page = owner.get(english + other).content.decode()
        assert f'href="{french}{tail}" hreflang' in page


def test_the_report_leads_to_the_links_and_the_buyers_does_not(shown):
    owner = seller_of(shown["clean"])
    assert 'href="/liens"' in owner.get("/rapport").content.decode()
    link = make(owner)
    buyer = Client()
    buyer.post(link.reader_path, {"code": link.code})
    page = buyer.get(link.reader_path).content.decode()
    assert 'id="verdict"' in page
    assert "/liens" not in page
