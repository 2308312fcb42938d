"""How many searches of a partner may find nothing: each is a guess, until proved to
be a slip. Apart from the quota of what it does find."""

from __future__ import annotations

import datetime as dt

from django.core.cache import cache
from django.db import transaction

from histovet.limits.counting import count, seconds_to_midnight
from histovet.limits.keys import throttle_value
from histovet.partners.anomalies import (
    FAILURES_A_DAY,
    FAILURES_OF_FAILED_DAY,
    suspend_after_failures,
)
from histovet.partners.auth import Partner
from histovet.partners.problems import Problem, Refused
from histovet.statements import one_row

A_DAY = FAILURES_A_DAY
A_DAY_AND_PLATE = 3


def refuse_after_failures(
    partner: Partner, plate: str | None, now: dt.datetime
) -> None:
    """Raise Refused when a budget of this UTC day is used up; a search that names no
    plate has the partner's alone.

    Requests that run at the same moment may each pass, so that a partner has at most
    one try more for each thread of the site.
    """
    if not partner.failures_today:
        # Nor has any plate of this partner, and there is nothing to read.
        return
    if partner.failures_today >= A_DAY:
        raise _refused(now)
    if plate is None:
        return
    if cache.get(_plate_key(partner, plate), 0) >= A_DAY_AND_PLATE:
        raise _refused(now)


def count_failure(partner: Partner, plate: str | None, now: dt.datetime) -> None:
    """Raise Refused when this failure is beyond a budget."""
    use = partner.use
    # The report that was counted for this request becomes a failure.
    report, use.granted = int(use.granted), False
    use.reports -= report
    with transaction.atomic():
        # One failure of a partner after the other, whichever key it is of, so that each
        # number is reached once. By a statement of its own: the next one then sees what
        # the one before it has committed.
        one_row(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (f"partner failures {partner.folded_name}",),
        )
        row = one_row(
            """
            WITH counted AS (
                UPDATE partners_use SET failures = failures + 1, reports = reports - %s,
                    night_reports = night_reports - %s
                WHERE key_id = %s AND day = %s
                RETURNING key_id, day, failures
            )
            SELECT counted.failures + (
                SELECT coalesce(sum(u.failures), 0)
                FROM partners_key f JOIN partners_use u ON u.key_id = f.id
                    AND u.day BETWEEN counted.day AND counted.day + 1
                WHERE f.folded_name = k.folded_name
                    AND (u.key_id, u.day) <> (counted.key_id, counted.day)
            )
            FROM counted JOIN partners_key k ON k.id = counted.key_id
            """,
            (report, report * use.is_night, partner.key_id, use.day),
        )
    if row is None:
        # Deleted since it was accepted.
        raise Refused(Problem.KEY_REFUSED)
    on_plate = 0
    if plate is not None:
        on_plate = count(_plate_key(partner, plate), _seconds_to_end(use.day, now))
    if row[0] == FAILURES_OF_FAILED_DAY:
        suspend_after_failures(partner, now)
    if row[0] > A_DAY or on_plate > A_DAY_AND_PLATE:
        raise _refused(now)


def _plate_key(partner: Partner, plate: str) -> str:
    value = f"{partner.folded_name}\0{plate}"
    return "failures:" + throttle_value("partner and plate", value, partner.use.day)


def _seconds_to_end(day: dt.date, now: dt.datetime) -> int:
    """Return whole seconds, at least one, to the end of a UTC day that may not have
    begun on this clock."""
    return seconds_to_midnight(now) + max(0, (day - now.date()).days) * 24 * 3600


def _refused(now: dt.datetime) -> Refused:
    return Refused(
        Problem.TOO_MANY_FAILURES, retry_after_seconds=seconds_to_midnight(now)
    )
