"""Nobody sees a page of the dashboard before they have signed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from histovet.audit.trail import Actor
from histovet.operators import sessions
from histovet.operators.models import Account, Session
from histovet.pages.headers import Handler

View = Callable[..., HttpResponse]


class OperatorRequest(HttpRequest):
    """What a view gets that is not open to all."""

    account: Account
    session_row: Session
    actor: Actor
    now: dt.datetime


def open_to_all(view: View) -> View:
    """Mark a view that may be seen by who has not signed in."""
    view.is_open_to_all = True  # type: ignore[attr-defined]
    return view


class SignedInAlone:
    """Send everybody else to sign in, and renew the cookie of who is."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        add_never_cache_headers(response)
        renewed = getattr(request, "renewed_secret", None)
        if renewed is not None:
            sessions.renew(response, renewed, timezone.now())
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if getattr(view, "is_open_to_all", False):
            return None
        now = timezone.now()
        found = sessions.of(request, now)
        if found is None:
            answer = redirect("sign_in")
            sessions.take_back(answer)
            return answer
        session, secret = found
        signed_in = cast(OperatorRequest, request)
        signed_in.account, signed_in.session_row = session.account, session
        signed_in.actor = Actor.operator(session.account.name)
        signed_in.now = now
        request.renewed_secret = secret  # type: ignore[attr-defined]
        return None


def signed_out(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response without the cookie, which is not renewed."""
    request.renewed_secret = None  # type: ignore[attr-defined]
    sessions.take_back(response)
    return response
