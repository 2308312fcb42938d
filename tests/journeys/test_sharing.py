"""From the seller's report to the buyer's, in real browsers, and to the link's end."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
import segno
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from histovet.sharing import codes
from histovet.sharing.codes import Kind
from histovet.sharing.models import Link
from histovet.sharing.opening import open_link
from histovet.sharing.receipts import ByPartner
from pseudonymizer.normalise import PARIS
from tests.history.showcase import typed
from tests.journeys import handover
from tests.journeys.asking import ask, check_light_and_quiet
from tests.journeys.axe import check
from tests.publish import publish
from tests.sharing import test_seller_views as seller_views

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SEE = re.compile("Voir le rapport|See the report")
Arrive = Callable[..., Page]

OWNER_CODE = "[aria-labelledby=manage] .code"


@dataclass(frozen=True)
class Given:
    """What the seller is given. The address is that of the page's language."""

    address: str
    code: str
    owner_code: str

    @property
    def path(self) -> str:
        return urlsplit(self.address).path

    @property
    def fragment(self) -> str:
        return urlsplit(self.address).fragment


@pytest.fixture
def arrive(browser: Browser, live_server, shown):
    """Open a page in a browser profile that has seen nothing of the site."""
    contexts = []

    def arrived(**options) -> Page:
        context = browser.new_context(
            base_url=live_server.url, locale="fr-FR", **options
        )
        context.set_default_timeout(8000)
        contexts.append(context)
        return context.new_page()

    yield arrived
    for context in contexts:
        context.close()


def make_link(page: Page, path: str = "/liens") -> Given:
    page.goto(path)
    page.locator("form.panel button").first.click()
    return given(page)


def given(page: Page) -> Given:
    expect(page.locator("#address")).to_be_visible()
    return Given(
        page.locator("#address").inner_text(),
        page.locator("#code").inner_text(),
        page.locator(OWNER_CODE).text_content() or "",
    )


def seller_of(arrive: Arrive, vehicle, **options) -> Page:
    """Return a browser that shows the report to who has just typed the certificate."""
    client = seller_views.seller_of(vehicle)
    page = arrive(**options)
    page.goto("/")
    cookie = {"name": "seller", "value": client.cookies["seller"].value}
    page.context.add_cookies([{**cookie, "url": page.url}])
    page.goto("/rapport")
    expect(page.locator("#verdict")).to_be_visible()
    return page


def link_to(vehicle) -> Given:
    """Make a link to a vehicle without a browser; the address begins with its path."""
    made = seller_views.make(seller_views.seller_of(vehicle))
    address = made.address.removeprefix("http://testserver")
    return Given(address, made.code, made.owner_code)


def see(page: Page) -> None:
    page.get_by_role("button", name=SEE).click()


def visit(page: Page, address: str) -> None:
    # From elsewhere: an address that differs in its fragment alone loads nothing.
    page.goto("about:blank")
    page.goto(address)


def open_by_click(page: Page, address: str) -> None:
    visit(page, address)
    see(page)


def expect_report(page: Page) -> None:
    expect(page.locator("#verdict")).to_be_visible()
    expect(page.get_by_role("button", name="Terminer")).to_have_count(0)


@dataclass(frozen=True)
class Told:
    """What a report says of the vehicle and no other page may."""

    texts: tuple[str, ...]

    @staticmethod
    def by(page: Page) -> "Told":
        name = page.locator(".vehicle h1").inner_text()
        plate = page.locator(".vehicle .plate").inner_text()
        return Told((name, plate))

    def expect_nothing_in(self, page: Page) -> None:
        content = page.content()
        assert all(text and text not in content for text in self.texts)


def expect_not_available(page: Page, told: Told | None = None) -> None:
    words = re.compile("Ce rapport n’est pas disponible|This report is not available")
    expect(page.get_by_role("heading", level=1, name=words)).to_be_visible()
    expect(page.locator("#verdict")).to_have_count(0)
    if told is not None:
        told.expect_nothing_in(page)


def reload(page: Page) -> int:
    answer = page.reload()
    assert answer is not None
    return answer.status


