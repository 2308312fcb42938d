"""The two key rings, as their files are now.

A rotation is seen by every process without a restart: what another one has just sealed
under a new version opens here. Source: docs/operations.md.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import KeyRing

logger = logging.getLogger(__name__)

# What changes with every change of a file; None for one that is not there.
_Mark = tuple[int, ...] | None


class _ReadRing(NamedTuple):
    path: Path
    mark: _Mark
    ring: KeyRing


# By purpose.
_read: dict[str, _ReadRing] = {}


def register_ring() -> KeyRing:
    """Return the ring that job and site share; the same object until its file changes.

    Raises KeyRingError.
    """
    return _ring(settings.REGISTER_KEYS_PATH, "register")


def site_ring() -> KeyRing:
    """Return the ring of the site alone; the same object until its file changes.

    Raises KeyRingError.
    """
    return _ring(settings.SITE_KEYS_PATH, "site")


def _ring(path: Path, purpose: str) -> KeyRing:
    known = _read.get(purpose)
    # Compared as the objects that they are: this is asked several times a request.
    if known is not None and known.path is not path:
        known = None
    # Before it is read: of two changes at once the second is then seen the next time.
    mark = _mark(path)
    if known is not None and known.mark == mark:
        return known.ring
    try:
        ring = KeyRing.read(path, purpose)
    except KeyRingError as exc:
        if known is None:
            raise
        # A site that runs goes on; it would not start.
        logger.error("%s; the ring that was read before stays in use", exc)
        ring = known.ring
    _read[purpose] = _ReadRing(path, mark, ring)
    return ring


def _mark(path: Path) -> _Mark:
    try:
        status = os.stat(path)
    except OSError:
        return None
    # The last of them is that of a mode that was corrected.
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
