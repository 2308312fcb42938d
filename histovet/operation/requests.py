"""What is done for every request before any page is asked: its number, the probes, how
long it takes, the page of a maintenance."""

from __future__ import annotations

import functools
import secrets
import time

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation

from histovet import metrics
from histovet.limits import clients
from histovet.logs import REQUEST_ID, UNLOGGED, current_request_id, method_of
from histovet.operation.watch import watch
from histovet.pages.errors import in_maintenance
from histovet.pages.headers import Handler

HEALTH, READINESS, METRICS = "/healthz", "/readyz", "/metrics"
# What a proxy says of whom it asks for; gunicorn passes no other spelling on.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_")


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
    /metrics: how this node does, for who may read it; to others it is no address.

    Above all else: who asks comes by address, over plain http and many times a minute.
    Neither asks the database, and neither stands in the log.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path_info not in (HEALTH, READINESS, METRICS):
            return get_response(request)
        if request.path_info == METRICS and not may_read_metrics(request):
            return get_response(request)
        request.META[UNLOGGED] = True
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        return _ANSWERS[request.path_info]()

    return handle


def may_read_metrics(request: HttpRequest) -> bool:
    """Tell whether the peer itself is one of HISTOVET_METRICS_NETWORKS.

    Nothing that a proxy hands on is answered: a header can only take the right away.
    """
    if any(name.startswith(_FORWARDED) for name in request.META):
        return False
    remote = request.META.get("REMOTE_ADDR", "")
    if not remote:
        return settings.METRICS_SOCKET_PEER
    address = clients.parsed(remote)
    return address is not None and any(
        address in network for network in settings.METRICS_NETWORKS
    )


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


def _metrics() -> HttpResponse:
    return HttpResponse(
        metrics.exposition(),
        content_type=metrics.CONTENT_TYPE,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


_ANSWERS = {HEALTH: _health, READINESS: _readiness, METRICS: _metrics}


def _probed(status: int, document: dict[str, object]) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def measured(get_response: Handler) -> Handler:
    """Count the request by the name of the address that it matched, below the probes,
    which would drown all else."""

    def handle(request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        metrics.requests_in_progress.inc()
        try:
            response = get_response(request)
        finally:
            metrics.requests_in_progress.dec()
        match = request.resolver_match
        metrics.count_request(
            # A static file, the page of a maintenance, an address that there is not.
            match.view_name if match else "none",
            method_of(request),
            response.status_code,
            time.perf_counter() - begun,
        )
        return response

    return handle


def maintenance(get_response: Handler) -> Handler:
    """Answer everything but the state of the site with one page while it is closed; the
    API makes its own document of it (histovet/partners/middleware.py)."""

    def handle(request: HttpRequest) -> HttpResponse:
        closed = watch.seen.maintenance
        if closed is None or request.path_info in _addresses_of_status():
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


@functools.cache
def _addresses_of_status() -> frozenset[str]:
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(reverse("status"))
    return frozenset(found)
