"""A partner's key for tests, with every scope and no quota that they could reach."""

import datetime as dt

from histovet.partners.models import SCOPES, PartnerKey


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
