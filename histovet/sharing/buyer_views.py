"""The buyer opens a link by a click, or by its code.

A GET counts nothing and, without the cookie of an opening, reads nothing: whoever
previews or scans a link sees the same page, whatever the link.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from histovet.history import display
from histovet.history.answers import SeeOther, private, unstored
from histovet.limits import clients
from histovet.pages.context import other_language
from histovet.pages.errors import too_many_requests
from histovet.sharing import addresses, cookies
from histovet.sharing.forms import CodeForm
from histovet.sharing.opening import OpenLink, open_link, read_link
from pseudonymizer.envelope import link_id

_READ_OR_POSTED = require_http_methods(["GET", "HEAD", "POST"])


@private
@_READ_OR_POSTED
def link(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the report to who has opened it here, how to open it to everyone else."""
    if request.method == "POST":
        return _open(request, public_id)
    now = timezone.now()
    secret = cookies.link_in(request, now=int(now.timestamp()))
    if secret is None or not _stands_at(secret, public_id):
        return _ask_at_link(request, CodeForm())
    found = read_link(secret, now)
    return _not_available(request) if found is None else _report(request, found)


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
        ask = _ask_buyer if public_id is None else _ask_at_link
        return ask(request, form)
    now = timezone.now()
    seconds = int(now.timestamp())
    is_elsewhere = public_id is not None and not _stands_at(form.secret, public_id)
    is_open_here = cookies.link_in(request, now=seconds) == form.secret
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
        clients.count_failure(request, "opening", now)
        return _not_available(request)
    address = addresses.written(found.public_id)
    response = SeeOther(reverse("link", args=[address]))
    if not is_open_here:
        until = int(found.expires_at.timestamp())
        cookies.give_link(response, address, form.secret, now=seconds, until=until)
    return response


def _ask_at_link(request: HttpRequest, form: CodeForm) -> HttpResponse:
    return render(request, "sharing/link.html", {"form": form})


def _ask_buyer(request: HttpRequest, form: CodeForm) -> HttpResponse:
    seller = request.build_absolute_uri(reverse("seller"))
    text = render_to_string("sharing/_request.txt", {"seller": seller})
    return render(request, "sharing/buyer.html", {"form": form, "request_text": text})


def _report(request: HttpRequest, found: OpenLink) -> HttpResponse:
    context = {"page": display.page(found.report()), "expires_at": found.expires_at}
    return render(request, "sharing/report.html", context)


def _not_available(request: HttpRequest) -> HttpResponse:
    """One answer to the byte, whatever the link was and wherever it was opened."""
    context = {"other_language": other_language(reverse("buyer"))}
    return render(request, "sharing/not_available.html", context, status=404)


def _stands_at(secret: bytes, public_id: str) -> bool:
    return addresses.written(link_id(secret)) == public_id
