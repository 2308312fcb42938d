"""Middleware of packages, for what a request needs of it."""

from typing import cast

from csp.constants import HEADER
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

from histovet.pages.headers import RESOURCE_POLICY, SAME_ORIGIN, Handler
from histovet.partners.middleware import PATHS


def constant_headers(get_response: Handler) -> Handler:
    """Set the headers that are alike in all answers, unless one has its own as those of
    the API.

    The packages' middleware, one after the other, make them anew for each answer: for
    nonces and views of their own that nothing here has.
    """
    constants = {
        HEADER: build_policy(),
        "Permissions-Policy": PermissionsPolicyMiddleware(
            get_response
        ).permissions_policy,
        RESOURCE_POLICY: SAME_ORIGIN,
    }

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in constants.items():
            response.headers.setdefault(name, value)
        return response

    return handle


def language(get_response: Handler) -> Handler:
    """Let pages alone through Django's: the API speaks one language."""
    # Synchronous, as get_response is.
    of_page = cast(Handler, LocaleMiddleware(get_response))

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PATHS):
            return get_response(request)
        return of_page(request)

    return handle
