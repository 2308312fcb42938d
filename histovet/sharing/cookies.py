"""What a browser keeps of links: the one that a reader opened and what its report showed
at first, the owner's secret."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation

from histovet.cookies import SealedCookie
from histovet.sharing import addresses
from pseudonymizer.envelope import LINK_ID_BYTES, SECRET_BYTES

OPENING_BYTES = 8

# A buyer who reads again the same day is no second opening.
READER_LIFE_SECONDS = 12 * 3600
# Twice the longest life of a link.
OWNER_LIFE_SECONDS = 180 * 24 * 3600

_READER = SealedCookie(
    "reader cookie", "reader", prefix="__Secure-", life_seconds=READER_LIFE_SECONDS
)
_OWNER = SealedCookie(
    "owner cookie", "owner", prefix="__Host-", life_seconds=OWNER_LIFE_SECONDS
)
_SEEN = SealedCookie(
    "seen cookie", "seen", prefix="__Secure-", life_seconds=READER_LIFE_SECONDS
)


@dataclass(frozen=True, slots=True)
class Seen:
    """When a report was first read here, in seconds, and its marks (history.changes)."""

    first_read_at: int
    marks: bytes


@dataclass(frozen=True, slots=True)
class Reader:
    """Who opened a link here. `opening` names that opening, and opens nothing."""

    secret: bytes
    opening: bytes


def give_link(
    response: HttpResponse,
    public_id: str,
    secret: bytes,
    *,
    now: int,
    until: int,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Let this browser read the link, and no longer than the link lives."""
    life = min(READER_LIFE_SECONDS, until - now)
    content = secret + random(OPENING_BYTES)
    for language, path in _paths(public_id):
        _READER.give(
            response, content, now=now, suffix=f"-{language}", path=path,
            life_seconds=life,
        )  # fmt: skip


def reader_in(request: HttpRequest, *, now: int) -> Reader | None:
    """Return the reader of the link whose address is asked for, None without one."""
    suffix = f"-{translation.get_language()}"
    content = _READER.content(request, now=now, suffix=suffix)
    if content is None or len(content) != SECRET_BYTES + OPENING_BYTES:
        return None
    return Reader(content[:SECRET_BYTES], content[SECRET_BYTES:])


def reader_at(request: HttpRequest, public_id: str, *, now: int) -> Reader | None:
    """Return who has opened, in this browser, the link at this address."""
    reader = reader_in(request, now=now)
    if reader is None or not addresses.stands_at(reader.secret, public_id):
        return None
    return reader


def give_seen(
    response: HttpResponse, public_id: bytes, seen: Seen, *, now: int, until: int
) -> None:
    """Let this browser be told what changes, as long as the link lives."""
    content = public_id + seen.first_read_at.to_bytes(8, "big") + seen.marks
    for language, path in _paths(addresses.written(public_id)):
        _SEEN.give(
            response, content, now=now, suffix=f"-{language}", path=path,
            life_seconds=until - now,
        )  # fmt: skip


def seen_in(request: HttpRequest, public_id: bytes, *, now: int) -> Seen | None:
    """Return what this browser was first shown of the link, None when that is nothing."""
    suffix = f"-{translation.get_language()}"
    content = _SEEN.content(request, now=now, suffix=suffix)
    if content is None or content[:LINK_ID_BYTES] != public_id:
        return None
    first, marks = content[LINK_ID_BYTES:][:8], content[LINK_ID_BYTES + 8 :]
    return Seen(int.from_bytes(first, "big"), marks)


def owner_in(request: HttpRequest, *, now: int) -> bytes | None:
    return _OWNER.content(request, now=now)


def give_owner(response: HttpResponse, secret: bytes, *, now: int) -> None:
    """Let this browser recognise its links for as long again."""
    _OWNER.give(response, secret, now=now)


def _paths(public_id: str) -> list[tuple[str, str]]:
    """Return the path of a link in each language: a page of one is read in the other."""
    return [(language, f"{folder}{public_id}") for language, folder in _folders()]


@functools.cache
def _folders() -> list[tuple[str, str]]:
    """Return what stands before the id in the path of a link, in each language."""
    some_id = addresses.written(bytes(LINK_ID_BYTES))
    folders = []
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            path = reverse("link", args=[some_id])
        folders.append((language, path.removesuffix(some_id)))
    return folders
