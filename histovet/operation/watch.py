"""What each process of the site knows of database, release, rings and maintenance.

A thread looks twice a second, so that no request waits for it: in maintenance nothing
of a request reaches the database, and who asks /readyz a thousand times a second asks
memory. Source: docs/adr/0009-maintenance-is-a-row.md.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    Error,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.utils import timezone

from histovet.operation import gauges
from histovet.operation.models import Maintenance
from histovet.operation.reasons import Reason
from histovet.usage.daily_counts import WRITE_SECONDS, daily_counts
from histovet.vault import releases
from histovet.vault.errors import NoActiveRelease
from pseudonymizer.errors import EnvelopeError, KeyRingError
from pseudonymizer.key_ring import KeyRing

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5
# A look takes a few milliseconds. One that lasts so long waits for a database that
# neither answers nor refuses.
STALE_SECONDS = 10.0
_STATEMENT_MILLISECONDS = 2000
# Far more than synchronised clocks differ by and than the statement takes, and less than
# the shortest life of anything, a ticket's five minutes.
_CLOCKS_APART = dt.timedelta(seconds=30)
# What a worker waits for before its first request, so that one that starts during a
# maintenance shows no page of the site.
_FIRST_LOOK_SECONDS = 2.0
# What a request waits for a connection when there was none a moment ago; enough for one
# to be made on a network.
_AWAY_SECONDS = 0.2


@dataclass(frozen=True)
class Seen:
    """`at` is a moment of time.monotonic; `reasons` are those of the look itself."""

    at: float
    reasons: tuple[Reason, ...]
    maintenance: Maintenance | None = None
    release_as_of: dt.date | None = None
    release_number: int | None = None


def look(before: Seen, now: dt.datetime) -> Seen:
    """Return what is there now. What a database that is away cannot tell stays as it
    was before: a maintenance lasts while the database is worked on."""
    reasons = _ring_reasons()
    seen = before
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SET LOCAL statement_timeout = {_STATEMENT_MILLISECONDS}"
                )
                cursor.execute("SELECT clock_timestamp()")
                (theirs,) = cursor.fetchone()
            if differs(theirs, timezone.now()):
                reasons.append(Reason.CLOCK_WRONG)
            seen = replace(before, maintenance=Maintenance.objects.first())
            release = releases.reload().row
            seen = replace(
                seen, release_as_of=release.as_of, release_number=release.number
            )
            if is_too_old(release.as_of, now.date()):
                reasons.append(Reason.RELEASE_TOO_OLD)
    except (OperationalError, InterfaceError):
        reasons.append(Reason.DATABASE_UNREACHABLE)
    except DatabaseError:
        reasons.append(Reason.DATABASE_OF_ANOTHER_VERSION)
    except NoActiveRelease:
        seen = replace(seen, release_as_of=None, release_number=None)
        reasons.append(Reason.NO_ACTIVE_RELEASE)
    except (EnvelopeError, KeyRingError):
        reasons.append(Reason.RELEASE_UNREADABLE)
    if seen.maintenance is not None:
        reasons.append(Reason.MAINTENANCE)
    return replace(seen, at=time.monotonic(), reasons=tuple(reasons))


def is_too_old(as_of: dt.date, today: dt.date) -> bool:
    """Tell whether a release of that day's data is one to worry about."""
    return (today - as_of).days > settings.RELEASE_MAX_AGE_DAYS


def differs(theirs: dt.datetime, ours: dt.datetime) -> bool:
    """Tell whether two clocks are too far apart: links, cookies and tickets of one node
    are over too soon on another, or live too long."""
    return abs(theirs - ours) > _CLOCKS_APART


def _ring_reasons() -> list[Reason]:
    """A process goes on with the ring that it read before: that its file is no longer
    one is told here, before the next start fails."""
    try:
        KeyRing.read(settings.REGISTER_KEYS_PATH, "register")
        KeyRing.read(settings.SITE_KEYS_PATH, "site")
    except KeyRingError:
        return [Reason.KEY_RING_UNREADABLE]
    return []


@dataclass
class Watch:
    """The thread, and what it saw last."""

    seen: Seen = field(default_factory=lambda: Seen(0.0, (Reason.STARTING,)))
    _looked: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Look from now on, and wait for the first time."""
        threading.Thread(target=self._run, name="watch", daemon=True).start()
        self._looked.wait(_FIRST_LOOK_SECONDS)

    def round(self, now: dt.datetime) -> None:
        before, self.seen = self.seen, look(self.seen, now)
        self._looked.set()
        gauges.show_readiness(self.reasons(), self.seen.release_as_of)
        if before.reasons != self.seen.reasons:
            reasons = ",".join(self.seen.reasons) or "-"
            level = logging.WARNING if self.seen.reasons else logging.INFO
            logger.log(level, "readiness changed reasons=%s", reasons)

    def reasons(self) -> tuple[Reason, ...]:
        """Why the site is not ready; nothing when it is."""
        seen = self.seen
        is_stale = time.monotonic() - seen.at > STALE_SECONDS
        if Reason.STARTING in seen.reasons or not is_stale:
            return seen.reasons
        others = set(seen.reasons) - {Reason.DATABASE_UNREACHABLE}
        return (Reason.DATABASE_UNREACHABLE, *sorted(others))

    def show(self, now: dt.datetime) -> None:
        """Bring the gauges of this process up to date (docs/operations.md, Metrics)."""
        gauges.show_this_process(now)
        if self._leaves_database_alone():
            return
        try:
            gauges.show_failed_tries(now)
        except Error:
            # The next look says what is wrong with it.
            pass

    def write_counts(self, now: dt.datetime) -> None:
        """Write what requests have counted, or keep it while the database is being
        worked on or away."""
        if self._leaves_database_alone():
            return
        try:
            daily_counts.write(now)
        except Error:
            logger.warning("what was counted could not be written and is kept")

    def _leaves_database_alone(self) -> bool:
        return bool(
            {Reason.MAINTENANCE, Reason.DATABASE_UNREACHABLE} & set(self.reasons())
        )

    def _tell_the_pool(self) -> None:
        """While the database is away nobody waits for it: who did would hold a thread,
        and soon all of them, those of the pages that need no database too. What broke
        is thrown away now, not by the first requests after it is back."""
        pool = getattr(connection, "pool", None)
        if pool is None:
            return
        if Reason.DATABASE_UNREACHABLE in self.seen.reasons:
            pool.timeout = _AWAY_SECONDS
            pool.check()
        else:
            pool.timeout = settings.DATABASES[DEFAULT_DB_ALIAS]["OPTIONS"]["pool"][
                "timeout"
            ]

    def _run(self) -> None:
        written_at = time.monotonic()
        while True:
            try:
                try:
                    self.round(timezone.now())
                    if time.monotonic() - written_at >= WRITE_SECONDS:
                        written_at = time.monotonic()
                        self.write_counts(timezone.now())
                        self.show(timezone.now())
                finally:
                    # Back to the pool, which throws away one that broke.
                    connection.close()
                    self._tell_the_pool()
            except Exception:
                # Without this thread a maintenance would no longer be seen.
                logger.exception("a look failed")
            time.sleep(INTERVAL_SECONDS)


watch = Watch()
