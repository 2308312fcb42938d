"""The dashboard's pages for a request that gets no other."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's check against forged forms failed; `reason` is for its log alone."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Whatever failed may fail again: no database, no context processor."""
    language = translation.get_language_from_path(request.path_info)
    with translation.override(language or settings.LANGUAGE_CODE):
        content = render_to_string("operators/error.html", {"status": 500})
    return _never_stored(HttpResponse(content, status=500))


def _page(request: HttpRequest, status: int) -> HttpResponse:
    return _never_stored(
        render(request, "operators/error.html", {"status": status}, status=status)
    )


def _never_stored(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
