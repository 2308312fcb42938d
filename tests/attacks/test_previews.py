"""Section 8: what looks at a link without a person's click learns nothing, counts
nothing, and sends its code nowhere."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from histovet.sharing import addresses, codes, links
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import siv_identity
from tests import dump
from tests.publish import publish
from tests.sharing.test_opening import DAY, OWNER, UNKNOWN, happened
from tests.vehicles import siv_line, write_file

# As they introduce themselves, so that a site that tells one from another is found.
ROBOTS = {
    "WhatsApp": "WhatsApp/2.23.20.0 A",
    "Facebook": "facebookexternalhit/1.1 "
    "(+http://www.facebook.com/externalhit_uatext.php)",
    "Twitter": "Twitterbot/1.0",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Discord": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Telegram": "TelegramBot (like TwitterBot)",
    "LinkedIn": "LinkedInBot/1.0 (compatible; Mozilla/5.0; "
    "Apache-HttpClient +http://www.linkedin.com)",
    "Google": "Mozilla/5.0 (compatible; Googlebot/2.1; "
    "+http://www.google.com/bot.html)",
    "Bing": "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Microsoft Office": "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Proofpoint": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 Proofpoint URL Defense",
    "Apple": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1)",
}

# Made so that no page of ours holds them by chance.
FACTS = {
    "marque": "ZQMARQUE",
    "nom_commercial": "ZQMODELE",
    "couleur": "ZQROUGE",
    "vin": "ZQ1X********98761",
    "plaq_immat": "ZQ-9**-XW",
    "adr_code_postal_tit": "97411",
}
COLUMNS = {
    "plaq_immat": "ZQ-987-XW",
    "numero_formule": "2019ZQ98761",
    "pers_nom_naissance_tit": "QUORN",
    "pers_prenom_tit": "WANDA",
}
# What a report of this vehicle shows to others.
IN_THE_REPORT = ("ZQMARQUE", "ZQMODELE", "ZQROUGE", "ZQ1X", "ZQ-9", "974", "Q.", "W.")


@pytest.fixture
def secrets(transactional_db, tmp_path):
    """Return the secret of a link in each state, and of none."""
    # Counters are no model: what the test before counted is still there.
    cache.clear()
    now = timezone.now()

    def published(label, **columns):
        facts = {**FACTS, **columns.pop("facts", {})}
        line = siv_line(facts, **COLUMNS)
        sold = siv_line(happened("CHANG_TIT_NORMAL", "2020-01-02"), **columns)
        write_file(tmp_path / label, "siv.csv.gz", [line, sold])
        publish(tmp_path / label, label=label)

    published("one")
    identities = {
        "ours": siv_identity(COLUMNS["plaq_immat"], COLUMNS["numero_formule"]),
        "sold": siv_identity("AA-123-AA", "2015AB12345"),
    }

    def given(which, **terms):
        opened = reading.read(identities[which])
        terms = {"life": 7 * DAY, "now": now, **terms}
        return links.create(identities[which], opened, OWNER, **terms)

    made = {
        "live": given("ours"),
        "expired": given("ours", life=DAY, now=now - 2 * DAY),
        "revoked": given("ours"),
        "sold": given("sold"),
        "unknown": UNKNOWN,
    }
    Link.objects.filter(pk=link_id(made["revoked"])).end(End.REVOKED_BY_OWNER, now)
    published("two", pers_nom_naissance_tit="QUENTIN")
    return made


def path(secret):
    return f"/r/{addresses.written(link_id(secret))}"


def code(secret):
    return codes.encode(secret, Kind.LINK)


def same(answer, secret):
    """Return what an answer tells, without what is new in every one of them, and
    without the address that was asked for."""
    page = answer.content.decode().replace(addresses.written(link_id(secret)), "ID")
    page = re.sub(r'(name="csrfmiddlewaretoken" )value="[^"]*"', r"\1", page)
    own = ("Expires", "X-Request-Id")
    headers = {k: v for k, v in answer.headers.items() if k not in own}
    return answer.status_code, page, headers


def test_what_a_report_holds_is_seen_when_it_is_there(secrets):
    reader = Client()
    where = path(secrets["live"])
    assert reader.post(where, {"code": code(secrets["live"])}).status_code == 303
    page = reader.get(where).content.decode()
    assert [text for text in IN_THE_REPORT if text not in page] == []


@pytest.mark.parametrize("language", ["", "/en"])
def test_no_robot_learns_or_changes_anything(secrets, language):
    before = list(dump.values())
    assert len(before) > 50
    for method in ("get", "head"):
        told = {
            (name, state): same(
                getattr(Client(headers={"User-Agent": agent}), method)(
                    language + path(secret)
                ),
                secret,
            )
            for name, agent in ROBOTS.items()
            for state, secret in secrets.items()
        }
        assert len(told) == 12 * 5
        first = told["WhatsApp", "live"]
        different = [who for who, what in told.items() if what != first]
        assert different == [], f"{method} is told from {first[0]}"
        status, page, headers = first
        assert status == 200
        assert headers["X-Robots-Tag"] == "noindex"
        assert "no-store" in headers["Cache-Control"]
        if method == "head":
            assert page == ""
            continue
        # Of every link the same, so nothing of the vehicle.
        (title,) = re.findall("<title>(.*) – histovet</title>", page)
        assert re.findall(r'property="og:title" content="([^"]*)"', page) == [title]
        if not language:
            assert title == "Rapport d’un véhicule"
        # A preview shows no picture and no more of the site than this.
        assert set(re.findall(r'property="(og:[^"]*)"', page)) == {
            "og:title",
            "og:description",
        }
        assert [text for text in IN_THE_REPORT[:-2] if text in page] == []
        assert not re.search(r"\b[QW]\.", page), "no initials"
        assert "RENAULT" not in page
        assert "CLIO" not in page
    assert list(dump.values()) == before


def test_no_robot_learns_from_what_it_adds_to_an_address(secrets):
    """Some append what they track, some try the code where they find one."""
    before = list(dump.values())
    secret = secrets["live"]
    plain = same(Client().get(path(secret)), secret)
    for query in ({"fbclid": "x"}, {"code": code(secret)}, {"utm_source": "mail"}):
        answer = Client().get(path(secret), query)
        told = same(answer, secret)
        added = "?" + answer.wsgi_request.META["QUERY_STRING"]
        assert (told[0], told[1].replace(added, "")) == plain[:2]
        assert code(secret) not in told[1]
    assert list(dump.values()) == before


@pytest.mark.browser
@pytest.mark.parametrize("state", ["live", "expired", "revoked", "sold", "unknown"])
def test_a_browser_that_runs_scripts_and_does_not_click_sends_no_code(
    secrets, live_server, page, state
):
    secret = secrets[state]
    asked, said = [], []
    page.context.on("request", lambda request: asked.append(request))
    page.on("console", lambda message: said.append(message.text))
    before = list(dump.values())
    page.goto(f"{live_server.url}{path(secret)}#{code(secret)}")
    page.wait_for_timeout(2000 if state == "live" else 300)
    # It did run our script, which has read the fragment.
    assert page.locator("[name=code]").input_value() == code(secret)
    assert page.title() == "Rapport d’un véhicule – histovet"
    assert len(asked) >= 3
    assert {request.method for request in asked} == {"GET"}
    for request in asked:
        # The browser shows its own address with the fragment, which it does not send.
        address = request.url.partition("#")[0]
        sent = f"{address} {request.all_headers()} {request.post_data}"
        for text in (code(secret), code(secret).lower(), secret.hex()):
            assert text not in sent
    assert not [text for text in IN_THE_REPORT[:-2] if text in page.content()]
    assert said == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert {one["name"] for one in page.context.cookies()} <= {"csrf"}
    assert list(dump.values()) == before
