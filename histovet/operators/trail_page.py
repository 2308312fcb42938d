"""Entries of the trail in words, and whether those of a page are as they were written."""

from __future__ import annotations

from dataclasses import dataclass

from histovet.audit.models import Entry
from histovet.audit.trail import Head, TrailBroken, verify
from histovet.operators import wording

PAGE = 50


@dataclass(frozen=True)
class ShownEntry:
    row: Entry
    act: str
    result: str
    actor_kind: str

    @property
    def is_done(self) -> bool:
        return self.row.result == "done"


@dataclass(frozen=True)
class Page:
    """`broken_at` is the position that is missing or was changed, None for none;
    `unreadable` entries are known by their place alone."""

    entries: list[ShownEntry]
    older: int | None
    newest: bool
    broken_at: int | None
    unreadable: int
    head: Head | None


def page(before: int | None) -> Page:
    """Return the entries before a position, the newest first; the newest of all without
    one."""
    rows = Entry.objects.order_by("-position")
    if before is not None:
        rows = rows.filter(position__lt=before)
    # One more: it vouches for what the last one here follows.
    found = list(rows[: PAGE + 1])
    listed = found[:PAGE]
    broken_at, unreadable, head = None, 0, None
    try:
        if len(found) > PAGE:
            first = Head(found[-1].position, bytes(found[-1].mac))
            verified = verify(reversed(listed), after=first)
        else:
            verified = verify(reversed(listed))
        head, unreadable = verified.head, verified.unreadable
    except TrailBroken as exc:
        broken_at = exc.position
    return Page(
        [shown(one) for one in listed],
        listed[-1].position if len(found) > PAGE else None,
        before is None,
        broken_at,
        unreadable,
        head if before is None and listed else None,
    )


def shown(entry: Entry) -> ShownEntry:
    return ShownEntry(
        entry,
        wording.act(entry.act),
        wording.result(entry.result),
        wording.actor_kind(entry.actor_kind),
    )
