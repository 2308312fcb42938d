import re

import pytest
from django.urls import reverse
from django.utils import translation


@pytest.mark.parametrize("path", ["/", "/en/"])
def test_home_has_one_main_heading_and_a_title(client, path):
    page = client.get(path).content.decode()
    assert page.count("<h1>") == 1
    assert re.search(r"<title>\s*\S.* – histovet</title>", page)
    assert re.search(r'<meta name="description" content="[^"]{50,160}">', page)


def test_home_says_what_for_whom_and_what_it_costs(client):
    page = client.get("/").content.decode()
    for words in (
        "sans le nom de ses propriétaires".replace("sans le", "sans\u00a0le"),
        "C’est gratuit, sans compte et sans publicité.",
        "Vous vendez",
        "Vous achetez",
        "Vous publiez des annonces",
        "Ce qui est protégé",
    ):
        assert words in page


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/en/"])
def test_every_link_and_file_of_home_answers(client, path):
    page = client.get(path).content.decode()
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(addresses) >= 6
    for address in addresses:
        if address.startswith("#"):
            assert f'id="{address[1:]}"' in page
        else:
            assert address.startswith("/"), "another site"
            assert client.get(address).status_code == 200, address


def test_a_page_holds_no_inline_style_or_script(client):
    page = client.get("/").content.decode()
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=", page)


def test_robots_may_read_pages_and_leave_the_interface_alone(client):
    answer = client.get("/robots.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines == [
        "User-agent: *",
        "Disallow: /api/",
        "Disallow: /histovec/",
        "",
        "Sitemap: http://testserver/sitemap.xml",
    ]


# In this order: what is made once a language is not given to the other.
@pytest.mark.parametrize(
    ("path", "language"),
    [("/", "fr"), ("/en/", "en"), ("/nowhere/", "fr"), ("/en/nowhere/", "en")],
)
def test_the_foot_of_every_page_leads_to_what_the_law_wants(client, path, language):
    foot = client.get(path).content.decode().partition("<footer")[2]
    with translation.override(language):
        for name in ("contact", "legal", "privacy", "accessibility", "plan"):
            assert f'href="{reverse(name)}"' in foot
    said = {"fr": "Accessibilité : non conforme", "en": "Accessibility: not compliant"}
    assert said[language].replace(" :", "\u00a0:") in foot
