"""A typed line → the sealed row of one release. Source: SPEC.md sections 5 and 7."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from pseudonymizer import codec, holder
from pseudonymizer.envelope import (
    RowKeys,
    identity_bytes,
    inspection_keys,
    release_keys,
)
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.layout import Line
from pseudonymizer.records import (
    HolderProof,
    InspectionLine,
    Registration,
    Release,
    SealedRow,
)

# About 30 MB; the register's commonest words are most of its names.
REMEMBERED_WORDS = 100_000
NO_PROOF = HolderProof()


class Sealer:
    """What seals the lines of one release, derived once."""

    def __init__(self, ring: KeyRing, release: Release) -> None:
        """Raises what `envelope.release_keys` does."""
        self._keys = release_keys(ring, release)
        self._inspection_keys = inspection_keys(ring, release)
        self._fingerprinter = holder.Fingerprinter(
            self._keys.bigram_table,
            self._keys.siren_tag,
            remembered_words=REMEMBERED_WORDS,
        )

    def ids(self, identity: bytes) -> tuple[bytes, bytes]:
        """Return the ids of a certificate's record and of its inspections."""
        return (
            self._keys.record_id(identity),
            self._inspection_keys.record_id(identity),
        )

    def record_id(self, line: Line) -> bytes:
        return self._keys_of(line).record_id(identity_bytes(line.identity))

    def proof(self, registration: Registration) -> HolderProof:
        holders = registration.holders
        return HolderProof(
            tuple([self._fingerprinter.fingerprint(h) for h in holders]),
            self._keys.holder_tags(holder.holder_bytes(holders)) if holders else (),
        )

    def seal(self, line: Line, generation: int = 0) -> SealedRow:
        """Raises Unusable `record_too_large`."""
        (row,) = self.seal_all([line], generation)
        return row

    def seal_all(
        self,
        lines: Sequence[Line],
        generation: int = 0,
        random: Callable[[int], bytes] = os.urandom,
    ) -> list[SealedRow]:
        """Return the row of each line.

        All lines go through one step before the next: what a step needs is then still
        in the processor's cache (docs/ingest-speed.md). Raises Unusable
        `record_too_large` when that is so of one.
        """
        proofs = [
            NO_PROOF if isinstance(line, InspectionLine) else self.proof(line)
            for line in lines
        ]
        packed = [
            codec.pack_inspections(line.inspections)
            if isinstance(line, InspectionLine)
            else codec.pack(line.record, proof)
            for line, proof in zip(lines, proofs, strict=True)
        ]
        contents = [codec.compress(one) for one in packed]
        return [
            self._keys_of(line).seal(
                identity_bytes(line.identity),
                content,
                codec.DICTIONARY,
                generation=generation,
                random=random,
            )
            for line, content in zip(lines, contents, strict=True)
        ]

    def opens_as(self, line: Line, row: SealedRow) -> bool:
        """Tell whether the row opens to what the line says."""
        try:
            content = self._keys_of(line).open(identity_bytes(line.identity), row)
            if isinstance(line, InspectionLine):
                return codec.decode_inspections(*content) == line.inspections
            return codec.decode(*content) == (line.record, self.proof(line))
        except EnvelopeError:
            return False

    def _keys_of(self, line: Line) -> RowKeys:
        return self._inspection_keys if isinstance(line, InspectionLine) else self._keys
