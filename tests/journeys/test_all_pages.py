"""Every address of the site is looked at by somebody, and the public pages here.

One browser, one walk: a page at a time, everything that can be asked of it at once.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation
from playwright.sync_api import Browser, Page, expect

from histovet.pages.views import PUBLIC_PAGES
from tests.journeys.asking import MAX_PAGE_BYTES
from tests.journeys.axe import check
from tests.pages.test_headers import directives

ROOT = Path(__file__).parents[2]
MAX_REQUESTS = 3

# Looked at below.
HERE = {"home", "help", "glossary", "become_partner", "contact", "contact_sent", "legal",
        "privacy", "accessibility", "security", "figures", "status", "plan"}  # fmt: skip
# Name of the address → the test that looks at it in a browser.
ELSEWHERE = {
    "seller": "test_seller.py",
    "seller_report": "test_seller.py",
    "verify": "test_seller.py",
    "links": "test_sharing.py",
    "given_link": "test_sharing.py",
    "buyer": "test_sharing.py",
    "link": "test_sharing.py",
    "check_car": "test_sharing.py",
    "sheet": "test_sharing.py",
    "partners": "test_partners.py",
}
# For programs, or only posted to: nobody looks at them.
NO_PAGE = {
    "robots", "sitemap", "favicon", "security_txt", "certificate", "seller_end",
    "figures_by_day", "figures_by_month",
    "report_pdf", "situation_pdf", "given_report_pdf", "given_situation_pdf",
    "link_report_pdf", "owner_code", "end_all_links", "end_link",
}  # fmt: skip


def names(patterns: list) -> Iterator[str]:
    """Yield the name of every address but those of the JSON interface."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if not re.match(r"(histovec/)?api/", str(pattern.pattern)):
                yield from names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and not re.match(
            r"\^?(\(\?:)?(histovec/)?\)?\??api/", str(pattern.pattern)
        ):
            assert pattern.name, f"{pattern.pattern} has no name"
            yield pattern.name


def test_no_address_is_forgotten():
    found = set(names(get_resolver().url_patterns))
    assert found == HERE | set(ELSEWHERE) | NO_PAGE
    assert len(HERE) + len(ELSEWHERE) + len(NO_PAGE) == len(found)
    assert set(PUBLIC_PAGES) <= HERE | set(ELSEWHERE)
    for file in set(ELSEWHERE.values()):
        assert "axe import check" in (ROOT / "tests" / "journeys" / file).read_text()


def paths(language: str) -> list[str]:
    with translation.override(language):
        found = [reverse(name) for name in sorted(HERE)]
        return [*found, f"{reverse('contact_sent')}?retire=code.vin.formule.plaque"]


BOTH = [*paths("fr"), *paths("en")]


@pytest.fixture(scope="module")
def visited() -> dict[str, tuple[int, str]]:
    """What pages link to, each asked for once: address → status and content."""
    return {}


@pytest.mark.django_db
@pytest.mark.parametrize("path", BOTH)
def test_a_page_is_whole_light_and_closed_to_others(client, visited, path):
    answer = client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert len(re.findall("<h1[ >]", page)) == 1
    assert re.search(r"<title>\s*\S.* – histovet</title>", page)
    indexed = 'name="robots" content="noindex"' not in page
    if indexed:
        (description,) = re.findall('<meta name="description" content="([^"]*)"', page)
        assert 20 <= len(description) <= 160
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|javascript:", page)
    assert directives(answer.headers["Content-Security-Policy"])["default-src"] == [
        "'none'"
    ]
    assert "Permissions-Policy" in answer.headers
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    # Icons are fetched once for the whole site, apart from the page.
    fetched = [
        file for file in files if "/img/favicon" not in file and "icon" not in file
    ]
    sizes = [len(b"".join(client.get(file).streaming_content)) for file in fetched]
    assert 1 + len(fetched) <= MAX_REQUESTS
    assert len(answer.content) + sum(sizes) < MAX_PAGE_BYTES
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    for address in addresses - files:
        target, _, anchor = address.partition("#")
        if target and target not in visited:
            linked = client.get(target)
            visited[target] = linked.status_code, linked.content.decode()
        status, content = visited[target] if target else (200, page)
        assert status == 200, address
        if anchor:
            assert f'id="{anchor}"' in content, address


