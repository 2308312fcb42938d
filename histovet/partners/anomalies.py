"""What a key does that its partner never does, and for which it is suspended.

The rules are in docs/partners.md. A line is drawn once a day for a key, when its partner
reaches the floor of a rule, and the request that crosses it is refused like all that follow.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging

from django.db import transaction

from histovet.audit.trail import THE_SITE
from histovet.partners import acts
from histovet.partners.auth import Partner
from histovet.partners.models import PartnerKey
from histovet.partners.problems import FieldError, Problem, Refused
from histovet.statements import one_row

logger = logging.getLogger(__name__)

# A line is so many times the median of the last days on which the partner had a report,
# and never below its floor. Who has had reports on fewer days has no usual day yet: its
# quota is its limit.
TIMES = 5
VOLUME_FLOOR = 500
NIGHT_FLOOR = 100
DAYS = 28
DAYS_KNOWN = 7
FAILURES_A_DAY = 50
# Four fifths: who stops just before the budget ends has failed as well.
FAILURES_OF_FAILED_DAY = FAILURES_A_DAY * 4 // 5
# So many failed days of so many, today included.
FAILED_DAYS = 3
FAILED_WITHIN_DAYS = 7

_NO_LINE = 2**31 - 1


class Anomaly(enum.Enum):
    VOLUME = "anomaly:volume"
    NIGHT = "anomaly:night"
    FAILURES = "anomaly:failures"


_SAID = {
    Anomaly.VOLUME: "Bien plus de rapports en un jour que d’habitude.",
    Anomaly.NIGHT: "Bien plus de rapports la nuit que d’habitude.",
    Anomaly.FAILURES: "Trop de recherches infructueuses, plusieurs jours de suite.",
}


def refused_as_suspended(why: str) -> Refused:
    """Return the refusal of a suspended key; only an anomaly is told, since what an
    operator wrote is for operators."""
    errors = [
        FieldError("", anomaly.value.replace(":", "_"), said)
        for anomaly, said in _SAID.items()
        if anomaly.value == why
    ]
    return Refused(Problem.KEY_SUSPENDED, errors=errors)


def refuse_anomalies(partner: Partner, now: dt.datetime) -> None:
    """Suspend the key and raise Refused when a line is crossed by this report."""
    use = partner.use
    reports = use.reports + partner.reports_of_others
    night_reports = use.night_reports + partner.night_reports_of_others
    if reports < VOLUME_FLOOR and night_reports < NIGHT_FLOOR:
        return
    if use.volume_line is None or use.night_line is None:
        use.volume_line, use.night_line = _drawn(partner)
    if reports > use.volume_line:
        anomaly = Anomaly.VOLUME
    elif night_reports > use.night_line:
        anomaly = Anomaly.NIGHT
    else:
        return
    _suspend([partner.key_id], anomaly, now)
    raise refused_as_suspended(anomaly.value)


def suspend_after_failures(partner: Partner, now: dt.datetime) -> None:
    """Suspend every key of a partner with failed days enough.

    For who calls it once, when today becomes one.
    """
    row = one_row(
        """
        SELECT count(*) FROM (
            SELECT FROM partners_use u JOIN partners_key k ON k.id = u.key_id
            WHERE k.folded_name = %s AND u.day > %s AND u.day <= %s
            GROUP BY u.day HAVING sum(u.failures) >= %s
        ) AS failed
        """,
        (
            partner.folded_name,
            partner.use.day - dt.timedelta(days=FAILED_WITHIN_DAYS),
            partner.use.day,
            FAILURES_OF_FAILED_DAY,
        ),
    )
    if row is None or row[0] < FAILED_DAYS:
        return
    keys = PartnerKey.objects.filter(folded_name=partner.folded_name)
    _suspend(list(keys.values_list("pk", flat=True)), Anomaly.FAILURES, now)


def _drawn(partner: Partner) -> tuple[int, int]:
    """Return the lines of the day, which stay as they were first drawn."""
    row = one_row(
        """
        WITH days AS (
            SELECT sum(u.reports) AS reports, sum(u.night_reports) AS night_reports
            FROM partners_use u JOIN partners_key k ON k.id = u.key_id
            WHERE k.folded_name = %s AND u.day >= %s AND u.day < %s
            GROUP BY u.day HAVING sum(u.reports) > 0
        ), usual AS (
            SELECT count(*) >= %s AS is_known,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY reports) AS reports,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY night_reports)
                    AS night_reports
            FROM days
        )
        UPDATE partners_use SET
            volume_line = coalesce(volume_line, CASE WHEN is_known
                THEN least(greatest(%s, %s * usual.reports), %s) ELSE %s END),
            night_line = coalesce(night_line, CASE WHEN is_known
                THEN least(greatest(%s, %s * usual.night_reports), %s) ELSE %s END)
        FROM usual WHERE key_id = %s AND day = %s
        RETURNING volume_line, night_line
        """,
        (
            partner.folded_name,
            partner.use.day - dt.timedelta(days=DAYS),
            partner.use.day,
            DAYS_KNOWN,
            *(VOLUME_FLOOR, TIMES, _NO_LINE, _NO_LINE),
            *(NIGHT_FLOOR, TIMES, _NO_LINE, _NO_LINE),
            *(partner.key_id, partner.use.day),
        ),
    )
    return _NO_LINE if row is None else row[0], _NO_LINE if row is None else row[1]


def _suspend(key_ids: list[int], anomaly: Anomaly, now: dt.datetime) -> None:
    with transaction.atomic():
        rows = PartnerKey.objects.select_for_update().filter(
            pk__in=key_ids, suspended_at=None
        )
        # Another request may have been first.
        for row in rows.order_by("pk"):
            if row.is_intact():
                acts.suspend(THE_SITE, row, now, anomaly.value)
                logger.warning(
                    "partner key id=%d suspended: %s; see: python manage.py partner "
                    "--list",
                    row.pk,
                    anomaly.value,
                )
