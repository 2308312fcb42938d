"""What the dashboard has of the site's key ring: subkeys for these uses and no other.

It can make the key of a partner and vouch for its row; it can open no link and no
cookie of the site, and name no vehicle or network that was counted.
Source: pseudonymizer/SPEC.md section 13.
"""

from __future__ import annotations

import functools

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import FactorKeys, Hmac
from pseudonymizer.key_ring import KeyRing

LABELS = (
    "partner key",
    "partner row",
    # Of counters whose names hold nothing of anyone: histovet/limits/clients.py.
    "counter",
    "audit row",
    "operators django secret key",
    "operator factor",
    "operator cookie",
    "operator session",
    "operator enrolment",
    "operator attempt",
)


def factor_keys() -> FactorKeys:
    return FactorKeys(site_ring())


def digests(label: str, value: bytes) -> list[bytes]:
    """Return 32 bytes for each version of the ring, those of the active one first."""
    ring = site_ring()
    older = [version for version in ring.versions if version != ring.active]
    return [
        _keyed(ring, label, version).digest(value) for version in (ring.active, *older)
    ]


# Three labels, of a few versions.
@functools.lru_cache(maxsize=16)
def _keyed(ring: KeyRing, label: str, version: int) -> Hmac:
    return Hmac(ring.derive(label, version=version))
