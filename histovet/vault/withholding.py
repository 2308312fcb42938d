"""Vehicles that an operator withholds: nobody reads their report until it is lifted.

A row names no vehicle: its tag is made with the site's key ring, and depends on no
release. Source: docs/withholding.md; of the tag, pseudonymizer/SPEC.md section 10.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging

from django.db import IntegrityError, transaction

from histovet.vault.keys import site_ring
from histovet.vault.models import REFERENCE_MAX, Withheld
from pseudonymizer import normalise
from pseudonymizer.envelope import WithheldKeys, identity_bytes
from pseudonymizer.records import Identity

logger = logging.getLogger(__name__)

Reason = Withheld.Reason


class ReferenceRefused(Exception):
    """The reference is empty, too long or not printable, or it names the vehicle."""


class AlreadyWithheld(Exception):
    """This vehicle is withheld, and by one row alone."""


class NotWithheld(Exception):
    """No row has this number, or it was lifted."""


@functools.cache
def _keys() -> WithheldKeys:
    return WithheldKeys(site_ring())


def tags(identity: bytes) -> list[bytes]:
    """Return what the vehicle's row may have for a tag. Raises KeyRingError."""
    return list(_keys().tags(identity).values())


def withhold(
    identity: Identity, reason: Reason, reference: str, *, now: dt.datetime
) -> Withheld:
    """Withhold the vehicle from now on; whether it has a record is for the caller.

    `reference` is where the order is kept. Raises ReferenceRefused, AlreadyWithheld.
    """
    _check(reference, identity)
    found = _keys().tags(identity_bytes(identity))
    with transaction.atomic():
        # Of another key version too, which the constraint does not see.
        if Withheld.objects.filter(tag__in=found.values(), lifted_at=None).exists():
            raise AlreadyWithheld
        try:
            row = Withheld.objects.create(
                tag=found[_keys().active],
                key_version=_keys().active,
                reason=reason,
                reference=reference,
                since=now,
            )
        except IntegrityError as exc:
            raise AlreadyWithheld from exc
    logger.warning("withheld id=%d reason=%s reference=%s", row.pk, reason, reference)
    return row


def lift(number: int, *, now: dt.datetime) -> Withheld:
    """Let the vehicle be read again; the row stays. Raises NotWithheld."""
    if not Withheld.objects.filter(pk=number, lifted_at=None).update(lifted_at=now):
        raise NotWithheld
    row = Withheld.objects.get(pk=number)
    logger.warning(
        "lifted id=%d reason=%s reference=%s", row.pk, row.reason, row.reference
    )
    return row


def _check(reference: str, identity: Identity) -> None:
    if not (
        1 <= len(reference) <= REFERENCE_MAX
        and reference.isprintable()
        and reference.strip() == reference
    ):
        raise ReferenceRefused
    # What names the vehicle would stand in clear in the row and in the log.
    if not _names_in(reference).isdisjoint((identity.plate, identity.formula_or_date)):
        raise ReferenceRefused


def _names_in(reference: str) -> set[str]:
    """Return each run of words as a plate or formula number would be canonical."""
    words = normalise.fold(reference).split()
    runs = (
        "".join(words[start:end])
        for end in range(1, len(words) + 1)
        for start in range(end)
    )
    return {
        normalise.identifier(run, "reference")
        for run in runs
        if len(run) <= normalise.IDENTIFIER_MAX
    }
