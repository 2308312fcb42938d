"""Accounts of operators: made by a command, finished by the operator on a page."""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from histovet.audit import trail
from histovet.audit.trail import Actor
from histovet.operators.keys import digests
from histovet.operators.models import NAME, Account, RecoveryCode, Session
from histovet.operators.second_factor import (
    Factor,
    give_recovery_codes,
    grouped,
    spend,
)

ENROLMENT_LIFE = dt.timedelta(hours=24)
_ENROLMENT_BYTES = 16
PASSWORD_MIN, PASSWORD_MAX = 12, 128


class NameRefused(ValueError):
    """No account can have this name, or one has it; the message says which."""


def folded(name: str) -> str:
    """Return the name as it is stored, however it was typed."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def make(actor: Actor, name: str, now: dt.datetime) -> tuple[Account, str]:
    """Return the account and its enrolment code, which cannot be had again. Raises
    NameRefused."""
    name = folded(name)
    if not NAME.fullmatch(name):
        raise NameRefused(
            "a name has 2 to 32 small letters, digits, points and hyphens, and begins "
            "with a letter"
        )
    account = Account(name=name, created_at=now)
    code = _begin_enrolment(account, now)
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            trail.add(actor, "operator.add", name, now=now)
    except IntegrityError as exc:
        raise NameRefused("there is an account of this name") from exc
    return account, code


def reset(actor: Actor, account: Account, now: dt.datetime) -> str:
    """Take away password, second factor and sessions, let a suspended account in again;
    return its new enrolment code."""
    with _changed(account):
        account.password, account.suspended_at = "", None
        code = _begin_enrolment(account, now)
        account.save()
        RecoveryCode.objects.filter(account=account).delete()
        trail.add(actor, "operator.reset", account.name, now=now)
    return code


def suspend(actor: Actor, account: Account, now: dt.datetime) -> None:
    with _changed(account):
        account.suspended_at = now
        account.save(update_fields=["suspended_at"])
        trail.add(actor, "operator.suspend", account.name, now=now)


def resume(actor: Actor, account: Account, now: dt.datetime) -> None:
    with transaction.atomic():
        account.suspended_at = None
        account.save(update_fields=["suspended_at"])
        trail.add(actor, "operator.resume", account.name, now=now)


def to_enrol(name: str, code: str, now: dt.datetime) -> Account | None:
    """Return the account that waits for this code, None when there is none."""
    plain = re.sub(r"[\s-]", "", code).upper()
    if not re.fullmatch("[A-Z2-7]{26}", plain):
        return None
    return Account.objects.filter(
        name=folded(name),
        enrolment_digest__in=_enrolment_digests(folded(name), plain),
        enrolment_until__gt=now,
        suspended_at=None,
    ).first()


def enrol(
    account: Account, password: str, code: str, now: dt.datetime
) -> list[str] | None:
    """Return recovery codes when the code is of the second factor, None otherwise; the
    enrolment code is then used up."""
    with transaction.atomic():
        # Whoever is second finds no enrolment any more.
        account = Account.objects.select_for_update().get(pk=account.pk)
        if account.enrolment_digest is None or not spend(account, code, now):
            return None
        account.password = make_password(normalised(password))
        account.enrolment_digest = account.enrolment_until = None
        account.save(update_fields=["password", "enrolment_digest", "enrolment_until"])
        codes = give_recovery_codes(account, Factor.of(account))
        trail.add(Actor.operator(account.name), "operator.enrol", account.name, now=now)
    return codes


def change_password(account: Account, password: str, now: dt.datetime) -> None:
    """Every session of the account ends."""
    with _changed(account):
        account.password = make_password(normalised(password))
        account.save(update_fields=["password"])
        trail.add(
            Actor.operator(account.name), "operator.password", account.name, now=now
        )


def normalised(password: str) -> str:
    """Return the password as it is hashed, however a keyboard composed it. Source: NIST
    SP 800-63B, section 3.1.1.2."""
    return unicodedata.normalize("NFKC", password)


def is_weak(password: str, name: str) -> bool:
    """Tell whether the password is a name, a pattern or one that everybody tries."""
    plain = normalised(password).casefold()
    if len(set(plain)) < 5 or name in plain or "histovet" in plain:
        return True
    try:
        CommonPasswordValidator().validate(plain)
    except ValidationError:
        return True
    return False


def _begin_enrolment(account: Account, now: dt.datetime) -> str:
    """Set the columns, which the caller stores; return the code."""
    code = base64.b32encode(secrets.token_bytes(_ENROLMENT_BYTES)).decode().rstrip("=")
    account.enrolment_digest = _enrolment_digests(account.name, code)[0]
    account.enrolment_until = now + ENROLMENT_LIFE
    account.factor_step = 0
    Factor.new().seal_for(account)
    return grouped(code)


def _enrolment_digests(name: str, code: str) -> list[bytes]:
    """Of this account alone: put into the row of another, it lets nobody enrol there."""
    return digests("operator enrolment", f"{name}\0{code}".encode())


@contextmanager
def _changed(account: Account) -> Iterator[None]:
    """What is done, its entry and the end of all sessions are one transaction."""
    with transaction.atomic():
        yield
        Session.objects.filter(account=account).delete()
