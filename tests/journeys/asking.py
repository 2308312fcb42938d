"""A person at a browser fills the seller's form and looks at what comes."""

from playwright.sync_api import Page

MAX_PAGE_BYTES = 100_000


def fill(page: Page, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        if name in ("register", "holder_kind"):
            page.locator(f"[name={name}][value={value}]").check()
    for name, value in fields.items():
        if name not in ("register", "holder_kind"):
            page.locator(f"[name={name}]").fill(value)


def ask(page: Page, site: str, fields: dict[str, str], path: str = "/vendeur") -> None:
    page.goto(site + path)
    fill(page, fields)
    page.locator("form.panel button").click()


def check_light_and_quiet(page: Page, address: str, status: int = 200) -> None:
    """The page with all that it loads is small, writes nothing to the console, and
    asks no other site. `page` is a new one, whose cache is empty."""
    site = "/".join(address.split("/", 3)[:3])
    answers, messages = [], []
    page.on("response", lambda answer: answers.append(answer))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(address, wait_until="networkidle")
    assert messages == []
    assert all(answer.url.startswith(site) for answer in answers)
    assert [answer.status for answer in answers[1:]] == [200] * (len(answers) - 1)
    assert answers[0].status == status
    assert sum(len(answer.body()) for answer in answers) < MAX_PAGE_BYTES
