"""The keys of links, derived once from a ring."""

from __future__ import annotations

import functools

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import LinkKeys
from pseudonymizer.key_ring import KeyRing


def link_keys() -> LinkKeys:
    """Raises KeyRingError."""
    return _of(site_ring())


@functools.lru_cache(maxsize=1)
def _of(ring: KeyRing) -> LinkKeys:
    return LinkKeys(ring)
