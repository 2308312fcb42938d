"""How many adverts a partner may have compared with the vehicle of one link.

What was claimed is kept as a digest in the row of the link, under a key of the site and
the link's own secret: who has the database and the keys can test no guess without the
link. It is erased when the link ends. Source: SPEC.md section 11.
"""

from __future__ import annotations

import enum
import functools

from django.db import transaction

from histovet.statements import one_row
from histovet.vault.keys import site_ring
from pseudonymizer.envelope import Hmac, link_id
from pseudonymizer.key_ring import KeyRing

# Three answers to different claims narrow nothing down, and leave room for two slips.
CLAIM_SETS_MAX = 3

_PARTNER_BYTES = 8
_DIGEST_BYTES = 16

# Claims are counted one after the other: whoever sends a hundred at once is answered
# as many as who sends them in turn.
_LOCK = """
    SELECT key_version, claims FROM sharing_link
    WHERE public_id = %s AND ended_at IS NULL FOR NO KEY UPDATE
"""
_KEEP = """
    UPDATE sharing_link SET claims = coalesce(claims, ''::bytea) || %s
    WHERE public_id = %s RETURNING 1
"""


class Admission(enum.Enum):
    ADMITTED = "admitted"
    USED_UP = "used up"
    ENDED = "ended"


def admit(secret: bytes, folded_partner: str, claims: bytes) -> Admission:
    """Tell whether these claims may be compared, and count them unless this partner made
    the very same before. `claims` are one text for claims that mean the same.

    Raises KeyRingError.
    """
    public_id = link_id(secret)
    with transaction.atomic():
        row = one_row(_LOCK, (public_id,))
        if row is None:
            return Admission.ENDED
        version, kept = row[0], bytes(row[1] or b"")
        partner = _partner(secret, folded_partner, version)
        entry = partner + _digest(secret, b"claims", claims, version)[:_DIGEST_BYTES]
        made = [one for one in _entries(kept) if one.startswith(partner)]
        if entry in made:
            return Admission.ADMITTED
        if len(made) >= CLAIM_SETS_MAX:
            return Admission.USED_UP
        one_row(_KEEP, (entry, public_id))
    return Admission.ADMITTED


def _entries(kept: bytes) -> list[bytes]:
    size = _PARTNER_BYTES + _DIGEST_BYTES
    return [kept[at : at + size] for at in range(0, len(kept), size)]


def _partner(secret: bytes, folded_partner: str, version: int) -> bytes:
    digest = _digest(secret, b"partner", folded_partner.encode(), version)
    return digest[:_PARTNER_BYTES]


def _digest(secret: bytes, what: bytes, content: bytes, version: int) -> bytes:
    return _key(site_ring(), version).digest(secret + what + b"\0" + content)


@functools.lru_cache(maxsize=8)
def _key(ring: KeyRing, version: int) -> Hmac:
    return Hmac(ring.derive("claims", version=version))
