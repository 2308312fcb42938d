"""PostgreSQL servers of a proof's own, with the tables of the site; what a site and its
PostgreSQL cost."""

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from django.db import connection

from histovet.local import postgres
from pseudonymizer.load import SealedBatch, Vault
from pseudonymizer.records import Release, SealedRow
from tests.attacks.serving import Site

ROOT = Path(__file__).parents[2]
AS_OF = dt.date(2026, 1, 1)

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def server(folder: Path, *, migrated: bool = True, **settings: str) -> Iterator[str]:
    """Run a server whose data lie in the folder; give the URL of its database."""
    if settings:
        with postgres.server(folder) as url, _postgres(url) as connection:
            for name, value in settings.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    with postgres.server(folder) as url:
        with _postgres(url) as connection:
            known = connection.execute(
                "SELECT FROM pg_database WHERE datname = 'histovet'"
            ).fetchone()
            if known is None:
                connection.execute("CREATE DATABASE histovet")
        if migrated:
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": url},
                check=True,
            )
        yield url


def _postgres(url: str) -> psycopg.Connection:
    return connect(url.replace("/histovet?", "/postgres?"))


def connect(url: str, **options: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, **options)


def one(connection: psycopg.Connection, query: str, *values):
    row = connection.execute(query, values).fetchone()
    return row[0] if row is not None and len(row) == 1 else row


def begun(vault: Vault, label: str) -> Release:
    """Begin a release whose records are random bytes: nothing of it is ever opened."""
    return vault.create(a_release(label), bytes(4))


def a_release(label: str) -> Release:
    return Release(
        0, uuid4(), label, AS_OF, 1, os.urandom(32), os.urandom(32), os.urandom(32)
    )


def random_batches(rows: int, size: int = 5_000) -> Iterator[SealedBatch]:
    """Rows of real size: nonce, tag, and three size classes around the mean."""
    for first in range(0, rows, size):
        count = min(size, rows - first)
        ids = os.urandom(16 * count)
        content = os.urandom(356)
        yield SealedBatch(
            [
                SealedRow(ids[16 * n : 16 * n + 16], 1, content[: 228 + 64 * (n % 3)])
                for n in range(count)
            ],
            [],
        )


def percentiles(seconds: list[float]) -> dict[str, float]:
    """In milliseconds."""
    ranked = sorted(seconds)
    return {
        name: round(1e3 * ranked[min(int(len(ranked) * share), len(ranked) - 1)], 3)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }


READ = "SELECT * FROM vault_read_record(%s::smallint, 0, %s)"


def read_times(connection: psycopg.Connection, release: int, ids) -> list[float]:
    """Read each record through the function that the site reads through, in seconds."""
    times = []
    for record_id in ids:
        began = time.perf_counter()
        row = connection.execute(READ, (release, record_id), prepare=True).fetchone()
        times.append(time.perf_counter() - began)
        assert row is not None and row[2] is not None
    return times


def cpu_seconds(served: Site) -> dict[str, float]:
    """Return the processor time so far of the site's processes, and of those of
    PostgreSQL: what serves it, and what writes and cleans behind all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND (datname = current_database() OR datname IS NULL)"
        )
        backends = [pid for (pid,) in cursor]
    return {
        "site": sum(map(_cpu_seconds, workers(served))),
        "PostgreSQL": sum(map(_cpu_seconds, backends)),
    }


def workers(served: Site) -> list[int]:
    children = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def resident_mb(served: Site) -> float:
    pages = [
        int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        for pid in workers(served)
    ]
    return round(sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def _cpu_seconds(pid: int) -> float:
    # The name of a program, in parentheses, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
