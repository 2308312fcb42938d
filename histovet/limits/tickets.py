"""A ticket, for browsers without JavaScript: whoever waits is answered, one at a time.

Source: docs/guessing.md, pseudonymizer/SPEC.md section 10.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import secrets
import struct
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest

from histovet.limits.clients import networks
from histovet.limits.counting import count
from histovet.limits.errors import TicketRefused, TicketUnripe
from histovet.limits.keys import throttle_value
from histovet.vault.keys import site_ring
from pseudonymizer.envelope import SiteSeal
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.key_ring import KeyRing

# Three a minute from one network at most.
WAIT_SECONDS = 20
LIFE_SECONDS = 300
TEXT_MAX = 200

_DAY_SECONDS = 24 * 3600
# When it is ripe, in seconds since 1970; a number of its own; for which network, day
# and purpose.
_CONTENT = struct.Struct(">Q8s16s")


@dataclass(frozen=True, slots=True)
class Ticket:
    """`text` is what the form brings back, in `wait_seconds` at the earliest."""

    text: str
    wait_seconds: int


def give(request: HttpRequest, purpose: str, now: dt.datetime) -> Ticket | None:
    """Return a ticket, None while the client's network has one that is not used."""
    holder = _holder(request, purpose, now)
    # What is spent gives its successor another name: a thread that has seen a counter
    # trusts that it lasts, so none is ever deleted.
    spent = cache.get(f"tickets:{holder}", 0)
    if not cache.add(f"ticket:{holder}:{spent}", 1, LIFE_SECONDS):
        return None
    seconds = int(now.timestamp())
    content = _CONTENT.pack(
        seconds + WAIT_SECONDS, secrets.token_bytes(8), bytes.fromhex(holder)
    )
    sealed = _seal(site_ring()).seal(content, expires_at=seconds + LIFE_SECONDS)
    return Ticket(base64.urlsafe_b64encode(sealed).decode("ascii"), WAIT_SECONDS)


def spend(text: str, request: HttpRequest, purpose: str, now: dt.datetime) -> None:
    """Take a ticket for this one time.

    Raises TicketRefused, or TicketUnripe for one that stays good.
    """
    seconds = int(now.timestamp())
    holder, ripe_at, number = _opened(text, request, purpose, now)
    if ripe_at > seconds:
        raise TicketUnripe(ripe_at - seconds)
    _use(holder, number)


def give_back(text: str, request: HttpRequest, purpose: str, now: dt.datetime) -> None:
    """Let the network have another: this one, ripe or not, is not used any more.

    Raises TicketRefused.
    """
    holder, _, number = _opened(text, request, purpose, now)
    _use(holder, number)


def _opened(
    text: str, request: HttpRequest, purpose: str, now: dt.datetime
) -> tuple[str, int, bytes]:
    try:
        if len(text) > TEXT_MAX:
            raise TicketRefused("unreadable")
        sealed = base64.b64decode(text, altchars=b"-_", validate=True)
        content = _seal(site_ring()).open(sealed, now=int(now.timestamp()))
    except (ValueError, EnvelopeError) as exc:
        raise TicketRefused("unreadable") from exc
    ripe_at, number, holder = _CONTENT.unpack(content)
    if holder.hex() != _holder(request, purpose, now):
        raise TicketRefused("elsewhere")
    return holder.hex(), ripe_at, number


def _use(holder: str, number: bytes) -> None:
    # Remembered for longer than it is good, whatever the clocks differ by.
    if not cache.add(f"ticket used:{number.hex()}", 1, 2 * LIFE_SECONDS):
        raise TicketRefused("used")
    count(f"tickets:{holder}", _DAY_SECONDS)


def _holder(request: HttpRequest, purpose: str, now: dt.datetime) -> str:
    """Return the throttle value of the client's narrowest network."""
    narrowest = next(iter(networks(request)))
    return throttle_value(f"ticket {purpose}", narrowest, now.date())


# One ring, and the one before it.
@functools.lru_cache(maxsize=2)
def _seal(ring: KeyRing) -> SiteSeal:
    return SiteSeal(ring, "ticket")
