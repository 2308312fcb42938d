"""The site's error pages over views that fail in every way one can."""

import logging

from django.conf.urls.i18n import i18n_patterns
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from histovet import urls
from histovet.pages.errors import form_refused, too_many_requests

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500


def bad(request: HttpRequest) -> HttpResponse:
    raise BadRequest


def closed(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def limited(request: HttpRequest) -> HttpResponse:
    return too_many_requests(request, 60)


def limited_for_long(request: HttpRequest) -> HttpResponse:
    return too_many_requests(request, 119)


def fails(request: HttpRequest) -> HttpResponse:
    typed = request.POST.get("name", "")
    raise RuntimeError(f"failed on {typed}")


def away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused for someone")


def broken_off(request: HttpRequest) -> HttpResponse:
    raise InterfaceError("the connection is closed")


def logs(request: HttpRequest) -> HttpResponse:
    logging.getLogger(__name__).warning("within a request")
    return HttpResponse()


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"accepted {len(request.POST)} fields")


failing = [
    path("bad/", bad),
    path("closed/", closed, name="closed"),
    path("limited/", limited),
    path("limited-for-long/", limited_for_long),
    path("fails/", fails),
    path("away/", away),
    path("broken-off/", broken_off),
    path("logs/", logs),
    path("form/", form),
    path("form-refused/", form_refused),
]
urlpatterns = [
    *urls.urlpatterns,
    *i18n_patterns(*failing, prefix_default_language=False),
]
