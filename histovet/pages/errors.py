"""The pages for a request that gets no other: each says what to do next."""

import math
import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers

# What a page says to who finds the database away: the time that one takes to start
# again, in seconds.
RETRY_AFTER_SECONDS = 60


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "pages/400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "pages/403.html", 403)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's check against forged forms failed; `reason` is for its log alone."""
    return _page(request, "pages/403_form.html", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "pages/404.html", 404)


def too_many_requests(request: HttpRequest, retry_after_seconds: int) -> HttpResponse:
    minutes = max(1, math.ceil(retry_after_seconds / 60))
    # A wait of hours is that of one vehicle and network until midnight.
    hours = math.ceil(minutes / 60) if minutes > 90 else 0
    response = _page(
        request, "pages/429.html", 429, {"minutes": minutes, "hours": hours}
    )
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def in_maintenance(
    request: HttpRequest, retry_after_seconds: int, *, is_announced: bool
) -> HttpResponse:
    """The database is perhaps away: nothing of this page asks it."""
    minutes = math.ceil(retry_after_seconds / 60) if is_announced else 0
    response = _page(request, "pages/503.html", 503, {"minutes": minutes})
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def broken(request: HttpRequest) -> HttpResponse:
    """Whatever failed may fail again: no database, no context processor."""
    # Django calls this while it handles what was raised.
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    template, status = ("unavailable", 503) if is_away else ("500", 500)
    language = translation.get_language_from_path(request.path_info)
    with translation.override(language or settings.LANGUAGE_CODE):
        content = render_to_string(
            f"pages/{template}.html",
            {"is_sent": request.method not in ("GET", "HEAD")},
        )
    response = _never_stored(HttpResponse(content, status=status))
    if is_away:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _page(
    request: HttpRequest,
    template: str,
    status: int,
    context: dict[str, int] | None = None,
) -> HttpResponse:
    return _never_stored(render(request, template, context, status=status))


def _never_stored(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
