"""The browser of the tests: Debian's chromium."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from histovet.local.processes import Children
from histovet.local.terminal import say

CHROMIUM = Path("/usr/bin/chromium")
HOW_TO_HAVE_IT = "as root: apt-get install chromium"


def ensure_chromium(family: Children, environment: Mapping[str, str]) -> None:
    """Install chromium when it is missing and we may; the tests cope without."""
    if CHROMIUM.exists() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say("Installing the browser of the tests: apt-get install chromium")
    quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    family.run(["apt-get", "-qq", "update"], quiet)
    install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install"]
    if family.run([*install, "chromium"], quiet) != 0:
        say("chromium could not be installed; the tests say what they skip")
