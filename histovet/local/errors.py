"""What can go wrong on a developer's machine.

LocalError          the message says what is wrong and what to do
├── CommandFailed   a command we started ended with another status than 0
└── WrongUse        a value that we were given cannot be meant

Stopped             somebody asked us to end: Ctrl-C, TERM, a closed terminal
"""

import signal


class LocalError(Exception):
    """What is wrong and what to do about it, as one line for the terminal."""


class CommandFailed(LocalError):
    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what} failed with status {status}; its lines above say why")
        self.status = status


class WrongUse(LocalError):
    """A value that we were given cannot be meant; nothing was begun."""


class Stopped(Exception):
    """We were asked to end, and every child process has ended."""

    def __init__(self, signum: signal.Signals) -> None:
        super().__init__(signum.name)
        self.signum = signum
