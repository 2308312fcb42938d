"""A secret → the report that its link opens now, or nothing.

Unknown, expired, revoked, exhausted, sold: the steps are the same, and so is the
answer. A capsule and a record are opened before anything is decided, a dummy and a
decoy where there are none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import logging
from dataclasses import dataclass

from histovet.history.assemble import report_of
from histovet.history.report import Audience, Report, without_administrative_details
from histovet.sharing import receipts
from histovet.sharing.keys import link_keys
from histovet.sharing.liveness import end_of
from histovet.sharing.models import End, Link, Scope
from histovet.sharing.receipts import ByPartner
from histovet.statements import one_row
from histovet.vault import reading
from histovet.vault.reading import Opened
from histovet.vault.releases import DECOY
from pseudonymizer.envelope import SECRET_BYTES, TAG_BYTES, LinkKeys, link_id
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.normalise import PARIS
from pseudonymizer.records import Capsule, Identity, LinkTerms, Register

logger = logging.getLogger(__name__)

_DUMMY_SECRET = bytes(SECRET_BYTES)

# A link that has ended is found no more than one that never was: neither is there a row
# to decode.
_FIND = """
    SELECT key_version, holder_key_version, created_at, expires_at, scope, max_openings,
        capsule, coalesce(openings >= max_openings, false)
    FROM sharing_link WHERE public_id = %s AND ended_at IS NULL
"""
# One statement: what is counted of the link, of the day and of a partner is the same.
_COUNT = """
    WITH counted AS (
        UPDATE sharing_link SET openings = openings + 1, last_opened_on = %(day)s
        WHERE public_id = %(public_id)s AND ended_at IS NULL
            AND (max_openings IS NULL OR openings < max_openings)
        RETURNING public_id
    ), of_day AS (
        INSERT INTO sharing_opening AS before (public_id, day, openings)
        SELECT public_id, %(day)s, 1 FROM counted
        ON CONFLICT (public_id, day) DO UPDATE SET openings = before.openings + 1
    ), with_receipt AS (
        INSERT INTO sharing_receipt (public_id, number, day, partner, folded_partner)
        SELECT public_id, %(number)s, %(day)s, %(partner)s, %(folded_partner)s
        FROM counted WHERE %(number)s::text IS NOT NULL
    )
    SELECT FROM counted
"""


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A live link, and the record that it opens. One that `is_used_up` shows its report
    to those who have opened it, and ends at the next who tries. `receipt` is the number
    of the opening that a partner made of it."""

    public_id: bytes
    expires_at: dt.datetime
    scope: Scope
    opened: Opened
    is_used_up: bool
    receipt: str | None = None

    @property
    def is_open_to_more(self) -> bool:
        """Whoever has not read it yet may."""
        return not (self.is_used_up or self.is_withheld)

    @property
    def is_withheld(self) -> bool:
        """Nobody is shown the report; the link lives on."""
        return self.opened.is_withheld

    def report(self, now: dt.datetime | None) -> Report:
        """Return what its reader may see; without inspections when `now` is None."""
        shown = report_of(self.opened, audience=Audience.OTHERS, now=now)
        if self.scope is Scope.WITHOUT_ADMINISTRATIVE_DETAILS:
            return without_administrative_details(shown)
        return shown


def read_link(secret: bytes, now: dt.datetime) -> OpenLink | None:
    """Return what the link opens, None when it opens nothing; write nothing.

    Raises what `vault.reading.read` and `liveness.end_of` do.
    """
    link, _ = _seen(link_id(secret), secret, now)
    return link


def open_link(
    secret: bytes,
    now: dt.datetime,
    *,
    again: bool = False,
    partner: ByPartner | None = None,
) -> OpenLink | None:
    """The same, counted as an opening unless its reader opens it `again` or the report
    is withheld. An opening by a partner has a receipt, which the owner sees.

    A link that is over is ended for good: no rollback of a release revives it.
    """
    public_id = link_id(secret)
    link, end = _seen(public_id, secret, now)
    if end is not None:
        Link.objects.filter(pk=public_id).end(end, now)
    if link is None or again or link.is_withheld:
        return link
    number = receipts.new_number() if partner else None
    opening = {
        "public_id": public_id,
        "day": now.astimezone(PARIS).date(),
        "number": number,
        "partner": partner.name if partner else None,
        "folded_partner": partner.folded_name if partner else None,
    }
    if one_row(_COUNT, opening) is None:
        # Its last opening was another one, perhaps this moment; or it was revoked.
        Link.objects.filter(pk=public_id).end(End.EXHAUSTED, now)
        return None
    return dataclasses.replace(link, receipt=number)


def _seen(
    public_id: bytes, secret: bytes, now: dt.datetime
) -> tuple[OpenLink | None, End | None]:
    """Return the live link, or why it has to be ended, or neither."""
    row = one_row(_FIND, (public_id,))
    if row is None:
        keys = link_keys()
        keys.open_capsule(_DUMMY_SECRET, *_dummy(keys))
        reading.read(DECOY)
        return None, None
    key_version, holder_version, created, expires, scope, most, sealed, used_up = row
    terms = LinkTerms(
        public_id,
        key_version,
        holder_version,
        int(created.timestamp()),
        int(expires.timestamp()),
        scope,
        most,
    )
    try:
        capsule = link_keys().open_capsule(secret, terms, sealed)
    except EnvelopeError:
        # Whoever has the secret did not change the row.
        logger.error("the row of a link was changed by other means than the site")
        return None, None
    opened = reading.read(capsule.identity)
    end = end_of(terms, capsule, opened, now)
    if end is not None or opened is None:
        return None, end
    return OpenLink(public_id, expires, Scope(scope), opened, used_up), None


@functools.lru_cache(maxsize=1)
def _dummy(keys: LinkKeys) -> tuple[LinkTerms, bytes]:
    """Return terms and a capsule as long as most: that of a plate of the SIV."""
    terms = LinkTerms(link_id(_DUMMY_SECRET), keys.active, 1, 0, 1, Scope.FULL, None)
    longest = Identity(Register.SIV, "0" * 7, "0" * 11)
    capsule = Capsule(longest, bytes(TAG_BYTES))
    return terms, keys.seal_capsule(_DUMMY_SECRET, terms, capsule)
