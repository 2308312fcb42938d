"""The exceptions of asking UTAC.

UtacError
├── UtacFailed       it cannot be reached, or did not answer as the protocol says
├── UtacPaused       it is left alone: it failed too often, or asked for a pause
└── AnswerRefused    it answered, and what it says cannot be true of this vehicle

`reason` is a word for the log; no message carries a plate, a VIN or what was answered.
"""

from __future__ import annotations


class UtacError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UtacFailed(UtacError):
    """`pause_seconds` is for how long the source asked to be left alone."""

    def __init__(self, reason: str, pause_seconds: int | None = None) -> None:
        super().__init__(reason)
        self.pause_seconds = pause_seconds


class UtacPaused(UtacError):
    pass


class AnswerRefused(UtacError):
    pass
