"""One vehicle's record: found under its keyed id, opened, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError

from histovet.statements import one_row
from histovet.vault import releases
from histovet.vault.errors import NoActiveRelease
from histovet.vault.releases import ReadyRelease
from pseudonymizer import codec
from pseudonymizer.envelope import identity_bytes
from pseudonymizer.records import HolderProof, Identity, Record, SealedRow

# Once for a release that was replaced since this process read it; a second change
# within the same millisecond is no release but a fault.
ATTEMPTS = 2

_READ = "SELECT release_active, generation, sealed FROM vault_read_record(%s, %s)"


@dataclass(frozen=True)
class Opened:
    """What a vehicle's identity opens, and the release that it was read in."""

    record: Record
    proof: HolderProof
    release: ReadyRelease


def read(identity: Identity) -> Opened | None:
    """Return the vehicle's record in the active release, None when it has none.

    Whether the name that was typed is the holder's is for the caller to tell. Raises
    NoActiveRelease, and EnvelopeError when the row does not open: that is a fault and
    never "not found". Without a row a decoy is opened, at equal cost.
    """
    encoded = identity_bytes(identity)
    release, row = _find(encoded)
    if row is None:
        _open(release, release.decoy_identity, release.decoy)
        return None
    return _open(release, encoded, row)


def _find(identity: bytes) -> tuple[ReadyRelease, SealedRow | None]:
    release = releases.active()
    for _ in range(ATTEMPTS):
        record_id = release.keys.record_id(identity)
        found = one_row(_READ, (release.row.number, UUID(bytes=record_id)))
        if found is None:
            raise DatabaseError("vault_read_record returned no row")
        is_active, generation, sealed = found
        if is_active:
            row = None if sealed is None else SealedRow(record_id, generation, sealed)
            return release, row
        release = releases.reload()
    raise NoActiveRelease


def _open(release: ReadyRelease, identity: bytes, row: SealedRow) -> Opened:
    dictionary, content = release.keys.open(identity, row)
    record, proof = codec.decode(dictionary, content)
    return Opened(record, proof, release)
