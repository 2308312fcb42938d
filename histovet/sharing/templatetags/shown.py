"""The picture of a link."""

import segno
from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext

register = template.Library()


@register.simple_tag
def qr(address: str) -> str:
    """Return an SVG that a telephone reads as the address."""
    made = segno.make_qr(address, error="m")
    name = gettext("QR code du lien")
    svg = made.svg_inline(omitsize=True, border=4, svgclass=None, lineclass=None)
    named = svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
    return SafeString(named)  # nosec B703
