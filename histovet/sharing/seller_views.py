"""The seller makes links, finds them again and ends them.

Whoever typed the certificate may make links, see how many live and end them all; the
links themselves are shown to their owner alone, who has the owner's secret.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from histovet.history import cookie
from histovet.history.answers import OVER, SeeOther, private, to_form
from histovet.sharing import addresses, codes, cookies
from histovet.sharing import links as acts
from histovet.sharing.codes import Kind
from histovet.sharing.forms import NewLinkForm, OwnerCodeForm
from histovet.sharing.links import NotShareable, OwnedLink, TooManyLinks
from histovet.sharing.models import End
from histovet.usage.daily_counts import What, daily_counts
from histovet.vault import reading
from histovet.vault.reading import Opened
from pseudonymizer.envelope import link_id
from pseudonymizer.records import Identity

# What was just done, as the address of the list says it.
ENDED = "fini"


@dataclass(frozen=True)
class Seller:
    """Who typed a certificate in this browser, and the owner's secret if it has one."""

    identity: Identity
    opened: Opened
    owner_secret: bytes | None
    now: dt.datetime

    def owned(self) -> list[OwnedLink]:
        if self.owner_secret is None:
            return []
        return acts.owned(self.identity, self.opened, self.owner_secret, self.now)

    def owned_at(self, public_id: str) -> OwnedLink:
        """Raises Http404 for what is not a link of theirs."""
        for one in self.owned():
            if addresses.written(one.row.terms.public_id) == public_id:
                return one
        raise Http404


_P = ParamSpec("_P")
_SellerView = Callable[Concatenate[HttpRequest, Seller, _P], HttpResponse]


def of_seller(
    view: _SellerView[_P], *, even_withheld: bool = False
) -> Callable[Concatenate[HttpRequest, _P], HttpResponse]:
    """Whoever has typed no certificate here is sent to where it is typed, and one that
    is cancelled or withheld to what is said of it."""

    @functools.wraps(view)
    def answer(
        request: HttpRequest, *args: _P.args, **kwargs: _P.kwargs
    ) -> HttpResponse:
        now = timezone.now()
        seconds = int(now.timestamp())
        identity = cookie.identity_in(request, now=seconds)
        opened = reading.read(identity) if identity else None
        if identity is None or opened is None:
            return to_form(OVER)
        is_hidden = opened.is_withheld and not even_withheld
        if is_hidden or opened.record.certificate_cancelled:
            return SeeOther(reverse("seller_report"))
        owner_secret = cookies.owner_in(request, now=seconds)
        seller = Seller(identity, opened, owner_secret, now)
        return view(request, seller, *args, **kwargs)

    return answer


@private
@require_http_methods(["GET", "HEAD", "POST"])
@of_seller
def links(request: HttpRequest, seller: Seller) -> HttpResponse:
    """The list, and how to make one more."""
    if request.method != "POST":
        done = request.GET.get("suite")
        return _list(request, seller, NewLinkForm(now=seller.now), done=done)
    form = NewLinkForm(request.POST, now=seller.now)
    if not form.is_valid():
        return _list(request, seller, form)
    owner_secret = seller.owner_secret or acts.new_secret()
    try:
        secret = acts.create(
            seller.identity,
            seller.opened,
            owner_secret,
            life=form.life,
            now=seller.now,
            **form.terms,
        )
    except NotShareable:
        return _list(request, seller, form, refused="sold")
    except TooManyLinks:
        return _list(request, seller, form, refused="many")
    daily_counts.add(What.LINK, seller.now)
    response = _to_link(secret)
    cookies.give_owner(response, owner_secret, now=int(seller.now.timestamp()))
    return response


