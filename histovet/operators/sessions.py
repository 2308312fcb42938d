"""A browser that is signed in: for eight hours at most, and half an hour unused.

The cookie is sealed and says itself when it is over; each answer gives it anew, so that
reading a page writes nothing. Its secret finds the row that an end deletes.
"""

from __future__ import annotations

import datetime as dt
import secrets

from django.http import HttpRequest, HttpResponse

from histovet.cookies import SealedCookie
from histovet.operators.keys import digests
from histovet.operators.models import Account, Session

IDLE = dt.timedelta(minutes=30)
WHOLE = dt.timedelta(hours=8)
_SECRET_BYTES = 32

_cookie = SealedCookie(
    "operator cookie",
    "operator",
    prefix="__Host-",
    life_seconds=int(IDLE.total_seconds()),
    samesite="Strict",
)


def begin(account: Account, response: HttpResponse, now: dt.datetime) -> None:
    # Nobody else reads them any more.
    Session.objects.filter(created_at__lte=now - WHOLE).delete()
    secret = secrets.token_bytes(_SECRET_BYTES)
    Session.objects.create(
        digest=digests("operator session", secret)[0], account=account, created_at=now
    )
    _cookie.give(response, secret, now=int(now.timestamp()))


def of(request: HttpRequest, now: dt.datetime) -> tuple[Session, bytes] | None:
    """Return the session of this browser and its secret, None when there is none."""
    secret = _cookie.content(request, now=int(now.timestamp()))
    if secret is None:
        return None
    session = (
        Session.objects.select_related("account")
        .filter(
            digest__in=digests("operator session", secret),
            created_at__gt=now - WHOLE,
            account__suspended_at=None,
        )
        .first()
    )
    return None if session is None else (session, secret)


def renew(response: HttpResponse, secret: bytes, now: dt.datetime) -> None:
    _cookie.give(response, secret, now=int(now.timestamp()))


def end(session: Session) -> None:
    session.delete()


def take_back(response: HttpResponse) -> None:
    _cookie.take_back(response)
