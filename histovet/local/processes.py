"""Child processes that end when we are told to end, and leave nobody behind.

Signals are blocked and fetched where we wait, so that none interrupts a step half way:
a server is never started and then forgotten. Children stay in our process group, which
keeps the terminal theirs too (a debugger in a test, psql).
"""

import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from histovet.local.errors import CommandFailed, LocalError, Stopped
from histovet.local.terminal import Terminal

# <sys/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# <asm-generic/siginfo.h>: sent by kill(2), so to us alone. Ctrl-C comes from the
# kernel and reaches the children as well.
_SI_USER = 0

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Seconds a child has after the signal, then after TERM; the database needs the rest of
# the five seconds in which everything is gone.
_GRACE_SECONDS = 1.5
_TERM_SECONDS = 0.7
_KILL_SECONDS = 0.5

# How often we look whether the terminal is still there.
_LOOK_SECONDS = 0.5

_libc = ctypes.CDLL(None, use_errno=True)


def in_child() -> Callable[[], None]:
    """Return what a new child runs before its program: it ends when we die."""
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_ENDING, signal.SIGCHLD))
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            # We died before the line above, which then came too late.
            os._exit(1)

    return prepare


class Children:
    """The processes we started, and theirs."""

    def __init__(self, caught: Sequence[signal.Signals], terminal: Terminal) -> None:
        self._caught = tuple(caught)
        self._terminal = terminal
        self._started: list[subprocess.Popen[str]] = []
        self._stopped: Stopped | None = None

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdout: int | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command that ends with us; raise LocalError if there is none such."""
        try:
            child = subprocess.Popen(
                command,
                env=dict(environment),
                stdout=stdout,
                text=True,
                # Safe where no other thread runs, and none does here.
                preexec_fn=in_child(),  # noqa: PLW1509
            )
        except (FileNotFoundError, PermissionError) as exc:
            raise LocalError(
                f"the program {command[0]} cannot be started: {exc.strerror}"
            ) from exc
        self._started.append(child)
        return child

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Return the command's status, 128 + signal if it died of one.

        Raises Stopped when we are asked to end before it did.
        """
        return self.wait(self.start(command, environment))

    def wait(self, child: subprocess.Popen[str]) -> int:
        """Return the child's status once it ended; as `run` otherwise."""
        while child.poll() is None:
            self._await_signal(_LOOK_SECONDS)
        return _status(child)

    def check(
        self, what: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Raise CommandFailed unless the command succeeds."""
        status = self.run(command, environment)
        if status != 0:
            raise CommandFailed(what, status)

    def capture(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> tuple[int, str]:
        """Return the command's status, as `run`, and what it printed."""
        with tempfile.TemporaryFile("w+") as printed:
            status = self.wait(
                self.start(command, environment, stdout=printed.fileno())
            )
            printed.seek(0)
            return status, printed.read()

    def pause(self, seconds: float) -> None:
        """Sleep; raise Stopped when we are asked to end meanwhile."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            self._await_signal(max(left, 0))
            if left <= 0:
                return

    def end(self) -> None:
        """End every process below us, within three seconds."""
        self._end_started(_TERM_SECONDS)
        self._kill_descendants()

    def _await_signal(self, seconds: float) -> None:
        if self._stopped is not None:
            raise self._stopped
        info = signal.sigtimedwait((*self._caught, signal.SIGCHLD), seconds)
        if info is not None and info.si_signo == signal.SIGCHLD:
            self._reap_orphans()
        elif info is not None:
            self._stop(signal.Signals(info.si_signo), info.si_code == _SI_USER)
        if signal.SIGHUP in self._caught and self._terminal.was_closed_on_us():
            self._stop(signal.SIGHUP, for_us_alone=True)

    def _stop(self, signum: signal.Signals, for_us_alone: bool) -> NoReturn:
        self._stopped = Stopped(signum)
        if signum is signal.SIGHUP:
            # gunicorn takes it for "read your settings again".
            self._signal_started(signal.SIGTERM)
        elif for_us_alone:
            self._signal_started(signum)
        self._wait_for_started(_GRACE_SECONDS)
        self.end()
        raise self._stopped

    def _alive(self) -> list[subprocess.Popen[str]]:
        return [child for child in self._started if child.poll() is None]

    def _signal_started(self, signum: signal.Signals) -> None:
        for child in self._alive():
            child.send_signal(signum)

    def _wait_for_started(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._alive() and time.monotonic() < until:
            time.sleep(0.02)

    def _end_started(self, seconds: float) -> None:
        self._signal_started(signal.SIGTERM)
        self._wait_for_started(seconds)

    def _kill_descendants(self) -> None:
        """Kill what our children left, in whatever process group or session it is."""
        until = time.monotonic() + _KILL_SECONDS
        while time.monotonic() < until:
            left = _descendants(os.getpid())
            if not left:
                return
            for pid in left:
                _send(pid, signal.SIGKILL)
            self._alive()
            self._reap_orphans()
            time.sleep(0.01)

    def _reap_orphans(self) -> None:
        """Collect the dead that were handed to us, and leave our own to Popen."""
        own = {child.pid for child in self._started}
        for pid in _children(os.getpid()):
            if pid not in own:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    # Gone between the look and the wait.
                    continue


@contextmanager
def children() -> Iterator[Children]:
    """Catch the signals that end us for as long as the block runs.

    Whatever still runs below us at the end of the block is killed.
    """
    # Under nohup a closed terminal is to be ignored, and in the background Ctrl-C is.
    caught = [s for s in _ENDING if signal.getsignal(s) is not signal.SIG_IGN]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*caught, signal.SIGCHLD))
    terminal = Terminal()
    family = Children(caught, terminal)
    try:
        yield family
    finally:
        family.end()
        terminal.close()
        # The asking has been answered; left pending, it would kill us here.
        while signal.sigtimedwait(caught, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def adopt_orphans() -> None:
    """Become the parent of what our children leave running, so that we find it.

    Called after the database server was started: it must outlive us while others use it.
    """
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def is_running(pid: int) -> bool:
    """Tell whether the process exists and is more than a zombie."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in "ZX"


def _status(child: subprocess.Popen[str]) -> int:
    code = child.returncode
    return 128 - code if code < 0 else code


def _send(pid: int, signum: signal.Signals) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        # It ended by itself, which is what was wanted.
        return


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on, None without it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # It ended, or is another user's where those are hidden.
        return None
    # The name stands in parentheses and may itself hold some.
    return text.rpartition(")")[2].split()


def _parents() -> dict[int, tuple[int, str]]:
    """Return, for each process, its parent and its state."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields is not None:
                found[int(entry)] = (int(fields[1]), fields[0])
    return found


def _children(of: int) -> list[int]:
    return [pid for pid, (parent, _) in _parents().items() if parent == of]


def _descendants(of: int) -> list[int]:
    """Return every process below one, zombies apart."""
    parents = _parents()
    below: list[int] = []
    layer = {of}
    while layer:
        layer = {pid for pid, (parent, _) in parents.items() if parent in layer}
        below.extend(pid for pid in layer if parents[pid][1] not in "ZX")
    return below
