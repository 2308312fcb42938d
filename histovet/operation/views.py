from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from histovet.history.signatory import signatory
from histovet.inspections.retrieve import is_source_paused
from histovet.operation.status import Documents, Inspections, status
from histovet.operation.watch import watch


@require_safe
@cache_control(public=True, max_age=5)
def state_of_the_site(request: HttpRequest) -> HttpResponse:
    """From memory alone: it is asked most when everything else fails."""
    now, seen = timezone.now(), watch.seen
    context = {
        "now": now,
        "maintenance": seen.maintenance,
        "is_announced": seen.maintenance is not None
        and seen.maintenance.ends_after(now),
        "as_of": seen.release_as_of,
        "status": status(
            watch.reasons(),
            seen.release_as_of,
            now.date(),
            _inspections(),
            _documents(now),
        ),
    }
    return render(request, "operation/status.html", context)


def _inspections() -> Inspections:
    if is_source_paused():
        return Inspections.PAUSED
    return Inspections.OF_UTAC if settings.UTAC_URL else Inspections.OF_REGISTER


def _documents(now: dt.datetime) -> Documents:
    if settings.SIGNING_FILES is None:
        return Documents.NOT_OFFERED
    return Documents.SIGNED if signatory(now) else Documents.NOBODY_SIGNS
