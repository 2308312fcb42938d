"""The buyer opens a link by a click, or by its code.

A GET counts nothing and, without the cookie of an opening, reads nothing: whoever
previews or scans a link sees the same page, whatever the link.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from histovet.history import display
from histovet.history.answers import SeeOther, private, unstored
from histovet.history.changes import changes, marks
from histovet.history.sections.changes import changed
from histovet.limits import brake, clients
from histovet.limits.brake import Demand
from histovet.pages.context import other_language
from histovet.pages.errors import too_many_requests
from histovet.sharing import addresses, car_check, cookies
from histovet.sharing.car_check import recorded_vin
from histovet.sharing.cookies import Reader, Seen
from histovet.sharing.forms import CarForm, CodeForm
from histovet.sharing.models import Scope
from histovet.sharing.opening import OpenLink, open_link, read_link
from histovet.sharing.tries import Answer, judge
from histovet.usage.daily_counts import What, daily_counts

_READ_OR_POSTED = require_http_methods(["GET", "HEAD", "POST"])


@private
@_READ_OR_POSTED
def link(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the report to who has opened it here, how to open it to everyone else."""
    if request.method == "POST":
        return _open(request, public_id)
    now = timezone.now()
    reader = cookies.reader_at(request, public_id, now=int(now.timestamp()))
    if reader is None:
        return _ask_at_link(request, public_id, CodeForm())
    found = read_link(reader.secret, now)
    return _not_available(request) if found is None else _report(request, found)


