"""What programs read: security.txt, the sitemap, the icon, the card."""

import datetime as dt
import re
import struct
from xml.etree import ElementTree

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone, translation

from histovet.imprint import Imprint
from histovet.pages.views import PUBLIC_PAGES
from tests.test_imprint import UNTIL, WHOLE

PATH = "/.well-known/security.txt"
IMAGES = django_settings.BASE_DIR / "static" / "img"


def test_security_txt_has_what_rfc_9116_wants(client, settings):
    settings.IMPRINT = WHOLE
    answer = client.get(PATH)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields == {
        "Contact": "mailto:s@b.example",
        "Expires": f"{UNTIL}T00:00:00Z",
        "Preferred-Languages": "fr, en",
        "Canonical": f"http://testserver{PATH}",
        "Policy": "http://testserver/securite",
    }
    expires = dt.datetime.fromisoformat(fields["Expires"])
    assert timezone.now() < expires < timezone.now() + dt.timedelta(days=366)
    assert "s@b.example" in client.get("/securite").content.decode()


@pytest.mark.parametrize(
    "imprint",
    [
        Imprint(),
        Imprint(security="mailto:s@b.example"),
        Imprint(security_until=UNTIL),
        Imprint(security="mailto:s@b.example", security_until=dt.date(2020, 1, 1)),
    ],
    ids=["nothing", "no day", "no contact", "over"],
)
def test_nobody_is_sent_to_a_contact_out_of_date(client, settings, imprint):
    settings.IMPRINT = imprint
    assert client.get(PATH).status_code == 404


@pytest.mark.django_db
def test_the_sitemap_has_each_public_page_in_each_language(client):
    answer = client.get("/sitemap.xml")
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    tree = ElementTree.fromstring(answer.content)
    found = [loc.text for loc in tree.findall("s:url/s:loc", names)]
    expected = set()
    for code in ("fr", "en"):
        with translation.override(code):
            expected |= {f"http://testserver{reverse(name)}" for name in PUBLIC_PAGES}
    assert set(found) == expected
    assert len(found) == len(expected) == 2 * len(PUBLIC_PAGES)
    links = "{http://www.w3.org/1999/xhtml}link"
    for url in tree.findall("s:url", names):
        assert {link.get("hreflang") for link in url.findall(links)} == {"fr", "en"}
    for address in found:
        assert client.get(address.removeprefix("http://testserver")).status_code == 200


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_plan_leads_to_each_public_page(client, language):
    with translation.override(language):
        page = client.get(reverse("plan")).content.decode()
        main = page.partition("<main")[2].partition("</main>")[0]
        found = set(re.findall(r'href="([^"]+)"', main))
        assert found == {reverse(name) for name in PUBLIC_PAGES if name != "plan"}


def test_the_icon_is_found_where_browsers_look(client):
    answer = client.get("/favicon.ico", follow=True)
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content)
    # Reserved, kind, number of pictures.
    assert struct.unpack("<HHH", content[:6]) == (0, 1, 3)
    assert "max-age" in client.get("/favicon.ico").headers["Cache-Control"]


def size_of_png(path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def test_pictures_are_light_and_of_the_size_they_say(client):
    for card in (IMAGES / "card-fr.png", IMAGES / "card-en.png"):
        assert size_of_png(card) == (1200, 630)
        assert card.stat().st_size < 30_000
    assert size_of_png(IMAGES / "touch-icon.png") == (180, 180)
    assert (IMAGES / "favicon.ico").stat().st_size < 5_000


@pytest.mark.parametrize(
    ("path", "language"),
    [("/", "fr"), ("/en/", "en"), ("/aide", "fr"), ("/en/help/words", "en")],
)
def test_a_card_is_whole_and_of_this_site(client, path, language):
    page = client.get(path).content.decode()
    card = dict(re.findall(r'<meta property="(og:[\w:]+)" content="([^"]*)"', page))
    assert set(card) == {
        "og:title", "og:description", "og:type", "og:site_name", "og:image",
        "og:image:width", "og:image:height", "og:image:alt",
    }  # fmt: skip
    picture = f"/static/img/card-{language}.png"
    assert card["og:image"] == f"http://testserver{picture}"
    assert client.get(picture).status_code == 200
    assert all(card.values())
