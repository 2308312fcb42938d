import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MAX_PAGE_BYTES = 100_000
PAGES = [
    "/",
    "/en/",
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
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # The size of targets is a rule of WCAG 2.2 that axe leaves off by itself.
            rules = {"target-size": {"enabled": True}}
            found = Axe().run(page, options={"rules": rules})
            assert found.violations_count == 0, (
                f"{width} {scheme}\n{found.generate_report()}"
            )


@pytest.mark.parametrize("path", ["/", "/en/"])
def test_a_page_is_light_quiet_and_asks_nobody_else(live_server, page: Page, path):
    answers = []
    messages = []
    page.on("response", lambda answer: answers.append(answer))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(live_server.url + path, wait_until="networkidle")
    assert messages == []
    assert all(answer.url.startswith(live_server.url) for answer in answers)
    assert all(answer.status == 200 for answer in answers)
    assert sum(len(answer.body()) for answer in answers) < MAX_PAGE_BYTES
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
