"""The seller's way in a real browser: the form, the report, the end."""

import re
import socket

import pytest
from playwright.sync_api import Browser, Page, expect

from histovet.inspections.utac import client
from tests.history.showcase import typed
from tests.journeys.asking import ask, check_light_and_quiet
from tests.journeys.axe import check

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KINDS = {
    "clean": "Rien à signaler",
    "company": "Rien à signaler",
    "fni": "Rien à signaler",
    "stolen": "Véhicule déclaré volé",
    "pledged": "Véhicule gagé",
    "irreparable": "Véhicule économiquement irréparable",
    "import": "Véhicule importé",
    "cancelled": "Certificat annulé",
    "rolled_back": "Kilométrage incohérent",
}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_every_certificate_leads_to_its_report_and_back(
    live_server, browser: Browser, shown, script
):
    page = browser.new_context(java_script_enabled=script, locale="fr-FR").new_page()
    for kind, words in KINDS.items():
        ask(page, live_server.url, typed(shown[kind]))
        expect(page).to_have_url(live_server.url + "/rapport")
        expect(page.get_by_role("heading", name=words).first).to_be_visible()
        page.reload()
        expect(page).to_have_url(live_server.url + "/rapport")
        page.get_by_role("button", name="Terminer").click()
        expect(page.get_by_text("C’est terminé.")).to_be_visible()
        page.goto(live_server.url + "/rapport")
        expect(page.get_by_text("Le rapport s’est refermé.")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_automated_checker_finds_nothing_in_a_report(
    live_server, page: Page, shown, kind
):
    ask(page, live_server.url, typed(shown[kind]))
    check(page)


@pytest.mark.parametrize("path", ["/vendeur", "/en/seller"])
def test_an_automated_checker_finds_nothing_in_the_form(
    live_server, page: Page, shown, path
):
    page.goto(live_server.url + path)
    check(page)
    page.locator("[value=FNI]").check()
    page.locator("[value=company]").check()
    check(page)
    page.locator("form.panel button").click()
    expect(page.locator(".panel.grave")).to_be_visible()
    check(page)
    ask(page, live_server.url, typed(shown["clean"], family_name="AUTRE"), path)
    expect(page.locator(".panel.note")).to_be_visible()
    check(page)
    page.goto(live_server.url + path + "?suite=delai")
    check(page)


def test_an_automated_checker_finds_nothing_in_an_english_report(
    live_server, page: Page, shown
):
    ask(page, live_server.url, typed(shown["irreparable"]), "/en/seller")
    check(page)
    page.get_by_role("link", name="Français").click()
    expect(page).to_have_url(live_server.url + "/rapport")


@pytest.mark.parametrize("path", ["/vendeur", "/rapport", "/en/report"])
def test_a_page_is_light_quiet_and_asks_nobody_else(
    live_server, page: Page, browser: Browser, shown, path
):
    ask(page, live_server.url, typed(shown["irreparable"]))
    # Nothing is cached yet for who arrives with the cookie alone.
    context = browser.new_context()
    context.add_cookies(page.context.cookies())
    check_light_and_quiet(context.new_page(), live_server.url + path)
    context.close()


def test_a_choice_leaves_only_the_fields_that_it_needs(live_server, page: Page):
    page.goto(live_server.url + "/vendeur")
    seen = {
        name: page.locator(f"[name={name}]")
        for name in ("formula_number", "issue_date", "family_name", "company_name")
    }
    expect(seen["formula_number"]).to_be_visible()
    expect(seen["issue_date"]).to_be_hidden()
    expect(seen["family_name"]).to_be_visible()
    expect(seen["company_name"]).to_be_hidden()
    page.locator("[value=FNI]").check()
    page.locator("[value=company]").check()
    expect(seen["formula_number"]).to_be_hidden()
    expect(seen["issue_date"]).to_be_visible()
    expect(seen["family_name"]).to_be_hidden()
    expect(seen["company_name"]).to_be_visible()


def test_a_browser_that_cannot_choose_shows_every_case_under_its_heading(
    live_server, page: Page
):
    def without_has(route):
        sheet = route.fetch()
        css = re.sub(
            r"^[^\n]*:has\([^{]*(?:\n[^{]*)?\{[^}]*\}",
            "",
            sheet.text(),
            flags=re.MULTILINE,
        )
        assert ":has(" not in re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
        route.fulfill(response=sheet, body=css)

    page.route("**/histovet*.css", without_has)
    page.goto(live_server.url + "/vendeur")
    for name in ("formula_number", "issue_date", "family_name", "company_name"):
        expect(page.locator(f"[name={name}]")).to_be_visible()
    for heading in ("Plaque du type 123", "Au nom d’une société"):
        expect(page.locator(".case", has_text=heading)).to_be_visible()
    check(page)


def test_errors_have_the_focus_and_lead_to_their_fields(live_server, page: Page):
    page.goto(live_server.url + "/vendeur")
    page.locator("[name=given_names]").fill("ANNE")
    page.locator("form.panel button").click()
    summary = page.locator(".panel.grave")
    expect(summary).to_be_focused()
    expect(page.locator("[name=given_names]")).to_have_value("ANNE")
    summary.get_by_role("link").first.click()
    expect(page.locator("[name=plate]")).to_be_focused()


def test_the_keyboard_alone_goes_all_the_way(live_server, page: Page, shown):
    vehicle = shown["clean"]
    page.goto(live_server.url + "/vendeur")
    expect(page.locator("#id_register")).to_be_visible()
    page.locator("#content").focus()

    def until(name: str) -> None:
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == name:
                return
        raise AssertionError(f"no key press reaches {name}")

    until("register")
    until("plate")
    page.keyboard.type(vehicle.plate)
    until("formula_number")
    page.keyboard.type(vehicle.formula_number)
    until("holder_kind")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[value=company]")).to_be_checked()
    page.keyboard.press("ArrowLeft")
    until("family_name")
    page.keyboard.type(vehicle.surname)
    page.keyboard.press("Enter")
    expect(page).to_have_url(live_server.url + "/rapport")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("C’est terminé.")).to_be_visible()


