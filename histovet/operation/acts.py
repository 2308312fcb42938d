"""Closing the site and opening it again, each with its entry in the trail.

The command and the dashboard of operators both come here.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from histovet.audit import trail
from histovet.audit.trail import Actor
from histovet.operation.models import Maintenance

LONGEST_MINUTES = 24 * 60


def begin(actor: Actor, now: dt.datetime, minutes: int | None = None) -> None:
    """Close the site on all nodes, or announce another end; `minutes` from 1 to
    LONGEST_MINUTES is what visitors are told."""
    until = None if minutes is None else now + dt.timedelta(minutes=minutes)
    with transaction.atomic():
        _, is_new = Maintenance.objects.get_or_create(
            the_only=True, defaults={"since": now, "until": until}
        )
        if not is_new:
            Maintenance.objects.update(until=until)
        told = f"{minutes} min" if minutes else ""
        trail.add(actor, "maintenance.begin", "", details=told, now=now)


def end(actor: Actor, now: dt.datetime) -> bool:
    """Open the site; return whether it was closed."""
    with transaction.atomic():
        deleted, _ = Maintenance.objects.all().delete()
        if deleted:
            trail.add(actor, "maintenance.end", "", now=now)
    return bool(deleted)
