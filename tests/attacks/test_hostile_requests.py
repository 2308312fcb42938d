"""What a hostile client sends to the pages: another site's forms, other hosts, fields
that no form has, and text that is code somewhere."""

import itertools
import re
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from histovet.sharing.models import Link
from tests.history.showcase import publish_showcase, typed

pytestmark = pytest.mark.django_db

HOST = "127.0.0.1"
A_LINK = "A" * 16
SQL = "x' OR '1'='1'; DROP TABLE sharing_link; --"
HOSTILE = {
    "SQL": SQL,
    "SQL in a list": "1) UNION SELECT version() --",
    "Django's template": "{{ 7919|add:7919 }}{% debug %}{{ settings.SECRET_KEY }}",
    "another template": "${7919*2}#{7919*2}<%= 7919*2 %>",
    "a format": "%s%n%(x)s{0.__class__}",
    "markup": "\"><script>alert(7919)</script><img src=x onerror='alert(7919)'>",
    "a typesetter's": '#eval("7919*2") #read("/etc/passwd") \\input{/etc/passwd}',
    "a header": "x\r\nSet-Cookie: planted=1\r\n\r\n",
    "NUL": "AB\0CD",
    "half a character": "AB\ud800CD",
    "right to left": "\u202eNITRAM\u202c\u2066x\u2069",
    "nothing to see": "\u200b\u200d\ufeff\u00ad",
    "a tower": "e" + "\u0301" * 180,
    "wide": "ＬＥＭＯＩＮＥ",
    "a ligature of 18 letters": "\ufdfa" * 10,
    "digits of elsewhere": "١٢٣٤٥٦٧٨٩",
    "too much": "A" * 100_000,
}


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


@pytest.fixture
def shown(transactional_db, tmp_path):
    return publish_showcase(tmp_path)


def pages() -> list[str]:
    """Return an address of every page, in both languages."""

    def named(patterns):
        for one in patterns:
            if isinstance(one, URLResolver):
                if "api" not in str(one.pattern):
                    yield from named(one.url_patterns)
            elif isinstance(one, URLPattern) and one.name:
                yield one

    found = []
    for one in named(get_resolver().url_patterns):
        if one.name == "openapi":
            continue
        arguments = [A_LINK] * len(one.pattern.converters)
        found.append(reverse(one.name, args=arguments))
    return found


PAGES = pages()


def test_the_pages_are_all_here():
    assert {"/", "/vendeur", "/rapport", "/acheteur", "/liens", f"/r/{A_LINK}"} <= set(
        PAGES
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_form_of_another_site_is_refused(path):
    client = Client(enforce_csrf_checks=True)
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        answer = client.post(path, {"code": "x"}, headers=headers)
        # 405 where nothing can be posted: both before anything is done.
        assert answer.status_code in (403, 405), headers


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "elsewhere.example"},
        {"Host": "127.0.0.1.elsewhere.example"},
        {"Host": f"elsewhere.example@{HOST}"},
        {"Host": "elsewhere.example:80"},
        {"Host": ""},
    ],
    ids=lambda headers: headers["Host"] or "none",
)
def test_another_host_gets_no_page(path, headers):
    answer = Client(raise_request_exception=False).get(path, headers=headers)
    assert answer.status_code == 400
    assert b"elsewhere" not in answer.content


