"""Vehicles that an operator withholds: nobody reads their report until it is lifted.

A row names no vehicle: its tag is made with the site's key ring, and depends on no
release. While the ring lacks the version of a row, nobody can tell whose it is, and no
report is shown. Source: docs/withholding.md; of the tag, pseudonymizer/SPEC.md section 10.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import logging
import re
from dataclasses import dataclass
from typing import NoReturn

from django.db import IntegrityError, transaction

from histovet.statements import array_of_bytes, array_of_numbers
from histovet.vault.keys import site_ring
from histovet.vault.models import REFERENCE_MAX, Withheld
from pseudonymizer import normalise
from pseudonymizer.envelope import WithheldKeys, identity_bytes
from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import VERSION_MAX, KeyRing
from pseudonymizer.records import Identity

logger = logging.getLogger(__name__)

Reason = Withheld.Reason


class ReferenceRefused(Exception):
    """The reference is empty, too long or not printable, or it names the vehicle."""


class AlreadyWithheld(Exception):
    """This vehicle is withheld, and by one row alone."""


class NotWithheld(Exception):
    """No row has this number or is of this vehicle, or it was lifted."""


@dataclass(frozen=True)
class Sought:
    """What the statement that reads a record asks of the withheld ones: rows with one of
    these tags, and rows of a version from a `first` to its `last`, which the ring lacks.
    Each is an array as PostgreSQL reads it."""

    tags: str
    first: str
    last: str


def sought(identity: bytes) -> Sought:
    """Raises KeyRingError."""
    keys, first, last = _derived(site_ring())
    return Sought(array_of_bytes(keys.tags(identity).values()), first, last)


def refuse_unknown() -> NoReturn:
    """Raise KeyRingError: a row has a version that the ring lacks."""
    raise KeyRingError(
        "vehicles are withheld under a version of the site key ring that it lacks, and "
        "nobody can tell which; put the ring that has it back, or see: python manage.py "
        "withhold list"
    )


@functools.lru_cache(maxsize=1)
def _derived(ring: KeyRing) -> tuple[WithheldKeys, str, str]:
    """Return the keys, and the bounds of the versions between those of the ring."""
    bounds = [0, *ring.versions, VERSION_MAX + 1]
    gaps = [(a + 1, b - 1) for a, b in itertools.pairwise(bounds) if a + 1 < b]
    first, last = ([gap[end] for gap in gaps] for end in (0, 1))
    return WithheldKeys(ring), array_of_numbers(first), array_of_numbers(last)


def _keys() -> WithheldKeys:
    return _derived(site_ring())[0]


def withhold(
    identity: Identity, reason: Reason, reference: str, *, now: dt.datetime
) -> Withheld:
    """Withhold the vehicle from now on; whether it has a record is for the caller.

    `reference` is where the order is kept. Raises ReferenceRefused, AlreadyWithheld.
    """
    _check(reference, identity)
    keys = _keys()
    found = keys.tags(identity_bytes(identity))
    with transaction.atomic():
        # Of another key version too, which the constraint does not see.
        if Withheld.objects.filter(tag__in=found.values(), lifted_at=None).exists():
            raise AlreadyWithheld
        try:
            row = Withheld.objects.create(
                tag=found[keys.active],
                key_version=keys.active,
                reason=reason,
                reference=reference,
                since=now,
            )
        except IntegrityError as exc:
            raise AlreadyWithheld from exc
    logger.warning("withheld id=%d reason=%s reference=%s", row.pk, reason, reference)
    return row


def renew(identity: Identity, *, now: dt.datetime) -> Withheld:
    """Put the tag of a withheld vehicle under the active key, so that the older one can
    be retired. Of two rows of one vehicle, as two rings at once may leave, the older is
    lifted. Raises NotWithheld."""
    keys = _keys()
    found = keys.tags(identity_bytes(identity))
    with transaction.atomic():
        rows = list(
            Withheld.objects.select_for_update()
            .filter(tag__in=found.values(), lifted_at=None)
            .order_by("-key_version")
        )
        if not rows:
            raise NotWithheld
        row, *older = rows
        for one in older:
            one.lifted_at = now
            one.save(update_fields=["lifted_at"])
        row.tag, row.key_version = found[keys.active], keys.active
        row.save(update_fields=["tag", "key_version"])
    logger.warning("renewed id=%d key=%d", row.pk, row.key_version)
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
