"""What the watch of a process knows → the gauges of /metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import cast

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from histovet import metrics
from histovet.history.signatory import signatory
from histovet.inspections.retrieve import is_source_paused
from histovet.limits import clients
from histovet.operation.reasons import Reason


def show_readiness(reasons: Collection[Reason], as_of: dt.date | None) -> None:
    for reason in Reason:
        metrics.not_ready.labels(reason.value).set(reason in reasons)
    seconds = 0.0
    if as_of is not None:
        seconds = dt.datetime.combine(as_of, dt.time(), tzinfo=dt.UTC).timestamp()
    metrics.release_as_of.set(seconds)


def show_this_process(now: dt.datetime) -> None:
    """What stands in its memory; asks the database nothing."""
    # None where the connections are not pooled.
    if pool := cast(DatabaseWrapper, connection).pool:
        stats = pool.get_stats()
        metrics.pool_connections.labels("open").set(stats["pool_size"])
        metrics.pool_connections.labels("idle").set(stats["pool_available"])
        metrics.pool_waiting.set(stats["requests_waiting"])
    metrics.inspections_paused.set(is_source_paused())
    signs = signatory(now)
    metrics.signing_until.set(signs.not_after.timestamp() if signs else 0)


def show_failed_tries(now: dt.datetime) -> None:
    """One statement. Raises django.db.Error."""
    for purpose, failures in clients.failures_of_site(now).items():
        metrics.failed_tries.labels(purpose).set(failures)
        if purpose in clients.BRAKED:
            metrics.brake.labels(purpose).set(failures >= settings.BRAKE_FAILURES)
