"""What a key may ask for and has used, for its holder."""

from __future__ import annotations

import datetime as dt
from typing import NotRequired, TypedDict

from histovet.partners.anomalies import FAILURES_A_DAY
from histovet.partners.auth import Partner
from histovet.partners.models import PartnerUse
from histovet.partners.quotas import rate_of

DAYS = 30
# More than a year, so that two can be compared.
KEPT_DAYS = 400
# Time for a new key to be asked for and put in place.
ENDS_SOON_DAYS = 30


class RateOfKey(TypedDict):
    requests: int
    seconds: int


class Key(TypedDict):
    """`ends_soon` : moins de trente jours ; demandez la clé suivante."""

    begins_with: str
    partner: str
    scopes: list[str]
    rate: RateOfKey
    daily_quota: NotRequired[int]
    expires_at: str
    ends_soon: bool


class UsageToday(TypedDict):
    """Jour UTC. `failures` compte toutes les clés du partenaire."""

    date: str
    requests: int
    reports: int
    reports_left: NotRequired[int]
    failures: int
    failures_left: int
    starts_again_at: str


class UsageOfDay(TypedDict):
    date: str
    requests: int
    reports: int
    failures: int


class Usage(TypedDict):
    """`days` : les trente derniers jours UTC où la clé a servi, le plus récent d’abord."""

    key: Key
    today: UsageToday
    days: list[UsageOfDay]


def usage_document(partner: Partner, now: dt.datetime) -> Usage:
    use = partner.use
    rate_requests, rate_seconds = rate_of(partner.rate)
    key: Key = {
        "begins_with": partner.shown,
        "partner": partner.name,
        "scopes": list(partner.scopes),
        "rate": {"requests": rate_requests, "seconds": rate_seconds},
        "expires_at": _written(partner.expires_at),
        "ends_soon": partner.expires_at - now < dt.timedelta(days=ENDS_SOON_DAYS),
    }
    midnight = dt.datetime.combine(
        use.day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC
    )
    today: UsageToday = {
        "date": use.day.isoformat(),
        "requests": use.requests,
        "reports": use.reports,
        "failures": partner.failures_today,
        "failures_left": max(0, FAILURES_A_DAY - partner.failures_today),
        "starts_again_at": _written(midnight),
    }
    if partner.daily_quota is not None:
        key["daily_quota"] = partner.daily_quota
        today["reports_left"] = max(0, partner.daily_quota - use.reports)
    rows = PartnerUse.objects.filter(
        key_id=partner.key_id, day__gt=use.day - dt.timedelta(days=DAYS)
    )
    days: list[UsageOfDay] = [
        {
            "date": row.day.isoformat(),
            "requests": row.requests,
            "reports": row.reports,
            "failures": row.failures,
        }
        for row in rows.order_by("-day")
    ]
    return {"key": key, "today": today, "days": days}


def purge(today: dt.date) -> int:
    """Return how many days of a key were deleted."""
    oldest = today - dt.timedelta(days=KEPT_DAYS)
    deleted, _ = PartnerUse.objects.filter(day__lt=oldest).delete()
    return deleted


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
