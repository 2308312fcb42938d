"""A sealed cookie: the browser brings back what the site gave it, or nothing.

The server keeps nothing of it. Source: pseudonymizer/SPEC.md section 10.
"""

from __future__ import annotations

import base64
import functools
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import SiteSeal
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.key_ring import KeyRing


class SealedCookie:
    """`purpose` is the label of its key, `prefix` the promise that browsers hold it to:
    `__Host-`, or `__Secure-` for one that belongs to a path."""

    def __init__(
        self,
        purpose: str,
        name: str,
        *,
        prefix: str,
        life_seconds: int,
        samesite: Literal["Lax", "Strict"] = "Lax",
    ) -> None:
        self._purpose = purpose
        self._plain_name = name
        self._prefix = prefix
        self.life_seconds = life_seconds
        self._samesite = samesite

    def give(
        self,
        response: HttpResponse,
        content: bytes,
        *,
        now: int,
        suffix: str = "",
        path: str = "/",
        life_seconds: int | None = None,
    ) -> None:
        """`suffix` tells cookies apart that one response gives for several paths."""
        life = self.life_seconds if life_seconds is None else life_seconds
        sealed = _seal(site_ring(), self._purpose).seal(content, expires_at=now + life)
        response.set_cookie(
            self._name(suffix),
            base64.urlsafe_b64encode(sealed).decode("ascii"),
            max_age=life,
            path=path,
            secure=not settings.DEVELOPMENT,
            httponly=True,
            samesite=self._samesite,
        )

    def content(
        self, request: HttpRequest, *, now: int, suffix: str = ""
    ) -> bytes | None:
        """Return what was given, None when it is over or was never given."""
        value = request.COOKIES.get(self._name(suffix), "")
        try:
            sealed = base64.b64decode(value, altchars=b"-_", validate=True)
            return _seal(site_ring(), self._purpose).open(sealed, now=now)
        except (ValueError, EnvelopeError):
            return None

    def take_back(self, response: HttpResponse) -> None:
        response.delete_cookie(self._name(), samesite=self._samesite)

    def _name(self, suffix: str = "") -> str:
        # The prefix makes browsers refuse the cookie over plain http, where development
        # runs.
        return (
            f"{'' if settings.DEVELOPMENT else self._prefix}{self._plain_name}{suffix}"
        )


# More than there are purposes, of one ring.
@functools.lru_cache(maxsize=8)
def _seal(ring: KeyRing, purpose: str) -> SiteSeal:
    return SiteSeal(ring, purpose)
