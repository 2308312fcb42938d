"""The state of things: health, releases, limits, maintenance and the trail."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from histovet.limits import whole_site
from histovet.limits.clients import BUDGETS
from histovet.limits.vehicles import A_DAY
from histovet.operation import acts
from histovet.operation.models import Maintenance
from histovet.operators import health, wording
from histovet.operators.access import OperatorRequest
from histovet.operators.confirming import act
from histovet.operators.forms import ActForm, CloseForm
from histovet.operators.trail_page import page
from histovet.vault.models import Release

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def overview(request: OperatorRequest) -> HttpResponse:
    found = health.overview(request.now)
    return render(
        request,
        "operators/overview.html",
        {
            "overview": found,
            "live_keys": found.keys.by_state["live"],
            "entries": page(None).entries[:5],
        },
    )


@require_GET
def releases(request: OperatorRequest) -> HttpResponse:
    shown = health.releases(request.now)
    return render(
        request,
        "operators/releases.html",
        {
            "releases": [(one, wording.release_state(one.row.state)) for one in shown],
            "previous": next(
                (one for one in shown if one.row.state == Release.State.PREVIOUS), None
            ),
        },
    )


@require_GET
def limits(request: OperatorRequest) -> HttpResponse:
    counted = whole_site.failures(request.now)
    return render(
        request,
        "operators/limits.html",
        {
            "failures": [(one, wording.purpose(one.purpose)) for one in counted],
            "brake": health.brake_failures(),
            "live_counters": whole_site.live_counters(),
            "budgets": health.budgets(request.now),
            "vehicle_a_day": A_DAY,
            "networks": [
                (f"IPv{version} /{prefix}", budget)
                for version, by_prefix in BUDGETS.items()
                for prefix, budget in by_prefix.items()
            ],
        },
    )


@get_or_post
def maintenance(request: OperatorRequest) -> HttpResponse:
    def do(form: CloseForm) -> HttpResponse:
        acts.begin(request.actor, request.now, form.cleaned_data["minutes"])
        return redirect("maintenance")

    context = {"closed": Maintenance.objects.first()}
    return act(request, "operators/maintenance.html", CloseForm, do, context=context)


@get_or_post
def reopen(request: OperatorRequest) -> HttpResponse:
    def do(form: ActForm) -> HttpResponse:
        acts.end(request.actor, request.now)
        return redirect("maintenance")

    context = {"closed": Maintenance.objects.first()}
    return act(request, "operators/reopen.html", ActForm, do, context=context)


@require_GET
def trail(request: OperatorRequest) -> HttpResponse:
    text = request.GET.get("avant", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Http404
    return render(
        request, "operators/trail.html", {"page": page(int(text) if text else None)}
    )
