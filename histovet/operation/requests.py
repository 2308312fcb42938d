"""What is done for every request before any page is asked: its number, the probes, the
page of a maintenance."""

from __future__ import annotations

import secrets

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from histovet.logs import REQUEST_ID, UNLOGGED, current_request_id
from histovet.operation.watch import watch
from histovet.pages.errors import in_maintenance
from histovet.pages.headers import Handler

HEALTH, READINESS = "/healthz", "/readyz"


def numbered(get_response: Handler) -> Handler:
    """Give the request a number of ours, which its lines of the log and its answer
    carry. None of a client's is taken: it could say anything. A proxy writes ours into
    its own log from the answer."""

    def handle(request: HttpRequest) -> HttpResponse:
        number = secrets.token_hex(16)
        request.META[REQUEST_ID] = number
        token = current_request_id.set(number)
        try:
            response = get_response(request)
        finally:
            current_request_id.reset(token)
        response.headers["X-Request-Id"] = number
        return response

    return handle


def probes(get_response: Handler) -> Handler:
    """/healthz: this process answers. /readyz: it can show a report, or why not.

    Above all else: who asks comes by address, over plain http and many times a minute.
    Neither asks the database, and neither stands in the log.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path_info not in (HEALTH, READINESS):
            return get_response(request)
        request.META[UNLOGGED] = True
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        return _health() if request.path_info == HEALTH else _readiness()

    return handle


def _health() -> HttpResponse:
    is_closed = watch.seen.maintenance is not None
    return _probed(200, {"status": "ok", "maintenance": is_closed})


def _readiness() -> HttpResponse:
    reasons, seen = watch.reasons(), watch.seen
    release: dict[str, object] | None = None
    if seen.release_as_of is not None:
        release = {
            "number": seen.release_number,
            "as_of": seen.release_as_of.isoformat(),
            "age_days": (timezone.now().date() - seen.release_as_of).days,
        }
    return _probed(
        503 if reasons else 200,
        {"ready": not reasons, "reasons": list(reasons), "release": release},
    )


def _probed(status: int, document: dict[str, object]) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def maintenance(get_response: Handler) -> Handler:
    """Answer everything with one page while the site is closed; the API makes its own
    document of it (histovet/partners/middleware.py)."""

    def handle(request: HttpRequest) -> HttpResponse:
        closed = watch.seen.maintenance
        if closed is None:
            return get_response(request)
        # It is meant, and would be a line of every visitor.
        request.META[UNLOGGED] = True
        now = timezone.now()
        return in_maintenance(
            request,
            closed.retry_after_seconds(now),
            is_announced=closed.ends_after(now),
        )

    return handle
