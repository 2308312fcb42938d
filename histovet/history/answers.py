"""How pages answer that are for one reader alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from histovet.vault.errors import NoActiveRelease

_P = ParamSpec("_P")
View = Callable[Concatenate[HttpRequest, _P], HttpResponse]

# Why somebody was sent to the form, as its address says it.
OVER, ENDED = "delai", "fini"

RETRY_AFTER_SECONDS = 600


class SeeOther(HttpResponseRedirect):
    """What was posted is done: the next page is read, and a reload posts nothing."""

    status_code = 303


def unstored(view: View[_P]) -> View[_P]:
    """The page holds what somebody typed, or their report: no cache keeps it."""

    @functools.wraps(view)
    def answer(
        request: HttpRequest, *args: _P.args, **kwargs: _P.kwargs
    ) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except NoActiveRelease:
            response = render(request, "history/unavailable.html", status=503)
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        add_never_cache_headers(response)
        return response

    return answer


def private(view: View[_P]) -> View[_P]:
    """The page is for one reader alone: no search engine shows it either."""
    kept = unstored(view)

    @functools.wraps(view)
    def answer(
        request: HttpRequest, *args: _P.args, **kwargs: _P.kwargs
    ) -> HttpResponse:
        response = kept(request, *args, **kwargs)
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return answer


def to_form(why: str) -> HttpResponse:
    """Send who has no certificate at hand to where it is typed."""
    return SeeOther(f"{reverse('seller')}?suite={why}")
