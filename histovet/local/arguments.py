"""What the commands are given, read before anything is begun for it."""

import os
from pathlib import Path

from histovet.local.errors import LocalError, WrongUse
from histovet.local.state import REPOSITORY

_PROOFS = REPOSITORY / "tests" / "proofs"


def port(text: str) -> int:
    """Return the port; raise WrongUse unless it is one that a site can have."""
    if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536:
        return int(text)
    raise WrongUse(f"{text} is no port; give one from 1 to 65535: make run PORT=8001")


def inspections(text: str) -> str:
    """Return where inspections come from; raise WrongUse unless it is one of two."""
    if text in ("feed", "utac"):
        return text
    raise WrongUse(f"{text} gives no inspections; INSPECTIONS is feed or utac")


def proof(name: str) -> Path | None:
    """Return the file of the proof, None for no name; raise WrongUse without one."""
    files = {
        file.stem.removeprefix("test_"): file for file in _PROOFS.glob("test_*.py")
    }
    if name and name not in files:
        known = ", ".join(sorted(files))
        raise WrongUse(f"there is no proof {name}; ONLY names one of: {known}")
    return files.get(name)


def feed(text: str) -> Path:
    """Return the folder of extracts; raise LocalError unless it can be read."""
    folder = Path(os.path.abspath(text))
    if not os.path.isdir(folder):
        raise LocalError(
            f"{folder} is no folder that we can reach; FEED names the folder of the "
            "extracts"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise LocalError(
            f"{folder} is closed to us; let this user read and enter it: "
            "chmod u+rx, or ask its owner"
        )
    return folder
