"""The parts of a report that are not worth a template's time at each request."""

import functools
from collections.abc import Iterable

from django import template
from django.template.loader import render_to_string
from django.utils.translation import get_language

from histovet.history.display import Row, escaped, markup

register = template.Library()


@register.simple_tag
def part(name: str) -> str:
    """Return a template without data: it is rendered once in each language."""
    return _part(name, get_language())


@functools.cache
def _part(name: str, language: str | None) -> str:
    return render_to_string(name)


@register.simple_tag
def table(rows: Iterable[Row], caption: str) -> str:
    """Return a table; it has a column of boxes when a row names its box.

    Sixty rows in a template's loop cost ten times as much.
    """
    listed = tuple(rows)
    has_boxes = any(row.box for row in listed)
    lines = "".join([_line(row, has_boxes) for row in listed])
    return markup(
        f"<table>\n<caption>{escaped(caption)}</caption>\n"
        f"<tbody>\n{lines}</tbody>\n</table>"
    )


def _line(row: Row, has_boxes: bool) -> str:
    box = f"<td>{escaped(row.box)}</td>" if has_boxes else ""
    values = "<br>".join([escaped(value) for value in row.values])
    label = escaped(row.label)
    return f'<tr>{box}<th scope="row">{label}</th><td>{values}</td></tr>\n'
