"""Keys of partners: what they are, what they have used, and what is done with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from histovet.audit.models import Entry
from histovet.operators import health, wording
from histovet.operators.access import OperatorRequest
from histovet.operators.confirming import act
from histovet.operators.forms import ActForm, IssueForm, RotateForm, SuspendForm
from histovet.operators.trail_page import shown
from histovet.partners import acts
from histovet.partners.models import PartnerKey, Scope

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class ShownKey:
    """A key in words; `is_live` may be rotated, suspended and ended."""

    row: PartnerKey
    state: str
    state_in_words: str
    scopes: list[str]

    @property
    def is_live(self) -> bool:
        return self.state == "live"

    @property
    def tone(self) -> str:
        return {"live": "good", "suspended": "warn", "changed": "grave"}.get(
            self.state, "note"
        )


@require_GET
def partners(request: OperatorRequest) -> HttpResponse:
    rows = PartnerKey.objects.order_by("folded_name", "-created_at")
    keys = [_shown(row, request.now) for row in rows]
    return render(
        request,
        "operators/partners.html",
        {
            "current": [one for one in keys if one.state != "expired"],
            "over": [one for one in keys if one.state == "expired"],
        },
    )


@require_GET
def key(request: OperatorRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(PartnerKey, pk=pk)
    others = PartnerKey.objects.filter(folded_name=row.folded_name).exclude(pk=pk)
    entries = Entry.objects.filter(subject__startswith=f"{row.shown}…")
    return render(
        request,
        "operators/partner.html",
        {
            "key": _shown(row, request.now),
            "others": [_shown(one, request.now) for one in others],
            "days": health.days_of_use(request.now, row),
            "entries": [shown(one) for one in entries.order_by("-position")[:20]],
        },
    )


@get_or_post
def issue(request: OperatorRequest) -> HttpResponse:
    def do(form: IssueForm) -> HttpResponse:
        typed = form.cleaned_data
        row, key = acts.issue(
            request.actor,
            request.now,
            name=typed["name"],
            scopes=typed["scopes"],
            rate=typed["rate"],
            daily_quota=typed["daily_quota"],
            expires_at=form.end(request.now),
        )
        return _show_key(request, row, key)

    initial = {"rate": acts.DEFAULT_RATE, "scopes": [Scope.REPORT_BY_CODE.value]}
    return act(request, "operators/issue.html", IssueForm, do, initial=initial)


@get_or_post
def rotate(request: OperatorRequest, pk: int) -> HttpResponse:
    def do(row: PartnerKey, form: RotateForm) -> HttpResponse:
        overlap = dt.timedelta(hours=form.cleaned_data["overlap"])
        new, key = acts.rotate(
            request.actor,
            row,
            request.now,
            ends_at=request.now + overlap,
            expires_at=form.end(request.now),
        )
        return _show_key(request, new, key, old=row)

    usual = int(acts.DEFAULT_OVERLAP.total_seconds() // 3600)
    return _change(request, pk, "rotate", RotateForm, do, initial={"overlap": usual})


@get_or_post
def suspend(request: OperatorRequest, pk: int) -> HttpResponse:
    def do(row: PartnerKey, form: SuspendForm) -> HttpResponse:
        acts.suspend(request.actor, row, request.now, form.cleaned_data["why"])
        return redirect("partner_key", pk=pk)

    return _change(request, pk, "suspend", SuspendForm, do)


@get_or_post
def resume(request: OperatorRequest, pk: int) -> HttpResponse:
    def do(row: PartnerKey, form: ActForm) -> HttpResponse:
        acts.resume(request.actor, row, request.now)
        return redirect("partner_key", pk=pk)

    return _change(request, pk, "resume", ActForm, do)


@get_or_post
def end(request: OperatorRequest, pk: int) -> HttpResponse:
    def do(row: PartnerKey, form: ActForm) -> HttpResponse:
        acts.end(request.actor, row, request.now)
        return redirect("partner_key", pk=pk)

    return _change(request, pk, "end", ActForm, do)


def _change(
    request: OperatorRequest,
    pk: int,
    what: str,
    form_class: type[Any],
    do: Callable[[PartnerKey, Any], HttpResponse],
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    row = get_object_or_404(PartnerKey, pk=pk)
    return act(
        request,
        f"operators/{what}.html",
        form_class,
        lambda form: do(row, form),
        context={"key": _shown(row, request.now)},
        initial=initial,
    )


def _show_key(
    request: OperatorRequest, row: PartnerKey, key: str, old: PartnerKey | None = None
) -> HttpResponse:
    """The only answer that ever holds it; nothing keeps this page."""
    return render(
        request,
        "operators/new_key.html",
        {"key": _shown(row, request.now), "secret": key, "old": old},
    )


def _shown(row: PartnerKey, now: dt.datetime) -> ShownKey:
    state = row.state(now)
    return ShownKey(
        row, state, wording.key_state(state), [wording.scope(s) for s in row.scopes]
    )
