"""The keys of links, derived once in a process."""

from __future__ import annotations

import functools

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import LinkKeys


@functools.cache
def link_keys() -> LinkKeys:
    """Raises KeyRingError."""
    return LinkKeys(site_ring())