def end_link(page: Page) -> None:
    page.get_by_text("Mettre fin au lien", exact=True).first.click()
    page.get_by_role("button", name="Y mettre fin").first.click()
    expect(page.get_by_role("status")).to_contain_text("C’est fait.")


def today() -> dt.date:
    return timezone.now().astimezone(PARIS).date()


def test_a_link_goes_from_the_sellers_form_to_the_buyer_and_ends(arrive, shown):
    seller = arrive()
    ask(seller, "", typed(shown["clean"]))
    seller.locator(".vehicle a.button").click()
    seller.get_by_role("radio", name="30 jours").check()
    seller.get_by_role("button", name="Créer le lien").click()
    link = given(seller)
    assert link.fragment == link.code.replace("-", "")
    seller.get_by_role("link", name="Revenir au rapport").click()
    told = Told.by(seller)

    buyer = arrive()
    sent = []
    buyer.on("request", lambda request: sent.append(request))
    buyer.goto("/")
    buyer.goto(link.address)
    expect(buyer.locator("#id_code")).to_be_hidden()
    told.expect_nothing_in(buyer)
    assert not [one for one in sent if one.method != "GET"]
    assert Link.objects.get().openings == 0, "only a click opens"
    see(buyer)
    expect_report(buyer)
    assert Told.by(buyer).texts[0] == told.texts[0]
    expect(buyer).to_have_url(link.address)
    for request in sent:
        assert link.fragment not in urlsplit(request.url)._replace(fragment="").geturl()
        assert link.fragment not in str(request.headers)
    assert [one.method for one in sent].count("POST") == 1

    assert reload(buyer) == 200
    expect_report(buyer)
    buyer.get_by_role("link", name="Historique").click()
    expect(buyer.locator("#history")).to_be_focused()
    expect(buyer).to_have_url(link.address)
    buyer.get_by_role("link", name="J’achète").click()
    expect(buyer.locator("#verdict")).to_have_count(0)
    buyer.go_back()
    expect_report(buyer)
    expect(buyer).to_have_url(link.address)

    third = arrive()
    open_by_click(third, buyer.url)
    expect_report(third)

    seller.goto("/liens")
    expect(seller.get_by_text("Ouvert 2 fois")).to_be_visible()
    end_link(seller)
    assert reload(buyer) == 404
    expect_not_available(buyer, told)
    visit(third, link.address)
    expect_not_available(third, told)
    late = arrive()
    open_by_click(late, link.address)
    expect_not_available(late, told)


def test_what_the_buyer_had_before_the_report_is_one_step_back(arrive, shown):
    link = link_to(shown["clean"])
    buyer = arrive()
    buyer.goto("/")
    buyer.goto(link.address)
    see(buyer)
    expect_report(buyer)
    while urlsplit(buyer.url).path != "/":
        buyer.go_back()
        expect(buyer.locator("h1")).to_be_visible()
        if urlsplit(buyer.url).path != "/":
            expect_report(buyer)
    buyer.go_forward()
    expect_report(buyer)
    assert Link.objects.get().openings == 1


def test_a_link_that_arrived_cut_off_is_pasted_again_in_the_same_tab(arrive, shown):
    link = link_to(shown["clean"])
    buyer = arrive()
    buyer.goto(link.path)
    expect(buyer.locator("#id_code")).to_be_visible()
    buyer.goto(link.address)
    see(buyer)
    expect_report(buyer)


def test_a_code_that_was_corrected_by_hand_stays_as_it_was_typed(arrive, shown):
    link = link_to(shown["clean"])
    last = "A" if link.address[-1] != "A" else "B"
    buyer = arrive()
    open_by_click(buyer, link.address[:-1] + last)
    expect(buyer.locator("#id_code_error")).to_be_visible()
    expect(buyer.locator("#id_code")).to_have_value(link.fragment[:-1] + last)
    buyer.locator("#id_code").fill(link.code[:-1])
    see(buyer)
    expect(buyer.locator("#id_code_error")).to_be_visible()
    expect(buyer.locator("#id_code")).to_have_value(link.code[:-1])
    buyer.locator("#id_code").fill(link.code)
    see(buyer)
    expect_report(buyer)


