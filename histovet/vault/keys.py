"""The two key rings, each read once in a process."""

from __future__ import annotations

import functools
from pathlib import Path

from django.conf import settings

from pseudonymizer.envelope import KeyRing


def register_ring() -> KeyRing:
    """Return the ring that job and site share. Raises KeyRingError."""
    return _read(settings.REGISTER_KEYS_PATH, "register")


def site_ring() -> KeyRing:
    """Return the ring of the site alone. Raises KeyRingError."""
    return _read(settings.SITE_KEYS_PATH, "site")


@functools.cache
def _read(path: Path, purpose: str) -> KeyRing:
    return KeyRing.read(path, purpose)
