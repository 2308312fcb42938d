from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from histovet.history import cookie, display
from histovet.history.answers import ENDED, OVER, SeeOther, private, to_form, unstored
from histovet.history.assemble import report_of
from histovet.history.forms import IdentityForm
from histovet.history.report import Audience
from histovet.history.retrieve import retrieve
from histovet.limits import brake, clients, vehicles
from histovet.limits.counting import seconds_to_midnight
from histovet.pages.errors import too_many_requests
from histovet.usage.daily_counts import What, daily_counts
from histovet.vault import reading

# What most people have: the register since 2009, and their own vehicle.
FIRST_CHOICE = {"register": "SIV", "holder_kind": "person"}


@unstored
@require_http_methods(["GET", "HEAD", "POST"])
def seller(request: HttpRequest) -> HttpResponse:
    """Ask for the certificate. What does not lead to a report is answered with 200
    and the form as it was typed: one answer, whichever datum was wrong."""
    if request.method != "POST":
        why = request.GET.get("suite")
        return _ask(request, IdentityForm(initial=FIRST_CHOICE), why=why)
    form = IdentityForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, demand=brake.kept(request))
    now = timezone.now()
    if not clients.has_failures_left(request, "seller", now):
        return too_many_requests(request, clients.WINDOW_SECONDS)
    identity = form.enquiry.identity
    asks_vin_end = vehicles.asks_vin_end(identity, now)
    if asks_vin_end:
        if not vehicles.has_tries_left(request, identity, now):
            return too_many_requests(request, seconds_to_midnight(now))
        if not form.enquiry.vin_end:
            form.miss_vin_end()
            return _ask(request, form, asks_vin_end=True)
    # What was worked out is used up here: not before all that is needed was typed.
    if demand := brake.hold(request, "seller", now):
        return _ask(request, form, asks_vin_end=asks_vin_end, demand=demand)
    opened = retrieve(form.enquiry, compares_vin_end=asks_vin_end)
    if opened is None:
        daily_counts.add(What.NOT_FOUND, now)
        clients.count_failure(request, "seller", now)
        if asks_vin_end:
            vehicles.count_try(request, identity, now)
        else:
            asks_vin_end = vehicles.count_failure(identity, now)
        return _ask(
            request,
            form,
            not_found=True,
            asks_vin_end=asks_vin_end,
            demand=brake.next_demand(request, "seller", now),
        )
    if not opened.is_withheld:
        daily_counts.add(What.SELLER_REPORT, now)
    response = SeeOther(reverse("seller_report"))
    cookie.give(response, identity, now=int(now.timestamp()))
    return response


@private
@require_safe
def seller_report(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    identity = cookie.identity_in(request, now=int(now.timestamp()))
    opened = reading.read(identity) if identity else None
    if opened is None:
        return to_form(OVER)
    if opened.is_withheld:
        return render(request, "history/withheld.html")
    found = report_of(opened, audience=Audience.HOLDER, now=now)
    shown = display.page(found, events=request.GET.get("voir", ""))
    template = "cancelled" if shown.verdict == "cancelled" else "seller_report"
    return render(request, f"history/{template}.html", {"page": shown})


@private
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    response = to_form(ENDED)
    cookie.take_back(response)
    return response


def _ask(request: HttpRequest, form: IdentityForm, **context: Any) -> HttpResponse:
    return render(request, "history/seller.html", {"form": form, **context})
