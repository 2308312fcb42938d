"""Middleware of packages, for what a request needs of it."""

from typing import cast

from csp.constants import HEADER
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware

from histovet.pages.headers import Handler
from histovet.partners.middleware import PATHS


def content_security_policy(get_response: Handler) -> Handler:
    """Set the policy of the settings, unless the answer has its own as those of the API.

    django-csp's middleware makes it anew for each answer, for nonces that no page has.
    """
    policy = build_policy()

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(HEADER, policy)
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
