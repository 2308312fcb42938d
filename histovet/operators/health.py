"""What an operator looks at first: counts and states, and nothing of any vehicle."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum

from histovet.limits import whole_site
from histovet.operation.models import Maintenance
from histovet.operation.watch import is_too_old
from histovet.partners.anomalies import FAILURES_A_DAY
from histovet.partners.models import PartnerKey, PartnerUse
from histovet.partners.usage import ENDS_SOON_DAYS
from histovet.vault.models import Delta, Release

DAYS_OF_USE = 30

# What the role of operators reads of a release: neither salt nor MAC.
_OF_RELEASE = (
    *("number", "label", "as_of", "inspections_as_of", "key_version", "state"),
    *("edition", "lines", "rows", "rejects", "created_at", "activated_at"),
)


@dataclass(frozen=True)
class ShownRelease:
    """`bytes_stored` is None when its records are gone."""

    row: Release
    age_days: int
    is_too_old: bool
    last_delta: Delta | None
    bytes_stored: int | None


@dataclass(frozen=True)
class KeyStates:
    by_state: Counter[str]
    suspended: list[PartnerKey]
    changed: list[PartnerKey]
    ending: list[PartnerKey]


@dataclass(frozen=True)
class Day:
    """What all partners asked for on one UTC day."""

    day: dt.date
    requests: int
    reports: int
    failures: int


@dataclass(frozen=True)
class Overview:
    maintenance: Maintenance | None
    active: ShownRelease | None
    building: ShownRelease | None
    last_ingest: dt.datetime | None
    keys: KeyStates
    today: Day
    braked: list[whole_site.Failures]


def overview(now: dt.datetime) -> Overview:
    shown = releases(now)
    by_state = {one.row.state: one for one in reversed(shown)}
    activated = [one.row.activated_at for one in shown if one.row.activated_at]
    activated += [one.last_delta.applied_at for one in shown if one.last_delta]
    return Overview(
        Maintenance.objects.first(),
        by_state.get(Release.State.ACTIVE),
        by_state.get(Release.State.BUILDING),
        max(activated, default=None),
        key_states(now),
        next(iter(days_of_use(now, days=1)), Day(now.date(), 0, 0, 0)),
        [one for one in whole_site.failures(now) if one.is_braked],
    )


def releases(now: dt.datetime) -> list[ShownRelease]:
    """Return the releases, the newest first."""
    rows = list(Release.objects.only(*_OF_RELEASE).order_by("-number")[:50])
    deltas: dict[int, Delta] = {}
    for delta in Delta.objects.filter(
        release__in=[row.number for row in rows]
    ).order_by("edition"):
        deltas[delta.release_id] = delta
    return [
        ShownRelease(
            row,
            (now.date() - row.as_of).days,
            is_too_old(row.as_of, now.date()),
            deltas.get(row.number),
            _bytes_stored(row.number),
        )
        for row in rows
    ]


def key_states(now: dt.datetime) -> KeyStates:
    rows = list(PartnerKey.objects.order_by("folded_name", "created_at"))
    states = {row.pk: row.state(now) for row in rows}
    soon = now + dt.timedelta(days=ENDS_SOON_DAYS)

    def of(state: str) -> list[PartnerKey]:
        return [row for row in rows if states[row.pk] == state]

    return KeyStates(
        Counter(states.values()),
        of("suspended"),
        of("changed"),
        [row for row in of("live") if row.expires_at <= soon],
    )


def days_of_use(
    now: dt.datetime, key: PartnerKey | None = None, days: int = DAYS_OF_USE
) -> list[Day]:
    """Return the last days with any use, of one key or of all, the newest first."""
    first = now.date() - dt.timedelta(days=days - 1)
    of_which = Q(day__gte=first) if key is None else Q(day__gte=first, key_id=key.pk)
    rows = (
        PartnerUse.objects.filter(of_which)
        .values("day")
        .annotate(
            all_requests=Sum("requests"),
            all_reports=Sum("reports"),
            all_failures=Sum("failures"),
        )
        .order_by("-day")
    )
    return [
        Day(row["day"], row["all_requests"], row["all_reports"], row["all_failures"])
        for row in rows
    ]


@dataclass(frozen=True)
class Budgets:
    """Of today: partners that have used up what may fail, and keys their quota."""

    partners_without_failures_left: int
    keys_without_quota_left: int
    failures_a_day: int = FAILURES_A_DAY


def budgets(now: dt.datetime) -> Budgets:
    used = {one.key_id: one for one in PartnerUse.objects.filter(day=now.date())}
    failures: Counter[str] = Counter()
    for pk, name in PartnerKey.objects.values_list("pk", "folded_name"):
        failures[name] += used[pk].failures if pk in used else 0
    with_quota = PartnerKey.objects.filter(daily_quota__isnull=False)
    return Budgets(
        sum(1 for count in failures.values() if count >= FAILURES_A_DAY),
        sum(
            1
            for pk, quota in with_quota.values_list("pk", "daily_quota")
            if quota is not None and pk in used and used[pk].reports >= quota
        ),
    )


def brake_failures() -> int:
    return int(settings.BRAKE_FAILURES)


def _bytes_stored(number: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size(to_regclass('public.vault_record_' || %s))",
            [str(number)],
        )
        (size,) = cursor.fetchone()
    return None if size is None else int(size)
