"""The same function on many files, here or in processes of its own."""

from __future__ import annotations

import concurrent.futures
import ctypes
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Self, TypeVar

from pseudonymizer.errors import ReleaseRefused
from pseudonymizer.progress import Progress

Tell = Callable[[int, int], None]
"""Called with the lines and the rejects that were passed since the last call."""

Job = TypeVar("Job")

POLL_SECONDS = 0.2

# glibc's mallopt: what it maps apart, what it gives back, what it asks for at once.
# Blocks and lines come and go by the megabyte; given back each time, they cost two page
# faults a line, a tenth of the whole.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEPT_BYTES = 64 * 1024 * 1024
# Objects made and not freed before cycles are looked for. A batch of lines makes some
# thousands, all freed with it, and no cycles: at Python's 700 it is gone through again
# and again while it is read (docs/ingest-speed.md).
_OBJECTS_BEFORE_CYCLES = 50_000


class Workers:
    """As many processes as asked for; with one, all is done in this process."""

    def __init__(self, count: int, progress: Progress) -> None:
        self.count = count
        self._progress = progress
        self._executor: ProcessPoolExecutor | None = None
        if count == 1:
            settle_memory()
        else:
            # Not a fork: this process has threads and a connection to the database.
            context = multiprocessing.get_context("spawn")
            # Two numbers a worker, without a lock that a killed one could hold.
            self._counters = context.RawArray(ctypes.c_longlong, 2 * count)
            self._executor = ProcessPoolExecutor(
                count,
                context,
                initializer=_start_worker,
                initargs=(self._counters, context.Value(ctypes.c_int, 0)),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor is None:
            return
        if kind is not None:
            self.stop()
        self._executor.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """End what is running: nobody waits for it, and what is half loaded is rolled
        back, and loaded again by the next run."""
        if self._executor is not None:
            for child in multiprocessing.active_children():
                child.terminate()

    def run(
        self, function: Callable[[Job, Tell], None], jobs: Sequence[Job]
    ) -> Iterator[Job]:
        """Yield each job when it is done.

        Raises what the function does, and ReleaseRefused `worker_died` when the
        system ended a worker.
        """
        if self._executor is None:
            for job in jobs:
                function(job, self._progress.advance)
                yield job
            return
        before = self._told()
        try:
            pending = {self._executor.submit(_run, function, job): job for job in jobs}
            while pending:
                done, _ = concurrent.futures.wait(
                    pending, POLL_SECONDS, concurrent.futures.FIRST_COMPLETED
                )
                now = self._told()
                self._progress.advance(now[0] - before[0], now[1] - before[1])
                before = now
                for future in done:
                    future.result()
                    yield pending.pop(future)
        except BrokenProcessPool as exc:
            raise ReleaseRefused(
                "worker_died",
                "a worker process was ended from outside, or the memory was full; the "
                "same command goes on where this one ended",
            ) from exc

    def _told(self) -> tuple[int, int]:
        return sum(self._counters[0::2]), sum(self._counters[1::2])


_counters: Any = None
_place = 0


def settle_memory() -> None:
    """Keep what is freed and seldom look for cycles: lines come and go by the batch."""
    gc.set_threshold(_OBJECTS_BEFORE_CYCLES)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # Another C library has none, and keeps its own ways.
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES // 4)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TOP_PAD, _KEPT_BYTES // 16)


def _start_worker(counters: Any, taken: Any) -> None:
    global _counters, _place
    settle_memory()
    # Ctrl-C reaches every process of the terminal; the first one says what happened.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with taken.get_lock():
        _counters, _place = counters, 2 * taken.value
        taken.value += 1
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker of a killed job would wait for its next file for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(function: Callable[[Job, Tell], None], job: Job) -> None:
    function(job, _tell)


def _tell(lines: int, rejects: int) -> None:
    _counters[_place] += lines
    _counters[_place + 1] += rejects
