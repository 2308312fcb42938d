"""Vehicles that an operator withholds: nobody reads their report until it is lifted.

A row names no vehicle: its tag is made with the site's key ring, and depends on no
release. Source: docs/withholding.md; of the tag, pseudonymizer/SPEC.md section 10.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import re

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
    if _names(reference, identity):
        raise ReferenceRefused


# Of a shorter plate every second reference would hold the letters.
_TELLING = 4
_VIN = re.compile("[0-9A-Z]{17}")


def _names(reference: str, identity: Identity) -> bool:
    """Whether it holds the plate, the number or the date, however it is written, or what
    may be a VIN."""
    words = normalise.fold(reference).split()
    joined = "".join(words).replace("O", "0").replace("I", "1")
    date = identity.formula_or_date.split("-")
    names = (identity.plate, "".join(date), "".join(reversed(date)))
    return any(map(_VIN.fullmatch, words)) or any(
        len(name) >= _TELLING and name in joined for name in names
    )
