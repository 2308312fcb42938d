"""The active release and what is derived from it, once in a process."""

from __future__ import annotations

from dataclasses import dataclass, field

from histovet.vault import decoy
from histovet.vault.errors import NoActiveRelease
from histovet.vault.keys import register_ring
from histovet.vault.models import Release
from pseudonymizer import codec, records
from pseudonymizer.envelope import (
    ReleaseKeys,
    RowKeys,
    identity_bytes,
    inspection_keys,
    release_keys,
)
from pseudonymizer.holder import Fingerprinter
from pseudonymizer.records import HolderProof, Identity, Record, Register, SealedRow

# No certificate has this plate: it is shorter than any, and only opened, never sought.
DECOY = Identity(Register.SIV, "0", "0")
_DECOY_BYTES = identity_bytes(DECOY)


@dataclass(frozen=True)
class ReadyRelease:
    """A release whose row was checked, with its keys.

    `decoy` is a sealed record that the identity `decoy_identity` opens.
    """

    row: records.Release
    keys: ReleaseKeys = field(repr=False)
    inspection_keys: RowKeys = field(repr=False)
    fingerprinter: Fingerprinter = field(repr=False)
    decoy: SealedRow = field(repr=False)
    decoy_identity: bytes = _DECOY_BYTES

    def open(self, identity: bytes, row: SealedRow) -> tuple[Record, HolderProof]:
        """Raises EnvelopeError."""
        return codec.decode(*self.keys.open(identity, row))


_ready: ReadyRelease | None = None


def active() -> ReadyRelease:
    """Return the release that this process holds for the active one.

    It is that of the database unless `vault_read_record` says otherwise; who learns so
    calls `reload`. Raises what `reload` does.
    """
    return _ready or reload()


def reload() -> ReadyRelease:
    """Return the active release as the database has it now.

    Raises NoActiveRelease when there is none, EnvelopeError when its row was changed,
    KeyRingError when the ring lacks its key version.
    """
    global _ready
    row = Release.objects.filter(state=Release.State.ACTIVE).first()
    if row is None:
        _ready = None
        raise NoActiveRelease
    release = row.as_record()
    # The uuid too: in another database the same number is another release.
    ready = _ready  # Another thread may set it between two lines.
    if ready is None or ready.row != release:
        _ready = None
        ready = _ready = _made_ready(release)
    return ready


def _made_ready(release: records.Release) -> ReadyRelease:
    keys = release_keys(register_ring(), release)
    inspections = inspection_keys(register_ring(), release)
    content = codec.encode(decoy.RECORD, decoy.PROOF)
    return ReadyRelease(
        release,
        keys,
        inspections,
        Fingerprinter(keys.bigram_table, keys.siren_tag),
        keys.seal(_DECOY_BYTES, content, codec.DICTIONARY),
    )
