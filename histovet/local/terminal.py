"""Lines for the developer's terminal, which may have been closed."""

import sys

from histovet.local.errors import LocalError


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
    return 1
