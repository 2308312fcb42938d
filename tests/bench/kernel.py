"""What a line costs the job before PostgreSQL, step by step, in microseconds of CPU.

Beside each step stands the bare primitive alone, on the same bytes in the same run: what
the step could not cost less than in this language.
"""

from __future__ import annotations

import csv
import datetime as dt
import hmac
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from isal import igzip

from pseudonymizer import codec, registration
from pseudonymizer.envelope import (
    NONCE_BYTES,
    identity_bytes,
    release_keys,
    release_mac,
)
from pseudonymizer.errors import Unusable
from pseudonymizer.feed import BLOCK_BYTES, FeedReader
from pseudonymizer.ingest import seal_batch
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.layout import COLUMNS_READ, line_reader
from pseudonymizer.load import _copy_rows
from pseudonymizer.records import Registration, Release
from pseudonymizer.seal import Sealer
from pseudonymizer.workers import settle_memory

T = TypeVar("T")

# So few lines are taken through a step at a time that the cache still holds them.
GROUP = 64


def kernel_lines_per_second(path: Path) -> float:
    """Return how many lines of a file of registrations one process reads and seals in a
    second of CPU."""
    settle_memory()
    ring, release = _release()
    sealer = Sealer(ring, release)
    lines = 0
    started = time.process_time()
    with FeedReader(path, COLUMNS_READ) as reader:
        read = line_reader(reader.header)
        for batch in reader:
            _copy_rows(release, seal_batch(batch, read, sealer).rows)
            lines += batch.lines
    return lines / (time.process_time() - started)


def microseconds_by_step(path: Path) -> dict[str, dict[str, float]]:
    """Return for each step {"step": what it costs, "alone": its primitive}, of a file
    of registrations. The typed record and the tags are no primitive's work: 0.0 alone.
    """
    clock = _Clock()
    for _ in clock.each("gunzip alone", _blocks(path)):
        pass
    for block in clock.each("gunzip and csv alone", _blocks(path)):
        rows = csv.reader(block.decode(errors="replace").splitlines(), delimiter=";")
        clock.time("gunzip and csv alone", list, rows)
    lines = 0
    with FeedReader(path, COLUMNS_READ) as reader:
        for batch in clock.each("gunzip and csv", reader):
            lines += batch.lines
    _through_the_steps(path, clock)

    def cost(name: str, without: str = "") -> float:
        return max(clock.spent[name] - clock.spent[without], 0.0) / lines * 1e6

    gunzip = cost("gunzip alone")
    return {
        step: {"step": here, "alone": alone}
        for step, here, alone in (
            ("gunzip", gunzip, gunzip),
            (
                "csv",
                cost("gunzip and csv", "gunzip alone"),
                cost("gunzip and csv alone", "gunzip alone"),
            ),
            ("decode to facts", cost("facts"), cost("facts alone")),
            ("typed record", cost("registration", "facts"), 0.0),
            ("HMACs", cost("HMACs"), cost("HMACs alone")),
            ("fingerprint + tags", cost("proof"), 0.0),
            ("encode", cost("pack"), cost("pack alone")),
            ("zstd", cost("content", "pack"), cost("zstd alone")),
            ("AES-GCM", cost("seal", "HMACs"), cost("AES-GCM alone")),
            ("COPY bytes", cost("copy"), cost("copy alone")),
        )
    }


class _Clock:
    """CPU seconds by name."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def time(self, name: str, work: Callable[..., T], *args: Any) -> T:
        started = time.process_time()
        done = work(*args)
        self.spent[name] += time.process_time() - started
        return done

    def each(self, name: str, steps: Iterable[T]) -> Iterator[T]:
        """Yield what `steps` does, its own time alone counted."""
        iterator = iter(steps)
        while (step := self.time(name, next, iterator, None)) is not None:
            yield step

    def map(
        self, name: str, work: Callable[..., T], *columns: Iterable[Any]
    ) -> list[T]:
        return self.time(name, lambda: list(map(work, *columns)))


def _through_the_steps(path: Path, clock: _Clock) -> None:
    ring, release = _release()
    sealer, keys = Sealer(ring, release), release_keys(ring, release)
    decode_alone = msgspec.json.Decoder(registration._Facts).decode
    pack_alone = msgspec.msgpack.Encoder().encode
    decode_packed = msgspec.msgpack.Decoder().decode
    zstd_alone = codec._zstandard.compressor.compress
    with FeedReader(path, COLUMNS_READ) as reader:
        facts = reader.header.index("v")
        layout = registration.Layout.of(reader.header)
        for batch in reader:
            for start in range(0, len(batch.rows), GROUP):
                rows = batch.rows[start : start + GROUP]
                texts = [row[facts] for row in rows]
                clock.time("facts alone", _each, decode_alone, texts)
                clock.time("facts", _each, _read_facts, texts)
                lines = clock.map("registration", _or_none(layout.registration), rows)
                usable = [line for line in lines if line is not None]
                records = [line.record for line in usable]
                proofs = clock.map("proof", sealer.proof, usable)
                packed = clock.map("pack", codec.pack, records, proofs)
                values = [decode_packed(one[1:]) for one in packed]
                clock.map("pack alone", pack_alone, values)
                contents = clock.map("content", codec.encode, records, proofs)
                clock.map("zstd alone", zstd_alone, packed)
                identities = [identity_bytes(line.identity) for line in usable]
                # Record id and record key: two of one cost.
                clock.map("HMACs", keys.record_id, identities)
                clock.map("HMACs", keys.record_id, identities)
                for _ in range(2):
                    clock.map("HMACs alone", _hmac_alone, identities)
                sealed = clock.map("seal", _sealing(keys.seal), identities, contents)
                clock.map("AES-GCM alone", _aes_alone, contents)
                clock.time("copy", _copy_rows, release, sealed)
                clock.time("copy alone", b"".join, [row.sealed for row in sealed])


def _each(work: Callable[[str], Any], texts: list[str]) -> None:
    """Drop each as the job does: it never holds the facts of two lines."""
    for text in texts:
        try:
            work(text)
        except (msgspec.DecodeError, Unusable):
            pass


def _read_facts(text: str) -> Any:
    return registration._read_facts(text, [])


def _or_none(
    read: Callable[[list[str]], Registration],
) -> Callable[[list[str]], Registration | None]:
    def read_or_none(row: list[str]) -> Registration | None:
        try:
            return read(row)
        except Unusable:
            return None

    return read_or_none


def _sealing(seal: Callable[..., T]) -> Callable[[bytes, bytes], T]:
    return lambda identity, content: seal(identity, content, codec.DICTIONARY)


_KEY = bytes(range(32))


def _hmac_alone(identity: bytes) -> bytes:
    return hmac.digest(_KEY, identity, "sha256")


def _aes_alone(content: bytes) -> bytes:
    return AESGCM(_KEY).encrypt(os.urandom(NONCE_BYTES), content, None)


def _blocks(path: Path) -> Iterator[bytes]:
    with igzip.open(path, "rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _release() -> tuple[KeyRing, Release]:
    ring = KeyRing("register", {1: _KEY}, 1)
    unsigned = Release(
        number=1,
        uuid=UUID(int=1),
        label="bench",
        as_of=dt.date(2021, 10, 26),
        key_version=1,
        salt=bytes(32),
        manifest_sha256=bytes(32),
        mac=bytes(32),
    )
    return ring, msgspec.structs.replace(unsigned, mac=release_mac(ring, unsigned))
