"""Locks between commands: files under flock(2), which the kernel frees with us."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.05


def open_lock(path: Path) -> int:
    """Return a descriptor to lock; children do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, mode: int) -> bool:
    """Take LOCK_SH or LOCK_EX now, or tell that somebody else holds it."""
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def lock(
    descriptor: int,
    mode: int,
    sleep: Callable[[float], None] = time.sleep,
    on_wait: Callable[[], None] | None = None,
) -> None:
    """Wait for the lock; `sleep` may raise to give up, `on_wait` is called once."""
    # Polled: a blocking flock(2) would not notice that we are asked to end.
    while not try_lock(descriptor, mode):
        if on_wait is not None:
            on_wait()
            on_wait = None
        sleep(_POLL_SECONDS)


@contextmanager
def exclusive(
    path: Path,
    sleep: Callable[[float], None] = time.sleep,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold the file's lock alone for as long as the block runs."""
    descriptor = open_lock(path)
    try:
        lock(descriptor, fcntl.LOCK_EX, sleep, on_wait)
        yield
    finally:
        os.close(descriptor)
