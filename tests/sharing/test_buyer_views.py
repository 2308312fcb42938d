"""The buyer's pages without a browser: a link, a code, and all that opens nothing."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from histovet.logs import LineFormatter
from histovet.sharing import addresses, codes, cookies
from histovet.sharing import links as acts
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import PARIS, siv_identity
from tests import dump
from tests.journeys import handover
from tests.limits.work import fail

pytestmark = pytest.mark.django_db

OWNER = bytes(range(16))
UNKNOWN = bytes(range(100, 116))
READERS = ("reader-fr", "reader-en")
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Given:
    secret: bytes

    @property
    def public_id(self) -> str:
        return addresses.written(link_id(self.secret))

    @property
    def code(self) -> str:
        return codes.encode(self.secret, Kind.LINK)

    @property
    def path(self) -> str:
        return f"/r/{self.public_id}"

    @property
    def row(self) -> Link:
        return Link.objects.get(pk=link_id(self.secret))


@pytest.fixture
def give(shown) -> Callable[..., Given]:
    """Make a link as if at `now`, for a vehicle of the register."""

    def given(kind="clean", *, now=None, life=7 * DAY, **terms) -> Given:
        identity = siv_identity(shown[kind].plate, shown[kind].formula_number)
        opened = reading.read(identity)
        now = now or timezone.now()
        return Given(acts.create(identity, opened, OWNER, life=life, now=now, **terms))

    return given


def today() -> dt.date:
    return timezone.now().astimezone(PARIS).date()


def opens(client, link: Given, path: str | None = None) -> bool:
    answer = client.post(path or link.path, {"code": link.code})
    assert answer.status_code in (303, 404)
    return answer.status_code == 303


def is_report(answer) -> bool:
    return answer.status_code == 200 and 'id="verdict"' in answer.content.decode()


def is_question(answer) -> bool:
    return answer.status_code == 200 and 'id="id_code"' in answer.content.decode()


@pytest.mark.parametrize("language", ["", "/en"])
def test_a_click_on_a_link_shows_the_report(client, give, language):
    link = give()
    path = language + link.path
    assert is_question(client.get(path))
    answer = client.post(path, {"code": link.code})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    for _ in range(2):
        assert is_report(client.get(path))
    assert link.row.openings == 1


@pytest.mark.parametrize(
    ("door", "language"), [("/acheteur", ""), ("/en/buyer", "/en")]
)
def test_a_code_typed_on_the_buyers_page_leads_to_the_report(
    client, give, door, language
):
    link = give()
    answer = client.post(door, {"code": link.code})
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        language + link.path,
    )
    assert is_report(client.get(language + link.path))
    assert link.row.openings == 1


@pytest.mark.parametrize(
    "written",
    [
        "{code}",
        "  {code}\n",
        "{grouped}",
        "{lower}",
        "http://testserver{path}#{code}",
        "https://elsewhere.example{path}#{grouped}",
    ],
)
def test_a_code_is_understood_however_it_is_copied(client, give, written):
    link = give()
    grouped = codes.grouped(link.code)
    typed = written.format(
        code=link.code, grouped=grouped, lower=grouped.lower(), path=link.path
    )
    for door in ("/acheteur", link.path):
        assert Client().post(door, {"code": typed}).status_code == 303


def test_the_report_is_that_for_others_and_says_until_when_it_opens(
    client, give, shown
):
    link = give()
    client.post(link.path, {"code": link.code})
    page = client.get(link.path).content.decode()
    vehicle = shown["clean"]
    for text in (
        vehicle.surname, vehicle.given_names, vehicle.plate, vehicle.formula_number,
        "94350", "28/12/2019", "28 décembre 2019", "30 juillet 2011", link.code,
    ):  # fmt: skip
        assert text not in page
    until = link.row.expires_at.astimezone(PARIS)
    assert f'datetime="{until.isoformat()}"' in page
    assert "Terminer" not in page


def dead(give, republish, shown) -> dict[str, Given]:
    """One link for each way to be over, and two that never were one."""
    now = timezone.now()
    links = {
        "unknown": Given(UNKNOWN),
        "expired": give(now=now - 2 * DAY, life=DAY),
        "revoked by its owner": give(),
        "revoked by who has the certificate": give(),
        "exhausted": give(max_openings=1),
        "another holder": give("stolen"),
        "another certificate": give("pledged"),
        "cancelled": give("import"),
        "sold": give("irreparable"),
    }
    assert opens(Client(), links["exhausted"])
    for name, why in (
        ("revoked by its owner", End.REVOKED_BY_OWNER),
        ("revoked by who has the certificate", End.REVOKED_BY_CERTIFICATE),
    ):
        found = Link.objects.filter(pk=link_id(links[name].secret))
        assert found.end(why, now) == 1
    republish(
        {
            shown["stolen"].plate: handover.another_holder(),
            shown["pledged"].plate: handover.another_certificate(),
            shown["import"].plate: handover.cancelled(),
            shown["irreparable"].plate: handover.operation(
                "DECLARATION_CESSION", today()
            ),
        }
    )
    return links


def lasting(answer) -> dict[str, str]:
    """Return the headers that neither a moment nor chance changes."""
    own = ("Expires", "X-Request-Id")
    return {k: v for k, v in answer.headers.items() if k not in own}


@pytest.mark.parametrize(
    ("language", "door"), [("", "/acheteur"), ("/en", "/en/buyer")]
)
def test_whatever_ended_a_link_the_answer_has_the_same_status_and_bytes(
    give, republish, shown, language, door
):
    links = dead(give, republish, shown)
    alive = give()
    # The right address with another link's code, and a live code at another address.
    tries = {name: (language + link.path, link.code) for name, link in links.items()}
    tries["wrong secret"] = (language + alive.path, links["unknown"].code)
    tries["other address"] = (language + links["unknown"].path, alive.code)
    at_links, typed = {}, {}
    for number, (name, (path, code)) in enumerate(tries.items()):
        # Of several people: one who fails as often is asked for a proof of work.
        client = Client(REMOTE_ADDR=f"127.9.0.{number}")
        at_links[name] = client.post(path, {"code": code})
        assert not at_links[name].cookies, name
        if name != "other address":
            typed[name] = client.post(door, {"code": code})
    expected = at_links["unknown"]
    assert expected.status_code == 404
    for answers in (at_links, typed):
        for name, answer in answers.items():
            assert answer.status_code == 404, name
            assert answer.content == expected.content, name
            assert lasting(answer) == lasting(answers["unknown"]), name
    assert alive.row.openings == 0
    again = Client().post(language + links["sold"].path, {"code": links["sold"].code})
    assert (again.status_code, again.content) == (404, expected.content)


def test_each_way_to_be_over_is_kept_for_the_owner_alone(give, republish, shown):
    links = dead(give, republish, shown)
    for link in links.values():
        assert not opens(Client(), link)
    ends = {name: link.row.end for name, link in links.items() if name != "unknown"}
    assert ends == {
        "expired": End.EXPIRED,
        "revoked by its owner": End.REVOKED_BY_OWNER,
        "revoked by who has the certificate": End.REVOKED_BY_CERTIFICATE,
        "exhausted": End.EXHAUSTED,
        "another holder": End.CHANGED_HANDS,
        "another certificate": End.CERTIFICATE_GONE,
        "cancelled": End.CERTIFICATE_GONE,
        "sold": End.CHANGED_HANDS,
    }
    assert all(
        (link.row.capsule, link.row.keepsake) == (None, None)
        for name, link in links.items()
        if name != "unknown"
    )


def test_a_reader_of_a_link_that_is_over_gets_the_same_page(give, republish, shown):
    link = give("irreparable")
    reader = Client()
    assert opens(reader, link)
    sale = handover.operation("DECLARATION_CESSION", today())
    republish({shown["irreparable"].plate: sale})
    before = list(dump.values())
    answer = reader.get(link.path)
    assert answer.status_code == 404
    assert list(dump.values()) == before, "reading writes nothing"
    unknown = Client().post(link.path, {"code": Given(UNKNOWN).code})
    assert answer.content == unknown.content


def test_what_an_opening_saw_dead_no_rollback_revives(give, republish, shown):
    link = give("irreparable")
    reader = Client()
    assert opens(reader, link)
    sale = handover.operation("DECLARATION_CESSION", today())
    republish({shown["irreparable"].plate: sale})
    assert not opens(Client(), link)
    republish({})
    assert not opens(Client(), link)
    assert reader.get(link.path).status_code == 404
    assert link.row.openings == 1


def test_death_that_a_reader_meets_by_a_click_is_written_too(give, republish, shown):
    link = give("irreparable")
    reader = Client()
    assert opens(reader, link)
    sale = handover.operation("DECLARATION_CESSION", today())
    republish({shown["irreparable"].plate: sale})
    assert not opens(reader, link)
    republish({})
    assert not opens(Client(), link)


@pytest.mark.parametrize(
    ("code", "days_later", "is_cancelled", "lives"),
    [
        ("DECLARATION_CESSION", 0, False, False),
        ("DECLARATION_CESSION", 1, False, False),
        ("DECLARATION_CESSION", -1, False, True),
        ("DECLARATION_CESSION", 0, True, True),
        ("DECLARATION_ACHAT", 0, False, False),
        # Who is holder since today is who made the link today.
        ("CHANG_TIT_NORMAL", 0, False, True),
        ("CHANG_TIT_NORMAL", 1, False, False),
        ("CHANG_TIT_NORMAL", 1, True, True),
        ("CHANG_LOC", 1, False, True),
    ],
)
def test_a_link_outlives_a_release_unless_the_vehicle_is_sold(
    client, give, republish, shown, code, days_later, is_cancelled, lives
):
    link = give()
    day = today() + days_later * DAY
    more = {"ope_date_annul": f"{day}T12:00:00.000Z"} if is_cancelled else {}
    change = handover.operation(code, day, **more)
    republish({shown["clean"].plate: change})
    assert opens(client, link) is lives


def test_a_link_lives_to_the_second(client, give):
    life = dt.timedelta(seconds=3600)
    assert opens(
        client, give(life=life, now=timezone.now() - dt.timedelta(seconds=3590))
    )
    assert not opens(Client(), give(life=life, now=timezone.now() - life))


GETS = ["{path}", "/en{path}", "/acheteur", "/en/buyer", "/r/AAAAAAAAAAAAAAAA"]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("cookie", [True, False], ids=["reader", "stranger"])
@pytest.mark.parametrize("state", ["live", "revoked", "sold"])
def test_reading_changes_nothing(give, republish, shown, method, cookie, state):
    link = give()
    visitor = Client()
    if cookie:
        assert opens(visitor, link)
    if state == "revoked":
        found = Link.objects.filter(pk=link_id(link.secret))
        assert found.end(End.REVOKED_BY_OWNER, timezone.now()) == 1
    if state == "sold":
        sale = handover.operation("DECLARATION_CESSION", today())
        republish({shown["clean"].plate: sale})
    before = list(dump.values())
    assert len(before) > 100
    for address in GETS:
        path = address.format(path=link.path)
        answer = getattr(visitor, method)(path, {"code": link.code})
        is_link = link.path in path
        over = cookie and is_link and state != "live"
        assert answer.status_code == (404 if over else 200), path
        # Who reads keeps what the report showed, and the server nothing.
        assert set(answer.cookies) <= {"csrf", "seen-fr", "seen-en"}
        assert cookie or set(answer.cookies) <= {"csrf"}
        if method == "get":
            assert is_report(answer) is (cookie and is_link and not over)
    assert list(dump.values()) == before


def test_to_a_stranger_every_address_is_the_same_page(client, give):
    expired = give(now=timezone.now() - 2 * DAY, life=DAY)
    pages = {
        re.sub(
            rb'(name="csrfmiddlewaretoken" )value="[^"]*"',
            rb"\1",
            client.get(link.path).content.replace(link.public_id.encode(), b""),
        )
        for link in (give(), expired, Given(UNKNOWN))
    }
    assert len(pages) == 1


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(client, give, method):
    link = give()
    for path in (link.path, "/acheteur"):
        assert getattr(client, method)(path).status_code == 405


def test_who_reads_opens_no_second_time(client, give):
    link = give()
    for _ in range(3):
        assert opens(client, link)
    assert opens(client, link, "/en" + link.path)
    assert link.row.openings == 1
    assert opens(Client(), link)
    assert (link.row.openings, link.row.last_opened_on) == (2, today())


def test_a_live_code_at_another_links_address_opens_and_counts_nothing(client, give):
    one, other = give(), give("stolen")
    answer = client.post(other.path, {"code": one.code})
    assert answer.status_code == 404
    assert not answer.cookies
    assert (one.row.openings, other.row.openings) == (0, 0)
    for link in (one, other):
        assert is_question(client.get(link.path))


def test_the_maximum_ends_a_link_for_its_readers_too(give):
    link = give(max_openings=3)
    readers = [Client() for _ in range(3)]
    for reader in readers:
        assert opens(reader, link)
        assert is_report(reader.get(link.path))
    assert is_report(readers[0].get(link.path)), "three may read"
    assert not opens(Client(), link)
    assert readers[0].get(link.path).status_code == 404
    assert (link.row.openings, link.row.end) == (3, End.EXHAUSTED)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Tapez le code que le vendeur vous a donné."),
        ("   ", "Tapez le code que le vendeur vous a donné."),
        ("ABC", "incomplet ou mal recopié"),
        ("A" * 27, "incomplet ou mal recopié"),
        ("A" * 400, "incomplet ou mal recopié"),
        ("é" * 27, "incomplet ou mal recopié"),
        ("https://elsewhere.example/", "incomplet ou mal recopié"),
        (codes.encode(OWNER, Kind.OWNER), "incomplet ou mal recopié"),
    ],
)
def test_what_is_no_code_is_said_so_and_is_no_failure(client, give, typed, words):
    link = give()
    for door in ("/acheteur", link.path):
        for _ in range(20):
            answer = client.post(door, {"code": typed})
        assert answer.status_code == 200
        page = answer.content.decode()
        assert '<p class="error" id="id_code_error">' in page
        assert words in page
        assert 'aria-invalid="true"' in page
        assert "<title>À corriger" in page
    assert client.post(link.path).status_code == 200, "no field at all"
    assert opens(client, link)


def test_a_code_in_the_address_is_not_read(client, give):
    link = give()
    page = client.get(link.path, {"code": link.code})
    assert is_question(page)
    assert link.code not in page.content.decode()


def test_beyond_its_budget_a_network_is_told_when_to_come_back(client, give):
    link = give()
    for number in range(10):
        door = "/acheteur" if number % 2 else link.path
        assert client.post(door, {"code": Given(UNKNOWN).code}).status_code == 404
    # The rest takes a proof of work each: test_brake.py.
    fail(20, "opening")
    unknown = {"code": Given(UNKNOWN).code}
    for door in ("/acheteur", link.path, "/en/buyer"):
        answer = client.post(door, unknown)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
        assert "no-store" in answer.headers["Cache-Control"]
    headers = {"X-Forwarded-For": "192.0.2.9"}
    assert client.post(link.path, unknown, headers=headers).status_code == 429
    assert client.get(link.path).status_code == 200, "reading is not limited"
    beside = client.post(link.path, unknown, REMOTE_ADDR="127.9.0.1")
    assert beside.status_code == 404, "another network is not held up"


def test_a_link_opens_for_whoever_shares_an_address_with_one_who_tries(client, give):
    link = give()
    fail(30, "opening")
    answer = client.post("/acheteur", {"code": Given(UNKNOWN).code})
    assert answer.status_code == 429
    assert opens(client, link)


def test_twenty_people_behind_one_address_all_open_their_links(client, give):
    links = [give() for _ in range(10)] + [give("stolen") for _ in range(10)]
    fail(29, "opening")
    for link in links * 2:
        visitor = Client()
        assert opens(visitor, link)
        assert is_report(visitor.get(link.path))
    assert {link.row.openings for link in links} == {2}


def test_the_cookie_is_for_the_links_two_paths_alone_and_half_a_day(client, give):
    link = give()
    answer = client.post(link.path, {"code": link.code})
    given = answer.cookies
    assert set(given) == set(READERS)
    for name, path in zip(READERS, (link.path, "/en" + link.path), strict=True):
        assert given[name]["path"] == path
        assert given[name]["httponly"] is True
        assert given[name]["samesite"] == "Lax"
        assert given[name]["max-age"] == 12 * 3600
        assert not given[name]["domain"]
        assert link.code not in given[name].value


def test_the_cookie_ends_with_the_link(client, give):
    link = give(life=HOUR)
    answer = client.post(link.path, {"code": link.code})
    for name in READERS:
        assert 3590 < answer.cookies[name]["max-age"] <= 3600


def test_in_production_the_cookie_is_bound_to_https(client, give, settings):
    settings.DEVELOPMENT = False
    link = give()
    answer = client.post(link.path, {"code": link.code}, secure=True)
    assert set(answer.cookies) == {f"__Secure-{name}" for name in READERS}
    assert all(given["secure"] is True for given in answer.cookies.values())
    assert is_report(client.get(link.path, secure=True))


def test_the_cookie_of_one_link_opens_no_other(client, give):
    one, other = give(), give("stolen")
    assert opens(client, one)
    for path in (other.path, "/en" + other.path, Given(UNKNOWN).path):
        assert is_question(client.get(path))
    assert opens(client, other), "it is no opening of the other either"
    assert (one.row.openings, other.row.openings) == (1, 1)


@pytest.mark.parametrize("how", ["changed", "cut", "no base64", "empty", "owner's"])
def test_a_broken_cookie_is_none(client, give, shown, how):
    link = give()
    assert opens(client, link)
    value = client.cookies["reader-fr"].value
    other = "A" if value[20] != "A" else "B"
    client.cookies["reader-fr"] = {
        "changed": value[:20] + other + value[21:],
        "cut": value[:-4],
        "no base64": "é!" + value[2:],
        "empty": "",
        "owner's": _owner_cookie(link.secret),
    }[how]
    assert is_question(client.get(link.path))


def _owner_cookie(secret: bytes) -> str:
    response = HttpResponse()
    cookies.give_owner(response, secret, now=int(timezone.now().timestamp()))
    return response.cookies["owner"].value


def test_after_half_a_day_the_link_is_opened_anew(client, give):
    link = give()
    now = int(timezone.now().timestamp())
    for age, is_open in ((12 * 3600 - 5, True), (12 * 3600 + 1, False)):
        response = HttpResponse()
        until = int(link.row.expires_at.timestamp())
        cookies.give_link(
            response, link.public_id, link.secret, now=now - age, until=until
        )
        client.cookies["reader-fr"] = response.cookies["reader-fr"].value
        assert is_report(client.get(link.path)) is is_open


def test_the_code_comes_back_in_no_header_and_no_page(client, give, caplog):
    link = give()
    asked = [
        client.post(link.path, {"code": link.code}),
        client.get(link.path),
        client.post("/acheteur", {"code": link.code}),
        client.post(Given(UNKNOWN).path, {"code": link.code}),
    ]
    for answer in asked:
        assert link.code not in str(answer.headers) + answer.content.decode()
        assert codes.grouped(link.code) not in answer.content.decode()
    lines = [LineFormatter().format(made) for made in caplog.records]
    assert any("status=404" in line for line in lines)
    for text in (link.code, link.public_id, Given(UNKNOWN).public_id):
        assert not any(text in line for line in lines)


def test_no_cache_keeps_a_page_and_no_search_engine_a_report(client, give):
    link = give()
    asked = {
        "link": client.get(link.path),
        "head": client.head(link.path),
        "in English": client.get("/en" + link.path),
        "error": client.post(link.path, {"code": "A"}),
        "not available": client.post(link.path, {"code": Given(UNKNOWN).code}),
        "opened": client.post(link.path, {"code": link.code}),
        "report": client.get(link.path),
    }
    for name, answer in asked.items():
        assert answer.headers.get("X-Robots-Tag") == "noindex", name
    asked |= {
        "buyer": client.get("/acheteur"),
        "buyer in English": client.get("/en/buyer"),
        "buyer error": client.post("/acheteur", {"code": "A"}),
        "typed": client.post("/acheteur", {"code": link.code}),
        "typed wrong": client.post("/acheteur", {"code": Given(UNKNOWN).code}),
        "refused": Client(enforce_csrf_checks=True).post(link.path),
        "no such address": client.get("/r/short"),
    }
    for name, answer in asked.items():
        assert "no-store" in answer.headers["Cache-Control"], name
        assert answer.headers["Referrer-Policy"] == "same-origin", name
    # Who looks for how to read a report finds it.
    assert "X-Robots-Tag" not in asked["buyer"].headers


def test_a_form_of_another_site_opens_nothing(give):
    link = give()
    visitor = Client(enforce_csrf_checks=True)
    before = list(dump.values())
    for path in (link.path, "/en" + link.path, "/acheteur"):
        assert visitor.post(path, {"code": link.code}).status_code == 403
    assert list(dump.values()) == before


@pytest.mark.parametrize(
    ("path", "language", "other"),
    [("/acheteur", "", "/en/buyer"), ("/en/buyer", "/en", "/acheteur")],
)
def test_the_other_language_is_the_same_page(client, give, path, language, other):
    assert f'href="{other}" hreflang' in client.get(path).content.decode()
    link = give()
    refused = client.post(language + link.path, {"code": Given(UNKNOWN).code})
    assert f'href="{other}" hreflang' in refused.content.decode()
    there = "" if language else "/en"
    assert opens(client, link, language + link.path)
    page = client.get(language + link.path).content.decode()
    assert f'href="{there}{link.path}" hreflang' in page
    assert is_report(client.get(there + link.path)), "it is open there too"


def test_before_a_release_the_page_says_when_to_come_back(client, db):
    code = Given(UNKNOWN).code
    for path in ("/acheteur", Given(UNKNOWN).path):
        assert client.get(path).status_code == 200
        for _ in range(31):
            answer = client.post(path, {"code": code})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "no-store" in answer.headers["Cache-Control"]
        assert "revenez dans quelques minutes" in answer.content.decode()


def test_the_buyer_has_a_message_for_the_seller(client, db):
    page = client.get("/acheteur").content.decode()
    (text,) = re.findall(r"<textarea[^>]*readonly>([^<]*)</textarea>", page)
    assert "http://testserver/vendeur" in text
    for scheme in ("mailto", "sms"):
        (address,) = re.findall(rf'href="({scheme}:[^"]*)"', page)
        assert "http%3A%2F%2Ftestserver%2Fvendeur" in address
        assert "+" not in address, "a space is %20 there"
