"""What every answer of the API has in common, whoever wrote it."""

import logging
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from histovet.partners.auth import Partner
from histovet.partners.problems import CONTENT_TYPE, Problem, problem_response
from histovet.partners.quotas import give_back, limit_headers

logger = logging.getLogger(__name__)

# The ancestor's clients ask under its own path.
PATHS = ("/api/", "/histovec/api/")

# For who opens an answer in a browser: nothing in it runs, loads or is framed.
_POLICY = "default-src 'none'; frame-ancestors 'none'"

_PROBLEMS = {
    403: Problem.SCOPE_MISSING,
    404: Problem.NO_SUCH_PATH,
    405: Problem.METHOD_NOT_ALLOWED,
    413: Problem.BODY_TOO_LARGE,
}


def api_answers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """An error that Django, django-ninja or a middleware answered becomes a problem,
    nothing of the API is stored or indexed, and who is known is told what it has left."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path_info.startswith(PATHS):
            return response
        if (
            response.status_code >= 400
            and response.headers["Content-Type"] != CONTENT_TYPE
        ):
            otherwise = (
                Problem.BROKEN
                if response.status_code >= 500
                else Problem.INVALID_REQUEST
            )
            problem = _PROBLEMS.get(response.status_code, otherwise)
            allowed = response.headers.get("Allow")
            response = problem_response(problem)
            # Who would have set it has seen the other answer.
            response.headers["Content-Length"] = str(len(response.content))
            if allowed:
                response.headers["Allow"] = allowed
        partner: Partner | None = getattr(request, "partner", None)
        if partner is not None:
            _settle(partner, response)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return middleware


def _settle(partner: Partner, response: HttpResponse) -> None:
    if response.status_code >= 400:
        try:
            give_back(partner)
        except DatabaseError:
            # The answer says so already; the report stays counted.
            logger.error("a report that was not given could not be taken back")
    for name, value in limit_headers(partner, timezone.now()).items():
        response.headers[name] = value
