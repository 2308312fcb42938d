"""The developer's terminal, which may be closed at any moment."""

import os
import select
import sys

from histovet.local.errors import LocalError, WrongUse


class Terminal:
    """The terminal that controls us, if there is one."""

    def __init__(self) -> None:
        self._in_foreground = False
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open("/dev/tty", os.O_RDONLY)
        except OSError:
            # None controls us: a job of cron or of continuous integration.
            return
        self.was_closed_on_us()

    def was_closed_on_us(self) -> bool:
        """Tell whether it is gone, and we were in its foreground when last asked.

        The kernel tells the session's leader alone. A shell passes it on; make, where
        it is the leader (`ssh -t host make run`), waits for us instead. In the
        background we are the shell's: it tells us, unless we were disowned.
        """
        if self._descriptor is None:
            return False
        poll = select.poll()
        poll.register(self._descriptor, 0)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            return self._in_foreground
        try:
            self._in_foreground = os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            # Closed this moment: the next look tells.
            pass
        return False

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def say(line: str = "") -> None:
    """Print a line at once; a closed terminal takes nothing and stops nothing."""
    try:
        print(line, flush=True)
    except OSError:
        # Nobody reads any more, and what is under way still has to be ended.
        return


def fail(error: LocalError) -> int:
    """Say what is wrong on the error output; return the status to exit with."""
    try:
        print(f"histovet: {error}", file=sys.stderr, flush=True)
    except OSError:
        # As above.
        pass
    return 2 if isinstance(error, WrongUse) else 1