# Records, in the order of the keyboard, what has the focus and how it is outlined.
_WATCH = """() => {
  window.seen = [];
  addEventListener("focusin", event => {
    const style = getComputedStyle(event.target);
    window.seen.push([event.target.outerHTML.slice(0, 80), style.outlineStyle,
                      parseFloat(style.outlineWidth)]);
  });
}"""
_FOCUSABLE = """() => {
  const radios = new Set();
  return [...document.querySelectorAll("a[href], button, input, textarea, summary")]
    .filter(one => one.type !== "hidden" && one.checkVisibility())
    // A group of radio buttons is one stop.
    .filter(one => one.type !== "radio" || !(radios.has(one.name) || !radios.add(one.name)))
    .length;
}"""
_MOVES = """() => [...document.querySelectorAll("*")].filter(one => {
  const style = getComputedStyle(one);
  return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
}).length"""
# What is cut off, but for what is hidden on purpose.
_CUT = """() => [...document.querySelectorAll("body *")].filter(one => {
  const style = getComputedStyle(one);
  return style.overflowX !== "visible" && one.tagName !== "CAPTION"
    && one.tagName !== "TEXTAREA" && one.scrollWidth > one.clientWidth + 1;
}).map(one => one.outerHTML.slice(0, 80))"""


def use(page: Page) -> None:
    """By keyboard, without motion, with large text, in forced colours: a French page,
    since the English one has the same marks."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert page.evaluate(_MOVES) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(_MOVES) == 0
    page.evaluate(_WATCH)
    count = page.evaluate(_FOCUSABLE)
    page.evaluate("document.activeElement.blur()")
    for _ in range(count):
        page.keyboard.press("Tab")
    seen = page.evaluate("window.seen")
    assert len({html for html, _style, _width in seen}) <= len(seen) == count
    assert all(style == "solid" and width >= 2 for _html, style, width in seen), seen
    text_twice_as_large(page)
    page.emulate_media(forced_colors="active")
    bare = page.evaluate(
        "() => [...document.querySelectorAll('.button, [type=text], textarea')]"
        ".filter(one => getComputedStyle(one).borderTopStyle !== 'solid').length"
    )
    assert bare == 0
    marked = page.evaluate(
        "() => [...document.querySelectorAll('.top nav a')].filter(one =>"
        " getComputedStyle(one).borderBottomColor !=="
        " getComputedStyle(document.body).backgroundColor)"
        ".every(one => one.hasAttribute('aria-current'))"
    )
    assert marked
    page.emulate_media(forced_colors="none")


def text_twice_as_large(page: Page) -> None:
    for width in (640, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(_CUT) == []
    page.evaluate("document.documentElement.style.fontSize = ''")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_each_page_can_be_read_and_used_by_everyone(live_server, page: Page):
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for path in paths("fr"):
        page.goto(live_server.url + path)
        check(page)
        use(page)
    # The checker looks at these with all their states, in the tests that are named.
    for name in set(PUBLIC_PAGES) - HERE:
        page.goto(live_server.url + reverse(name))
        use(page)
    for path in paths("en"):
        page.set_viewport_size({"width": 320, "height": 800})
        page.goto(live_server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(_CUT) == [], path
    assert said == []
    assert all(url.startswith(live_server.url) for url in asked)
    assert page.context.cookies() == [] or {
        cookie["name"] for cookie in page.context.cookies()
    } == {"csrf"}


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_message_is_written_without_javascript(
    live_server, browser: Browser, settings
):
    cache.clear()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + "/contact")
    page.get_by_role("button", name="Envoyer").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(
        "2 données sont à corriger"
    )
    page.get_by_label("Une erreur dans un rapport").check()
    page.get_by_label("Votre message").fill("La plaque EK-712-QD est fausse.")
    page.get_by_role("button", name="Envoyer").click()
    expect(page).to_have_url(f"{live_server.url}/contact/envoye?retire=plaque")
    expect(page.get_by_role("status")).to_contain_text("une plaque")
    (message,) = mail.outbox
    assert "La plaque [plaque] est fausse." in message.body
    context.close()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_what_went_wrong_with_a_message_can_be_read_by_everyone(
    live_server, page: Page, settings
):
    cache.clear()
    page.goto(live_server.url + "/contact")
    page.get_by_role("button", name="Envoyer").click()
    expect(page.locator("#outcome")).to_be_visible()
    check(page)
    # Nobody listens there.
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page.get_by_label("Autre chose").check()
    page.get_by_label("Votre message").fill("x" * 300)
    page.get_by_role("button", name="Envoyer").click()
    expect(page.get_by_role("alert")).to_contain_text("Notre courrier ne répond pas.")
    check(page)
