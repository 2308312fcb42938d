"""Where many tries find nothing, in real browsers: one that works for its answer, and
one without JavaScript that waits for it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from histovet.limits import tickets
from histovet.sharing import addresses, codes
from histovet.sharing.codes import Kind
from pseudonymizer.envelope import link_id
from tests.history.showcase import typed
from tests.journeys.asking import MAX_PAGE_BYTES, ask
from tests.journeys.axe import check
from tests.journeys.test_sharing import link_to, open_by_click
from tests.limits.work import fail
from tests.sharing.test_opening import UNKNOWN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A loaded machine takes its time for the work.
PATIENCE = 120_000
ASKED = re.compile("Une vérification avant|A check before")
DONE = re.compile("Le calcul est fait|The calculation is done")


@pytest.mark.parametrize("path", ["/vendeur", "/en/seller"])
def test_a_browser_works_and_the_report_is_shown(live_server, page: Page, shown, path):
    fail(10, "seller")
    loaded, said = [], []
    page.on("request", lambda asked: loaded.append(asked.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(live_server.url + path)
    assert not [url for url in loaded if "proof" in url or "altcha" in url]
    ask(page, live_server.url, typed(shown["clean"]), path)
    expect(page.get_by_role("heading", name=ASKED)).to_be_visible()
    expect(page.locator("#proof")).to_be_focused()
    expect(
        page.get_by_label(re.compile("^(Immatriculation|Registration)"))
    ).to_have_value(shown["clean"].plate)
    expect(page.locator("#work")).to_have_text(DONE, timeout=PATIENCE)
    expect(page.locator("#wait")).to_be_hidden()
    files = {url for url in loaded if "/static/" in url}
    assert len([url for url in files if "proof" in url or "altcha" in url]) == 2
    weight = sum(len(page.request.get(url).body()) for url in files)
    assert weight + len(page.content().encode()) < MAX_PAGE_BYTES
    check(page)
    page.locator("form.panel button").click()
    expect(page.locator("#verdict")).to_be_visible()
    # The policy on content refused nothing.
    assert said == []


def test_who_presses_before_the_work_is_done_is_heard(live_server, page: Page, shown):
    fail(10, "seller")
    ask(page, live_server.url, typed(shown["clean"]))
    page.locator("form.panel button").click()
    expect(page.locator("#verdict")).to_be_visible(timeout=PATIENCE)


def test_where_the_worker_is_not_to_be_had_the_page_says_how_long_to_wait(
    live_server, page: Page, shown
):
    fail(10, "seller")
    page.route("**/altcha/*", lambda route: route.abort())
    ask(page, live_server.url, typed(shown["clean"]))
    expect(page.locator("#wait")).to_be_visible()
    expect(page.locator("#wait")).to_contain_text("Attendez 20 secondes")
    expect(page.locator("#work")).to_be_empty()


@pytest.mark.parametrize("at_link", [True, False])
def test_a_code_that_opens_nothing(live_server, page: Page, shown, at_link):
    fail(10, "opening")
    code = codes.encode(UNKNOWN, Kind.LINK)
    if at_link:
        page.goto(f"{live_server.url}/r/{addresses.written(link_id(UNKNOWN))}#{code}")
    else:
        page.goto(live_server.url + "/acheteur")
        page.locator("[name=code]").fill(code)
    page.get_by_role("button", name="Voir le rapport").click()
    expect(page.locator("#work")).to_have_text(DONE, timeout=PATIENCE)
    expect(page.locator("[name=code]")).to_have_value(code)
    check(page)
    page.get_by_role("button", name="Voir le rapport").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("pas disponible")


def test_without_javascript_whoever_waits_is_answered(
    live_server, browser: Browser, shown, monkeypatch
):
    fail(10, "seller")
    monkeypatch.setattr(tickets, "WAIT_SECONDS", 3)
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    ask(page, live_server.url, typed(shown["clean"]))
    expect(page.get_by_role("heading", name=ASKED)).to_be_visible()
    expect(page.get_by_text("Attendez 3 secondes, puis appuyez")).to_be_visible()
    expect(page.get_by_label("Immatriculation")).to_have_value(shown["clean"].plate)
    page.wait_for_timeout(4000)
    page.locator("form.panel button").click()
    expect(page.locator("#verdict")).to_be_visible()
    context.close()


def test_the_car_is_compared_after_the_work(live_server, page: Page, shown):
    vehicle = shown["clean"]
    given = link_to(vehicle)
    fail(10, "car")
    open_by_click(page, live_server.url + given.address)
    page.get_by_role("link", name="Est-ce bien ce véhicule").first.click()
    page.get_by_label("Plaque").fill(vehicle.plate)
    page.get_by_role("button", name="Comparer").click()
    expect(page.locator("#work")).to_have_text(DONE, timeout=PATIENCE)
    check(page)
    page.get_by_role("button", name="Comparer").click()
    expect(page.locator(".said[role=status]")).to_contain_text("Cette plaque est celle")
