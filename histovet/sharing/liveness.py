"""Does a link still open its report? Pure; decided anew each time it is asked.

Source of the rules: docs/links.md.
"""

from __future__ import annotations

import datetime as dt

from histovet.history.report import NEW_HOLDERS, SALES
from histovet.sharing.models import End
from histovet.vault.reading import Opened
from pseudonymizer.errors import KeyRingError
from pseudonymizer.normalise import PARIS
from pseudonymizer.records import Capsule, LinkTerms, Record


def end_of(
    terms: LinkTerms, capsule: Capsule, opened: Opened | None, now: dt.datetime
) -> End | None:
    """Return why the link is over, None while it lives. `opened` is what the capsule's
    identity opens in the active release.

    Raises KeyRingError when the release was made with a ring that lacked the link's
    version: whether the holder is still the same, nobody can tell.
    """
    if terms.expires_at <= now.timestamp():
        return End.EXPIRED
    if opened is None or opened.record.certificate_cancelled:
        return End.CERTIFICATE_GONE
    tags = dict(opened.proof.tags)
    if tags and terms.holder_key_version not in tags:
        raise KeyRingError(
            "the active release has no holder tags of version "
            f"{terms.holder_key_version} of the register key ring, which live links "
            "have; publish one with a ring that has it"
        )
    if tags.get(terms.holder_key_version) != capsule.holder_tag:
        return End.CHANGED_HANDS
    if is_handed_over(opened.record, since=created_on(terms)):
        return End.CHANGED_HANDS
    return None


def created_on(terms: LinkTerms) -> dt.date:
    """Return the day in France, as the register counts days."""
    return dt.datetime.fromtimestamp(terms.created_at, PARIS).date()


def is_handed_over(record: Record, *, since: dt.date) -> bool:
    """Tell whether a sale that stands is dated that day or later, or a new holder later.

    A sale of that day too: the register has no hours, and most links are made on the day
    of the sale. A new holder of that day is who made the link.
    """
    return any(
        not operation.cancelled
        and operation.date is not None
        and (
            (operation.code in SALES and operation.date >= since)
            or (operation.code in NEW_HOLDERS and operation.date > since)
        )
        for operation in record.operations
    )
