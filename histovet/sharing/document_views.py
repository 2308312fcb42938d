"""Documents with a link on them, for its owner; and the report for who opened a link."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from histovet.history.answers import SeeOther, private
from histovet.history.document import LinkOnPaper
from histovet.history.document_views import Document, answer
from histovet.sharing import addresses, codes, cookies
from histovet.sharing.codes import Kind
from histovet.sharing.opening import OpenLink, read_link
from histovet.sharing.seller_views import Seller, of_seller


@private
@require_POST
@of_seller
def report(request: HttpRequest, seller: Seller, public_id: str) -> HttpResponse:
    return _with_link(request, seller, public_id, Document.REPORT)


@private
@require_POST
@of_seller
def situation(request: HttpRequest, seller: Seller, public_id: str) -> HttpResponse:
    return _with_link(request, seller, public_id, Document.SITUATION)


@private
@require_safe
def opened_report(request: HttpRequest, public_id: str) -> HttpResponse:
    """The report for who has opened the link in this browser; everyone else, and who
    holds a link that is over, is sent to the link's own page, which says what is so."""
    now = timezone.now()
    reader = cookies.reader_at(request, public_id, now=int(now.timestamp()))
    found = read_link(reader.secret, now) if reader else None
    if found is None or found.is_withheld:
        return SeeOther(reverse("link", args=[public_id]))
    return answer(request, Document.REPORT, found.report(now), now, whose=public_id)


def _with_link(
    request: HttpRequest, seller: Seller, public_id: str, document: Document
) -> HttpResponse:
    """What is on paper is what the link shows, its scope included."""
    one = seller.owned_at(public_id)
    found = None if one.secret is None else read_link(one.secret, seller.now)
    if one.secret is None or found is None:
        return SeeOther(reverse("links"))
    shown = found.report(seller.now)
    link = _on_paper(request, one.secret, found)
    whose = f"owner of {public_id}"
    return answer(request, document, shown, seller.now, whose=whose, link=link)


def _on_paper(request: HttpRequest, secret: bytes, found: OpenLink) -> LinkOnPaper:
    return LinkOnPaper(
        address=addresses.whole_link(request, secret),
        code=codes.grouped(codes.encode(secret, Kind.LINK)),
        typed_at=request.build_absolute_uri(reverse("buyer")),
        expires_at=found.expires_at,
    )
