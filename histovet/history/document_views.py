"""The seller takes documents along: the report, the certificate of situation. And how
anyone checks them.

What is on paper is handed on: it tells what a link tells others, never the exact date
of the certificate. Source: docs/documents.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from histovet.history import cookie, display
from histovet.history.answers import OVER, SeeOther, private, to_form
from histovet.history.assemble import report_of
from histovet.history.document import LinkOnPaper, Making, report_pdf, situation_pdf
from histovet.history.report import Audience, Report
from histovet.history.signature import Signatory, signatory
from histovet.vault import reading
from histovet.vault.reading import Opened


@private
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    return _of_seller(request, report_answer)


@private
@require_POST
def situation(request: HttpRequest) -> HttpResponse:
    return _of_seller(request, situation_answer)


Answer = Callable[[HttpRequest, Report, dt.datetime], HttpResponse]


def _of_seller(request: HttpRequest, answer: Answer) -> HttpResponse:
    now = timezone.now()
    identity = cookie.identity_in(request, now=int(now.timestamp()))
    opened = reading.read(identity) if identity else None
    if opened is None:
        return to_form(OVER)
    if not is_on_paper(opened, answer):
        return SeeOther(reverse("seller_report"))
    return answer(request, report_of(opened, audience=Audience.OTHERS, now=now), now)


def is_on_paper(opened: Opened, answer: Answer) -> bool:
    """Tell whether there is such a document: a withheld vehicle has none, and of a
    cancelled certificate there is only its situation."""
    if opened.is_withheld:
        return False
    return answer is situation_answer or not opened.record.certificate_cancelled


def report_answer(
    request: HttpRequest,
    found: Report,
    now: dt.datetime,
    link: LinkOnPaper | None = None,
) -> HttpResponse:
    """Answer with the report for others. Raises Http404 where nobody signs."""
    signs = _signs(now)
    made = report_pdf(display.page(found, plain=True), _making(request, now), link=link)
    return _attached(signs.sign(made), gettext("rapport-histovet"))


def situation_answer(
    request: HttpRequest,
    found: Report,
    now: dt.datetime,
    link: LinkOnPaper | None = None,
) -> HttpResponse:
    """Answer with the certificate of situation. Raises Http404 where nobody signs."""
    signs = _signs(now)
    page = display.page(found, plain=True)
    made = situation_pdf(page, _making(request, now), link=link)
    return _attached(signs.sign(made), gettext("certificat-de-situation"))


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


def _making(request: HttpRequest, now: dt.datetime) -> Making:
    return Making(now, request.build_absolute_uri(reverse("verify")))


def _attached(document: bytes, name: str) -> HttpResponse:
    # A name that says nothing of the vehicle: it stands in lists of downloads.
    return HttpResponse(
        document,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
    )
