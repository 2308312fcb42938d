"""The form that asks for the end of the VIN, in a real browser."""

import re

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from tests.history.showcase import typed
from tests.history.test_vin_end import use_up, vin_end
from tests.journeys.asking import ask
from tests.journeys.axe import check

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIELD = {"/vendeur": "Fin du numéro de série (VIN)"}
FIELD["/en/seller"] = "End of the serial number (VIN)"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_holder_is_asked_adds_one_datum_and_reads_the_report(
    live_server, browser: Browser, shown, script, width
):
    vehicle = shown["clean"]
    use_up(Client(), vehicle)
    page = browser.new_context(
        java_script_enabled=script,
        locale="fr-FR",
        viewport={"width": width, "height": 900},
    ).new_page()
    ask(page, live_server.url, typed(vehicle))
    field = page.get_by_label(FIELD["/vendeur"])
    expect(
        page.get_by_role("heading", name="Il nous faut une donnée de plus")
    ).to_be_visible()
    expect(page.locator("[name=plate]")).to_have_value(vehicle.plate)
    expect(page.locator("[name=family_name]")).to_have_value(vehicle.surname)
    page.get_by_role("link", name="Ajoutez les 4 derniers caractères").click()
    expect(field).to_be_in_viewport()
    # No scrolling sideways.
    assert (
        page.evaluate("document.documentElement.scrollWidth") <= width
        if script
        else True
    )
    field.fill("ZZZZ")
    page.locator("form.panel button").click()
    expect(page.get_by_role("heading", name="Aucun véhicule")).to_be_visible()
    expect(field).to_have_value("ZZZZ")
    field.fill("")
    page.locator("form.panel button").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(vin_end(vehicle))
    page.locator("form.panel button").click()
    expect(page).to_have_url(live_server.url + "/rapport")
    page.context.close()


@pytest.mark.parametrize("path", FIELD)
def test_an_automated_checker_finds_nothing_in_what_asks(
    live_server, page: Page, shown, path
):
    vehicle = shown["fni"]
    use_up(Client(), vehicle)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ask(page, live_server.url, typed(vehicle), path)
        expect(page.get_by_label(FIELD[path])).to_be_visible()
        check(page)
        page.locator("form.panel button").click()
        expect(page.locator(".panel.grave")).to_be_visible()
        check(page)
    page.get_by_label(FIELD[path]).fill("ZZZZ")
    page.locator("form.panel button").click()
    expect(page.locator("#id_vin_end")).to_have_value("ZZZZ")
    check(page)


def test_the_question_takes_the_focus_and_stands_in_the_title(
    live_server, page: Page, shown
):
    vehicle = shown["clean"]
    use_up(Client(), vehicle)
    ask(page, live_server.url, typed(vehicle))
    expect(page).to_have_title(re.compile("^Une donnée de plus"))
    expect(page.locator("[aria-labelledby=outcome]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#id_vin_end").press_sequentially(vin_end(vehicle))
    page.keyboard.press("Enter")
    expect(page).to_have_url(live_server.url + "/rapport")
