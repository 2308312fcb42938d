"""Real commands on state folders of their own, with a PostgreSQL server each."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from histovet.local.state import REPOSITORY

# A machine with other work is slow.
_UP_SECONDS = 60


class Command:
    """A `python -m histovet.local` under way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def first_line(self) -> str:
        """Wait for the command to be up, told by the first line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, signum: signal.Signals) -> float:
        """Return the seconds that it took to end."""
        began = time.monotonic()
        self.process.send_signal(signum)
        self.process.wait(_UP_SECONDS)
        return time.monotonic() - began


class Machine:
    """One state folder, and who runs on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        if os.geteuid() == 0:
            _let_nobody_reach(state)
        self.environment = {
            **{k: v for k, v in os.environ.items() if k != "DATABASE_URL"},
            "HISTOVET_STATE": str(state),
        }

    def start(self, *arguments: str, under: Sequence[str] = ()) -> Command:
        return Command(
            subprocess.Popen(
                [*under, sys.executable, "-m", "histovet.local", *arguments],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def sleeper(self) -> Command:
        """Return a user of the server that stays until it is ended, and is up."""
        command = self.start("exec", "--", "sh", "-c", "echo up; exec sleep 600")
        assert command.first_line() == "up"
        return command

    def run(
        self, *arguments: str, under: Sequence[str] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*under, sys.executable, "-m", "histovet.local", *arguments],
            check=False,
            cwd=REPOSITORY,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=_UP_SECONDS,
        )

    def clean(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "histovet.local.clean"],
            check=False,
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_UP_SECONDS,
        )

    def cluster(self) -> Path:
        (found,) = self.state.glob("postgres-*")
        return found

    def postmasters(self) -> list[int]:
        data = os.fsencode(self.state)
        return [
            pid
            for pid, words in _command_lines().items()
            if words[0].endswith(b"/postgres") and words[2].startswith(data)
        ]

    def processes(self) -> list[int]:
        """Return every process that was started for this state folder."""
        mark = b"HISTOVET_STATE=" + os.fsencode(self.state)
        found = []
        for pid in _command_lines():
            try:
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if mark in variables:
                found.append(pid)
        return found

    def is_quiet(self, within_seconds: float = 1) -> bool:
        """Tell whether nothing runs here any more, waiting a little for the last."""
        deadline = time.monotonic() + within_seconds
        while self.processes() or self.postmasters():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _let_nobody_reach(state: Path) -> None:
    """Open the private folders above: root's server may have to run as nobody."""
    for folder in (state, *state.parents):
        if folder.exists():
            if stat.S_IMODE(folder.stat().st_mode) != 0o700:
                return
            folder.chmod(0o711)


def _command_lines() -> dict[int, list[bytes]]:
    found = {}
    for entry in os.listdir("/proc"):
        try:
            words = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if entry.isdigit() and len(words) > 2:
            found[int(entry)] = words
    return found


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A state folder on which a server ran before; tests leave it quiet."""
    machine = Machine(tmp_path_factory.mktemp("state"))
    assert machine.run("exec", "--", "true").returncode == 0
    yield machine
    left = machine.processes()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left
