"""What the seller does with links: make one, see them, end one or all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Prefetch

from histovet.sharing.keys import link_keys
from histovet.sharing.liveness import end_of, is_handed_over
from histovet.sharing.models import (
    End,
    Link,
    Links,
    OpeningsOfDay,
    Receipt,
    Scope,
)
from histovet.statements import one_row
from histovet.vault.reading import Opened
from pseudonymizer.envelope import SECRET_BYTES, identity_bytes, link_id
from pseudonymizer.errors import EnvelopeError, KeyRingError
from pseudonymizer.normalise import PARIS
from pseudonymizer.records import Capsule, Identity, LinkTerms

logger = logging.getLogger(__name__)

LIVES_DAYS = (1, 7, 30)
# From today to the day that is chosen as the last one.
LIFE_DAYS_MAX = 90
# Fewer would be used up by a second thought, or by a machine that clicks.
OPENINGS_MIN = 3
OPENINGS_MAX = 1000
# Of a letter that takes four bytes LABEL_BYTES holds as many.
LABEL_LENGTH = 40
# What the list shows of a link that is opened every day, and read by partners often.
DAYS_LISTED = 7
RECEIPTS_LISTED = 30
RECEIPTS_FEW = 3
# Of one vehicle while they live, and of one owner in a day: more are no sale, and every
# row costs.
LINKS_MAX = 20


class NotShareable(Exception):
    """A link would be over at once: the certificate is cancelled, a sale is dated today,
    or the record knows no holder. Or nobody may read the report."""


class TooManyLinks(Exception):
    """LINKS_MAX links of this vehicle live, or its owner has made as many in a day."""


@dataclass(frozen=True, slots=True)
class DayShown:
    """`share` is a percentage of the most that a listed day has."""

    day: dt.date
    openings: int
    share: int


@dataclass(frozen=True, slots=True)
class OwnedLink:
    """A link as its owner sees it. `end` may be one that no row says yet: a link is
    ended when it is opened. `secret` is None for what opens nothing any more. Of its
    receipts the latest are here, latest first."""

    row: Link
    secret: bytes | None
    end: End | None
    label: str = ""
    receipts: tuple[Receipt, ...] = ()
    receipts_count: int = 0

    @property
    def is_full(self) -> bool:
        return self.row.scope == Scope.FULL

    @property
    def days(self) -> list[DayShown]:
        """The latest days on which it was opened, latest first."""
        days = self.row.days.all()[:DAYS_LISTED]
        most = max((one.openings for one in days), default=0)
        return [
            DayShown(one.day, one.openings, round(100 * one.openings / most))
            for one in days
        ]

    @property
    def openings_before(self) -> int:
        """How many openings were on days before those."""
        return self.row.openings - sum(one.openings for one in self.days)

    @property
    def receipts_are_few(self) -> bool:
        return self.receipts_count <= RECEIPTS_FEW

    @property
    def receipts_before(self) -> int:
        return self.receipts_count - len(self.receipts)

    @property
    def ended_at(self) -> dt.datetime | None:
        """A link of which the time was over ended then, whenever that was seen."""
        return self.row.expires_at if self.end is End.EXPIRED else self.row.ended_at


def new_secret() -> bytes:
    """Return what a link or an owner is known by, at random."""
    return os.urandom(SECRET_BYTES)


def create(
    identity: Identity,
    opened: Opened,
    owner_secret: bytes,
    *,
    life: dt.timedelta,
    now: dt.datetime,
    scope: Scope = Scope.FULL,
    max_openings: int | None = None,
    label: str = "",
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return the secret of a new link to what the identity opened, stored nowhere.

    Raises NotShareable and TooManyLinks.
    """
    now = now.replace(microsecond=0)
    today = now.astimezone(PARIS).date()
    record, tags = opened.record, dict(opened.proof.tags)
    if opened.is_withheld:
        raise NotShareable
    if record.certificate_cancelled or is_handed_over(record, since=today) or not tags:
        raise NotShareable
    keys, encoded = link_keys(), identity_bytes(identity)
    secret = random(SECRET_BYTES)
    # That of the release's own key, which every release has that is published while
    # this one can come back: a newer one may never be used, an older one be retired.
    holder_key_version = opened.release.row.key_version
    holder_tag = tags[holder_key_version]
    terms = LinkTerms(
        public_id=link_id(secret),
        key_version=keys.active,
        holder_key_version=holder_key_version,
        created_at=int(now.timestamp()),
        expires_at=int((now + life).timestamp()),
        scope=scope,
        max_openings=max_openings,
    )
    owner_tag = keys.owner_tags(encoded)[terms.key_version]
    owner_proof = keys.owner_proof(owner_secret, encoded, terms.key_version)
    with transaction.atomic():
        # Two at once would each count the other out.
        one_row("SELECT pg_advisory_xact_lock(%s)", (_lock_of(owner_tag),))
        # Those of others count while they live, since the owner may end them, and not
        # after: whoever made twenty and ended them would have used up the day.
        made = of_vehicle(identity)
        yesterday = now - dt.timedelta(days=1)
        own = made.filter(owner_proof=owner_proof, created_at__gt=yesterday)
        if (made.live(now) | own).count() >= LINKS_MAX:
            raise TooManyLinks
        Link.objects.create(
            public_id=terms.public_id,
            key_version=terms.key_version,
            holder_key_version=terms.holder_key_version,
            owner_tag=owner_tag,
            owner_proof=owner_proof,
            created_at=now,
            expires_at=now + life,
            scope=scope,
            max_openings=max_openings,
            capsule=keys.seal_capsule(secret, terms, Capsule(identity, holder_tag)),
            keepsake=keys.seal_keepsake(owner_secret, encoded, terms, secret),
            label=keys.seal_label(owner_secret, encoded, terms, label)
            if label
            else None,
        )
    return secret


