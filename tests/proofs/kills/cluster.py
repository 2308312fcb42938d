"""A PostgreSQL of the proof's own: killed, filled up, limited, started again."""

import contextlib
import ctypes
import os
import resource
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import psycopg
from psycopg import sql

from histovet.local import postgres
from histovet.local.databases import ensure_database

DISK_BYTES = 1_500_000_000
RECOVERED_SECONDS = 15

# <linux/sched.h>
_CLONE_NEWNS = 0x00020000
_libc = ctypes.CDLL(None, use_errno=True)


class Cluster:
    """`url` leads through the socket, and `tcp_url` over TCP with a password."""

    def __init__(self, state: Path, url: str, tcp: tuple[str, str]) -> None:
        self.state, self.url = state, url
        self.address, password = tcp
        self.tcp = f"{postgres.OWNER}:{quote(password)}@{{}}/{postgres.OWNER}"
        self.is_own_disk = os.geteuid() == 0
        (self._data,) = state.glob("postgres-*/data")

    def tcp_url(self, host: str, port: int, options: str = "") -> str:
        return f"postgresql://{self.tcp.format(f'{host}:{port}')}?{options}"

    def start(self) -> None:
        """Have it running again, as the system's own supervisor would."""
        while True:
            with postgres.server(self.state) as url:
                assert url == self.url
            if self._lets_us_in():
                return
            # PostgreSQL 18.6 stays up, and recovers no more, when it cannot write at
            # the beginning of a recovery: then it is for the operator.
            self.kill()

    def _lets_us_in(self) -> bool:
        deadline = time.monotonic() + RECOVERED_SECONDS
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.url).close()
                return True
            except psycopg.OperationalError:
                time.sleep(0.1)
        return False

    def kill(self) -> None:
        os.kill(self._postmaster(), signal.SIGKILL)

    def _postmaster(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    # Full

    def fill(self, left_bytes: int) -> None:
        """Leave so much of the disk."""
        used = os.statvfs(self.state)
        size = (used.f_blocks - used.f_bfree) * used.f_frsize + left_bytes
        self._resize(size)

    def give_back(self) -> None:
        self._resize(DISK_BYTES)

    def _resize(self, size: int) -> None:
        subprocess.run(
            ["mount", "-o", f"remount,size={size}", str(self.state)], check=True
        )

    def limit_files(self, size_bytes: int) -> None:
        """Let no process of the server write a file beyond this size."""
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, hard))

    def lift_limits(self) -> None:
        self.limit_files(resource.RLIM_INFINITY)

    def _family(self) -> list[int]:
        try:
            postmaster = self._postmaster()
            tasks = Path(f"/proc/{postmaster}/task/{postmaster}/children")
            return [postmaster, *map(int, tasks.read_text().split())]
        except FileNotFoundError:
            return []

    # What is left

    def temporary_files(self) -> list[str]:
        return [
            path.name
            for pattern in ("base/pgsql_tmp/*", "base/*/t[0-9]*_*")
            for path in self._data.glob(pattern)
        ]

    def orphan_bytes(self, connection: psycopg.Connection) -> int:
        """Return the size of files that no table or index of the database has."""
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        known = {
            str(number)
            for (number,) in connection.execute(
                "SELECT pg_relation_filenode(oid) FROM pg_class"
            )
        }
        return sum(
            path.stat().st_size
            for path in (self._data / "base" / str(row[0])).iterdir()
            if path.name.isdigit() and path.name not in known
        )


@contextlib.contextmanager
def cluster(state: Path) -> Iterator[Cluster]:
    """Have a server, on a disk of its own when we are root."""
    address = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    password = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        if os.geteuid() == 0:
            _mount(state)
            stack.callback(
                subprocess.run, ["umount", "--lazy", str(state)], check=False
            )
        with postgres.server(state) as url:
            ensure_database(url)
            _demand_a_password(url, state, password)
        listening = {"listen_addresses": address}
        stack.enter_context(mock.patch.dict(postgres._SETTINGS, listening))
        url = stack.enter_context(postgres.server(state))
        yield Cluster(state, url, (address, password))


def _mount(folder: Path) -> None:
    """Mount a small disk that only this process and its children see: if they are
    killed, nothing is left of it."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(
        [
            *("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0711"),
            *("histovet-kills", str(folder)),
        ],
        check=True,
    )


def _demand_a_password(url: str, state: Path, password: str) -> None:
    """Over TCP, before anybody can come in that way: other users share the machine."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(postgres.OWNER), sql.Literal(password)
            )
        )
    (rules,) = state.glob("postgres-*/data/pg_hba.conf")
    rules.write_text("local all all trust\nhost all all 127.0.0.0/8 scram-sha-256\n")
