"""gunicorn as it serves the site, in processes of its own, spoken to byte by byte."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from histovet.local.state import REPOSITORY

_UP_SECONDS = 30
_LISTENING = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Site:
    """`log` is all that its processes write, `pid` the one that started the others."""

    log: Path
    pid: int
    port: int
    unix: Path

    def send(self, request: bytes, *, over_unix: bool = False) -> bytes:
        """Return what is answered until the site or the patience of the test ends it."""
        family = socket.AF_UNIX if over_unix else socket.AF_INET
        address = str(self.unix) if over_unix else ("127.0.0.1", self.port)
        answer = b""
        with socket.socket(family) as client:
            client.settimeout(_UP_SECONDS)
            client.connect(address)
            client.sendall(request)
            with contextlib.suppress(ConnectionError):
                client.shutdown(socket.SHUT_WR)
                while part := client.recv(65536):
                    answer += part
        return answer


@contextlib.contextmanager
def site(
    environment: dict[str, str], *, workers: int = 1, log_folder: Path | None = None
) -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        log, unix = Path(log_folder or folder, "log"), Path(folder, "socket")
        with log.open("wb") as file:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn"),
                    *(
                        "--config",
                        "python:histovet.gunicorn",
                        "--workers",
                        str(workers),
                    ),
                    *("--bind", "127.0.0.1:0", "--bind", f"unix:{unix}"),
                ],
                cwd=REPOSITORY,
                env=environment,
                stdout=file,
                stderr=file,
            )
        try:
            yield Site(log, process.pid, _port(process, log), unix)
        finally:
            process.terminate()
            process.wait(_UP_SECONDS)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for gunicorn to say where it listens."""
    deadline = time.monotonic() + _UP_SECONDS
    while not (said := _LISTENING.search(log.read_text())):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return int(said[1])
