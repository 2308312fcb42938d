import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from histovet.local import venv
from histovet.local.errors import CommandFailed
from histovet.local.processes import children
from histovet.local.state import State


def archive(folder: Path, ran: Path) -> Path:
    """Write a package that is source alone, and says that it ran when it is built."""
    path = folder / "canary-1.0.tar.gz"
    content = {
        "setup.py": f"open({str(ran)!r}, 'w').close()\nimport setuptools\n"
        "setuptools.setup(name='canary', version='1.0')\n",
        "PKG-INFO": "Metadata-Version: 2.1\nName: canary\nVersion: 1.0\n",
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, text in content.items():
            member = tarfile.TarInfo(f"canary-1.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def test_no_package_runs_while_it_is_installed(tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    package = archive(tmp_path, ran)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        f"--no-index\n--find-links {tmp_path}\ncanary==1.0 --hash=sha256:{digest}\n"
    )
    monkeypatch.setattr(venv, "_REQUIREMENTS", requirements)
    # pip would otherwise look for what builds the package, and fail for want of it.
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")
    state = State(tmp_path / "state")
    state.root.mkdir()
    with children() as family, pytest.raises(CommandFailed):
        venv.ensure_venv(state, family)
    assert not ran.exists()
