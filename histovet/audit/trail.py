"""Adding to the trail, and checking that nothing of it was changed or taken away."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
import pwd
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from histovet.audit.models import (
    ACTOR_MAX,
    DETAILS_MAX,
    SUBJECT_MAX,
    ActorKind,
    Entry,
)
from histovet.statements import one_row
from histovet.vault.keys import site_ring
from pseudonymizer.envelope import Hmac
from pseudonymizer.key_ring import KeyRing, PartOfRing

logger = logging.getLogger(__name__)

DONE = "done"
_BEFORE_THE_FIRST = bytes(32)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Enough of a MAC for people to compare, and for a row to be known again.
SHOWN_BYTES = 8


@dataclass(frozen=True)
class Actor:
    kind: ActorKind
    name: str

    @classmethod
    def operator(cls, name: str) -> Actor:
        return cls(ActorKind.OPERATOR, name)

    @classmethod
    def of_this_command(cls) -> Actor:
        """Whoever the operating system says runs this process."""
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            # A container whose user has no name.
            name = f"uid {os.getuid()}"
        return cls(ActorKind.COMMAND, name)


THE_SITE = Actor(ActorKind.SITE, "histovet")


class TrailBroken(Exception):
    """The trail is not as it was written; `position` is where, `why` says how."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"entry {position}: {why}")
        self.position = position
        self.why = why


class Head(NamedTuple):
    """Where the trail ends: kept elsewhere, it shows that an end was cut off."""

    position: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.mac[:SHOWN_BYTES].hex()}"


def add(
    actor: Actor,
    act: str,
    subject: str,
    *,
    result: str = DONE,
    details: str = "",
    now: dt.datetime | None = None,
) -> Head:
    """Add one entry, in the transaction of what it tells of; return where it stands.

    One writer after the other: who adds waits for who has added and not yet committed.
    The place is also logged, out of reach of whoever writes to the database.
    """
    ring = site_ring()
    with transaction.atomic():
        # By a statement of its own: the next one sees what was committed meanwhile.
        one_row("SELECT pg_advisory_xact_lock(hashtextextended('audit trail', 0))", ())
        last = (
            Entry.objects.order_by("-position").values_list("position", "mac").first()
        )
        position, before = (0, _BEFORE_THE_FIRST) if last is None else last
        entry = Entry(
            position=position + 1,
            at=now or timezone.now(),
            actor_kind=actor.kind,
            actor=actor.name[:ACTOR_MAX],
            act=act,
            subject=subject[:SUBJECT_MAX],
            result=result,
            details=details[:DETAILS_MAX],
            key_version=ring.active,
        )
        entry.mac = _mac(ring, entry, bytes(before))
        entry.save(force_insert=True)
    head = Head(entry.position, bytes(entry.mac))
    logger.info("audit act=%s result=%s entry=%s", act, result, head)
    return head


@dataclass(frozen=True)
class Verified:
    """`unreadable` are entries whose keys the ring does not have: that they are in their
    place is known, and no more. `unreadable_at` is the place of the last of them."""

    head: Head
    entries: int
    unreadable: int
    unreadable_at: int | None


THE_BEGINNING = Head(0, _BEFORE_THE_FIRST)


def verify(
    entries: Iterable[Entry],
    *,
    after: Head = THE_BEGINNING,
    known: Head | None = None,
) -> Verified:
    """Check entries that follow each other and `after`. Raises TrailBroken.

    `known` is a head that was seen before: the trail must still hold it. An entry under a
    key that the whole ring never had is broken: who writes there would otherwise name
    such a key, keep the MAC for the next entry, and say anything.
    """
    ring = site_ring()
    head, unreadable, unreadable_at, found = after, 0, None, known is None
    for entry in entries:
        if entry.position != head.position + 1:
            raise TrailBroken(head.position + 1, "it is missing")
        mac = bytes(entry.mac)
        if entry.key_version not in ring.versions:
            if not _may_be_retired(ring, entry.key_version):
                raise TrailBroken(entry.position, "its key is one that never was")
            unreadable += 1
            unreadable_at = entry.position
        elif not secrets.compare_digest(_mac(ring, entry, head.mac), mac):
            raise TrailBroken(
                entry.position, "it, or the one before, is not as it was written"
            )
        head = Head(entry.position, mac)
        if known is not None and entry.position == known.position:
            if not secrets.compare_digest(mac[: len(known.mac)], known.mac):
                raise TrailBroken(entry.position, "it is another one than was seen")
            found = True
    if known is not None and not found:
        raise TrailBroken(known.position, "it was seen and is not there")
    return Verified(head, head.position - after.position, unreadable, unreadable_at)


def _may_be_retired(ring: KeyRing, version: int) -> bool:
    """A part of the ring does not say, and may be older than the ring."""
    return version in ring.retired or (isinstance(ring, PartOfRing) and version > 0)


def _mac(ring: KeyRing, entry: Entry, before: bytes) -> bytes:
    values = (
        b"%d" % entry.position,
        b"%d" % ((entry.at - _EPOCH) // dt.timedelta(microseconds=1)),
        *(
            text.encode()
            for text in (
                entry.actor_kind,
                entry.actor,
                entry.act,
                entry.subject,
                entry.result,
                entry.details,
            )
        ),
        b"%d" % entry.key_version,
    )
    listed = b"".join(b"\1" + len(value).to_bytes(4, "big") + value for value in values)
    return _keyed(ring, entry.key_version).digest(before + listed)


@functools.lru_cache(maxsize=8)
def _keyed(ring: KeyRing, version: int) -> Hmac:
    return Hmac(ring.derive("audit row", version=version))
