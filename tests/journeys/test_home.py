import pytest
from playwright.sync_api import Page, expect

from tests.journeys.asking import check_light_and_quiet
from tests.journeys.axe import check

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = [
    "/bad/",
    "/closed/",
    "/en/form-refused/",
    "/nowhere/",
    "/en/limited-for-long/",
    "/fails/",
]


@pytest.mark.urls("tests.pages.failing_urls")
@pytest.mark.parametrize("path", PAGES)
def test_an_automated_checker_finds_nothing(live_server, page: Page, path):
    page.goto(live_server.url + path)
    check(page)


def test_a_page_is_light_quiet_and_asks_nobody_else(live_server, page: Page):
    check_light_and_quiet(page, live_server.url)
    assert page.context.cookies() == []


def test_the_typeface_is_ours(live_server, page: Page):
    page.goto(live_server.url)
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('700 1rem Atkinson Hyperlegible Next')")


def test_the_first_key_press_offers_the_way_past_the_header(live_server, page: Page):
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Aller au contenu")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("main").get_by_role("link").first).to_be_focused()


def test_what_has_the_focus_is_outlined(live_server, page: Page):
    page.goto(live_server.url)
    for _ in range(3):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def test_the_language_is_one_click_away_and_back(live_server, page: Page):
    page.goto(live_server.url)
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(live_server.url + "/en/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("owners’ names")
    page.get_by_role("link", name="Français").click()
    expect(page).to_have_url(live_server.url + "/")


def test_a_lost_visitor_finds_home(live_server, page: Page):
    page.goto(live_server.url + "/nowhere/")
    page.get_by_role("link", name="Aller à l’accueil").click()
    expect(page).to_have_url(live_server.url + "/")


def test_paper_is_white_whatever_the_screen(live_server, page: Page):
    page.goto(live_server.url)
    ground = "getComputedStyle(document.querySelector('.verdict')).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(ground) == light