@private
@require_safe
@of_seller
def link(request: HttpRequest, seller: Seller, public_id: str) -> HttpResponse:
    """One link, to be copied, sent, shown or printed."""
    one = seller.owned_at(public_id)
    if one.secret is None or seller.owner_secret is None:
        return SeeOther(reverse("links"))
    context = _given(request, one, one.secret)
    context["invitation"] = render_to_string("sharing/_invitation.txt", context)
    context["owner_code"] = codes.grouped(codes.encode(seller.owner_secret, Kind.OWNER))
    return render(request, "sharing/given_link.html", context)


@private
@require_safe
@of_seller
def sheet(request: HttpRequest, seller: Seller, public_id: str) -> HttpResponse:
    """The link on a sheet for the car's window, and what to know before it is printed."""
    one = seller.owned_at(public_id)
    if one.secret is None:
        return SeeOther(reverse("links"))
    return render(request, "sharing/sheet.html", _given(request, one, one.secret))


def _given(request: HttpRequest, one: OwnedLink, secret: bytes) -> dict[str, Any]:
    return {
        "one": one,
        "expires_at": one.row.expires_at,
        "public_id": addresses.written(link_id(secret)),
        "address": addresses.whole_link(request, secret),
        "code": codes.grouped(codes.encode(secret, Kind.LINK)),
        "typed_at": request.build_absolute_uri(reverse("buyer")),
    }


@private
@require_POST
@functools.partial(of_seller, even_withheld=True)
def end(request: HttpRequest, seller: Seller, public_id: str) -> HttpResponse:
    one = seller.owned_at(public_id)
    acts.of_vehicle(seller.identity).live(seller.now).filter(pk=one.row.pk).end(
        End.REVOKED_BY_OWNER, seller.now
    )
    return _to_list(ENDED)


@private
@require_POST
@functools.partial(of_seller, even_withheld=True)
def end_all(request: HttpRequest, seller: Seller) -> HttpResponse:
    """End every link of the vehicle, whoever made it; its owner reads by whom."""
    if seller.owner_secret is not None:
        acts.of_owner(seller.identity, seller.owner_secret).live(seller.now).end(
            End.REVOKED_BY_OWNER, seller.now
        )
    acts.of_vehicle(seller.identity).live(seller.now).end(
        End.REVOKED_BY_CERTIFICATE, seller.now
    )
    return _to_list(ENDED)


@private
@require_http_methods(["GET", "HEAD", "POST"])
@of_seller
def owner_code(request: HttpRequest, seller: Seller) -> HttpResponse:
    """Take the owner's code in a browser that does not know it."""
    if request.method != "POST":
        # The other language of a code that was refused.
        return _to_list()
    form = OwnerCodeForm(request.POST)
    new = NewLinkForm(now=seller.now)
    if not form.is_valid():
        return _list(request, seller, new, owner_form=form)
    if not acts.of_owner(seller.identity, form.secret).exists():
        form.add_error("code", OwnerCodeForm.of_no_link)
        return _list(request, seller, new, owner_form=form)
    response = _to_list()
    cookies.give_owner(response, form.secret, now=int(seller.now.timestamp()))
    return response


def _list(
    request: HttpRequest,
    seller: Seller,
    form: NewLinkForm,
    *,
    owner_form: OwnerCodeForm | None = None,
    **context: Any,
) -> HttpResponse:
    owned = seller.owned()
    context |= {
        "form": form,
        "owner_form": owner_form or OwnerCodeForm(),
        "live": [
            (one, addresses.written(one.row.terms.public_id))
            for one in owned
            if one.secret is not None
        ],
        "ended": [one for one in owned if one.secret is None],
        "links_max": acts.LINKS_MAX,
        "others": acts.of_others(seller.identity, seller.owner_secret)
        .live(seller.now)
        .count(),
    }
    return render(request, "sharing/links.html", context)


def _to_link(secret: bytes) -> HttpResponse:
    address = addresses.written(link_id(secret))
    return SeeOther(reverse("given_link", args=[address]))


def _to_list(done: str = "") -> HttpResponse:
    suffix = f"?suite={done}" if done else ""
    return SeeOther(reverse("links") + suffix)
