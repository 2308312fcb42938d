"""The site goes on while its parts go: make proofs ONLY=operation.

A steady client asks through nginx; what it saw is counted by status.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.attacks.serving import Site, site
from tests.deploy.proxy import Proxy, asked, proxy, written
from tests.deploy.test_systemd import collect_static_files, host  # noqa: F401
from tests.deploy.units import unit
from tests.outside import folder_outside
from tests.partner import new_key
from tests.proofs import figures
from tests.proofs.servers import server

pytestmark = pytest.mark.proof

CLIENTS = 4
_SECONDS = 90


@dataclass
class Seen:
    """Statuses by what was going on; "failed" is an answer that did not come."""

    by_phase: dict[str, Counter[str]] = field(default_factory=dict)
    phase: str = "before"

    def count(self, what: str) -> None:
        self.by_phase.setdefault(self.phase, Counter())[what] += 1


@contextlib.contextmanager
def asking(running: Proxy, request: bytes) -> Iterator[Seen]:
    """Ask again and again, from some clients at once, each on a connection of its own."""
    seen, done = Seen(), threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                seen.count(str(written(running.send(request))[0]))
            except (OSError, IndexError):
                seen.count("failed")
            time.sleep(0.02)

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def wait_for(seen: Seen, status: str, count: int = 20) -> None:
    """Wait until the phase has seen the status so often."""
    deadline = time.monotonic() + _SECONDS
    while seen.by_phase.get(seen.phase, Counter())[status] < count:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


def kept(name: str, seen: Seen) -> None:
    found = {phase: dict(counts) for phase, counts in seen.by_phase.items()}
    figures.write(f"operation-{name}", found)


def test_a_restart_fails_no_request(host):  # noqa: F811
    """The socket is systemd's, as the units say."""
    service, log = unit("histovet-site.service"), host.credentials / "log"
    path = host.credentials / "socket"
    collect_static_files(host)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(2048)
        process = host.serve(service, listening, log)
        with (
            folder_outside() as folder,
            proxy(folder, path) as running,
            asking(running, asked("/robots.txt")) as seen,
        ):
            wait_for(seen, "200")
            for number in range(3):
                seen.phase = f"restart {number}"
                process.send_signal(signal.SIGTERM)
                assert process.wait(_SECONDS) == 0
                process = host.serve(service, listening, log)
                wait_for(seen, "200")
            seen.phase = "reload"
            process.send_signal(signal.SIGHUP)
            wait_for(seen, "200", 200)
        process.terminate()
        process.wait(_SECONDS)
    kept("restart", seen)
    assert {status for counts in seen.by_phase.values() for status in counts} == {"200"}


def test_one_of_two_nodes_is_killed(host):  # noqa: F811
    collect_static_files(host)
    environment = host.environment(unit("histovet-site.service"))
    with (
        folder_outside() as folder,
        site(environment) as first,
        site(environment) as second,
        proxy(folder, first.unix, second.unix) as running,
        asking(running, asked("/robots.txt")) as seen,
    ):
        wait_for(seen, "200")
        seen.phase = "one killed"
        _kill(first.pid)
        wait_for(seen, "200", 200)
    kept("node", seen)
    assert {status for counts in seen.by_phase.values() for status in counts} == {"200"}


def _kill(pid: int) -> None:
    """The process that started the workers, and them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (str(pid), *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(one), signal.SIGKILL)


def test_the_database_goes_and_comes_back(host):  # noqa: F811
    """Home stays; what needs the database says that it is broken; then all is as it was,
    and the site was never started again."""
    collect_static_files(host)
    # Of another database: that it is unknown is told by this one.
    bearer = f"Authorization: Bearer {new_key()}"
    request = asked(
        *("/api/v1/report_by_data", bearer, "Content-Type: application/json"),
        method="POST",
        body=b"{}",
    )
    with folder_outside() as folder, contextlib.ExitStack() as first:
        data = folder / "postgres"
        data.mkdir(mode=0o700)
        url = first.enter_context(server(data))
        environment = host.environment(unit("histovet-site.service"))
        with (
            site({**environment, "DATABASE_URL": url}) as served,
            proxy(folder, served.unix) as running,
            asking(running, request) as seen,
        ):
            wait_for(seen, "401")
            seen.phase = "away"
            first.close()
            assert written(running.send(asked("/")))[0] == 200
            _wait_until_ready_says(served, "database_unreachable")
            seen.phase = "back"
            with server(data, migrated=False):
                _wait_until_ready_says(served, "no_active_release")
                seen.phase = "after"
                wait_for(seen, "401")
                time.sleep(2)
    kept("database", seen)
    assert set(seen.by_phase["away"]) - {"401"} <= {"500", "503"}
    assert set(seen.by_phase["before"]) == {"401"}


def _wait_until_ready_says(served: Site, reason: str) -> None:
    deadline = time.monotonic() + _SECONDS
    asked_on_socket = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
    while reason.encode() not in served.send(asked_on_socket, over_unix=True):
        assert time.monotonic() < deadline
        time.sleep(0.2)
