"""One vehicle's record: found under its keyed id, opened, decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

from django.db import DatabaseError

from histovet.statements import one_row
from histovet.vault import keys, releases, withholding
from histovet.vault.errors import NoActiveRelease
from histovet.vault.releases import ReadyRelease
from pseudonymizer import codec
from pseudonymizer.envelope import identity_bytes
from pseudonymizer.records import (
    HolderProof,
    Identity,
    Inspections,
    Record,
    SealedRow,
)

# Once for a release or a key ring that was replaced since this process read it; a second
# change within the same millisecond is no release but a fault.
ATTEMPTS = 2

# A vehicle's row, for a statement of its own or within another's (histovet/partners).
# The least version, because the planner reads that off the index: for a join it reads the
# whole table, 14 ms for 20,000 rows.
SEARCH: LiteralString = """
    SELECT release_active, generation, sealed, EXISTS (
        SELECT FROM vault_withheld WHERE tag = ANY(%s::bytea[]) AND lifted_at IS NULL
    ), EXISTS (
        SELECT FROM unnest(%s::smallint[], %s::smallint[]) AS unknown (first, last)
        WHERE (
            SELECT min(key_version) FROM vault_withheld
            WHERE key_version BETWEEN first AND last AND lifted_at IS NULL
        ) IS NOT NULL
    ), (
        SELECT value FROM limits_counter
        WHERE digest = %s AND expires_at > statement_timestamp()
    )
    FROM vault_read_record(%s, %s, %s)
"""

# No counter has it: each is of 16 bytes.
_NO_COUNTER = b""

_READ_ROW = "SELECT generation, sealed FROM vault_read_record(%s, %s, %s)"


@dataclass(slots=True)
class Search:
    """What SEARCH asks about one vehicle in one release.

    `row` is its answer, once another statement has asked.
    """

    identity: Identity = field(repr=False)
    encoded: bytes = field(repr=False)
    counter: bytes
    release: ReadyRelease
    record_id: bytes
    arguments: tuple[object, ...] = field(repr=False)
    row: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Opened:
    """What a vehicle's identity opens, and the release that it was read in.

    Of a vehicle that `is_withheld` nobody is shown anything.
    """

    identity: Identity = field(repr=False)
    record: Record
    proof: HolderProof
    release: ReadyRelease
    is_withheld: bool


def read(identity: Identity) -> Opened | None:
    """Return the vehicle's record in the active release, None when it has none.

    Whether the name that was typed is the holder's is for the caller to tell. Raises
    NoActiveRelease, and EnvelopeError when the row does not open: that is a fault and
    never "not found". Raises KeyRingError while a vehicle is withheld under a key that
    the site lacks. Without a row a decoy is opened, at equal cost.
    """
    opened, _ = read_counted(search(identity, _NO_COUNTER))
    return opened


def search(identity: Identity, counter: bytes) -> Search:
    """Return what to ask about a vehicle, and about a counter of `limits`: a statement
    of its own would cost as much as the record's. Raises NoActiveRelease, KeyRingError.
    """
    return _search(identity, identity_bytes(identity), counter, releases.active())


def read_counted(sought: Search) -> tuple[Opened | None, int]:
    """Return what `read` does, and what the counter holds."""
    release, row, is_withheld, counted = _find(sought)
    if row is None:
        release.open(release.decoy_identity, release.decoy)
        return None, counted
    record, proof = release.open(sought.encoded, row)
    return Opened(sought.identity, record, proof, release, is_withheld), counted


def read_inspections(identity: Identity, release: ReadyRelease) -> Inspections | None:
    """Return what that release holds of the vehicle's inspections.

    None when its source does not know the vehicle, when the release holds none of any
    vehicle, and when it was dropped since. Raises EnvelopeError as `read` does.
    """
    if release.row.inspections_as_of is None:
        return None
    row_keys, encoded = release.inspection_keys, identity_bytes(identity)
    record_id = row_keys.record_id(encoded)
    row = release.row
    found = one_row(_READ_ROW, (row.number, row.edition, UUID(bytes=record_id)))
    if found is None:
        raise DatabaseError("vault_read_record returned no row")
    generation, sealed = found
    if sealed is None:
        return None
    return codec.decode_inspections(
        *row_keys.open(encoded, SealedRow(record_id, generation, sealed))
    )


def _search(
    identity: Identity, encoded: bytes, counter: bytes, release: ReadyRelease
) -> Search:
    withheld = withholding.sought(encoded)
    record_id = release.keys.record_id(encoded)
    arguments = (
        *(withheld.tags, withheld.first, withheld.last, counter),
        *(release.row.number, release.row.edition, UUID(bytes=record_id)),
    )
    return Search(identity, encoded, counter, release, record_id, arguments)


def _find(sought: Search) -> tuple[ReadyRelease, SealedRow | None, bool, int]:
    """Return the active release, the vehicle's row, whether it is withheld, and the
    counter."""
    for _ in range(ATTEMPTS):
        found = sought.row or one_row(SEARCH, sought.arguments)
        if found is None:
            raise DatabaseError("vault_read_record returned no row")
        is_active, generation, sealed, is_withheld, is_anyone_unknown, counted = found
        release, record_id = sought.release, sought.record_id
        if is_active and not is_anyone_unknown:
            row = None if sealed is None else SealedRow(record_id, generation, sealed)
            return release, row, is_withheld, counted or 0
        # What was read is younger than the ring that this request has seen.
        keys.look_anew()
        if not is_active:
            release = releases.reload()
        sought = _search(sought.identity, sought.encoded, sought.counter, release)
    if is_anyone_unknown:
        withholding.refuse_unknown()
    raise NoActiveRelease
