from __future__ import annotations

import logging

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from histovet.limits import clients
from histovet.pages.contact import ContactForm, NotSent, is_open, send
from histovet.pages.glossary import GROUPS
from histovet.pages.redaction import Kind

_logger = logging.getLogger(__name__)

# The pages that anyone may find without a certificate or a link, by the name of their
# address, in the order of the plan of the site.
PUBLIC_PAGES = (
    "home",
    "seller",
    "buyer",
    "become_partner",
    "partners",
    "help",
    "glossary",
    "verify",
    "contact",
    "legal",
    "privacy",
    "accessibility",
    "security",
    "figures",
    "status",
    "plan",
)

_ICON_SECONDS = 24 * 3600


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/home.html")


@require_safe
def assistance(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/help.html")


@require_safe
def glossary(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/glossary.html", {"groups": GROUPS})


@require_safe
def become_partner(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/become_partner.html")


@require_safe
def legal(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/legal.html", {"imprint": settings.IMPRINT})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    context = {"imprint": settings.IMPRINT, "asks_utac": bool(settings.UTAC_URL)}
    return render(request, "pages/privacy.html", context)


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/accessibility.html", {"imprint": settings.IMPRINT})


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    context = {"contact": settings.IMPRINT.security.removeprefix("mailto:")}
    return render(request, "pages/security.html", context)


@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/plan.html")


@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _ask(request, ContactForm())
    if not is_open():
        raise Http404
    form = ContactForm(request.POST)
    if not form.is_valid():
        return _ask(request, form)
    now = timezone.now()
    if not clients.has_failures_left(request, "contact", now):
        response = _ask(request, form, refused="many", status=429)
        response.headers["Retry-After"] = str(clients.WINDOW_SECONDS)
        return response
    # Each message counts, sent or not: what is limited is the mail of one network.
    clients.count_failure(request, "contact", now)
    try:
        kinds = send(form)
    except NotSent:
        _logger.exception("a message was not taken by the mail server")
        return _ask(request, form, refused="outage", status=503)
    address = reverse("contact_sent")
    if kinds:
        address += f"?retire={'.'.join(kind.value for kind in kinds)}"
    return HttpResponseRedirect(address, status=303)


@require_safe
def contact_sent(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("retire", "").split(".")
    kinds = [kind.value for kind in Kind if kind.value in asked]
    return render(request, "pages/contact_sent.html", {"kinds": kinds})


def _ask(
    request: HttpRequest, form: ContactForm, *, refused: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "refused": refused,
        "is_open": is_open(),
        "imprint": settings.IMPRINT,
    }
    response = render(request, "pages/contact.html", context, status=status)
    # It holds what somebody typed.
    add_never_cache_headers(response)
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    context = {"sitemap": request.build_absolute_uri(reverse("sitemap"))}
    return _text(render(request, "pages/robots.txt", context))


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Each public page with the same page in each language (sitemaps.org, 0.9)."""
    pages = []
    for name in PUBLIC_PAGES:
        languages = {}
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                languages[code] = request.build_absolute_uri(reverse(name))
        pages.append(languages)
    content_type = "application/xml; charset=utf-8"
    context = {"pages": pages}
    return render(request, "pages/sitemap.xml", context, content_type=content_type)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it here when a page is none of ours, such as JSON."""
    response = redirect(static("img/favicon.ico"))
    response.headers["Cache-Control"] = f"max-age={_ICON_SECONDS}, public"
    return response


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """There is none without a contact, nor after its day: RFC 9116, section 2.5.5."""
    imprint = settings.IMPRINT
    until = imprint.security_until
    if not imprint.security or until is None or until <= timezone.localdate():
        raise Http404
    context = {
        "contact": imprint.security,
        "expires": f"{until}T00:00:00Z",
        "canonical": request.build_absolute_uri(reverse("security_txt")),
        "policy": request.build_absolute_uri(reverse("security")),
    }
    return _text(render(request, "pages/security.txt", context))


def _text(response: HttpResponse) -> HttpResponse:
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response
