"""Leaves a source that fails alone for a while, in this process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

FAILURES = 3
OPEN_SECONDS = 30.0
# A source that asks for more may have meant another unit.
PAUSE_SECONDS_MAX = 600

_logger = logging.getLogger(__name__)


class Breaker:
    """Open, it lets nobody through; once its time is over, one each OPEN_SECONDS, until
    one succeeds. `clock` gives seconds that never go back.

    Whoever was let through says how it ended: `succeeded` or `failed`, once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None
        self._is_probing = False

    def lets_through(self) -> bool:
        with self._lock:
            if self._open_until is None:
                return True
            now = self._clock()
            if now < self._open_until:
                return False
            # Should the one that goes never say how it ended, another goes later.
            self._open_until = now + OPEN_SECONDS
            self._is_probing = True
            return True

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def succeeded(self) -> None:
        with self._lock:
            if self._open_until is not None:
                # One that began before the source failed says nothing of it now.
                if not self._is_probing:
                    return
                _logger.info("utac closed: it is asked again")
            self._failures = 0
            self._open_until = None
            self._is_probing = False

    def failed(self, reason: str, pause_seconds: int | None = None) -> None:
        with self._lock:
            self._failures += 1
            if pause_seconds is not None:
                self._open(reason, min(pause_seconds, PAUSE_SECONDS_MAX))
            elif self._is_probing or self._failures >= FAILURES:
                self._open(reason, OPEN_SECONDS)

    def _open(self, reason: str, seconds: float) -> None:
        if self._open_until is None:
            _logger.warning(
                "utac opened: it is left alone reason=%s seconds=%d", reason, seconds
            )
        until = self._clock() + seconds
        # What failed late must not shorten the pause that the source asked for.
        self._open_until = max(until, self._open_until or until)
        self._is_probing = False
