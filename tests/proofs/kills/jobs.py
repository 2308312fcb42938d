"""The job as a process of its own, and what it says."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Job:
    """`stage` is the last that it began, by its own words."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], url: str
    ) -> None:
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pseudonymizer", *arguments],
            env={**environment, "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.output, self.errors = "", ""
        self.stage = "start"
        self.ended: float | None = None
        self._readers = [
            threading.Thread(target=read) for read in (self._read, self._follow)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def kill(self, *, with_workers: bool) -> None:
        """SIGKILL; also to the workers, or to the first process alone."""
        if with_workers:
            os.killpg(self.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def workers(self) -> list[int]:
        """Return the children that spawn made; another child tracks their resources."""
        try:
            tasks = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            return [
                int(child)
                for child in tasks.split()
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
            ]
        except OSError:
            return []

    def wait(self, seconds: float) -> int:
        """Return its code; raises TimeoutExpired for one that hangs."""
        code = self._process.wait(seconds)
        self.ended = time.monotonic()
        for reader in self._readers:
            # The workers of a killed job have the pipes until they notice.
            reader.join(10)
            assert not reader.is_alive(), "a worker outlives its job"
        return code

    def end(self) -> None:
        """Whatever it does, with all that it started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _read(self) -> None:
        with self._process.stdout as stream:
            self.output = stream.read()

    def _follow(self) -> None:
        with self._process.stderr as stream:
            for line in stream:
                self.errors += line
                if ": begins" in line:
                    self.stage = line.partition(":")[0]
