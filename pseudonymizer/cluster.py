"""The same function on many files, on a Dask cluster: `Workers`, beyond one machine.

Scheduler and workers run this same program on the same feed folder. What they are sent
is which file and which release; database and key ring each takes from its own
environment. Source of the protection: docs/scale.md.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from distributed import Client, Future, Reschedule, get_worker
from distributed.scheduler import KilledWorker
from distributed.security import Security
from msgspec import Struct

from pseudonymizer import config
from pseudonymizer.config import Config
from pseudonymizer.errors import (
    ConfigError,
    EnvelopeError,
    FeedRefused,
    PseudonymizerError,
    ReleaseRefused,
)
from pseudonymizer.progress import Progress
from pseudonymizer.workers import POLL_SECONDS, Tell

CONNECT_SECONDS = 10
# A nanny starts a worker that died again within about three seconds.
NO_WORKER_SECONDS = 20
WORKERS_ASKED_EVERY_SECONDS = 2
# A batch of lines takes some 10 ms, and the operator reads a few lines a second.
TELL_SECONDS = 0.5

NOT_SENT = Config("", Path())


Job = TypeVar("Job", bound=Struct)


class Cluster:
    """A connection to the scheduler at an address."""

    def __init__(self, address: str, progress: Progress) -> None:
        """Connect. Raises ConfigError for an address or certificates that will not
        do, ReleaseRefused `cluster_unreachable` or `cluster_without_worker`."""
        _check_address(address)
        _quieten()
        self._progress = progress
        self._client = _connect(address)
        try:
            self._client.wait_for_workers(1, timeout=NO_WORKER_SECONDS)
        except TimeoutError as exc:
            self._client.close()
            raise _without_worker() from exc
        self._futures: dict[Future[_Outcome], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._client.close()

    def stop(self) -> None:
        """End what is running: a task sees it at its next lines, and what is half
        loaded is rolled back, and loaded again by the next run."""
        if self._futures and self._client.status == "running":
            self._client.cancel(list(self._futures))
        self._futures.clear()

    def run(
        self, function: Callable[[Job, Tell], None], jobs: Sequence[Job]
    ) -> Iterator[Job]:
        """Yield each job when it is done.

        Raises what the function does, with the worker's address, and ReleaseRefused
        `worker_died` for a file on which several workers died, `worker_unfit`,
        `cluster_without_worker` or `cluster_unreachable`.
        """
        run = uuid4().hex
        told = [(0, 0)] * len(jobs)
        done: queue.SimpleQueue[Future[_Outcome]] = queue.SimpleQueue()
        self._client.subscribe_topic(run, _listener(told))
        for number, job in enumerate(jobs):
            future = self._client.submit(
                work,
                _Task(function, _without_secrets(job), number, run, PROGRAM),
                key=f"{function.__name__}-{number}-{run}",
                # The order is that of the jobs.
                priority=-number,
                pure=False,
            )
            self._futures[future] = number
        for future in list(self._futures):
            future.add_done_callback(done.put)
        before = 0, 0
        seen = _WorkersSeen(self._client)
        while self._futures:
            try:
                future = done.get(timeout=POLL_SECONDS)
            except queue.Empty:
                seen.check()
                finished = None
            else:
                finished = self._futures.pop(future)
                told[finished] = _result(future)
            now = sum(lines for lines, _ in told), sum(rejects for _, rejects in told)
            self._progress.advance(now[0] - before[0], now[1] - before[1])
            before = now
            if finished is not None:
                yield jobs[finished]
        self._client.unsubscribe_topic(run)


def _check_address(address: str) -> None:
    """Raises ConfigError: who reaches a scheduler has its workers run what he likes,
    and they hold the key ring; so others than this machine need a certificate."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None or parts.scheme not in ("tcp", "tls"):
        raise ConfigError(
            "--cluster takes the address of a Dask scheduler, such as "
            "tls://scheduler.example:8786"
        )
    if parts.scheme == "tcp" and not _is_loopback(host):
        raise ConfigError(
            f"{address} is neither encrypted nor asks who connects; use tls:// with "
            "certificates for scheduler, workers and this job (docs/scale.md). tcp:// "
            "is for 127.0.0.1 alone"
        )