ROWS = {
    "MARTIN\tANNE MARIE\tAA-123-AA\t2019AB12345": {
        "family_name": "MARTIN", "given_names": "ANNE MARIE", "plate": "AA-123-AA",
        "formula_number": "2019AB12345",
    },
    "\t\tGARAGE DU PORT\t36508795600012\tAA-123-AA\t\t2019AB12345\r\n": {
        "company_name": "GARAGE DU PORT", "siren": "36508795600012",
        "plate": "AA-123-AA", "formula_number": "2019AB12345",
    },
    "MARTIN ANNE\t123 ABC 75\t6/3/2008\nAUTRE\t1\t2": {
        "family_name": "MARTIN ANNE", "plate": "123 ABC 75", "issue_date": "6/3/2008",
    },
    "GARAGE DU PORT\t365 087 956\t123 ABC 75\t06-03-2008": {
        "company_name": "GARAGE DU PORT", "siren": "365 087 956",
        "plate": "123 ABC 75", "issue_date": "06-03-2008",
    },
}  # fmt: skip

PASTE = """(element, text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const paste = {clipboardData: data, bubbles: true, cancelable: true};
  return element.dispatchEvent(new ClipboardEvent("paste", paste));
}"""


@pytest.mark.parametrize("text", ROWS)
def test_a_row_of_a_spreadsheet_fills_the_form(live_server, page: Page, text):
    page.goto(live_server.url + "/vendeur")
    expect(page.get_by_text("Ces données sont dans un tableur")).to_be_visible()
    page.locator("[name=plate]").evaluate(PASTE, text)
    for name, value in ROWS[text].items():
        expect(page.locator(f"[name={name}]")).to_be_visible()
        expect(page.locator(f"[name={name}]")).to_have_value(value)
    expect(page.get_by_role("status").filter(has_text="est rempli")).to_be_visible()