def _lock_of(owner_tag: bytes) -> int:
    """Return the number of this vehicle's lock, in PostgreSQL's 64 signed bits."""
    return int.from_bytes(owner_tag[:8], "big", signed=True)


def of_vehicle(identity: Identity) -> Links:
    """Every link made with this certificate, whoever made it."""
    tags = link_keys().owner_tags(identity_bytes(identity))
    return Link.objects.filter(owner_tag__in=list(tags.values()))


def of_owner(identity: Identity, owner_secret: bytes) -> Links:
    """Those made with this owner's secret."""
    keys, encoded = link_keys(), identity_bytes(identity)
    proofs = [
        keys.owner_proof(owner_secret, encoded, version)
        for version in keys.owner_tags(encoded)
    ]
    return of_vehicle(identity).filter(owner_proof__in=proofs)


def of_others(identity: Identity, owner_secret: bytes | None) -> Links:
    """Those of the vehicle that were not made with this owner's secret."""
    links = of_vehicle(identity)
    if owner_secret is None:
        return links
    return links.exclude(pk__in=of_owner(identity, owner_secret).values("pk"))


def owned(
    identity: Identity, opened: Opened, owner_secret: bytes, now: dt.datetime
) -> list[OwnedLink]:
    """Return the owner's links, newest first, each with whether it lives now."""
    rows = (
        of_owner(identity, owner_secret)
        .order_by("-created_at", "public_id")
        .prefetch_related(
            Prefetch("days", OpeningsOfDay.objects.order_by("-day")),
            # A partner may have left thousands.
            Prefetch(
                "receipts",
                Receipt.objects.order_by("-day", "number")[:RECEIPTS_LISTED],
                to_attr="latest_receipts",
            ),
        )
    )
    counts = dict(
        Receipt.objects.filter(link__in=rows)
        .values_list("link_id")
        .annotate(Count("number"))
    )
    return [
        dataclasses.replace(
            _owned(row, identity, opened, owner_secret, now),
            receipts=tuple(row.latest_receipts),
            receipts_count=counts.get(row.pk, 0),
        )
        for row in rows
    ]


def _owned(
    row: Link, identity: Identity, opened: Opened, owner_secret: bytes, now: dt.datetime
) -> OwnedLink:
    keys, terms = link_keys(), row.terms
    encoded = identity_bytes(identity)
    label = _label(row, encoded, owner_secret)
    if row.capsule is None or row.keepsake is None:
        return OwnedLink(row, None, row.why_ended, label)
    try:
        secret = keys.open_keepsake(owner_secret, encoded, terms, bytes(row.keepsake))
        capsule = keys.open_capsule(secret, terms, bytes(row.capsule))
    except EnvelopeError:
        # It opens for nobody; the other links are shown all the same.
        logger.error("the row of a link was changed by other means than the site")
        return OwnedLink(row, None, None, label)
    try:
        end = end_of(terms, capsule, opened, now)
    except KeyRingError as exc:
        logger.error("%s", exc)
        return OwnedLink(row, None, None, label)
    return OwnedLink(row, secret if end is None else None, end, label)


def _label(row: Link, identity: bytes, owner_secret: bytes) -> str:
    if row.label is None:
        return ""
    try:
        return link_keys().open_label(
            owner_secret, identity, row.terms, bytes(row.label)
        )
    except EnvelopeError:
        # A link without its name is a link all the same.
        logger.error("the row of a link was changed by other means than the site")
        return ""
