"""How links are shown: as a picture, and when."""

import datetime as dt
import re

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language, gettext

from histovet.qr import svg

register = template.Library()


@register.simple_tag
def qr(address: str) -> str:
    """Return an SVG that a telephone reads as the address."""
    return svg(address, gettext("QR code du lien"))


@register.filter
def spelled(day: dt.date | dt.datetime, form: str) -> str:
    """Return the day in France in a form of Django's `date`; a first is « 1er »."""
    local = timezone.localtime(day) if isinstance(day, dt.datetime) else day
    text = date_format(local, form)
    return re.sub(r"\b1(?= [^\W\d])", "1er", text) if get_language() == "fr" else text


@register.simple_tag
def moment(when: dt.datetime) -> str:
    """Return the moment in France, in words and for programs; a template of its own
    costs a page four times as much."""
    local = timezone.localtime(when)
    words = gettext("%(day)s à %(time)s (heure de Paris)") % {
        "day": spelled(local, "l j F Y"),
        "time": date_format(local, "H:i"),
    }
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), words)