@pytest.mark.parametrize("language", ["", "/en"])
def test_without_scripts_the_code_is_typed(arrive, shown, language):
    links, door = ("/en/links", "/en/buyer") if language else ("/liens", "/acheteur")
    seller = arrive(java_script_enabled=False)
    ask(seller, "", typed(shown["fni"]), "/en/seller" if language else "/vendeur")
    seller.locator(".vehicle a.button").click()
    assert urlsplit(seller.url).path == links
    link = make_link(seller, links)
    assert link.path.startswith(f"{language}/r/")
    other = {"": "English", "/en": "Français"}[language]

    for path, code in (
        (door, link.code),
        (door, link.address),
        (link.path, link.code.lower().replace("-", " ")),
    ):
        buyer = arrive(java_script_enabled=False)
        buyer.goto(path)
        buyer.get_by_role("textbox", name=re.compile("[Cc]ode")).fill("ABC")
        see(buyer)
        expect(buyer.locator("#id_code_error")).to_be_visible()
        expect(buyer.locator("#id_code")).to_have_value("ABC")
        buyer.locator("#id_code").fill(code)
        see(buyer)
        expect_report(buyer)
        assert urlsplit(buyer.url).path == link.path
        assert reload(buyer) == 200
        buyer.get_by_role("link", name=other).click()
        expect_report(buyer)
        assert urlsplit(buyer.url).path != link.path
        buyer.go_back()
        expect_report(buyer)
    seller.goto(links)
    seller.locator(".cards summary", has_text=re.compile("Mettre fin|End")).click()
    seller.locator(".cards details button").click()
    expect(seller.get_by_role("status")).to_be_visible()
    assert reload(buyer) == 404
    expect_not_available(buyer)
    buyer.goto(door)
    buyer.locator("#id_code").fill(link.code)
    see(buyer)
    expect_not_available(buyer)


def test_without_scripts_no_button_is_shown_that_needs_them(arrive, shown):
    page = arrive(java_script_enabled=False)
    ask(page, "", typed(shown["clean"]))
    make_link(page)
    assert page.locator("[data-copy], [data-print]").count() == 4
    for button in page.locator("[data-copy], [data-print]").all():
        expect(button).to_be_hidden()
    page.goto("/acheteur")
    expect(page.locator("[data-copy]")).to_be_hidden()


def test_the_other_language_keeps_a_link_and_its_report_open(arrive, shown):
    link = link_to(shown["clean"])
    english = link.address.replace("/r/", "/en/r/")
    buyer = arrive()
    buyer.goto(link.address)
    buyer.get_by_role("link", name="English").click()
    expect(buyer).to_have_url(english)
    see(buyer)
    expect_report(buyer)
    expect(buyer).to_have_url(english)
    buyer.get_by_role("link", name="Français").click()
    expect(buyer).to_have_url(link.address)
    expect_report(buyer)
    assert Link.objects.get().openings == 1
    cookies = {one["name"]: one for one in buyer.context.cookies()}
    of_the_link = {"reader-fr", "reader-en", "seen-fr", "seen-en"}
    assert set(cookies) == {"csrf", *of_the_link}
    paths = {urlsplit(address).path for address in (link.address, english)}
    assert {cookies[name]["path"] for name in of_the_link} == paths
    assert all(one["httpOnly"] for one in cookies.values())
    stored = buyer.evaluate("[localStorage.length, sessionStorage.length]")
    assert stored == [0, 0]


