"""The job's own command line in a process of its own, watched from outside: time of
each stage, memory and processor of its processes, and of PostgreSQL's."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from histovet.local.databases import own_database

# A backend is a few milliseconds away from its last reading when it ends.
LOOK_SECONDS = 0.05
# What is new among PostgreSQL's processes is asked less often.
ASK_EVERY = 4

# What the requirement is about; what is measured by processor time is for as many.
CORES = 2
WORKERS = CORES

_STAGE = re.compile(r"(\w+): begins")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """What one ingest came to. Memory is of the largest process of its kind, in MB.

    `stages` are seconds of wall time, `start` all before the first one. Of PostgreSQL,
    `server_cpu_seconds` is of the processes that belong to no connection (log writer,
    checkpointer), shared by all who use the server.
    """

    report: dict[str, Any]
    stages: dict[str, float]
    job_cpu_seconds: float
    job_rss_mb: float
    worker_rss_mb: float
    backends_cpu_seconds: float = 0.0
    backend_rss_mb: float = 0.0
    backend_own_mb: float = 0.0
    server_cpu_seconds: float = 0.0
    wal_bytes: int = 0

    @property
    def lines_per_s(self) -> float:
        return self.report["lines"] / self.report["seconds"]

    @property
    def peak_rss_mb(self) -> float:
        """Of one process of the job; with one worker, that is the first one."""
        return max(self.job_rss_mb, self.worker_rss_mb)

    @property
    def postgres_cpu_seconds(self) -> float:
        return self.backends_cpu_seconds + self.server_cpu_seconds


@contextlib.contextmanager
def fresh_database() -> Iterator[str]:
    """Give the URL of an empty, migrated database on the server of DATABASE_URL."""
    with own_database(os.environ["DATABASE_URL"]) as url:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
        )
        yield url


def ingest(url: str, folder: Path, *options: str) -> Run:
    """Publish the feed in `folder`.

    Raises SystemExit with the job's own words when it fails.
    """
    with (
        tempfile.TemporaryDirectory() as elsewhere,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        told = Path(elsewhere, "report.json")
        wal = _wal_bytes(connection)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pseudonymizer", "ingest"),
                *(str(folder), "--report", str(told), *options),
            ],
            env={**os.environ, "DATABASE_URL": url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        stages = _Stages(process)
        watched = _Watched(process.pid, connection)
        with stages, watched:
            # It waits for what it started, so that theirs is in it too.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"ingest failed: {stages.said[-3:]}")
        report = json.loads(told.read_bytes())
        backends = watched.backends.values()
        return Run(
            report,
            stages.seconds,
            usage.ru_utime + usage.ru_stime,
            # Not the maximum that wait4 tells: it counts what this process had in
            # memory when it made the other. That of /proc begins with the program,
            # and never falls, so that the last look has missed nothing but the end.
            watched.first.rss_mb,
            max((p.rss_mb for p in watched.workers.values()), default=0.0),
            sum(p.cpu_seconds for p in backends),
            max((p.rss_mb for p in backends), default=0.0),
            max((p.own_mb for p in backends), default=0.0),
            sum(p.cpu_seconds - p.before for p in watched.server.values()),
            _wal_bytes(connection) - wal,
        )


def figures(run: Run) -> dict[str, Any]:
    lines = run.report["lines"]
    cpu = run.job_cpu_seconds + run.postgres_cpu_seconds
    return {
        "lines_per_s": round(run.lines_per_s),
        "seconds": round(run.report["seconds"], 1),
        "stage_seconds": {name: round(s, 2) for name, s in run.stages.items()},
        "cpu_us_per_line": {
            "job": round(run.job_cpu_seconds / lines * 1e6, 2),
            "postgres": round(run.postgres_cpu_seconds / lines * 1e6, 2),
            "of which its log writer and the like": round(
                run.server_cpu_seconds / lines * 1e6, 2
            ),
        },
        # What two cores would do that are never idle and do nothing else.
        "lines_per_s_by_cpu": round(CORES * lines / cpu),
        "peak_rss_mb": round(run.peak_rss_mb),
        "of the first process": round(run.job_rss_mb),
        "of a worker": round(run.worker_rss_mb),
        "postgres_backend_rss_mb": round(run.backend_rss_mb),
        "of which its own, without shared buffers": round(run.backend_own_mb),
        "wal_bytes_per_line": round(run.wal_bytes / lines),
    }


def stored_size(url: str) -> dict[str, Any]:
    """Return the bytes a vehicle of the active release, table and index."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT r.rows, pg_table_size(t), pg_indexes_size(t) FROM vault_release r,"
            " to_regclass('vault_record_' || r.number) AS t WHERE r.state = 'active'"
        ).fetchone()
    assert row is not None
    rows, table, index = row
    return {
        "bytes_per_vehicle": round((table + index) / rows, 1),
        "of which index": round(index / rows, 1),
    }


class _Stages:
    """The job's error stream, passed on; when it began each stage."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self._stream = process.stderr
        self._began = [("start", time.monotonic())]
        self._thread = threading.Thread(target=self._read)
        self._ended = 0.0
        self.said: list[str] = []

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._ended = time.monotonic()

    @property
    def seconds(self) -> dict[str, float]:
        ends = [when for _, when in self._began[1:]] + [self._ended]
        return {
            stage: end - began
            for (stage, began), end in zip(self._began, ends, strict=True)
        }

    def _read(self) -> None:
        for line in self._stream:
            if found := _STAGE.match(line):
                self._began.append((found[1], time.monotonic()))
            self.said.append(line)
            sys.stderr.write(line)


@dataclass
class _Process:
    """Memory is the highest seen: of all that is resident, and of what is its own."""

    before: float = 0.0
    cpu_seconds: float = 0.0
    rss_mb: float = 0.0
    own_mb: float = 0.0

    def look(self, pid: int) -> None:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return  # It ended since it was found.
        self.cpu_seconds = (int(stat[11]) + int(stat[12])) / _TICKS
        self.rss_mb = max(self.rss_mb, _megabytes(status, "VmHWM"))
        self.own_mb = max(self.own_mb, _megabytes(status, "RssAnon"))


@dataclass
class _Watched:
    """Looks at the job's workers and at PostgreSQL's processes until the block ends."""

    job: int
    connection: psycopg.Connection
    first: _Process = field(default_factory=_Process)
    workers: dict[int, _Process] = field(default_factory=dict)
    backends: dict[int, _Process] = field(default_factory=dict)
    server: dict[int, _Process] = field(default_factory=dict)

    def __enter__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._ask()
        for process in self.server.values():
            process.before = process.cpu_seconds
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        turn = 0
        while not self._over.wait(LOOK_SECONDS):
            turn += 1
            if turn % ASK_EVERY == 0:
                self._ask()
            self.first.look(self.job)
            for found in (self.workers, self.backends, self.server):
                for pid, process in found.items():
                    process.look(pid)

    def _ask(self) -> None:
        for pid in _children(self.job):
            self.workers.setdefault(pid, _Process())
        for pid, of_database in self.connection.execute(
            "SELECT pid, datname IS NOT NULL FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid()"
            "  AND (datname = current_database() OR datname IS NULL)"
        ):
            found = self.backends if of_database else self.server
            # The server of another machine has its numbers there.
            if pid not in found and _program(pid) == "postgres":
                found[pid] = _Process()
                found[pid].look(pid)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in text.split()]


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _megabytes(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    # A process that has ended and was not yet waited for has no memory.
    return int(found[1]) / 1024 if found else 0.0


def _wal_bytes(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    ).fetchone()
    assert row is not None
    return row[0]
