"""A delta → the next edition of the active release, in one transaction.

Source: docs/releases.md; why one transaction: docs/adr/0007.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from pseudonymizer.config import Config
from pseudonymizer.envelope import (
    GENERATION_MAX,
    check_release,
    identity_bytes,
    release_mac,
)
from pseudonymizer.errors import (
    EnvelopeError,
    FeedRefused,
    KeyRingError,
    ReleaseRefused,
    Unusable,
)
from pseudonymizer.feed import FeedFile, FeedReader, Reject
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.layout import (
    COLUMNS_READ,
    Content,
    Line,
    line_reader,
    removal_reader,
)
from pseudonymizer.load import (
    Change,
    ChangeBatch,
    DeltaState,
    Removal,
    RemovalBatch,
    Vault,
)
from pseudonymizer.manifest import Feed
from pseudonymizer.progress import Progress
from pseudonymizer.records import Release
from pseudonymizer.rejects import too_many
from pseudonymizer.sample import SAMPLE_LINES, first_unopened
from pseudonymizer.seal import Sealer
from pseudonymizer.verify import verify
from pseudonymizer.workers import Workers


class Applied(Struct, frozen=True):
    """The release as it is now, and the edition that the delta made of it; `is_new` is
    false for a delta that was applied before."""

    release: Release
    edition: int
    is_new: bool


def apply(
    vault: Vault, feed: Feed, ring: KeyRing, config: Config, progress: Progress
) -> Applied:
    """Apply a delta to the active release, whole or not at all.

    Raises FeedRefused: what `verify` does, `delta_replayed`, `delta_other_release` and
    `delta_outdated`; ReleaseRefused `no_release`, `release_changed`, `editions_over`,
    `too_many_rejects`, `counts` or `sample`.
    """
    release = _active(vault, ring)
    deltas = vault.deltas(release)
    _check_genuine(release, deltas)
    for delta in deltas:
        if delta.manifest_sha256 == feed.digest:
            _check_last(delta, deltas)
            return Applied(release, delta.edition, is_new=False)
    _check_follows(feed, release, deltas)
    with Workers(1, progress) as here:
        held = verify(feed, config, progress, here)
    edition = release.edition + 1
    if edition > GENERATION_MAX:
        raise ReleaseRefused(
            "editions_over",
            f"release {release.number} has had all its deltas; publish a full feed",
        )
    progress.begin("apply", feed.lines)
    with vault.changing(release):
        changing = _Changing(
            vault, release, Sealer(ring, release), edition, feed, config, progress
        )
        for file in _in_order(feed, held):
            if held[file.name] is Content.REMOVALS:
                changing.remove(file)
            else:
                changing.upsert(file)
        progress.begin("check", 0)
        rejects = _checked_rejects(vault, feed, release, edition, config)
        changed = _changed(release, feed, edition, ring)
        vault.finish_delta(changed, rejects, feed.manifest.label, feed.lines)
    return Applied(changed, edition, is_new=True)


class _Changing:
    """What is done inside the transaction of a delta, file by file."""

    def __init__(
        self,
        vault: Vault,
        release: Release,
        sealer: Sealer,
        edition: int,
        feed: Feed,
        config: Config,
        progress: Progress,
    ) -> None:
        self._vault, self._release, self._sealer = vault, release, sealer
        self._edition, self._feed, self._config = edition, feed, config
        self._progress = progress
        self._codes: Counter[str] = Counter()

    def remove(self, file: FeedFile) -> None:
        with FeedReader(self._feed.path(file), COLUMNS_READ) as reader:
            self._vault.remove(
                self._release, self._named(file), self._removals(reader, file)
            )

    def upsert(self, file: FeedFile) -> None:
        sample: list[tuple[int, Line]] = []
        named = self._named(file)
        with FeedReader(self._feed.path(file), COLUMNS_READ) as reader:
            self._vault.upsert(
                self._release, named, self._changes(reader, file, sample)
            )
        number = first_unopened(
            self._vault, self._release, named.name, self._sealer, sample
        )
        if number is not None:
            raise ReleaseRefused(
                "sample",
                f"line {number} of {file.name} does not open to what it says; nothing "
                "of this delta was applied",
            )

    def _named(self, file: FeedFile) -> FeedFile:
        return msgspec.structs.replace(
            file, name=file_prefix(self._edition) + file.name
        )

    def _count(self, rejects: list[Reject]) -> None:
        # With the first that is too many: until a file ends they wait in memory.
        self._codes.update(reject.code for reject in rejects)
        _check_rejects(self._codes, self._feed, self._config)

    def _removals(self, reader: FeedReader, file: FeedFile) -> Iterator[RemovalBatch]:
        read = removal_reader(reader.header)
        for batch in reader:
            removals: list[Removal] = []
            rejects = batch.rejects
            for number, row in zip(batch.numbers, batch.rows, strict=True):
                try:
                    identity = identity_bytes(read(row))
                except Unusable as exc:
                    rejects.append(Reject(number, exc.code))
                    continue
                removals.append(Removal(number, *self._sealer.ids(identity)))
            self._count(rejects)
            yield RemovalBatch(removals, rejects)
            self._progress.advance(batch.lines, len(rejects))
        reader.check(file)

    def _changes(
        self, reader: FeedReader, file: FeedFile, sample: list[tuple[int, Line]]
    ) -> Iterator[ChangeBatch]:
        read = line_reader(reader.header)
        for batch in reader:
            changes: list[Change] = []
            rejects = batch.rejects
            for number, row in zip(batch.numbers, batch.rows, strict=True):
                try:
                    line = read(row)
                    # The number of the delta: higher than that of any row before.
                    sealed = self._sealer.seal(line, generation=self._edition)
                except Unusable as exc:
                    rejects.append(Reject(number, exc.code))
                    continue
                changes.append(Change(number, line.changed, sealed))
                if len(sample) < SAMPLE_LINES:
                    sample.append((number, line))
            self._count(rejects)
            yield ChangeBatch(changes, rejects)
            self._progress.advance(batch.lines, len(rejects))
        reader.check(file)


def _active(vault: Vault, ring: KeyRing) -> Release:
    """Raises ReleaseRefused `no_release` or `release_changed`."""
    for state in vault.releases():
        if state.state == "active":
            try:
                check_release(ring, state.release)
            except (EnvelopeError, KeyRingError) as exc:
                raise ReleaseRefused(
                    "release_changed",
                    f"the row of release {state.release.number}, the active one, is "
                    "not as the job wrote it under this key ring; put the ring back, "
                    "or publish a full feed",
                ) from exc
            return state.release
    raise ReleaseRefused(
        "no_release", "no release is active; publish a full feed before its deltas"
    )


def _check_genuine(release: Release, deltas: list[DeltaState]) -> None:
    """Raises ReleaseRefused `release_changed` when the table of deltas does not end where
    the release does, whose row has a MAC: who writes to the table could else have a delta
    taken for one that was applied."""
    last = deltas[-1].manifest_sha256 if deltas else None
    if (len(deltas), last) != (release.edition, release.delta_sha256):
        raise ReleaseRefused(
            "release_changed",
            f"the deltas that the database lists are not those of release "
            f"{release.number}; publish a full feed",
        )


def _check_last(delta: DeltaState, deltas: list[DeltaState]) -> None:
    """Raises FeedRefused `delta_replayed` for one that others followed."""
    if delta.edition != deltas[-1].edition:
        raise FeedRefused(
            "delta_replayed",
            f"this delta was applied before, as number {delta.edition} of "
            f"{deltas[-1].edition}; have the next one delivered",
        )


def _check_follows(feed: Feed, release: Release, deltas: list[DeltaState]) -> None:
    """Raises FeedRefused `delta_replayed`, `delta_other_release` or `delta_outdated`."""
    before = [release.manifest_sha256, *(delta.manifest_sha256 for delta in deltas)]
    after = bytes.fromhex(feed.manifest.after or "")
    if after in before[:-1]:
        raise FeedRefused(
            "delta_replayed",
            "another delta was applied in the place of this one: it comes after "
            f"delivery {before.index(after) + 1} of {len(before)} that the active "
            "release holds; have one made after the last",
        )
    if after != before[-1]:
        raise FeedRefused(
            "delta_other_release",
            "this delta does not come after what the active release holds: the "
            f"manifest before it must have the SHA-256 {before[-1].hex()}; publish "
            "the release that it was made for, and the deltas between",
        )
    if feed.manifest.as_of < release.as_of:
        raise FeedRefused(
            "delta_outdated",
            f"this delta stands for {feed.manifest.as_of} and the active release for "
            f"{release.as_of}, which is later; have the delta made again",
        )


def _in_order(feed: Feed, held: dict[str, Content]) -> list[FeedFile]:
    """What is removed before what is put in place, then by name."""
    return sorted(
        feed.manifest.files,
        key=lambda file: (held[file.name] is not Content.REMOVALS, file.name),
    )


def _checked_rejects(
    vault: Vault, feed: Feed, release: Release, edition: int, config: Config
) -> int:
    """Raises ReleaseRefused `too_many_rejects`."""
    prefix = file_prefix(edition)
    codes: Counter[str] = Counter()
    for name, report in vault.file_reports(release).items():
        if name.startswith(prefix):
            codes.update(report.rejects)
    _check_rejects(codes, feed, config)
    return codes.total()


def _check_rejects(codes: Counter[str], feed: Feed, config: Config) -> None:
    """Raises ReleaseRefused `too_many_rejects`."""
    if wrong := too_many(codes, feed, config):
        raise ReleaseRefused(
            "too_many_rejects", f"{wrong}; nothing of this delta was applied"
        )


def _changed(release: Release, feed: Feed, edition: int, ring: KeyRing) -> Release:
    """Return the row of the release with this delta."""
    manifest = feed.manifest
    changed = msgspec.structs.replace(
        release,
        as_of=manifest.as_of,
        inspections_as_of=manifest.inspections_as_of or release.inspections_as_of,
        edition=edition,
        delta_sha256=feed.digest,
    )
    return msgspec.structs.replace(changed, mac=release_mac(ring, changed))


def file_prefix(edition: int) -> str:
    """Return what the names of a delta's files begin with in the release."""
    return f"{edition}/"
