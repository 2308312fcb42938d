"""One line of text to be typed: its label, its hint, what is wrong with it."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext

register = template.Library()


@register.simple_tag
def text_field(
    field: BoundField,
    label: str,
    hint: str,
    *,
    autocomplete: str = "off",
    capitals: str = "characters",
    digits: bool = False,
    optional: bool = False,
) -> str:
    """Return the field; a template of its own costs a page ten times as much."""
    name, errors = field.id_for_label, field.errors
    soft = ""
    if optional:
        soft = format_html(' <span class="soft">({})</span>', gettext("facultatif"))
    said = format_html_join(
        "", '<p class="error" id="{}_error">{}</p>\n', ((name, one) for one in errors)
    )
    described = f"{name}_hint {name}_error" if errors else f"{name}_hint"
    value = field.value()
    return format_html(
        '<div class="field">\n<label for="{}">{}{}</label>\n'
        '<p class="hint" id="{}_hint">{}</p>\n{}'
        '<input type="text" id="{}" name="{}" value="{}" autocomplete="{}"'
        ' autocapitalize="{}" spellcheck="false"{} aria-describedby="{}"{}>\n</div>\n',
        *(name, label, soft, name, hint, said),
        *(
            name,
            field.html_name,
            "" if value is None else value,
            autocomplete,
            capitals,
        ),
        format_html(' inputmode="{}"', "numeric") if digits else "",
        described,
        format_html(' aria-invalid="{}"', "true") if errors else "",
    )