def _quieten() -> None:
    """Dask tells of each broken connection; we say once what they come to."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name may be another machine's by tomorrow.
        return False


def _connect(address: str) -> Client:
    try:
        security = Security()
        certified = security.get_connection_args("client")["ssl_context"] is not None
    except (OSError, ValueError) as exc:
        raise _no_certificates(type(exc).__name__) from exc
    if address.startswith("tls:") and not certified:
        raise _no_certificates("none is named")
    try:
        return Client(
            address, timeout=CONNECT_SECONDS, security=security, set_as_default=False
        )
    except OSError as exc:
        raise ReleaseRefused(
            "cluster_unreachable",
            f"no Dask scheduler answers at {address} within {CONNECT_SECONDS} s; check "
            "the address, that it runs, and its certificates",
        ) from exc


def _no_certificates(reason: str) -> ConfigError:
    return ConfigError(
        f"tls:// needs a certificate of this job and its authority ({reason}); name "
        "them in Dask's settings distributed.comm.tls (docs/scale.md)"
    )


def _without_worker() -> ReleaseRefused:
    return ReleaseRefused(
        "cluster_without_worker",
        f"the cluster has had no worker for {NO_WORKER_SECONDS} s; start some, then "
        "run the same command again",
    )


def _unreachable() -> ReleaseRefused:
    return ReleaseRefused(
        "cluster_unreachable",
        "the connection to the Dask scheduler was lost; the same command goes on "
        "where this one ended",
    )


class _WorkersSeen:
    """Raises when there was no worker for too long: Dask would wait for ever."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked = self._seen = time.monotonic()

    def check(self) -> None:
        now = time.monotonic()
        if now - self._asked < WORKERS_ASKED_EVERY_SECONDS:
            return
        self._asked = now
        try:
            workers = self._client.nthreads()
        except OSError as exc:
            raise _unreachable() from exc
        if workers:
            self._seen = now
        elif now - self._seen > NO_WORKER_SECONDS:
            raise _without_worker()


def _listener(told: list[tuple[int, int]]) -> Callable[[tuple[float, Any]], None]:
    def listen(event: tuple[float, Any]) -> None:
        number, lines, rejects = event[1]
        told[number] = lines, rejects

    return listen


def _without_secrets(job: Job) -> Job:
    return _with_config(job, NOT_SENT)


def _with_config(job: Job, config: Config) -> Job:
    if "config" not in job.__struct_fields__:
        return job
    return msgspec.structs.replace(job, config=config)


def _result(future: Future[_Outcome]) -> tuple[int, int]:
    if future.cancelled():
        raise _unreachable()
    error = future.exception(timeout=CONNECT_SECONDS)
    if isinstance(error, KilledWorker):
        raise ReleaseRefused(
            "worker_died",
            "workers died over and over while they had the same file; look at their "
            "logs and their memory, then run the same command again",
        )
    if isinstance(error, (ImportError, AttributeError, RuntimeError)):
        # What was sent could not be read there.
        raise ReleaseRefused(
            "worker_unfit",
            "the scheduler or a worker runs another version of this program, or none "
            f"({type(error).__name__}); start all of them from the same installation",
        ) from error
    outcome = future.result(timeout=CONNECT_SECONDS)
    if outcome.error is not None:
        raise _on_worker(outcome.error, outcome.worker)
    return outcome.lines, outcome.rejects


def _on_worker(error: PseudonymizerError, worker: str) -> PseudonymizerError:
    text = f"on worker {worker}: {error}"
    if isinstance(error, FeedRefused | ReleaseRefused):
        return type(error)(error.code, text)
    if isinstance(error, EnvelopeError):
        return _unfit(f"{text}: its register key ring is not that of this job")
    return type(error)(text)


def _unfit(text: str) -> ReleaseRefused:
    return ReleaseRefused("worker_unfit", text)


# On the worker


def _digest_of_program() -> str:
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".zdict"):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


# Of what was imported: the files may be replaced while a worker runs.
PROGRAM = _digest_of_program()


@dataclass(frozen=True)
class _Task:
    # Dask logs the arguments of what failed.
    function: Callable[[Any, Tell], None] = field(repr=False)
    job: Any = field(repr=False)
    number: int
    run: str
    program: str


@dataclass(frozen=True)
class _Outcome:
    """An error is a value here: Dask would log it, and try to send its traceback."""

    worker: str
    lines: int
    rejects: int
    error: PseudonymizerError | None = None


class _Cancelled(Exception):
    pass


class _Teller:
    """Tells the job how far a task is, and the task when it is to end."""

    def __init__(self, task: _Task) -> None:
        self.lines = self.rejects = 0
        self._task = task
        self._worker = get_worker()
        self._key = self._worker.get_current_task()
        self._told = time.monotonic()

    def __call__(self, lines: int, rejects: int) -> None:
        state = self._worker.state.tasks.get(self._key)
        # Also when the job was killed: the scheduler notices that its client is gone.
        if state is None or state.state != "executing":
            raise _Cancelled
        self.lines += lines
        self.rejects += rejects
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            self._worker.log_event(
                self._task.run, [self._task.number, self.lines, self.rejects]
            )


def work(task: _Task) -> _Outcome:
    """Do one file on this worker."""
    worker = get_worker()
    tell = _Teller(task)
    error: PseudonymizerError | None = None
    try:
        if task.program != PROGRAM:
            raise _unfit(
                "it runs another version of this program than the job; start both "
                "from the same installation"
            )
        if worker.state.nthreads != 1:
            raise _unfit(
                "it has several threads, which hold each other up; start it with "
                "--nthreads 1 and more workers in its place"
            )
        task.function(_with_config(task.job, config.read()), tell)
    except _Cancelled:
        # Should somebody want it all the same, it is done anew.
        raise Reschedule from None
    except PseudonymizerError as exc:
        error = exc
    return _Outcome(worker.address, tell.lines, tell.rejects, error)
