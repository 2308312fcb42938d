"""The programs of poppler-utils, which read a PDF as others do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def program(name: str, package: str = "poppler-utils") -> str:
    """Return its path; skip the test without it, and fail it in CI."""
    found = shutil.which(name)
    if found is None:
        reason = f"no {name}; as root: apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found


def text_of(document: bytes) -> str:
    """Return what is read on the pages, in the order of the file."""
    command = [program("pdftotext"), "-raw", "-enc", "UTF-8", "-", "-"]
    return subprocess.run(
        command, input=document, capture_output=True, check=True
    ).stdout.decode()


def signatures_of(document: bytes, folder: Path) -> str:
    """Return what pdfsig says, which does not ask who the signatory is."""
    path = folder / "document.pdf"
    path.write_bytes(document)
    command = [program("pdfsig"), "-nocert", str(path)]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout
