"""The seller's cookie: which certificate was typed right, for half an hour.

It holds the identity alone, sealed; never a name.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from histovet.cookies import SealedCookie
from pseudonymizer.envelope import identity_bytes, identity_of
from pseudonymizer.records import Identity

LIFE_SECONDS = 30 * 60

_COOKIE = SealedCookie(
    "seller cookie", "seller", prefix="__Host-", life_seconds=LIFE_SECONDS
)


def give(response: HttpResponse, identity: Identity, *, now: int) -> None:
    """Let the browser that gets this response read this identity's report."""
    _COOKIE.give(response, identity_bytes(identity), now=now)


def identity_in(request: HttpRequest, *, now: int) -> Identity | None:
    """Return the identity that was given, None when it is over or was never given."""
    content = _COOKIE.content(request, now=now)
    return None if content is None else identity_of(content)


def take_back(response: HttpResponse) -> None:
    _COOKIE.take_back(response)
