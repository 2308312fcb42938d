"""The virtual environment: made once, brought up to date when requirements change.

Run by the machine's own Python 3.11, so on nothing but its standard library:
`python3.11 -m histovet.local.venv` prints nothing when there is nothing to do.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from histovet.local.errors import LocalError, Stopped
from histovet.local.locks import exclusive
from histovet.local.processes import Children, children
from histovet.local.state import REPOSITORY, State, open_state
from histovet.local.temporary import temporary_folder
from histovet.local.terminal import fail, say

_REQUIREMENTS = REPOSITORY / "requirements-dev.txt"


def ensure_venv(state: State, family: Children) -> None:
    """Install what requirements-dev.txt names, unless that very file was installed.

    Raises CommandFailed, for instance without network.
    """

    def waiting() -> None:
        say("Waiting for another make to finish the virtual environment")

    with (
        exclusive(state.lock("venv"), family.pause, waiting),
        temporary_folder(state) as temporary,
    ):
        environment = {**os.environ, "TMPDIR": str(temporary)}
        installed = state.venv / "requirements.sha256"
        wanted = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
        if installed.exists() and installed.read_text() == wanted:
            return
        python = state.venv / "bin" / "python"
        # Without this mark an earlier attempt was killed half way.
        made = state.venv / "made"
        if not made.exists():
            shutil.rmtree(state.venv, ignore_errors=True)
            _make(state.venv, family, environment)
            made.touch()
        installed.unlink(missing_ok=True)
        say("Installing the dependencies of requirements-dev.txt (about a minute)")
        family.check(
            "pip install",
            [
                str(python),
                "-m",
                "pip",
                "install",
                *("--quiet", "--quiet"),
                "--no-input",
                "--disable-pip-version-check",
                # Compiled where the cache is, see the Makefile.
                "--no-compile",
                "--require-hashes",
                # To build a package is to run what its archive brings.
                "--only-binary=:all:",
                "--requirement",
                str(_REQUIREMENTS),
            ],
            environment,
        )
        installed.write_text(wanted)


def _make(folder: Path, family: Children, environment: Mapping[str, str]) -> None:
    say(f"Making the virtual environment {folder}")
    family.check(
        "python -m venv", [sys.executable, "-m", "venv", str(folder)], environment
    )


def main() -> int:
    try:
        with children() as family:
            ensure_venv(open_state(), family)
    except LocalError as exc:
        return fail(exc)
    except Stopped as exc:
        return 128 + exc.signum
    return 0


if __name__ == "__main__":
    sys.exit(main())
