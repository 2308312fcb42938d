"""The parts of a report that are not worth a template's time at each request.

Sixty rows in a template's loop cost ten times as much.
"""

from __future__ import annotations

from django import template

from histovet.history.page import Event, Figure, Grid, Row, Table, Timeline
from histovet.history.words import escaped, markup

register = template.Library()


@register.simple_tag
def table(shown: Table) -> str:
    """Return a table; it has a column of boxes when a row names its box."""
    has_boxes = any(row.box for row in shown.rows)
    lines = "".join([_line(row, has_boxes) for row in shown.rows])
    return markup(
        f"<table>\n<caption>{escaped(shown.caption)}</caption>\n"
        f"<tbody>\n{lines}</tbody>\n</table>"
    )


def _line(row: Row, has_boxes: bool) -> str:
    box = f"<td>{escaped(row.box)}</td>" if has_boxes else ""
    values = "<br>".join([escaped(value) for value in row.values])
    label = escaped(row.label)
    return f'<tr>{box}<th scope="row">{label}</th><td>{values}</td></tr>\n'


@register.simple_tag
def grid(shown: Grid) -> str:
    """Return a table with a head; the first cell of a line names it."""
    head = "".join([f'<th scope="col">{escaped(cell)}</th>' for cell in shown.head])
    lines = "".join(
        [
            f'<tr><th scope="row">{escaped(first)}</th>'
            + "".join([f"<td>{escaped(cell)}</td>" for cell in rest])
            + "</tr>\n"
            for first, *rest in shown.rows
        ]
    )
    kind = 'class="grid sums"' if shown.ends_in_numbers else 'class="grid"'
    return markup(
        f"<table {kind}>\n<caption>{escaped(shown.caption)}</caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{lines}</tbody>\n</table>"
    )


@register.simple_tag
def events(shown: Timeline, void: str) -> str:
    """Return the list of events; `void` is the word for a cancelled one."""
    lines = "".join([_event(event, escaped(void)) for event in shown.events])
    return markup(f'<ol class="timeline">\n{lines}</ol>')


def _event(event: Event, void: str) -> str:
    if event.is_gap:
        return f'<li class="void hint">{escaped(event.label)}</li>\n'
    what = f"<code>{escaped(event.code)}</code>" if event.code else escaped(event.label)
    void_class = ' class="void"' if event.cancelled else ""
    parts = [
        f"<li{void_class}><strong>{escaped(event.date)}</strong>",
        f' <span class="what">{what}</span>',
    ]
    if event.tenure:
        parts.append(f' <span class="badge note">{escaped(event.tenure)}</span>')
    if event.cancelled:
        on = f" {escaped(event.cancelled_on)}" if event.cancelled_on else ""
        parts.append(f' <span class="badge">{void}{on}</span>')
    if event.details:
        details = "<br>".join([escaped(detail) for detail in event.details])
        parts.append(f' <div class="hint">{details}</div>')
    return "".join([*parts, "</li>\n"])


@register.simple_tag
def figure(shown: Figure) -> str:
    """Return the picture; it names and describes itself."""
    return markup(shown.svg)
