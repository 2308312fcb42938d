"""make clean: remove what the commands made in the state folder, nothing else of it.

Run by the machine's own Python, so on nothing but its standard library: the virtual
environment is among what goes. `python3.11 -m histovet.local.clean`
"""

import shutil
import sys
from pathlib import Path

from histovet.local.errors import LocalError
from histovet.local.postgres import clusters, stop_unused
from histovet.local.state import State, open_state
from histovet.local.terminal import fail


def clean(state: State) -> None:
    """Stop the database and remove what was made; raise LocalError while it is used."""
    stop_unused(state.root)
    for path in [*clusters(state.root), *state.made()]:
        _remove(path)
    # The folder may be somebody's own and hold more.
    if not any(state.root.iterdir()):
        state.root.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> int:
    try:
        clean(open_state())
    except LocalError as exc:
        return fail(exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
