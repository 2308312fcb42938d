"""The header that neither Django nor a package sets."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

RESOURCE_POLICY, SAME_ORIGIN = "Cross-Origin-Resource-Policy", "same-origin"


def same_origin_resources(get_response: Handler) -> Handler:
    """No other site may embed what we serve. Source: Fetch standard, section 3.7."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(RESOURCE_POLICY, SAME_ORIGIN)
        return response

    return middleware
