"""The seller's cookie: which certificate was typed right, for half an hour.

It holds the identity alone, sealed; never a name. The server keeps nothing.
"""

from __future__ import annotations

import base64
import functools

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import SiteSeal, identity_bytes, identity_of
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.records import Identity

LIFE_SECONDS = 30 * 60


def give(response: HttpResponse, identity: Identity, *, now: int) -> None:
    """Let the browser that gets this response read this identity's report."""
    sealed = _seal().seal(identity_bytes(identity), expires_at=now + LIFE_SECONDS)
    response.set_cookie(
        _name(),
        base64.urlsafe_b64encode(sealed).decode("ascii"),
        max_age=LIFE_SECONDS,
        secure=not settings.DEVELOPMENT,
        httponly=True,
        samesite="Lax",
    )


def identity_in(request: HttpRequest, *, now: int) -> Identity | None:
    """Return the identity that was given, None when it is over or was never given."""
    value = request.COOKIES.get(_name(), "")
    try:
        sealed = base64.b64decode(value, altchars=b"-_", validate=True)
        return identity_of(_seal().open(sealed, now=now))
    except (ValueError, EnvelopeError):
        return None


def take_back(response: HttpResponse) -> None:
    response.delete_cookie(_name(), samesite="Lax")


def _name() -> str:
    # The prefix makes browsers refuse the cookie over plain http, where development
    # runs.
    return "seller" if settings.DEVELOPMENT else "__Host-seller"


@functools.cache
def _seal() -> SiteSeal:
    return SiteSeal(site_ring(), "seller cookie")
