"""The sections of a report, whose blocks are not worth a template's time.

A template's loop over blocks and sixty rows costs ten times as much.
"""

from __future__ import annotations

from django import template

from histovet.history.page import (
    Block,
    Choice,
    Event,
    Figure,
    Grid,
    Heading,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    Timeline,
)
from histovet.history.words import escaped, markup

register = template.Library()


@register.simple_tag
def blocks(section: Section, void: str, choose: str, glossary: str) -> str:
    """Return what stands in the section, in order; `void` is the word for a cancelled
    event, `choose` says what the choices of a timeline are, `glossary` is the address
    of the words."""
    parts = []
    for block in section.blocks:
        if isinstance(block, Timeline):
            parts.append(_timeline(block, section.anchor, escaped(void), choose))
        else:
            parts.append(_block(block, glossary))
    return markup("\n".join(parts))


@register.simple_tag
def heading(section: Section, explained: str, glossary: str) -> str:
    """Return the title of the section, then its source and the way to its words, whose
    name is `explained`."""
    parts = [escaped(section.source)] if section.source else []
    if section.words:
        way = f"{glossary}#{section.words}"
        parts.append(f'<a class="term" href="{way}">{escaped(explained)}</a>')
    title = f'<h2 id="{section.anchor}">{escaped(section.title)}</h2>'
    return markup(f'{title}<p class="hint">{" ".join(parts)}</p>' if parts else title)


def _block(block: Block, glossary: str) -> str:
    match block:
        case Paragraph():
            return _paragraph(block)
        case Table():
            return _table(block, glossary)
        case Grid():
            return _grid(block)
        case Heading():
            return f"<h3>{escaped(block.text)}</h3>"
        case Items():
            items = "".join([f"<li>{escaped(item)}</li>\n" for item in block.items])
            return f"<ul>\n{items}</ul>"
        case Figure():
            # It is ours, and escapes what it is given.
            return f"<figure>{block.svg}</figure>"
    raise TypeError(f"no way to show {type(block).__name__}")


def _paragraph(shown: Paragraph) -> str:
    parts = ['<p class="hint">' if shown.is_hint else "<p>"]
    if shown.badge:
        parts.append(f'<span class="badge {shown.tone}">{escaped(shown.badge)}</span> ')
    if shown.lead:
        parts.append(f"<strong>{escaped(shown.lead)}</strong> ")
    return "".join([*parts, escaped(shown.text), "</p>"])


def _table(shown: Table, glossary: str) -> str:
    """It has a column of boxes when a row names its box."""
    has_boxes = any(row.box for row in shown.rows)
    lines = "".join([_line(row, has_boxes, glossary) for row in shown.rows])
    return (
        f"<table>\n<caption>{escaped(shown.caption)}</caption>\n"
        f"<tbody>\n{lines}</tbody>\n</table>"
    )


def _line(row: Row, has_boxes: bool, glossary: str) -> str:
    box = f"<td>{escaped(row.box)}</td>" if has_boxes else ""
    values = "<br>".join([escaped(value) for value in row.values])
    if row.hint:
        values += f'<div class="hint">{escaped(row.hint)}</div>'
    label = escaped(row.label)
    if row.word:
        label = f'<a class="term" href="{glossary}#{row.word}">{label}</a>'
    return f'<tr>{box}<th scope="row">{label}</th><td>{values}</td></tr>\n'


def _grid(shown: Grid) -> str:
    """The first cell of a line names it."""
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
    return (
        f"<table {kind}>\n<caption>{escaped(shown.caption)}</caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{lines}</tbody>\n</table>"
    )


def _timeline(shown: Timeline, anchor: str, void: str, choose: str) -> str:
    lines = "".join([_event(event, void) for event in shown.events])
    events = f'<ol class="timeline">\n{lines}</ol>'
    if not shown.choices:
        return events
    links = "".join([_choice(one, anchor) for one in shown.choices])
    name = escaped(choose)
    return f'<nav class="row" aria-label="{name}">{links}</nav>\n{events}'


def _choice(one: Choice, anchor: str) -> str:
    current = ' aria-current="true"' if one.is_chosen else ""
    label = f"{escaped(one.label)} ({one.count})"
    return f'<a{current} href="?voir={one.kind}#{anchor}">{label}</a> '


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
