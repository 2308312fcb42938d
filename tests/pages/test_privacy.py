import ast
import re
from pathlib import Path

from django.conf import settings as django_settings

from histovet.history import cookie
from histovet.sharing import cookies
from histovet.sharing.links import LIFE_DAYS_MAX
from tests.test_imprint import WHOLE

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r'<tr><th scope="row">([\w-]+)</th><td>[^<]+</td><td>([^<]+)</td></tr>'
)
NO_BREAK = "\u00a0"


def told(client) -> dict[str, str]:
    page = client.get("/donnees-personnelles").content.decode()
    return dict(ROW.findall(page.partition('id="cookies"')[2]))


def in_the_code() -> set[str]:
    """The plain name of every cookie that the site can set; those of the dashboard are
    for no visitor."""
    found = {django_settings.CSRF_COOKIE_NAME.removeprefix("__Host-")}
    for path in (ROOT / "histovet").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called == "SealedCookie" and path.parent.name != "operators":
                    found.add(node.args[1].value)
                # Nobody sets one past that class.
                is_direct = called.endswith(".set_cookie")
                assert not is_direct or path.name == "cookies.py", path
    return found


def test_every_cookie_is_told_and_no_other(client):
    assert set(told(client)) == in_the_code()


def test_each_life_is_the_codes(client):
    lives = told(client)
    assert django_settings.CSRF_COOKIE_AGE is None
    assert lives["csrf"] == "La session du navigateur"
    assert lives["seller"] == f"{cookie.LIFE_SECONDS // 60}{NO_BREAK}minutes"
    hours = cookies.READER_LIFE_SECONDS // 3600
    assert lives["reader"] == f"{hours}{NO_BREAK}heures, ou la fin du lien"
    # Until the link ends.
    assert lives["seen"] == f"La fin du lien, {LIFE_DAYS_MAX}{NO_BREAK}jours au plus"
    days = cookies.OWNER_LIFE_SECONDS // (24 * 3600)
    assert lives["owner"] == f"{days}{NO_BREAK}jours"


def test_public_pages_without_a_form_set_no_cookie(client):
    for path in ("/", "/aide", "/aide/mots", "/donnees-personnelles", "/plan-du-site"):
        assert not client.get(path).cookies


def test_who_is_asked_about_inspections_is_told(client, settings):
    settings.UTAC_URL = ""
    assert "l’UTAC" not in client.get("/donnees-personnelles").content.decode()
    settings.UTAC_URL = "https://utac.example"
    assert "envoyés à l’UTAC" in client.get("/donnees-personnelles").content.decode()


def test_who_runs_the_site_is_told_where_the_law_wants_it(client, settings):
    settings.IMPRINT = WHOLE
    legal = client.get("/mentions-legales").content.decode()
    for said in (WHOLE.name, WHOLE.address, WHOLE.phone, WHOLE.email, WHOLE.host):
        assert said in legal
    privacy = client.get("/donnees-personnelles").content.decode()
    assert WHOLE.name in privacy
    assert WHOLE.data_protection in privacy
    assert WHOLE.name in client.get("/accessibilite").content.decode()
    assert "à compléter" not in legal + privacy


def test_what_an_operator_has_not_said_is_seen(client):
    assert (
        "à compléter par l’exploitant"
        in client.get("/mentions-legales").content.decode()
    )
