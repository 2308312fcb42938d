"""A partner's key → the partner, in one query and one answer for every wrong key."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass

from histovet.statements import one_row

_PREFIX = "hv_"
_KEY_BYTES = 32
_KEY = re.compile(r"hv_[A-Za-z0-9_-]{43}")
# Enough to tell the keys of a list apart: 36 of 256 bits.
SHOWN_CHARACTERS = len(_PREFIX) + 6


@dataclass(frozen=True, slots=True)
class Partner:
    """Who asks, as one of its keys says.

    `failures_today` are searches that found nothing, with any of its keys.
    """

    key_id: int
    name: str
    scopes: tuple[str, ...]
    rate: str
    daily_quota: int | None
    failures_today: int


def new_key() -> str:
    return _PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def shown_part(key: str) -> str:
    """Return the beginning by which people recognise a key."""
    return key[:SHOWN_CHARACTERS]


def key_digest(key: str) -> bytes:
    """Return the 32 bytes stored for a key.

    Without a key of its own and without salt: 256 random bits are beyond any search.
    """
    return hashlib.sha256(key.encode("ascii")).digest()


def authenticate(key: str, now: dt.datetime) -> Partner | None:
    """Return the partner whose key this is; None when it is unknown, expired or
    suspended. Notes the day of the last use."""
    if not _KEY.fullmatch(key):
        return None
    today = now.date()
    row = one_row(
        """
        SELECT k.id, k.name, k.scopes, k.rate, k.daily_quota, k.last_used_on,
            (
                SELECT coalesce(sum(f.failures), 0) FROM partners_key f
                WHERE f.name = k.name AND f.failed_on = %s
            )
        FROM partners_key k
        WHERE k.digest = %s AND k.suspended_at IS NULL AND k.expires_at > %s
        """,
        (today, key_digest(key), now),
    )
    if row is None:
        return None
    key_id, name, scopes, rate, daily_quota, last_used_on, failures = row
    # The day is enough to find keys that nobody uses, and one write a day.
    if last_used_on != today:
        one_row(
            "UPDATE partners_key SET last_used_on = %s WHERE id = %s RETURNING id",
            (today, key_id),
        )
    return Partner(key_id, name, tuple(scopes), rate, daily_quota, failures)
