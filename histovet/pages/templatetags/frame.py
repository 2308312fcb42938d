"""What stands under every page, made once a language: ten addresses and ten texts take
a tenth of the time of a report."""

from __future__ import annotations

import functools

from django import template
from django.template.loader import render_to_string
from django.utils.translation import get_language

register = template.Library()


@register.simple_tag
def footer() -> str:
    return _footer(get_language() or "fr")


@functools.cache
def _footer(language: str) -> str:
    return render_to_string("pages/_footer.html")
