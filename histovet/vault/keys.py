"""The two key rings, as their files are now.

A rotation is seen by every process without a restart: what another one has just sealed
under a new version opens here. A request looks at each file once, when it first needs the
ring, and every command each time. Source: docs/operations.md.
"""

from __future__ import annotations

import logging
import os
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from histovet.logs import current_request_id
from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import KeyRing

logger = logging.getLogger(__name__)

# What changes with every change of a file; None for one that is not there.
_Mark = tuple[int, ...] | None


class _ReadRing(NamedTuple):
    path: Path
    mark: _Mark
    ring: KeyRing


class _LookedAt(NamedTuple):
    request_id: str
    path: Path
    ring: KeyRing


# By purpose.
_read: dict[str, _ReadRing] = {}
# What this request has looked at. Each look is 6 µs, and a request needs a key six times.
_looked_at: dict[str, ContextVar[_LookedAt | None]] = {
    purpose: ContextVar(f"looked_at_{purpose}", default=None)
    for purpose in ("register", "site")
}


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


def look_anew() -> None:
    """Have this request look at the files again: what it read since is newer than what
    it saw there."""
    for looked_at in _looked_at.values():
        looked_at.set(None)


def _ring(path: Path, purpose: str) -> KeyRing:
    request_id = current_request_id.get()
    seen = _looked_at[purpose].get()
    # Paths are compared as the objects that they are.
    if (
        seen is not None
        and request_id
        and seen.request_id == request_id
        and seen.path is path
    ):
        return seen.ring
    ring = _ring_now(path, purpose)
    _looked_at[purpose].set(_LookedAt(request_id, path, ring))
    return ring


def _ring_now(path: Path, purpose: str) -> KeyRing:
    known = _read.get(purpose)
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