def test_a_browser_keeps_several_links_open_apart(arrive, shown):
    one, two = link_to(shown["clean"]), link_to(shown["stolen"])
    buyer = arrive()
    names = []
    for link in (one, two):
        open_by_click(buyer, link.address)
        expect_report(buyer)
        names.append(Told.by(buyer).texts)
    assert names[0] != names[1]
    for link, told in zip((one, two), names, strict=True):
        buyer.goto(link.path)
        expect_report(buyer)
        assert Told.by(buyer).texts == told
    assert [row.openings for row in Link.objects.all()] == [1, 1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (handover.another_holder, "Le véhicule est vendu, selon le registre"),
        # Who types the old certificate finds nothing, and so no list.
        (handover.another_certificate, None),
        (
            lambda: handover.operation("DECLARATION_CESSION", today()),
            "Le véhicule est vendu, selon le registre",
        ),
    ],
    ids=["another holder", "another certificate", "declared sale"],
)
def test_a_link_ends_when_the_vehicle_changes_hands(
    arrive, shown, tmp_path, change, why
):
    vehicle = shown["clean"]
    register = tmp_path / "register"
    seller = seller_of(arrive, vehicle)
    told = Told.by(seller)
    link = make_link(seller)
    buyer = arrive()
    open_by_click(buyer, link.address)
    expect_report(buyer)

    handover.write_changed(register, tmp_path / "next", {vehicle.plate: change()})
    publish(tmp_path / "next", label="suite")
    assert reload(buyer) == 404
    expect_not_available(buyer, told)
    assert Link.objects.get().end is None, "a GET writes nothing"
    late = arrive()
    open_by_click(late, link.address)
    expect_not_available(late, told)
    late.goto("/acheteur")
    late.locator("#id_code").fill(link.code)
    see(late)
    expect_not_available(late, told)
    seller.goto("/liens")
    if why is None:
        expect(seller.get_by_text("Le rapport s’est refermé.")).to_be_visible()
    else:
        expect(seller.get_by_text(why)).to_be_visible()

    publish(register, label="retour")
    assert reload(buyer) == 404
    open_by_click(late, link.address)
    expect_not_available(late, told)
    seller.goto("/liens")
    expect(seller.get_by_text("Aucun lien ouvert ici.")).to_be_visible()
    fresh = make_link(seller)
    open_by_click(late, fresh.address)
    expect_report(late)


def test_a_link_outlives_a_new_release(arrive, shown, tmp_path):
    link = link_to(shown["clean"])
    buyer = arrive()
    open_by_click(buyer, link.address)
    publish(tmp_path / "register", label="suite")
    assert reload(buyer) == 200
    expect_report(buyer)
    late = arrive()
    open_by_click(late, link.address)
    expect_report(late)


@pytest.mark.parametrize("language", ["", "/en"])
def test_who_reads_again_is_told_what_is_new(arrive, shown, tmp_path, language):
    vehicle = shown["clean"]
    link = link_to(vehicle)
    buyer, clock = arrive(), arrive()
    open_by_click(buyer, language + link.address)
    expect_report(buyer)
    news = buyer.locator("[aria-labelledby=news]")
    reload(buyer)
    expect(news).to_have_count(0)

    register, folder = tmp_path / "register", tmp_path / "next"
    pledge = handover.operation("INSCRIPTION_GAGE", dt.date(2021, 11, 3))
    handover.write_changed(register, folder, {vehicle.plate: pledge})
    publish(folder, label="suite", as_of="2021-11-26")
    reload(buyer)
    expect_report(buyer)
    for _ in range(2):
        expect(news).to_contain_text(re.compile("Nouveau|New"))
        expect(news).to_contain_text(re.compile("3\u00a0[nN]ov"))
        expect(news.get_by_role("listitem")).to_have_count(1)
        check(buyer)
        # Typed again tomorrow, on a page that does not have the cookie.
        buyer.context.clear_cookies(name=re.compile("^reader-"))
        buyer.goto(language + ("/buyer" if language else "/acheteur"))
        buyer.locator("#id_code").fill(link.code)
        see(buyer)
        expect_report(buyer)
    news.get_by_role("link").click()
    assert buyer.url.endswith("#history")

    # Another browser has seen nothing before.
    open_by_click(clock, language + link.address)
    expect_report(clock)
    reload(clock)
    expect(clock.locator("[aria-labelledby=news]")).to_have_count(0)
    publish(folder, label="encore", as_of="2021-12-26")
    reload(clock)
    quiet = clock.locator("[aria-labelledby=news]")
    expect(quiet).to_contain_text(re.compile("Rien n’a changé|Nothing has changed"))
    check(clock)