@pytest.mark.parametrize("text", ["AA-123-AA", "AA-123-AA\t", "a\tb", "a\tb\tc\td\te"])
def test_other_text_is_pasted_as_ever(live_server, page: Page, text):
    page.goto(live_server.url + "/vendeur")
    left_to_the_browser = page.locator("[name=plate]").evaluate(PASTE, text)
    assert left_to_the_browser


def test_nothing_is_left_in_the_browser_but_the_sealed_cookie(
    live_server, page: Page, shown
):
    vehicle = shown["clean"]
    ask(page, live_server.url, typed(vehicle))
    stored = page.evaluate("[localStorage.length, sessionStorage.length]")
    assert stored == [0, 0]
    cookies = {one["name"]: one for one in page.context.cookies()}
    assert set(cookies) == {"csrf", "seller"}
    assert cookies["seller"]["httpOnly"]
    for text in (vehicle.surname, vehicle.plate, vehicle.formula_number):
        assert text not in str(cookies) + page.url
    page.get_by_role("button", name="Terminer").click()
    assert "seller" not in {one["name"] for one in page.context.cookies()}


def test_a_report_is_printed_on_white_without_what_is_clicked(
    live_server, page: Page, shown
):
    ask(page, live_server.url, typed(shown["pledged"]))
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("button", name="Terminer")).to_be_hidden()
    expect(page.locator(".toc")).to_be_hidden()
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize(("kind", "count"), [("irreparable", 5), ("rolled_back", 6)])
def test_tables_have_their_headers(live_server, page: Page, shown, kind, count):
    ask(page, live_server.url, typed(shown[kind]))
    tables = page.get_by_role("table")
    assert tables.count() == count
    for table in tables.all():
        # A table with a head has one more line than lines with a name.
        heads = 1 if table.get_by_role("columnheader").count() else 0
        rows = table.get_by_role("row").count() - heads
        assert table.get_by_role("rowheader").count() == rows > 0
        assert table.locator("caption").count() == 1


def test_the_chart_is_read_out_with_what_it_shows(live_server, page: Page, shown):
    ask(page, live_server.url, typed(shown["rolled_back"]))
    chart = page.get_by_role("img", name="Kilométrage relevé aux contrôles techniques")
    expect(chart).to_have_accessible_name(re.compile(r"\d relevés, de .* Incohérent\."))
    # One stop for who listens, and the table under it has every reading.
    assert chart.locator("[tabindex], a, button").count() == 0
    table = page.get_by_role("table", name="Relevés du compteur, le dernier d’abord")
    assert table.get_by_role("rowheader").count() == chart.locator(".dots > *").count()


def test_nothing_is_found_while_the_source_of_inspections_is_down(
    live_server, page: Page, shown, settings
):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.UTAC_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
    settings.UTAC_USER, settings.UTAC_PASSWORD = "somebody", "anything"
    ask(page, live_server.url, typed(shown["clean"]))
    expect(page.get_by_text("La source des contrôles n’a pas répondu")).to_be_visible()
    check(page)
    client.cache_clear()


def test_a_kind_of_events_is_chosen_without_script(live_server, browser, shown):
    page = browser.new_context(java_script_enabled=False, locale="fr-FR").new_page()
    ask(page, live_server.url, typed(shown["irreparable"]))
    everything = page.locator("ol.timeline > li").count()
    choice = page.get_by_role("link", name=re.compile(r"^Sinistres \("))
    choice.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(live_server.url + "/rapport?voir=sinistres#history")
    assert 0 < page.locator("ol.timeline > li").count() < everything
    expect(
        page.get_by_role("link", name=re.compile(r"^Sinistres \("))
    ).to_have_attribute("aria-current", "true")
    page.context.close()


def test_a_word_of_a_report_is_explained_and_the_report_still_there(
    live_server, page, shown
):
    ask(page, live_server.url, typed(shown["pledged"]))
    page.get_by_role("link", name="Gages", exact=True).press("Enter")
    expect(page).to_have_url(live_server.url + "/aide/mots#gage")
    expect(page.locator("#gage")).to_be_in_viewport()
    page.go_back()
    expect(page).to_have_url(live_server.url + "/rapport")
    expect(page.get_by_role("heading", name="Situation administrative")).to_be_visible()