@private
@_READ_OR_POSTED
def check(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tell who reads the report whether the car that they see is the one it is about."""
    now = timezone.now()
    reader = cookies.reader_at(request, public_id, now=int(now.timestamp()))
    if reader is None:
        return _ask_at_link(request, public_id, CodeForm())
    found = read_link(reader.secret, now)
    if found is None:
        return _not_available(request)
    if found.is_withheld:
        return _withheld(request)
    if request.method != "POST":
        return _ask_car(request, found, _car_form(found))
    form = _car_form(found, request.POST)
    if not form.is_valid():
        return _ask_car(request, found, form, demand=brake.kept(request))
    if not clients.has_failures_left(request, "car", now):
        return too_many_requests(request, clients.WINDOW_SECONDS)
    if demand := brake.hold(request, "car", now):
        return _ask_car(request, found, form, demand=demand)
    answers = {
        what: _compared(found, reader, what, typed, now)
        for what, typed in form.cleaned_data.items()
        if typed
    }
    if None in answers.values():
        return _not_available(request)
    if Answer.NO in answers.values():
        clients.count_failure(request, "car", now)
    demand = brake.next_demand(request, "car", now)
    return _ask_car(request, found, form, answers, demand=demand)


def _compared(
    found: OpenLink, reader: Reader, what: str, typed: str, now: dt.datetime
) -> Answer | None:
    """`typed` is a VIN or a plate of a valid form; None when the link has ended."""
    opened = found.opened
    if what == "plate":
        is_right = functools.partial(car_check.is_plate_of, opened.identity, typed)
    else:
        vin = recorded_vin(opened.record.vehicle.vin)
        if vin is None:
            return Answer.CANNOT_TELL
        is_right = functools.partial(vin.is_that_of, typed)
    return judge(found.public_id, reader.opening, is_right, now)


@unstored
@_READ_OR_POSTED
def buyer(request: HttpRequest) -> HttpResponse:
    """Take a code, and say how to ask a seller for one."""
    if request.method == "POST":
        return _open(request, None)
    return _ask_buyer(request, CodeForm())


def _open(request: HttpRequest, public_id: str | None) -> HttpResponse:
    """Open the link whose code was posted; `public_id` is the address it was posted
    to, if that is a link's."""
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _ask_code(request, public_id, form, brake.kept(request))
    now = timezone.now()
    seconds = int(now.timestamp())
    is_elsewhere = public_id is not None and not addresses.stands_at(
        form.secret, public_id
    )
    reader = cookies.reader_in(request, now=seconds)
    is_open_here = reader is not None and reader.secret == form.secret
    if is_elsewhere:
        # The steps are those of any other, and what it would open is not touched.
        found = read_link(form.secret, now)
    else:
        found = open_link(form.secret, now, again=is_open_here)
    if found is None or is_elsewhere:
        # Not before it was sought: nobody guesses a code, and whoever shares an address
        # with somebody who tries would be kept from their own.
        if not clients.has_failures_left(request, "opening", now):
            return too_many_requests(request, clients.WINDOW_SECONDS)
        if demand := brake.hold(request, "opening", now):
            return _ask_code(request, public_id, form, demand)
        clients.count_failure(request, "opening", now)
        return _not_available(request)
    if found.is_withheld:
        return _withheld(request)
    address = addresses.written(found.public_id)
    response = SeeOther(reverse("link", args=[address]))
    if not is_open_here:
        daily_counts.add(What.BUYER_REPORT, now)
        until = int(found.expires_at.timestamp())
        cookies.give_link(response, address, form.secret, now=seconds, until=until)
    return response


def _ask_code(
    request: HttpRequest, public_id: str | None, form: CodeForm, demand: Demand | None
) -> HttpResponse:
    if public_id is None:
        return _ask_buyer(request, form, demand)
    return _ask_at_link(request, public_id, form, demand)


def _ask_at_link(
    request: HttpRequest,
    public_id: str,
    form: CodeForm,
    demand: Demand | None = None,
) -> HttpResponse:
    address = reverse("link", args=[public_id])
    # At the link's own address a form without an action posts there too, and keeps the
    # fragment, which one with an action loses.
    context = {
        "form": form,
        "action": "" if request.path == address else address,
        "demand": demand,
    }
    return render(request, "sharing/link.html", context)


def _ask_buyer(
    request: HttpRequest, form: CodeForm, demand: Demand | None = None
) -> HttpResponse:
    seller = request.build_absolute_uri(reverse("seller"))
    text = render_to_string("sharing/_request.txt", {"seller": seller})
    context = {"form": form, "request_text": text, "demand": demand}
    return render(request, "sharing/buyer.html", context)


def _report(request: HttpRequest, found: OpenLink) -> HttpResponse:
    if found.is_withheld:
        return _withheld(request)
    now = timezone.now()
    seconds = int(now.timestamp())
    shown = found.report(now)
    seen = cookies.seen_in(request, found.public_id, now=seconds)
    since = changes(seen.marks, shown) if seen else None
    address = addresses.written(found.public_id)
    page = display.page(
        shown,
        events=request.GET.get("voir", ""),
        check_at=reverse("check_car", args=[address]),
    )
    context = {"page": page, "expires_at": found.expires_at, "public_id": address}
    if seen and since and not (since.are_none and since.as_of_before == shown.as_of):
        context["since"] = since
        context["changed"] = changed(since, shown)
        context["first_read_at"] = dt.datetime.fromtimestamp(seen.first_read_at, dt.UTC)
    response = render(request, "sharing/report.html", context)
    if since is None:
        # In the browser alone: on the server a GET changes nothing.
        cookies.give_seen(
            response,
            found.public_id,
            Seen(seconds, marks(shown)),
            now=seconds,
            until=int(found.expires_at.timestamp()),
        )
    return response


def _ask_car(
    request: HttpRequest,
    found: OpenLink,
    form: CarForm,
    answers: Mapping[str, Answer | None] | None = None,
    *,
    demand: Demand | None = None,
) -> HttpResponse:
    name, plate = display.vehicle(found.report(None))
    context = {
        "name": name,
        "plate": plate,
        "public_id": addresses.written(found.public_id),
        "form": form,
        "demand": demand,
        "vin": form.recorded,
        "answers": {
            what: answer.value for what, answer in (answers or {}).items() if answer
        },
    }
    return render(request, "sharing/car.html", context)


def _car_form(found: OpenLink, data: QueryDict | None = None) -> CarForm:
    vin = recorded_vin(found.opened.record.vehicle.vin)
    return CarForm(data, recorded=vin, takes_plate=found.scope is Scope.FULL)


def _withheld(request: HttpRequest) -> HttpResponse:
    """The link is good and nothing is shown; why is told to nobody."""
    return render(request, "sharing/withheld.html")


def _not_available(request: HttpRequest) -> HttpResponse:
    """One answer to the byte, whatever the link was and wherever it was opened."""
    context = {"other_language": other_language(reverse("buyer"))}
    return render(request, "sharing/not_available.html", context, status=404)
