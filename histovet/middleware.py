"""Middleware of packages that pages alone need: the JSON API goes past it.

Each costs a request about 60 µs, a twentieth of an answer of the API, which writes its
own policy (histovet/partners/middleware.py) and speaks one language.
"""

from collections.abc import Callable
from typing import cast

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils.deprecation import MiddlewareMixin

from histovet.pages.headers import Handler
from histovet.partners.middleware import PATHS


def _of_pages(middleware: type[MiddlewareMixin]) -> Callable[[Handler], Handler]:
    def factory(get_response: Handler) -> Handler:
        # Synchronous, as get_response is.
        of_page = cast(Handler, middleware(get_response))

        def handle(request: HttpRequest) -> HttpResponse:
            if request.path_info.startswith(PATHS):
                return get_response(request)
            return of_page(request)

        return handle

    return factory


content_security_policy = _of_pages(CSPMiddleware)
language = _of_pages(LocaleMiddleware)
