"""The dashboard as its own process serves it, with what it has of the keys."""

import base64
import os
import re
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from histovet.audit.trail import Actor
from histovet.operators import accounts
from histovet.operators.models import Account
from histovet.partners.models import PartnerKey
from tests.attacks.serving import site
from tests.journeys.axe import check
from tests.partner import new_key
from tests.publish import database_url

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "un cheval sur le toit bleu"


@pytest.fixture
def address(shown, tmp_path) -> Iterator[str]:
    part = tmp_path / "operators.json"
    call_command("operators_keys", str(part), verbosity=0)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("HISTOVET_REGISTER_KEYS", "HISTOVET_SITE_KEYS")
    }
    environment = {
        **kept,
        "DATABASE_URL": database_url(),
        "HISTOVET_SERVES": "operators",
        "HISTOVET_OPERATORS_KEYS": str(part),
    }
    with site(environment) as served:
        yield f"http://127.0.0.1:{served.port}"
    cache.clear()


class Telephone:
    """What an operator has in the pocket; it waits for no clock."""

    def __init__(self, secret: str) -> None:
        padded = secret.replace(" ", "")
        self._totp = TOTP(base64.b32decode(padded), 6, SHA1(), 30)

    def code(self) -> str:
        # The next 30 seconds are not waited for: the step that was used is forgotten.
        Account.objects.update(factor_step=0)
        return self._totp.generate(int(time.time())).decode()


def fill(page: Page, label: str, text: str) -> None:
    page.get_by_label(label, exact=True).fill(text)


def test_an_operator_enrols_signs_in_and_acts(address, page: Page):
    new_key("Garage du Pont")
    _, enrolment = accounts.make(Actor.of_this_command(), "claire", timezone.now())
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Connexion")
    check(page)
    page.get_by_role("link", name="Activer un compte").click()
    check(page)
    fill(page, "Nom", "claire")
    fill(page, "Code d’activation", enrolment)
    page.get_by_role("button", name="Continuer").click()
    check(page)
    telephone = Telephone(page.locator(".code").inner_text())
    fill(page, "Nouveau mot de passe", PASSWORD)
    fill(page, "Le même, encore une fois", PASSWORD + "?")
    fill(page, "Code du second facteur", telephone.code())
    page.get_by_role("button", name="Activer le compte").click()
    expect(page.get_by_role("alert")).to_contain_text("Pas le même")
    check(page)
    fill(page, "Nouveau mot de passe", PASSWORD)
    fill(page, "Le même, encore une fois", PASSWORD)
    fill(page, "Code du second facteur", telephone.code())
    page.get_by_role("button", name="Activer le compte").click()
    expect(page.locator(".codes li")).to_have_count(10)
    check(page)
    page.get_by_role("link", name="Se connecter").click()
    fill(page, "Nom", "claire")
    fill(page, "Mot de passe", PASSWORD)
    fill(page, "Code du second facteur", telephone.code())
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("État du site")
    check(page)
    # Every page of the navigation, and each act's.
    for name in ("Partenaires", "Publications", "Limites", "Maintenance", "Journal",
                 "Mon compte"):  # fmt: skip
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.locator("nav [aria-current=page]")).to_have_text(name)
        check(page)
    for path in ("/compte/mot-de-passe", "/compte/codes", "/maintenance/fin", "/rien"):
        page.goto(address + path)
        check(page)
    key = PartnerKey.objects.get(name="Garage du Pont")
    for path in ("", "/renouveler", "/suspendre", "/retablir", "/terminer"):
        page.goto(f"{address}/cles/{key.pk}{path}")
        check(page)
    page.goto(f"{address}/cles/{key.pk}/suspendre")
    fill(page, "Raison", "Essai")
    fill(page, "Code du second facteur", "000000")
    page.get_by_role("button", name="Suspendre la clé").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce code n’est pas le bon")
    check(page)
    fill(page, "Code du second facteur", telephone.code())
    page.get_by_role("button", name="Suspendre la clé").click()
    expect(page.locator(".badge").first).to_have_text("suspendue")
    check(page)
    page.goto(f"{address}/cles/nouvelle")
    check(page)
    fill(page, "Nom du partenaire", "Place du Marché")
    fill(page, "Code du second facteur", telephone.code())
    page.get_by_role("button", name="Créer la clé").click()
    expect(page.locator(".code")).to_have_text(re.compile("^hv_[A-Za-z0-9_-]{43}$"))
    check(page)
    page.goto(f"{address}/en/journal")
    expect(page.locator("tbody tr").first).to_contain_text("Key created")
    page.get_by_role("link", name="My account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in")