@pytest.mark.parametrize("path", PAGES)
def test_a_header_that_no_cache_keys_on_changes_nothing(path):
    """Or a cache would hand one client's answer to everyone."""
    plain = Client().get(path)
    for name in (
        *("X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "Forwarded"),
        *("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Port"),
        *("X-HTTP-Method-Override", "X-Forwarded-Scheme", "True-Client-IP"),
    ):
        value = "POST" if name.endswith("Override") else "/elsewhere.example"
        other = Client().get(path, headers={name: value})
        assert without_tokens(other.content) == without_tokens(plain.content), name
        assert other.status_code == plain.status_code
        assert other.headers.get("Location") == plain.headers.get("Location")


@pytest.mark.parametrize("path", PAGES)
def test_what_differs_by_cookie_is_kept_by_no_cache(path):
    answer = Client().get(path)
    if "Set-Cookie" in answer.headers or answer.cookies:
        assert "no-store" in answer.headers["Cache-Control"]
    kept = answer.headers.get("Cache-Control", "")
    assert "public" not in kept or "Cookie" not in answer.headers.get("Vary", "")


def test_code_in_a_field_of_the_certificate_is_text(shown):
    vehicle, registers, kinds = shown["clean"], ("SIV", "FNI"), ("person", "company")
    # Nothing is read otherwise in English: every text and field goes there too, but not
    # with each register and kind.
    paths = itertools.cycle(("/vendeur", "/en/seller", "/vendeur"))
    for what, register, kind in itertools.product(HOSTILE, registers, kinds):
        _try_each_field(vehicle, what, register, kind, next(paths))


def _try_each_field(vehicle, what, register, kind, path):
    client = Client()
    text = HOSTILE[what]
    usual = typed(vehicle) | {"register": register, "holder_kind": kind}
    usual |= {"issue_date": "31/12/2005", "company_name": "ESSAI", "siren": ""}
    for name in usual:
        if name in ("register", "holder_kind") and register == "FNI":
            continue
        answer = posted(client, path, usual | {name: text})
        # The rest is not looked at, or has a name that matches without it.
        decides = name in ("plate", "formula_number", "family_name", "register")
        if decides or (register, kind) != ("SIV", "person"):
            assert answer.status_code in (200, 400), name
        assert answer.status_code in (200, 303, 400), name
        assert (answer.status_code == 400) is (what == "too much")
        only_text(answer)
        cache.clear()


@pytest.mark.parametrize("what", HOSTILE)
def test_code_in_place_of_a_code_is_text(what):
    for path in ("/acheteur", "/en/buyer", f"/r/{A_LINK}"):
        answer = posted(Client(), path, {"code": HOSTILE[what]})
        assert answer.status_code == (400 if what == "too much" else 200)
        only_text(answer)


def test_code_in_an_address_is_text(shown):
    client = Client()
    client.post("/vendeur", typed(shown["clean"]))
    paths = ("/vendeur", "/rapport", "/liens", f"/r/{A_LINK}")
    for path, name, text in itertools.product(
        paths, ("suite", "voir", "x"), HOSTILE.values()
    ):
        octets = text.encode("utf-8", "surrogatepass")[:2000]
        answer = client.get(f"{path}?{urlencode({name: octets})}")
        assert answer.status_code in (200, 303)
        only_text(answer)


def test_fields_that_a_form_does_not_have_are_not_taken(shown):
    client = Client()
    client.post("/vendeur", typed(shown["clean"]))
    planted = {
        **dict.fromkeys(("public_id", "owner_tag", "owner_proof", "capsule"), A_LINK),
        **dict.fromkeys(("key_version", "holder_key_version", "checks_failed"), "7"),
        **dict.fromkeys(("openings", "opened", "end", "ended_at", "pk", "id"), "7"),
        **dict.fromkeys(("created_at", "expires_at", "last_opened_on"), "2030-01-01"),
        "identity": "SIV",
        "secret": "0" * 32,
    }
    for fields in ({"days": "7"}, {"days": "7", **planted}):
        assert client.post("/liens", fields).status_code == 303
    usual, other = Link.objects.order_by("created_at", "public_id")
    own = ("public_id", "capsule", "keepsake", "created_at", "expires_at")
    for field in Link._meta.get_fields():
        if field.concrete and not field.is_relation and field.name not in own:
            name = field.name
            assert getattr(usual, name) == getattr(other, name), name
    for one in (usual, other):
        assert (one.expires_at - one.created_at).days == 7


def posted(client: Client, path: str, fields: dict[str, str]):
    """Post as a browser does, half a character too."""
    octets = {
        name: text.encode("utf-8", "surrogatepass") for name, text in fields.items()
    }
    kind = "application/x-www-form-urlencoded"
    return client.post(path, urlencode(octets), content_type=kind)


def only_text(answer) -> None:
    """Nothing was worked out, run, or sent as a header."""
    content = answer.content.decode()
    assert "15838" not in content
    assert "SECRET_KEY" not in content.replace("settings.SECRET_KEY", "")
    assert not re.search(r"<script[^>]*>alert|<img src=x|root:x:0", content)
    assert "planted" not in answer.cookies
    # Raises when the table is gone.
    Link.objects.exists()


def without_tokens(content: bytes) -> bytes:
    return re.sub(rb'(name="csrfmiddlewaretoken") value="[^"]*"', rb"\1", content)
