"""The browser of the tests: Debian's chromium."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from histovet.local.processes import Children
from histovet.local.terminal import say

# The same engine without all that is around a page takes half the processor.
_HEADLESS, _WHOLE = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")
CHROMIUM = _HEADLESS if _HEADLESS.exists() or not _WHOLE.exists() else _WHOLE
HOW_TO_HAVE_IT = "as root: apt-get install chromium-headless-shell"


def ensure_chromium(family: Children, environment: Mapping[str, str]) -> None:
    """Install chromium when it is missing and we may; the tests cope without."""
    if CHROMIUM.exists() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say(f"Installing the browser of the tests: apt-get install {CHROMIUM.name}")
    quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    family.run(["apt-get", "-qq", "update"], quiet)
    install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install"]
    if family.run([*install, CHROMIUM.name], quiet) != 0:
        say("chromium could not be installed; the tests say what they skip")
