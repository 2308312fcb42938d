"""What every answer of the API has in common, whoever wrote it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from histovet.partners.problems import CONTENT_TYPE, Problem, problem_response

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
    and nothing of the API is stored or indexed."""

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
            if allowed:
                response.headers["Allow"] = allowed
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return middleware