def test_the_owner_follows_the_links_and_ends_them(arrive, shown):
    owner = seller_of(arrive, shown["clean"])
    links = [make_link(owner) for _ in range(3)]
    assert len({link.owner_code for link in links}) == 1
    owner.get_by_role("link", name="Tous mes liens").click()
    expect(owner.get_by_text("Pas encore ouvert")).to_have_count(3)
    buyer = arrive()
    open_by_click(buyer, links[2].address)
    expect_report(buyer)
    owner.reload()
    opened = owner.locator(".cards li", has_text="Ouvert une fois")
    expect(opened).to_have_count(1)
    expect(owner.get_by_text("Pas encore ouvert")).to_have_count(2)
    opened.get_by_role("link").click()
    assert given(owner) == links[2], "the link again"
    owner.go_back()
    opened.get_by_text("Mettre fin au lien", exact=True).click()
    opened.get_by_role("button", name="Y mettre fin").click()
    expect(owner.get_by_role("status")).to_contain_text("C’est fait.")
    expect(owner.get_by_text("Vous y avez mis fin")).to_have_count(1)
    assert reload(buyer) == 404
    owner.get_by_text("Mettre fin à tous les liens de ce véhicule").click()
    owner.get_by_role("button", name="Mettre fin à tous les liens").click()
    expect(owner.get_by_role("status")).to_contain_text("C’est fait.")
    expect(owner.get_by_text("Vous y avez mis fin")).to_have_count(3)
    expect(owner.get_by_text("Aucun lien ouvert ici.")).to_be_visible()
    late = arrive()
    for link in links:
        open_by_click(late, link.address)
        expect_not_available(late)


def test_another_browser_counts_links_and_shows_them_with_the_owners_code(
    arrive, shown
):
    owner = seller_of(arrive, shown["clean"])
    link = make_link(owner)
    other = seller_of(arrive, shown["clean"])
    other.goto("/liens")
    expect(
        other.get_by_text("Un autre lien vers ce véhicule est ouvert")
    ).to_be_visible()
    expect(other.locator(".cards")).to_have_count(0)
    assert link.path.rpartition("/")[2] not in other.content()

    other.get_by_text("Retrouver des liens créés ailleurs").click()
    other.locator("#id_code").fill(link.code)
    other.get_by_role("button", name="Retrouver mes liens").click()
    error = other.locator("#id_code_error")
    expect(error).to_be_visible()
    expect(error).to_contain_text("Ne tapez pas ici le code d’un lien.")
    expect(other.locator(".cards")).to_have_count(0)
    other.locator("#id_code").fill(link.owner_code)
    other.get_by_role("button", name="Retrouver mes liens").click()
    expect(other.locator(".cards li")).to_have_count(1)
    other.locator(".cards a").click()
    assert given(other) == link


def test_the_owner_reads_by_whom_and_when_the_links_were_ended(arrive, shown):
    owner = seller_of(arrive, shown["clean"])
    link = make_link(owner)
    other = seller_of(arrive, shown["clean"])
    other.goto("/liens")
    other.get_by_text("Mettre fin à tous les liens de ce véhicule").click()
    other.get_by_role("button", name="Mettre fin à tous les liens").click()
    expect(other.get_by_role("status")).to_contain_text("C’est fait.")
    owner.goto("/liens")
    ended = owner.locator(".cards li")
    expect(ended).to_contain_text("Quelqu’un qui a ce certificat y a mis fin")
    moment = ended.locator("time").get_attribute("datetime")
    assert moment is not None
    age = timezone.now() - dt.datetime.fromisoformat(moment)
    assert dt.timedelta(0) <= age < dt.timedelta(minutes=1)
    buyer = arrive()
    open_by_click(buyer, link.address)
    expect_not_available(buyer)


def test_an_automated_checker_finds_nothing_for_buyers(arrive, shown):
    link = link_to(shown["clean"])
    page = arrive()
    page.goto("/acheteur")
    check(page)
    page.locator("#id_code").fill("ABC")
    see(page)
    expect(page.locator("#id_code_error")).to_be_visible()
    check(page)
    page.goto(link.path)
    expect(page.locator("#id_code")).to_be_visible()
    check(page)
    see(page)
    expect(page.locator("#id_code_error")).to_be_visible()
    check(page)
    page.goto("/")
    page.goto(link.address)
    expect(page.locator("#id_code")).to_be_hidden()
    check(page)
    page.goto("/")
    # One letter is another: the code has to be compared.
    page.goto(link.address[:-1] + ("A" if link.address[-1] != "A" else "B"))
    see(page)
    expect(page.locator("#id_code_error")).to_be_visible()
    check(page)
    page.goto(f"/r/{'A' * 16}#{link.fragment}")
    see(page)
    expect_not_available(page)
    check(page)


