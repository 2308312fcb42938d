"""Sealed cookies: what the browser is told, and what it may bring back."""

import base64

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from histovet.cookies import SealedCookie

NOW = 1_800_000_000
LIFE_SECONDS = 1800
CONTENT = b"what the browser keeps"
PURPOSES = ["seller cookie", "reader cookie", "seen cookie", "owner cookie"]

HOST = SealedCookie(
    "seller cookie", "seller", prefix="__Host-", life_seconds=LIFE_SECONDS
)
OF_A_PATH = SealedCookie(
    "reader cookie", "reader", prefix="__Secure-", life_seconds=12 * 3600
)


@pytest.fixture(autouse=True)
def outside_development(settings):
    settings.DEVELOPMENT = False


def given(cookie=HOST, content=CONTENT, *, now=NOW, **changes):
    response = HttpResponse()
    cookie.give(response, content, now=now, **changes)
    return response.cookies


def value_of(cookie=HOST, content=CONTENT, **changes) -> str:
    (morsel,) = given(cookie, content, **changes).values()
    return morsel.value


def brought_back(value: str, name: str = "__Host-seller"):
    request = RequestFactory().get("/")
    request.COOKIES[name] = value
    return request


def read(value: str, *, cookie=HOST, name="__Host-seller", now=NOW):
    return cookie.content(brought_back(value, name), now=now)


# What the browser is told


def test_a_cookie_is_for_this_site_alone_and_no_script_reads_it():
    cookies = given()
    assert list(cookies) == ["__Host-seller"]
    cookie = cookies["__Host-seller"]
    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == LIFE_SECONDS
    # Browsers refuse a __Host- cookie that names a domain.
    assert cookie["domain"] == ""


def test_a_cookie_may_belong_to_a_path_and_live_shorter():
    cookies = given(OF_A_PATH, suffix="-fr", path="/r/abc", life_seconds=60)
    assert list(cookies) == ["__Secure-reader-fr"]
    cookie = cookies["__Secure-reader-fr"]
    assert (cookie["path"], cookie["max-age"]) == ("/r/abc", 60)
    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"


def test_two_cookies_of_one_response_are_told_apart_by_their_suffix():
    response = HttpResponse()
    for suffix, path in (("-fr", "/r/abc"), ("-en", "/en/r/abc")):
        OF_A_PATH.give(response, CONTENT, now=NOW, suffix=suffix, path=path)
    paths = {name: cookie["path"] for name, cookie in response.cookies.items()}
    assert paths == {
        "__Secure-reader-fr": "/r/abc",
        "__Secure-reader-en": "/en/r/abc",
    }


def test_development_has_neither_tls_nor_what_needs_it(settings):
    settings.DEVELOPMENT = True
    cookies = given()
    assert list(cookies) == ["seller"]
    assert cookies["seller"]["secure"] == ""
    assert cookies["seller"]["httponly"] is True
    assert cookies["seller"]["samesite"] == "Lax"
    assert read(cookies["seller"].value, name="seller") == CONTENT


def test_a_cookie_is_taken_back_under_its_name_and_path():
    response = HttpResponse()
    HOST.take_back(response)
    (name,) = response.cookies
    cookie = response.cookies[name]
    assert name == "__Host-seller"
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, "/")
    # Without it browsers would not take it for the same cookie, and keep that.
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"


def test_the_browser_learns_nothing_of_what_it_keeps():
    value = value_of()
    sealed = base64.urlsafe_b64decode(value)
    assert CONTENT not in sealed
    # Format, key version, nonce, expiry, content, tag: SPEC.md section 10.
    assert len(sealed) == 1 + 2 + 12 + 8 + len(CONTENT) + 16
    assert sealed[0] == 1
    assert value != value_of()
    assert set(value) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    )


# What it may bring back


@pytest.mark.parametrize("content", [b"", b"\0", CONTENT, bytes(range(256))])
def test_what_was_given_is_read_back(content):
    assert read(value_of(content=content)) == content


def test_a_cookie_that_was_never_given_is_none():
    assert HOST.content(RequestFactory().get("/"), now=NOW) is None


@pytest.mark.parametrize(
    ("changes", "life"), [({}, LIFE_SECONDS), ({"life_seconds": 60}, 60)]
)
def test_a_value_is_over_at_the_second_that_the_browser_was_told(changes, life):
    value = value_of(**changes)
    assert read(value, now=NOW + life - 1) == CONTENT
    for now in (NOW + life, NOW + life + 1, NOW + 10**9):
        assert read(value, now=now) is None


def test_a_value_that_was_altered_in_any_byte_is_none():
    sealed = base64.urlsafe_b64decode(value_of())
    for place in range(len(sealed)):
        for bit in (1, 128):
            broken = bytearray(sealed)
            broken[place] ^= bit
            assert read(base64.urlsafe_b64encode(broken).decode()) is None, place


def test_a_value_that_was_cut_or_lengthened_is_none():
    sealed = base64.urlsafe_b64decode(value_of())
    others = [sealed[:size] for size in range(len(sealed))]
    others += [sealed[1:], sealed + b"\0", b"\0" + sealed, sealed + sealed]
    for other in others:
        assert read(base64.urlsafe_b64encode(other).decode()) is None


def test_text_that_is_no_value_is_none():
    value = value_of()
    for text in (
        "",
        "=",
        "A",
        "AAAA",
        "====",
        "é",
        "\0",
        "\udcff",
        "not sealed",
        value[:-1],
        value + "A",
        value + "=",
        value[:4] + " " + value[4:],
        value[:4] + "\n" + value[4:],
        value[:4] + "." + value[4:],
        f'"{value}"',
        "A" * 100_000,
    ):
        assert read(text) is None, text[:100]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_value_of_another_purpose_is_none(purpose):
    # The same name, prefix and life: the purpose alone tells them apart.
    one = SealedCookie(purpose, "one", prefix="__Host-", life_seconds=LIFE_SECONDS)
    value = value_of(one)
    for other in PURPOSES:
        cookie = SealedCookie(other, "one", prefix="__Host-", life_seconds=LIFE_SECONDS)
        found = read(value, cookie=cookie, name="__Host-one")
        assert found == (CONTENT if other == purpose else None)


@pytest.mark.parametrize(
    "name",
    [
        "seller",
        "__Secure-seller",
        "__Host-reader",
        "__Host-seller-fr",
        "__Host-seller ",
        "__host-seller",
    ],
)
def test_a_value_in_the_cookie_of_another_name_is_none(name):
    # A page of plain http could write one without the prefix.
    assert read(value_of(), name=name) is None
    assert read(value_of()) == CONTENT


def test_a_value_is_looked_for_under_the_suffix_that_was_asked():
    value = value_of(OF_A_PATH, suffix="-fr", path="/r/abc")
    request = brought_back(value, "__Secure-reader-fr")
    assert OF_A_PATH.content(request, now=NOW, suffix="-fr") == CONTENT
    for suffix in ("", "-en", "fr"):
        assert OF_A_PATH.content(request, now=NOW, suffix=suffix) is None
