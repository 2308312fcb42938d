"""The seller takes documents along: the report, the certificate of situation. And how
anyone checks them.

What is on paper is handed on: it tells what a link tells others, never the exact date
of the certificate. Source: docs/documents.md.
"""

from __future__ import annotations

import datetime as dt
import enum

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from histovet import metrics
from histovet.history import cookie, display
from histovet.history.answers import OVER, SeeOther, private, to_form
from histovet.history.assemble import report_of
from histovet.history.document import LinkOnPaper, Making, report_pdf, situation_pdf
from histovet.history.report import Audience, Report
from histovet.history.signatory import Signatory, signatory
from histovet.history.signature import sign
from histovet.limits.counting import count
from histovet.limits.keys import throttle_value
from histovet.pages.errors import too_many_requests
from histovet.usage.daily_counts import What, daily_counts
from histovet.vault import reading
from pseudonymizer.envelope import identity_bytes


class Document(enum.Enum):
    REPORT = "report"
    SITUATION = "situation"


# Each takes the typesetter as long as twenty pages take the site.
DOCUMENTS_AN_HOUR = 30
_HOUR_SECONDS = 3600


@private
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    return _of_seller(request, Document.REPORT)


@private
@require_POST
def situation(request: HttpRequest) -> HttpResponse:
    return _of_seller(request, Document.SITUATION)


def _of_seller(request: HttpRequest, document: Document) -> HttpResponse:
    now = timezone.now()
    identity = cookie.identity_in(request, now=int(now.timestamp()))
    opened = reading.read(identity) if identity else None
    if identity is None or opened is None:
        return to_form(OVER)
    # Of a cancelled certificate there is only its situation.
    is_cancelled = opened.record.certificate_cancelled
    if opened.is_withheld or (is_cancelled and document is Document.REPORT):
        return SeeOther(reverse("seller_report"))
    found = report_of(opened, audience=Audience.OTHERS, now=now)
    whose = identity_bytes(identity).hex()
    return answer(request, document, found, now, whose=whose)


def answer(
    request: HttpRequest,
    document: Document,
    found: Report,
    now: dt.datetime,
    *,
    whose: str,
    link: LinkOnPaper | None = None,
) -> HttpResponse:
    """Answer with a report for others as a signed PDF, DOCUMENTS_AN_HOUR of one `whose`.
    Raises Http404 where nobody signs."""
    signs = _signs(now)
    if request.method == "HEAD":
        return _attached(b"", document)
    named = throttle_value("document", whose, now.astimezone(dt.UTC).date())
    if count(f"documents:{named}", _HOUR_SECONDS) > DOCUMENTS_AN_HOUR:
        return too_many_requests(request, _HOUR_SECONDS)
    page = display.page(found, plain=True)
    making = Making(now, request.build_absolute_uri(reverse("verify")))
    make = report_pdf if document is Document.REPORT else situation_pdf
    with metrics.documents_in_progress.track_inprogress():
        signed = sign(make(page, making, link=link), signs)
    daily_counts.add(What.DOCUMENT, now)
    return _attached(signed, document)


@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """How to check a document, and the certificate that signs now."""
    context = {
        "signatory": signatory(timezone.now()),
        "is_development": settings.DEVELOPMENT,
    }
    return render(request, "history/verify.html", context)


@require_safe
def certificate(request: HttpRequest) -> HttpResponse:
    """The certificates that vouch for documents, to check them without this site."""
    return HttpResponse(
        _signs(timezone.now()).chain,
        content_type="application/x-pem-file",
        headers={"Content-Disposition": 'attachment; filename="histovet.pem"'},
    )


def _signs(now: dt.datetime) -> Signatory:
    found = signatory(now)
    if found is None:
        raise Http404
    return found


def _attached(content: bytes, document: Document) -> HttpResponse:
    # A name that says nothing of the vehicle: it stands in lists of downloads.
    names = {
        Document.REPORT: gettext("rapport-histovet"),
        Document.SITUATION: gettext("certificat-de-situation"),
    }
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{names[document]}.pdf"'
        },
    )
