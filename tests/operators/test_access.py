"""Every page of the dashboard is closed to who has not signed in, and none of them is
on the site."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation

from histovet.operators import urls
from tests.pages.test_headers import directives

OPEN = {"sign_in", "enrol"}
POST_ONLY = {"sign_out"}


def _names(patterns) -> set[str]:
    found = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= _names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            found.add(pattern.name)
    return found


NAMES = sorted(_names(urls.urlpatterns))
OF_ONE_KEY = {"partner_key", "rotate", "suspend", "resume", "end"}


def path_of(name: str, pk: int = 1) -> str:
    with translation.override("fr"):
        return reverse(
            name,
            urlconf="histovet.operators.urls",
            args=[pk] if name in OF_ONE_KEY else [],
        )


@pytest.mark.parametrize("name", sorted(set(NAMES) - OPEN))
def test_who_has_not_signed_in_is_sent_to_sign_in(dashboard, client, name):
    for method in (client.get, client.post):
        answer = method(path_of(name))
        assert (answer.status_code, answer.headers["Location"]) == (302, "/connexion")
        assert not answer.content


@pytest.mark.parametrize("name", [*NAMES])
def test_the_public_site_has_no_address_of_the_dashboard(db, client, name):
    """The site's own settings: what it answers is what it answers to any other path."""
    path = path_of(name, 12345)
    if name == "home":
        assert "exploitation" not in client.get(path).content.decode()
        return
    answer, any_other = client.get(path), client.get("/nulle-part")
    assert answer.status_code == any_other.status_code == 404
    assert "exploitation" not in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/vendeur", "/acheteur", "/r/AAAAAAAAAAAAAAAA", "/api/v1/report_by_code",
             "/healthz", "/readyz", "/aide"]
)  # fmt: skip
def test_the_dashboard_has_no_address_of_the_site(signed_in, path):
    assert signed_in.get(path).status_code == 404
    assert signed_in.post(path).status_code == 404


def test_another_host_is_refused(signed_in):
    answer = signed_in.get("/", headers={"host": "histovet.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/connexion", "/activation", "/deconnexion",
                                  "/cles/nouvelle", "/maintenance",
                                  "/maintenance/fin", "/compte/mot-de-passe",
                                  "/compte/codes"])  # fmt: skip
def test_a_form_from_elsewhere_is_refused(signed_in, operator, path):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in.cookies
    answer = strict.post(path, {"code": operator.code(), "name": "x"})
    assert answer.status_code == 403
    assert "Rien n’a été fait" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/connexion", "/nulle-part", "/en/cles"])
def test_every_answer_has_the_headers_of_the_site_and_is_kept_nowhere(signed_in, path):
    answer = signed_in.get(path)
    headers = answer.headers
    policy = directives(headers["Content-Security-Policy"])
    assert policy["default-src"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Permissions-Policy" in headers and headers["X-Request-Id"]
    assert "no-store" in headers["Cache-Control"]
    page = answer.content.decode()
    assert "<script" not in page and " style=" not in page
    assert 'name="robots" content="noindex"' in page


def test_the_pages_are_in_both_languages(signed_in):
    for name in sorted(set(NAMES) - POST_ONLY - OF_ONE_KEY):
        french = signed_in.get(path_of(name)).content.decode()
        english = signed_in.get("/en" + path_of(name)).content.decode()
        assert '<html lang="fr">' in french and '<html lang="en">' in english, name
        assert french.count("<h1") == english.count("<h1") == 1


def test_the_resolver_of_the_dashboard_is_its_own(dashboard):
    assert _names(get_resolver().url_patterns) == set(NAMES)
