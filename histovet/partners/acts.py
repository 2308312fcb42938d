"""What is done with the keys of partners, each with its entry in the trail.

The command and the dashboard of operators both come here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from histovet.audit import trail
from histovet.audit.trail import Actor
from histovet.partners.models import (
    NAME_MAX,
    KeyChanged,
    KeyEnded,
    PartnerKey,
    Scope,
)

DEFAULT_RATE = "10/s"
DEFAULT_DAYS = 365
DEFAULT_OVERLAP = dt.timedelta(days=14)


class TermsRefused(ValueError):
    """A key cannot have these terms; the message says why, in English."""


def named(text: str) -> str:
    """Return the name of a partner as it is stored. Raises TermsRefused."""
    name = " ".join(text.split())
    if not (1 <= len(name) <= NAME_MAX and name.isprintable()):
        raise TermsRefused(f"the name of a partner has 1 to {NAME_MAX} characters")
    return name


def end_of(last_day: dt.date | None, now: dt.datetime) -> dt.datetime:
    """Return when a key ends whose last day, in UTC, this is; in DEFAULT_DAYS without
    one. Raises TermsRefused for a day that is over."""
    last_day = last_day or now.date() + dt.timedelta(days=DEFAULT_DAYS)
    if last_day < now.date():
        raise TermsRefused(f"{last_day} is in the past")
    return dt.datetime.combine(
        last_day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC
    )


def issue(
    actor: Actor,
    now: dt.datetime,
    *,
    name: str,
    scopes: list[str],
    rate: str,
    daily_quota: int | None,
    expires_at: dt.datetime,
) -> tuple[PartnerKey, str]:
    """Return the row and the key, which cannot be had again; by code when no scope is
    given."""
    with transaction.atomic():
        row, key = PartnerKey.issue(
            name=name,
            scopes=scopes or [Scope.REPORT_BY_CODE.value],
            rate=rate,
            daily_quota=daily_quota,
            expires_at=expires_at,
            now=now,
        )
        trail.add(actor, "partner.issue", _named(row), details=_terms(row), now=now)
    return row, key


def suspend_others(actor: Actor, row: PartnerKey, now: dt.datetime) -> int:
    """Suspend the other keys of the partner; return how many were."""
    with transaction.atomic():
        suspended = 0
        for other in PartnerKey.objects.others_of(row).select_for_update():
            if other.is_intact():
                suspend(actor, other, now)
                suspended += 1
    return suspended


def rotate(
    actor: Actor,
    row: PartnerKey,
    now: dt.datetime,
    *,
    ends_at: dt.datetime,
    expires_at: dt.datetime,
) -> tuple[PartnerKey, str]:
    """Raises KeyChanged, KeyEnded."""
    with _told(actor, "partner.rotate", row, now):
        new, key = row.rotate(now, ends_at=ends_at, expires_at=expires_at)
        trail.add(
            actor,
            "partner.rotate",
            _named(row),
            details=f"{new.shown}… {_terms(new)}; until {row.expires_at:%Y-%m-%d %H:%M}",
            now=now,
        )
    return new, key


def suspend(actor: Actor, row: PartnerKey, now: dt.datetime, why: str = "") -> None:
    """Raises KeyChanged."""
    with _told(actor, "partner.suspend", row, now):
        row.suspend(now, why)
        trail.add(actor, "partner.suspend", _named(row), details=why, now=now)


def resume(actor: Actor, row: PartnerKey, now: dt.datetime) -> None:
    """Raises KeyChanged."""
    with _told(actor, "partner.resume", row, now):
        row.resume(now.date())
        trail.add(actor, "partner.resume", _named(row), now=now)


def end(actor: Actor, row: PartnerKey, now: dt.datetime) -> None:
    """End the key now, for good. Raises KeyChanged, KeyEnded."""
    with _told(actor, "partner.end", row, now):
        row.end(now)
        trail.add(actor, "partner.end", _named(row), now=now)


@contextmanager
def _told(actor: Actor, act: str, row: PartnerKey, now: dt.datetime) -> Iterator[None]:
    """What is done and its entry are one transaction; what is refused has one too.

    The row is read again, locked: of two acts at once the second would put a MAC beside
    what the first has written that does not cover it, and end the key for good.
    """
    try:
        with transaction.atomic():
            row.refresh_from_db(from_queryset=PartnerKey.objects.select_for_update())
            yield
    except KeyChanged:
        trail.add(actor, act, _named(row), result="key_changed", now=now)
        raise
    except KeyEnded:
        trail.add(actor, act, _named(row), result="key_ended", now=now)
        raise


def _named(row: PartnerKey) -> str:
    return f"{row.shown}… {row.name}"


def _terms(row: PartnerKey) -> str:
    quota = f"{row.daily_quota}/d" if row.daily_quota else "no quota"
    return (
        f"{row.rate}, {quota}, until {row.expires_at:%Y-%m-%d}, {', '.join(row.scopes)}"
    )
