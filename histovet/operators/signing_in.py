"""Name, password and second factor → a session; whatever was wrong, one refusal at one
cost."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.http import HttpRequest

from histovet.audit import trail
from histovet.audit.trail import Actor
from histovet.operators import attempts
from histovet.operators.accounts import folded, normalised
from histovet.operators.models import Account, Session
from histovet.operators.second_factor import Factor, spend
from histovet.vault.keys import site_ring

# Of wrong codes in one session, which then ends.
CODES_A_SESSION = 5


class Refused(Exception):
    """Something was wrong: nobody is told what."""


class TooMany(Exception):
    """A budget is used up for `seconds` more."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries")
        self.seconds = seconds


def sign_in(
    request: HttpRequest, name: str, password: str, code: str, now: dt.datetime
) -> Account:
    """Raises Refused, TooMany."""
    name = folded(name)
    tags = attempts.count(request, name, now)
    if tags is None:
        raise TooMany(attempts.seconds_left(now))
    account = Account.objects.filter(name=name, password__gt="").first()  # nosec B106
    if account is None:
        # What the password of an account costs.
        make_password(password)
        is_right = False
    else:
        is_right = check_password(normalised(password), account.password)
        # A code is not used up by who does not know the password.
        is_right = is_right and account.suspended_at is None
        is_right = is_right and spend(account, code, now)
    if account is None or not is_right:
        # Not the name that was typed, which may be a password in the wrong field.
        told = account.name if account else ""
        trail.add(
            Actor.operator(told or "?"),
            "operator.sign_in",
            told,
            result="refused",
            now=now,
        )
        raise Refused
    with transaction.atomic():
        account.signed_in_at = now
        account.save(update_fields=["signed_in_at"])
        _renew_seal(account)
        trail.add(Actor.operator(name), "operator.sign_in", name, now=now)
    attempts.forgive(tags, now)
    attempts.purge(now)
    return account


def confirm(
    request: HttpRequest, session: Session, code: str, now: dt.datetime
) -> None:
    """Ask for the second factor again, before something that matters.

    Raises Refused and TooMany; the fifth wrong code ends the session.
    """
    tags = attempts.count(request, session.account.name, now)
    if tags is None:
        raise TooMany(attempts.seconds_left(now))
    if spend(session.account, code, now):
        attempts.forgive(tags, now)
        return
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=session.pk)
        session.failures += 1
        session.save(update_fields=["failures"])
        if session.failures >= CODES_A_SESSION:
            session.delete()
    trail.add(
        Actor.operator(session.account.name),
        "operator.confirm",
        session.account.name,
        result="refused",
        now=now,
    )
    raise Refused


def _renew_seal(account: Account) -> None:
    """Seal the second factor under the active key, so that an older one can be retired."""
    if account.key_version != site_ring().active:
        Factor.of(account).seal_for(account)
        account.save(update_fields=["factor", "key_version"])
