"""What a page of a report is made of; the site's pages and the PDF show the same.

Texts are in the active language and may hold markup of our own when they are marked
safe; for a PDF they are plain.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fact:
    term: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class AlertShown:
    """`gravity` is a value of synthesis.Gravity; `raw` holds codes without a label."""

    gravity: str
    badge: str
    title: str
    dates: tuple[str, ...]
    raw: tuple[str, ...]
    meaning: str
    to_do: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `values` are never empty. `hint` stands small under them,
    `word` is the anchor of what the label means in the glossary of the site."""

    label: str
    values: tuple[str, ...]
    box: str = ""
    word: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline; `code` stands alone when it has no label, `tenure` is
    empty for what begins none. A gap, where nothing is known, has no date."""

    date: str
    label: str
    code: str
    tenure: str
    details: tuple[str, ...]
    cancelled: bool
    cancelled_on: str
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of event to show alone; `kind` is empty for all of them."""

    kind: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Heading:
    block: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`lead` stands before the text, strong; `badge` before both. `is_hint` is small."""

    block: ClassVar[str] = "paragraph"
    text: str
    lead: str = ""
    badge: str = ""
    tone: str = "note"  # of the badge: note, warn, grave
    is_hint: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    block: ClassVar[str] = "items"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Two columns, three when a row names its box."""

    block: ClassVar[str] = "table"
    caption: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a head; each row has as many cells as the head, none is empty. The
    last column holds numbers when it `ends_in_numbers`."""

    block: ClassVar[str] = "grid"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ends_in_numbers: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """`choices` are empty where nothing is to be chosen: there is one kind alone, or
    the page is on paper."""

    block: ClassVar[str] = "timeline"
    events: tuple[Event, ...]
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """`svg` is a whole element; `description` says in words what it shows."""

    block: ClassVar[str] = "figure"
    svg: str
    description: str


Block = Heading | Paragraph | Items | Table | Grid | Timeline | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """`source` tells where it comes from and as of when; empty for our own words.
    `words` is the anchor of its words in the glossary of the site."""

    anchor: str
    title: str
    source: str
    blocks: tuple[Block, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """`verdict` is a value of synthesis.Verdict."""

    for_holder: bool
    name: str
    plate: str
    first_registration: str
    as_of: str
    as_of_date: dt.date
    verdict: str
    verdict_title: str
    verdict_text: str
    cancelled_on: str
    alerts: tuple[AlertShown, ...]
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...] = field(default=())