def _listed(page: Page) -> Page:
    page.goto("/liens")
    return page


@pytest.mark.parametrize("kind", ["fni", "irreparable"])
def test_an_automated_checker_finds_nothing_in_a_buyers_report(arrive, shown, kind):
    page = arrive()
    open_by_click(page, link_to(shown[kind]).address)
    expect_report(page)
    check(page)


def test_an_automated_checker_finds_nothing_for_sellers(arrive, shown):
    page = seller_of(arrive, shown["clean"])
    page.goto("/liens")
    check(page)
    link = make_link(page)
    check(page)
    page.get_by_role("link", name="Voir l’affiche").click()
    check(page)
    make_link(page)
    secret = codes.decode(link.code, Kind.LINK)
    for _ in range(4):
        open_link(secret, timezone.now(), partner=ByPartner("Garage", "garage"))
    page.goto("/liens")
    for summary in page.locator("summary").all():
        summary.click()
    check(page)
    page.locator("#id_max_openings").fill("2")
    page.get_by_role("button", name="Créer le lien").click()
    check(page)
    page.goto("/liens")
    end_link(_listed(page))
    check(page)
    page.goto("/en/links")
    check(page)
    page.get_by_role("link", name=re.compile("Link (made|created)")).click()
    check(page)

    other = seller_of(arrive, shown["clean"])
    other.goto("/liens")
    for summary in other.locator("summary").all():
        summary.click()
    check(other)
    other.locator("#id_code").fill(link.code)
    other.get_by_role("button", name="Retrouver mes liens").click()
    expect(other.locator("#id_code_error")).to_be_visible()
    check(other)


def test_an_automated_checker_finds_nothing_where_a_link_is_refused(
    arrive, shown, tmp_path
):
    vehicle = shown["clean"]
    client = Client()
    client.post("/vendeur", typed(vehicle))
    for _ in range(20):
        assert client.post("/liens", {"days": "1"}).status_code == 303
    page = seller_of(arrive, vehicle)
    page.goto("/liens")
    page.get_by_role("button", name="Créer le lien").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce véhicule a déjà 20 liens.")
    check(page)

    sale = handover.operation("DECLARATION_CESSION", today())
    handover.write_changed(
        tmp_path / "register", tmp_path / "next", {vehicle.plate: sale}
    )
    publish(tmp_path / "next", label="suite")
    page.goto("/liens")
    page.get_by_role("button", name="Créer le lien").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce véhicule est vendu.")
    check(page)


def test_pages_are_light_quiet_and_ask_nobody_else(
    arrive, live_server, shown, browser: Browser
):
    seller = seller_of(arrive, shown["irreparable"])
    link = make_link(seller)
    given_at = urlsplit(seller.url).path
    buyer = arrive()
    open_by_click(buyer, link.address)
    expect_report(buyer)
    for reader, path in (
        (None, "/acheteur"),
        (None, link.path),
        (None, f"{link.path}#{link.fragment}"),
        (buyer, link.path),
        (seller, "/liens"),
        (seller, given_at),
    ):
        # Nothing is cached yet for who arrives with the cookies alone.
        context = browser.new_context()
        if reader is not None:
            context.add_cookies(reader.context.cookies())
        page = context.new_page()
        check_light_and_quiet(page, live_server.url + path)
        assert page.locator("#verdict").count() == (reader is buyer)
        context.close()


