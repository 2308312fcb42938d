import pytest
from django.conf import settings as django_settings

PAGES = ["/", "/en/", "/nowhere/", "/robots.txt"]


def directives(header: str) -> dict[str, list[str]]:
    """Name → sources of a Content-Security-Policy header."""
    parts = [part.split() for part in header.split(";") if part.strip()]
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_allows_our_own_files_and_nothing_else(client, path):
    answer = client.get(path)
    assert directives(answer.headers["Content-Security-Policy"]) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


@pytest.mark.parametrize("path", [*PAGES, "/static/css/histovet.css"])
def test_every_answer_carries_the_headers_that_keep_others_out(client, path):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Content-Security-Policy" in headers


def test_every_listed_permission_is_denied_to_everyone(client):
    policy = client.get("/").headers["Permissions-Policy"]
    denied = dict(part.strip().split("=", 1) for part in policy.split(","))
    assert set(denied) == set(django_settings.PERMISSIONS_POLICY)
    assert set(denied.values()) == {"()"}
    assert {"camera", "microphone", "geolocation", "payment", "usb"} <= set(denied)


def test_https_is_asked_for_and_remembered(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 63072000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_HSTS_PRELOAD = True
    plain = client.get("/")
    assert plain.status_code == 301
    assert plain.headers["Location"] == "https://testserver/"
    secure = client.get("/", secure=True)
    assert secure.headers["Strict-Transport-Security"] == (
        "max-age=63072000; includeSubDomains; preload"
    )


@pytest.mark.parametrize("path", PAGES)
def test_reading_a_page_sets_no_cookie(client, path):
    assert not client.get(path).cookies


@pytest.mark.parametrize("path", ["/", "/robots.txt"])
def test_pages_are_only_read(client, path):
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
