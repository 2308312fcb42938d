"""What is measured for those who keep the site running: docs/operations.md, Metrics.

A label is a word of the code: the name of an address, a method, a status, a reason.
Never a path, a vehicle, a visitor or a partner.

Under gunicorn the numbers of all workers of a node lie in files of one folder, named in
PROMETHEUS_MULTIPROC_DIR before this is imported (histovet/gunicorn.py); otherwise they
are those of this process.
"""

from __future__ import annotations

import functools
import logging
import os
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# When a process began is not asked for, and would double the series.
disable_created_metrics()

registry = CollectorRegistry()

requests = Counter(
    "histovet_requests",
    "Requests answered, probes apart.",
    ("route", "method", "status"),
    registry=registry,
)
request_seconds = Histogram(
    "histovet_request_seconds",
    "Seconds from a request to its answer.",
    ("route",),
    # Around what the site promises: 20 and 50 ms; then what a person notices.
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=registry,
)
requests_in_progress = Gauge(
    "histovet_requests_in_progress",
    "Requests that are being answered; a node has 8 threads for them.",
    multiprocess_mode="livesum",
    registry=registry,
)
documents_in_progress = Gauge(
    "histovet_documents_in_progress",
    "PDFs being made. None waits: each keeps its request's thread.",
    multiprocess_mode="livesum",
    registry=registry,
)
log_lines = Counter(
    "histovet_log_lines",
    "Lines of the log, warnings and worse.",
    ("level", "logger"),
    registry=registry,
)
not_ready = Gauge(
    "histovet_not_ready",
    "1 when a process of this node is not ready for this reason (as /readyz).",
    ("reason",),
    multiprocess_mode="livemax",
    registry=registry,
)
release_as_of = Gauge(
    "histovet_release_as_of_timestamp_seconds",
    "The day that the active release's data stand for; 0 without a release.",
    multiprocess_mode="livemin",
    registry=registry,
)
pool_connections = Gauge(
    "histovet_pool_connections",
    "Connections to the database that this node holds: open, and of these idle.",
    ("state",),
    multiprocess_mode="livesum",
    registry=registry,
)
pool_waiting = Gauge(
    "histovet_pool_waiting",
    "Requests that wait for a connection to the database.",
    multiprocess_mode="livesum",
    registry=registry,
)
failed_tries = Gauge(
    "histovet_failed_tries",
    "Tries on the whole site that found nothing, in five minutes.",
    ("purpose",),
    multiprocess_mode="livemax",
    registry=registry,
)
brake = Gauge(
    "histovet_brake",
    "1 while everybody is asked for a proof of work.",
    ("purpose",),
    multiprocess_mode="livemax",
    registry=registry,
)
inspections_paused = Gauge(
    "histovet_inspections_paused",
    "1 while a process of this node leaves UTAC alone after failures.",
    multiprocess_mode="livemax",
    registry=registry,
)
signing_until = Gauge(
    "histovet_signing_until_timestamp_seconds",
    "When the certificate that signs documents ends; 0 without one.",
    multiprocess_mode="livemin",
    registry=registry,
)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    _requests(route, method, status).inc()
    _seconds(route).observe(seconds)


# What `labels` looks up costs as much as what is counted.
@functools.cache
def _requests(route: str, method: str, status: int) -> Counter:
    return requests.labels(route, method, status)


@functools.cache
def _seconds(route: str) -> Histogram:
    return request_seconds.labels(route)


class LineCounter(logging.Handler):
    """A handler of Django's LOGGING that writes nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        log_lines.labels(record.levelname, record.name).inc()


# Of each file of a process. The largest, of all histograms, grows to half of it.
_ROOM_BYTES = 256 * 1024

_folder: Path | None = None


def read_all_of(folder: Path) -> None:
    """Answer from now on for all processes whose files lie there.

    Room is taken now for all that this one will write: a page of memory that is not
    there when a request counts would end the process. Raises OSError without room.
    """
    global _folder
    _folder = folder
    # A file begins with the first that is counted in it.
    _requests("none", "GET", 200)
    _seconds("none")
    for path in folder.glob(f"*_{os.getpid()}.db"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)


def exposition() -> bytes:
    """Return all of it in Prometheus' text format 0.0.4."""
    if _folder is None:
        return generate_latest(registry)
    shared = CollectorRegistry()
    MultiProcessCollector(shared, path=str(_folder))
    return generate_latest(shared)
