"""The lists of a report, which are not worth a template's time.

A template's loop over blocks and sixty rows costs ten times as much.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import get_language, gettext

from histovet.history.page import (
    AlertShown,
    Block,
    Choice,
    Event,
    Fact,
    Figure,
    Grid,
    Heading,
    Items,
    Paragraph,
    ReportPage,
    Row,
    Section,
    Table,
    Timeline,
)
from histovet.history.words import escaped, markup

register = template.Library()


@register.simple_tag
def alerts(page: ReportPage) -> str:
    """Return what the reader is warned of, nothing when that is nothing."""
    if not page.alerts:
        return ""
    said = _said(get_language() or "fr")
    cards = "".join([_alert(alert, said.to_do) for alert in page.alerts])
    return markup(f'<ul class="cards">\n{cards}</ul>\n')


@register.simple_tag
def facts(page: ReportPage) -> str:
    return markup("".join([_fact(fact) for fact in page.facts]))


@register.simple_tag
def contents(page: ReportPage) -> str:
    """Return a line with the way to each section."""
    lines = [
        f'<li><a href="#{section.anchor}">{escaped(section.title)}</a></li>\n'
        for section in page.sections
    ]
    return markup("".join(lines))


@register.simple_tag
def sections(page: ReportPage) -> str:
    said = _said(get_language() or "fr")
    return markup("".join([_section(section, said) for section in page.sections]))


@dataclass(frozen=True, slots=True)
class _Said:
    """What the lists say in one language, as markup; `glossary` is the address of the
    words of the site."""

    glossary: str
    explained: str
    to_do: str
    void: str
    choose: str


@functools.cache
def _said(language: str) -> _Said:
    return _Said(
        glossary=reverse("glossary"),
        explained=escape(gettext("Les mots expliqués")),
        to_do=escape(gettext("À faire\u00a0:")),
        void=escape(gettext("Annulée")),
        choose=escape(gettext("Choisir ce qui est listé")),
    )


_TONES = {"blocking": "grave", "check": "warn"}


def _alert(alert: AlertShown, to_do: str) -> str:
    badge = (
        f'<span class="badge {_TONES.get(alert.gravity, "note")}">'
        f"{escaped(alert.badge)}</span>"
    )
    raw = "".join([f" <code>{escaped(code)}</code>" for code in alert.raw])
    dates = ", ".join([escaped(date) for date in alert.dates])
    since = f' <span class="since soft">{dates}</span>' if dates else ""
    return (
        f"<li>\n<h3>{badge} {escaped(alert.title)}{raw}{since}</h3>\n"
        f"<p>{escaped(alert.meaning)}</p>\n"
        f"<p><strong>{to_do}</strong> {escaped(alert.to_do)}</p>\n</li>\n"
    )


def _fact(fact: Fact) -> str:
    detail = f" <small>{escaped(fact.detail)}</small>" if fact.detail else ""
    value = f"{escaped(fact.value)}{detail}"
    return f"<div><dt>{escaped(fact.term)}</dt><dd>{value}</dd></div>\n"


def _section(section: Section, said: _Said) -> str:
    blocks = "\n".join(
        [_block(block, section.anchor, said) for block in section.blocks]
    )
    return (
        f'<section class="part" aria-labelledby="{section.anchor}">\n'
        f"<header>{_heading(section, said)}</header>\n{blocks}\n</section>\n"
    )


def _heading(section: Section, said: _Said) -> str:
    """Return the title of the section, then its source and the way to its words."""
    parts = [escaped(section.source)] if section.source else []
    if section.words:
        way = f"{said.glossary}#{section.words}"
        parts.append(f'<a class="term" href="{way}">{said.explained}</a>')
    title = f'<h2 id="{section.anchor}">{escaped(section.title)}</h2>'
    return f'{title}<p class="hint">{" ".join(parts)}</p>' if parts else title


def _block(block: Block, anchor: str, said: _Said) -> str:
    match block:
        case Paragraph():
            return _paragraph(block)
        case Table():
            return _table(block, said)
        case Timeline():
            return _timeline(block, anchor, said)
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


def _table(shown: Table, said: _Said) -> str:
    """It has a column of boxes when a row names its box."""
    has_boxes = any(row.box for row in shown.rows)
    lines = "".join([_line(row, has_boxes, said) for row in shown.rows])
    return (
        f"<table>\n<caption>{escaped(shown.caption)}</caption>\n"
        f"<tbody>\n{lines}</tbody>\n</table>"
    )


def _line(row: Row, has_boxes: bool, said: _Said) -> str:
    box = f"<td>{escaped(row.box)}</td>" if has_boxes else ""
    values = "<br>".join([escaped(value) for value in row.values])
    if row.hint:
        values += f'<div class="hint">{escaped(row.hint)}</div>'
    label = escaped(row.label)
    if row.word:
        label = f'<a class="term" href="{said.glossary}#{row.word}">{label}</a>'
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


def _timeline(shown: Timeline, anchor: str, said: _Said) -> str:
    lines = "".join([_event(event, said.void) for event in shown.events])
    events = f'<ol class="timeline">\n{lines}</ol>'
    if not shown.choices:
        return events
    links = "".join([_choice(one, anchor) for one in shown.choices])
    return f'<nav class="row" aria-label="{said.choose}">{links}</nav>\n{events}'


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
