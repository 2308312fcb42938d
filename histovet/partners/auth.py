"""A partner's key → the partner, in one query and one answer for every wrong key.

What a key gives stands in its row under a MAC, so that who writes to the database
alone makes no key and widens none.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from histovet.statements import one_row
from histovet.vault.keys import site_ring
from pseudonymizer.envelope import Hmac
from pseudonymizer.key_ring import KeyRing

logger = logging.getLogger(__name__)

_PREFIX = "hv_"
_KEY_BYTES = 32
_KEY = re.compile(r"hv_[A-Za-z0-9_-]{43}")
# Enough to tell the keys of a list apart: 36 of 256 bits.
SHOWN_CHARACTERS = len(_PREFIX) + 6

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Partner:
    """Who asks, as one of its keys says.

    `failures_today` are searches that found nothing, with any of its keys.
    """

    key_id: int
    name: str
    folded_name: str
    scopes: tuple[str, ...]
    rate: str
    daily_quota: int | None
    failures_today: int


class Terms(NamedTuple):
    """What the row of a key says and its MAC covers."""

    digest: bytes
    shown: str
    name: str
    folded_name: str
    scopes: list[str]
    rate: str
    daily_quota: int | None
    expires_at: dt.datetime
    suspended_at: dt.datetime | None


def new_key() -> str:
    return _PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def shown_part(key: str) -> str:
    """Return the beginning by which people recognise a key."""
    return key[:SHOWN_CHARACTERS]


def folded(name: str) -> str:
    """Return what two spellings of one partner have in common."""
    return unicodedata.normalize("NFKC", name).casefold()


def active_version() -> int:
    """Return the version of the site ring under which new keys are stored."""
    return site_ring().active


def key_digest(key: str, version: int) -> bytes:
    """Return the 32 bytes stored for a key. Raises KeyRingError without the version.

    Source: SPEC.md section 10.
    """
    return _key_digest(site_ring(), key, version)


def terms_mac(terms: Terms, version: int) -> bytes:
    """Return 32 bytes. Raises KeyRingError without the version.

    Source: SPEC.md section 10.
    """
    return _keyed(site_ring(), "partner row", version).digest(_encoded(terms))


def is_known(version: int) -> bool:
    """Tell whether the site's ring has that version."""
    return version in site_ring().versions


def terms_hold(terms: Terms, version: int, mac: bytes) -> bool:
    """Tell whether these are the terms that the site wrote."""
    # Who changed the row may have written any version.
    if not is_known(version):
        return False
    return secrets.compare_digest(terms_mac(terms, version), mac)


def authenticate(key: str, now: dt.datetime) -> Partner | None:
    """Return the partner whose key this is; None when it is unknown, expired,
    suspended or its row was changed. Notes the day of the last use."""
    if not _KEY.fullmatch(key):
        return None
    today, ring = now.date(), site_ring()
    row = one_row(
        """
        SELECT k.id, k.key_version, k.mac, k.last_used_on,
            (
                SELECT coalesce(sum(f.failures), 0) FROM partners_key f
                WHERE f.folded_name = k.folded_name AND f.failed_on = %s
            ),
            k.digest, k.shown, k.name, k.folded_name, k.scopes, k.rate, k.daily_quota,
            k.expires_at, k.suspended_at
        FROM partners_key k
        WHERE k.digest = ANY(%s)
        """,
        (today, [_key_digest(ring, key, version) for version in ring.versions]),
    )
    if row is None:
        return None
    key_id, version, mac, last_used_on, failures = row[:5]
    terms = Terms(*row[5:])
    if not terms_hold(terms, version, mac):
        logger.error(
            "the row of a partner's key was changed by other means than the command; "
            "see: python manage.py partner --list"
        )
        return None
    if terms.suspended_at is not None or terms.expires_at <= now:
        return None
    # The day is enough to find keys that nobody uses, and one write a day.
    if last_used_on != today:
        one_row(
            "UPDATE partners_key SET last_used_on = %s WHERE id = %s RETURNING id",
            (today, key_id),
        )
    return Partner(
        key_id,
        terms.name,
        terms.folded_name,
        tuple(terms.scopes),
        terms.rate,
        terms.daily_quota,
        failures,
    )


def _key_digest(ring: KeyRing, key: str, version: int) -> bytes:
    return _keyed(ring, "partner key", version).digest(key.encode("ascii"))


def _encoded(terms: Terms) -> bytes:
    """Each value with its length before it, the scopes, which are several, last.

    Source: SPEC.md section 10.
    """
    values = (
        terms.digest,
        terms.shown.encode(),
        terms.name.encode(),
        terms.folded_name.encode(),
        terms.rate.encode(),
        None if terms.daily_quota is None else b"%d" % terms.daily_quota,
        _microseconds(terms.expires_at),
        None if terms.suspended_at is None else _microseconds(terms.suspended_at),
        *(scope.encode() for scope in terms.scopes),
    )
    return b"".join(
        b"\0" if value is None else b"\1" + len(value).to_bytes(4, "big") + value
        for value in values
    )


def _microseconds(moment: dt.datetime) -> bytes:
    return b"%d" % ((moment - _EPOCH) // dt.timedelta(microseconds=1))


# Two labels, of more versions than a ring needs at a time.
@functools.lru_cache(maxsize=16)
def _keyed(ring: KeyRing, label: str, version: int) -> Hmac:
    return Hmac(ring.derive(label, version=version))
