"""A partner's key for tests, with every scope and no quota that they could reach."""

import datetime as dt

from django.db.models import Sum

from histovet.partners.models import SCOPES, PartnerKey, PartnerUse


def new_key(name: str = "essai") -> str:
    now = dt.datetime.now(dt.UTC)
    _, key = PartnerKey.issue(
        name=name,
        scopes=list(SCOPES),
        rate="90000/s",
        daily_quota=None,
        expires_at=now + dt.timedelta(days=1),
        now=now,
    )
    return key


def failures() -> int:
    """Return how many searches found nothing, with all keys and on all days."""
    return PartnerUse.objects.aggregate(all=Sum("failures", default=0))["all"]