def test_the_keyboard_alone_makes_a_link_and_opens_it(arrive, shown):
    page = seller_of(arrive, shown["clean"])

    def reach(target: Locator) -> None:
        for _ in range(15):
            page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                outline = "getComputedStyle(document.activeElement).outlineStyle"
                assert page.evaluate(outline) == "solid"
                return
        raise AssertionError(f"no key press reaches {target}")

    reach(page.locator(".vehicle a.button"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/liens$"))
    reach(page.get_by_role("radio", name="7 jours"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="30 jours")).to_be_checked()
    reach(page.get_by_role("button", name="Créer le lien"))
    page.keyboard.press("Enter")
    link = given(page)
    row = Link.objects.get()
    assert row.expires_at - row.created_at == dt.timedelta(days=30)
    page.goto("/liens")
    reach(page.get_by_text("Mettre fin au lien", exact=True))
    page.keyboard.press("Enter")
    reach(page.get_by_role("button", name="Y mettre fin"))

    page = arrive()
    page.goto(link.address)
    expect(page.locator("#id_code")).to_be_hidden()
    reach(page.get_by_role("button", name=SEE))
    page.keyboard.press("Enter")
    expect_report(page)
    reach(page.get_by_role("link", name="Historique"))
    page.keyboard.press("Enter")
    expect(page.locator("#history")).to_be_focused()

    page = arrive()
    page.goto("/acheteur")
    reach(page.locator("#id_code"))
    page.keyboard.type(link.code)
    page.keyboard.press("Enter")
    expect_report(page)


def test_a_link_is_printed_on_white_with_its_picture_and_without_buttons(arrive, shown):
    page = seller_of(arrive, shown["clean"])
    make_link(page)
    page.emulate_media(media="print", color_scheme="dark")
    for what in (".qr svg", "#address", "#code"):
        expect(page.locator(what)).to_be_visible()
    # The sheet is for the buyer; the owner may open the code and print it too.
    expect(page.locator(OWNER_CODE)).to_be_hidden()
    page.locator("[aria-labelledby=manage] summary").click()
    expect(page.locator(OWNER_CODE)).to_be_visible()
    buttons = page.locator("button, .button")
    assert buttons.count() >= 7
    for button in buttons.all():
        expect(button).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_link_for_the_window_is_chosen_printed_and_opened(arrive, shown, has_scripts):
    page = seller_of(arrive, shown["pledged"], java_script_enabled=has_scripts)
    page.goto("/liens")
    page.get_by_text("Plus de choix").click()
    last = today() + dt.timedelta(days=90)
    page.get_by_label("Ou jusqu’à la fin d’un jour").fill(f"{last}")
    page.get_by_label("Le rapport sans les détails administratifs").check()
    page.get_by_label("Nombre d’ouvertures au plus").fill("3")
    page.get_by_label("Un nom pour vous y retrouver").fill("Sur la vitre")
    page.get_by_role("button", name="Créer le lien").click()
    link = given(page)
    page.get_by_role("link", name="Voir l’affiche").click()
    sheet = page.get_by_role("article")
    expect(sheet).to_contain_text("23:59")
    expect(page.get_by_text("qui passe devant le véhicule")).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    for element in (page.get_by_text("qui passe devant"), page.get_by_role("banner")):
        expect(element).to_be_hidden()
    expect(page.get_by_role("contentinfo")).to_be_hidden()
    for element in (sheet.locator("svg"), sheet.get_by_text(link.code)):
        expect(element).to_be_visible()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    for count in range(4):
        buyer = arrive()
        open_by_click(buyer, link.address)
        if count < 3:
            expect_report(buyer)
            expect(buyer.get_by_text("Gage")).not_to_have_count(0)
            expect(buyer.get_by_text("Banque", exact=False)).to_have_count(0)
        else:
            expect_not_available(buyer)
    page.emulate_media(media="screen")
    page.goto("/liens")
    card = page.locator(".cards li", has_text="Sur la vitre")
    expect(card).to_contain_text("Ouvert autant de fois que permis")
    expect(card).to_contain_text("Ouvert 3 fois")
    card.get_by_text("Ouvertures par jour", exact=True).click()
    expect(card.locator(".days td")).to_have_text("3")


def test_the_owner_reads_which_partner_opened_a_link(arrive, shown):
    page = seller_of(arrive, shown["clean"])
    link = make_link(page)
    secret = codes.decode(link.code, Kind.LINK)
    garage = ByPartner("Garage du Lac", "garage du lac")
    found = open_link(secret, timezone.now(), partner=garage)
    page.goto("/liens")
    told = page.get_by_text(re.compile("par Garage du Lac, reçu"))
    expect(told).to_contain_text(found.receipt)


def test_what_is_copied_and_sent_holds_the_link(arrive, shown):
    page = seller_of(arrive, shown["clean"])
    page.context.grant_permissions(["clipboard-write"])
    page.clock.install()
    link = make_link(page)
    message = page.locator("#message").input_value()
    assert link.address in message
    assert link.code in message
    assert link.owner_code not in message
    copied = {
        "Copier le lien": link.address,
        "Copier le code": link.code,
        "Copier le message": message,
    }
    paper = page.context.new_page()
    paper.set_content("<textarea></textarea>")
    for name, text in copied.items():
        page.bring_to_front()
        button = page.get_by_role("button", name=name)
        button.click()
        expect(page.get_by_role("button", name="Copié")).to_be_visible()
        paper.bring_to_front()
        paper.locator("textarea").fill("")
        paper.locator("textarea").press("Control+V")
        expect(paper.locator("textarea")).to_have_value(text)
        page.clock.fast_forward(4000)
        expect(button).to_be_visible()

    mail = page.get_by_role("link", name="Envoyer par e-mail").get_attribute("href")
    sms = page.get_by_role("link", name="Envoyer par SMS").get_attribute("href")
    for scheme, address in (("mailto", mail), ("sms", sms)):
        assert address is not None
        parts = urlsplit(address)
        assert (parts.scheme, parts.path, parts.fragment) == (scheme, "", "")
        assert "+" not in parts.query, "a space is %20 there"
        (body,) = parse_qs(parts.query)["body"]
        assert body.replace("\r\n", "\n") == message


@pytest.mark.parametrize("path", ["/liens", "/en/links"])
def test_the_picture_is_the_address(arrive, shown, path):
    page = seller_of(arrive, shown["clean"])
    link = make_link(page, path)
    picture = page.locator(".qr svg")
    assert picture.get_attribute("role") == "img"
    assert picture.get_attribute("aria-label")
    (drawn,) = [one.get_attribute("d") for one in picture.locator("path").all()]
    made = segno.make_qr(link.address, error="m")
    assert drawn is not None
    assert _modules(drawn, border=4) == [
        (x, y)
        for y, row in enumerate(made.matrix)
        for x, dark in enumerate(row)
        if dark
    ]
    page.emulate_media(color_scheme="dark")
    ground = "getComputedStyle(document.querySelector('.qr svg')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    ink = "getComputedStyle(document.querySelector('.qr svg path')).stroke"
    assert page.evaluate(ink) == "rgb(0, 0, 0)"


def _modules(path: str, *, border: int) -> list[tuple[int, int]]:
    """Return the dark modules that strokes one wide draw, row by row."""
    x, y = 0.0, 0.0
    dark = []
    for letter, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        first, *second = (float(number) for number in numbers.split())
        if letter == "h":
            row = int(y - 0.5) - border
            start = int(x) - border
            dark += [(start + step, row) for step in range(int(first))]
            x += first
        elif letter == "M":
            x, y = first, second[0]
        else:
            x, y = x + first, y + second[0]
    return dark


def test_a_buyer_compares_the_vehicle_before_them(arrive, shown):
    """From the report by keyboard, on a page that an automated checker finds clean."""
    vehicle = shown["clean"]
    page = arrive()
    open_by_click(page, make_link(seller_of(arrive, vehicle)).address)
    page.get_by_role("link", name="Est-ce bien ce véhicule").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Est-ce bien")
    check(page)
    page.get_by_label("Plaque").fill(vehicle.plate)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Cette plaque est celle")
    page.get_by_label("Plaque").fill("ZZ-999-ZZ")
    page.get_by_role("button", name="Comparer").click()
    expect(page.get_by_role("status")).to_contain_text("n’est pas celle")
    check(page)
    page.get_by_role("link", name="Revenir au rapport").click()
    expect(page.locator("#verdict")).to_be_visible()
