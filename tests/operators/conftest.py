"""The dashboard in this process: its own pages, and the part of the ring that it has."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client
from django.urls import clear_url_caches
from django.utils import timezone

from histovet.audit.trail import Actor
from histovet.operators import accounts
from histovet.operators.keys import LABELS
from histovet.operators.models import Account
from histovet.operators.second_factor import STEP_SECONDS, Factor
from histovet.vault.keys import site_ring
from pseudonymizer.key_ring import write_part

PASSWORD = "un cheval sur le toit bleu"
BY_TEST = Actor.of_this_command()


@dataclass(frozen=True)
class Operator:
    """`codes` are those for recovery."""

    account: Account
    codes: list[str]

    def code(self) -> str:
        """Return a code that was not used, whatever was used before."""
        Account.objects.filter(pk=self.account.pk).update(factor_step=0)
        # The next: the present one may have been used to enrol.
        return current_code(self.account, 1)

    def code_now(self) -> str:
        """Return a code, for a role that cannot forget what was used."""
        # The next: the present one may have been used to enrol.
        return current_code(self.account, 1)

    def sign_in(self, client: Client, **typed: str):
        content = {"name": self.account.name, "password": PASSWORD}
        content["code"] = typed.get("code") or self.code()
        return client.post("/connexion", {**content, **typed})


def current_code(account: Account, steps: int = 0) -> str:
    """Return the code that is `steps` steps away from the present one."""
    account.refresh_from_db()
    step = int(timezone.now().timestamp()) // STEP_SECONDS
    return Factor.of(account).code(step + steps)


def enrolled(name: str = "claire") -> Operator:
    now = timezone.now()
    account, enrolment = accounts.make(BY_TEST, name, now)
    assert accounts.to_enrol(name, enrolment, now) is not None
    codes = accounts.enrol(account, PASSWORD, current_code(account), now)
    assert codes is not None
    account.refresh_from_db()
    return Operator(account, codes)


def serve_operators(settings, folder: Path) -> None:
    """Set what differs in the process of operators, as histovet/settings.py does."""
    part = folder / "operators.json"
    write_part(part, site_ring(), LABELS)
    settings.SERVES_OPERATORS = True
    settings.SITE_KEYS_PATH = part
    # Whatever asks for the register's ring fails.
    settings.REGISTER_KEYS_PATH = folder / "none.json"
    # The real one takes half a second on a busy machine; test_signing_in.py names it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MIDDLEWARE = settings.OPERATORS_MIDDLEWARE
    settings.ROOT_URLCONF = "histovet.operators.urls"
    settings.CSRF_COOKIE_NAME = "operators-csrf"
    settings.CSRF_COOKIE_SAMESITE = "Strict"
    settings.CSRF_FAILURE_VIEW = "histovet.operators.errors.form_refused"


@pytest.fixture
def dashboard(db, settings, tmp_path: Path):
    serve_operators(settings, tmp_path)
    clear_url_caches()
    yield settings
    clear_url_caches()


@pytest.fixture
def operator(dashboard) -> Operator:
    return enrolled()


@pytest.fixture
def signed_in(operator, client) -> Client:
    assert operator.sign_in(client).status_code == 302
    return client


@pytest.fixture
def later(monkeypatch):
    """Return a function that moves the clock, which stands still at the beginning of a
    quarter of an hour."""
    start = timezone.now().replace(minute=1, second=5)

    def move(**by: float) -> None:
        moment = start + dt.timedelta(**by)
        monkeypatch.setattr(timezone, "now", lambda: moment)

    move()
    return move
