import pytest
from playwright.sync_api import Page, expect

from tests.journeys.asking import check_light_and_quiet
from tests.journeys.axe import check

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATHS = ["/partenaires", "/en/partenaires"]


@pytest.mark.parametrize("path", PATHS)
def test_an_automated_checker_finds_nothing(live_server, page: Page, path):
    page.goto(live_server.url + path)
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )
    check(page)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_light_quiet_and_asks_nobody_else(live_server, page: Page, path):
    check_light_and_quiet(page, live_server.url + path)


def test_a_partner_finds_a_call_from_home(live_server, page: Page):
    page.goto(live_server.url)
    page.get_by_role("link", name="Devenir partenaire").click()
    page.get_by_role("link", name="L’interface pour les partenaires").click()
    page.get_by_role("navigation", name="Les appels").get_by_role(
        "link", name="listing_check"
    ).click()
    expect(page.get_by_role("heading", name="Une annonce comparée")).to_be_in_viewport()
    page.get_by_role("link", name="ListingChecked").first.click()
    expect(
        page.get_by_role("heading", name="ListingChecked", exact=True)
    ).to_be_in_viewport()
