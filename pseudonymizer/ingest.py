"""One feed → one active release: the steps composed, and taken up again after a kill.

Source: docs/releases.md.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

import msgspec
from msgspec import Struct

from pseudonymizer.config import Config
from pseudonymizer.delta import apply, file_prefix
from pseudonymizer.envelope import NONCE_BYTES, check_release, release_mac
from pseudonymizer.errors import (
    ConfigError,
    EnvelopeError,
    FeedRefused,
    ReleaseRefused,
    Unusable,
)
from pseudonymizer.feed import WHOLE, Batch, FeedFile, FeedReader, Part, Reject
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.layout import COLUMNS_READ, Content, Line, line_reader
from pseudonymizer.load import ReleaseState, SealedBatch, Totals, Vault
from pseudonymizer.manifest import Feed, read_feed
from pseudonymizer.parts import missing_parts
from pseudonymizer.progress import Progress
from pseudonymizer.records import (
    FileReport,
    IngestReport,
    Release,
    SealedRow,
)
from pseudonymizer.rejects import rejects_max, too_many
from pseudonymizer.sample import SAMPLE_LINES, first_unopened
from pseudonymizer.seal import Sealer
from pseudonymizer.verify import verify
from pseudonymizer.workers import Tell, Workers

if TYPE_CHECKING:
    from pseudonymizer.cluster import Cluster

SALT_BYTES = 32


class FileJob(Struct, frozen=True):
    """One file to load, or a part of it; it can be sent to another process.

    `rejects_max` is that of the whole feed: more in one file are too many already.
    """

    path: Path
    file: FeedFile
    config: Config
    release: Release
    rejects_max: int
    part: Part = WHOLE


def ingest(
    folder: Path,
    manifest_path: Path,
    config: Config,
    progress: Progress,
    *,
    workers: int = 1,
    cluster: str | None = None,
    random: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], float] = time.monotonic,
) -> IngestReport:
    """Publish a full feed, or apply a delta to the active release; does nothing when
    that is done already.

    The files are read by processes of this machine, or by the workers of a Dask
    cluster at an address. Raises FeedRefused, ReleaseRefused, KeyRingError,
    ConfigError or DatabaseFailed; the active release is then as it was.
    """
    started = clock()
    feed = read_feed(folder.absolute(), manifest_path, config.feed_public_keys)
    with Vault(config.database_url) as vault:
        vault.check_schema()
        with vault.alone():
            # Not before: `keys retire` may have held the lock, and changed the ring.
            ring = KeyRing.read(config.register_keys, "register")
            _drop_unused(vault, progress)
            if feed.is_delta:
                if cluster is not None:
                    progress.say("a delta is applied in this process, not by a cluster")
                applied = apply(vault, feed, ring, config, progress)
                took = clock() - started
                return _report(
                    vault, applied.release, applied.is_new, took, applied.edition
                )
            if active := _find(vault, feed, "active"):
                return _report(vault, active.release, False, clock() - started)
            _check_newer(vault, feed, config)
            with _pool(workers, cluster, feed, progress) as pool:
                held = verify(feed, config, progress, pool)
                release = _release_to_build(vault, feed, ring, progress, random)
                sealer = Sealer(ring, release)
                _load_missing_files(vault, feed, release, config, progress, pool)
            progress.begin("index", 0)
            if not vault.build_index(release):
                _keep_the_newest(vault, feed, release, sealer, config, progress)
            progress.begin("check", 0)
            totals = _checked_totals(vault, feed, release, config, held)
            _check_sample(vault, feed, release, sealer)
            vault.activate(release, totals)
            _drop_unused(vault, progress)
            return _report(vault, release, True, clock() - started)


def _pool(
    workers: int, cluster: str | None, feed: Feed, progress: Progress
) -> Workers | Cluster:
    """Raises what `Cluster` does, and ConfigError without Dask."""
    if cluster is None:
        parts = missing_parts(feed.manifest.files, {}, workers)
        return Workers(min(workers, len(parts)), progress)
    try:
        # Half a second, and packages that only this needs.
        from pseudonymizer.cluster import Cluster
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"--cluster needs Dask, and there is no module {exc.name}; install the "
            "extra `cluster` that pyproject.toml names"
        ) from exc
    return Cluster(cluster, progress)


def _drop_unused(vault: Vault, progress: Progress) -> None:
    for number in vault.drop_unused():
        progress.say(f"release {number} is still being read; the next ingest drops it")


def load_file(job: FileJob, tell: Tell) -> None:
    """Load one file into the release, or a part of it, in one transaction.

    Raises FeedRefused `file_digest` when it is no longer the file that was checked.
    """
    sealer = _sealer(job.config.register_keys, job.release)
    with (
        FeedReader(job.path, COLUMNS_READ) as reader,
        Vault(job.config.database_url) as vault,
    ):
        vault.load_file(
            job.release,
            job.file,
            _sealed_batches(reader, job, sealer, tell),
            job.rejects_max,
            job.part,
        )


@functools.lru_cache(maxsize=1)
def _sealer(keys: Path, release: Release) -> Sealer:
    return Sealer(KeyRing.read(keys, "register"), release)


def _sealed_batches(
    reader: FeedReader, job: FileJob, sealer: Sealer, tell: Tell
) -> Iterator[SealedBatch]:
    read = line_reader(reader.header)
    for batch in reader.batches(*job.part.lines(job.file)):
        sealed = seal_batch(batch, read, sealer)
        yield sealed
        tell(batch.lines, len(sealed.rejects))
    reader.check(job.file)


def seal_batch(
    batch: Batch, read: Callable[[list[str]], Line], sealer: Sealer
) -> SealedBatch:
    rejects = batch.rejects
    lines: dict[int, Line] = {}
    for number, row in zip(batch.numbers, batch.rows, strict=True):
        try:
            lines[number] = read(row)
        except Unusable as exc:
            rejects.append(Reject(number, exc.code))
    # Asked for once, it costs a system call less a row. It never outlives its batch:
    # a process that was forked would use it again.
    random = io.BytesIO(os.urandom(NONCE_BYTES * len(lines))).read
    try:
        rows = sealer.seal_all(list(lines.values()), random=random)
    except Unusable:
        rows = []
        for number, line in lines.items():
            try:
                rows.append(sealer.seal(line))
            except Unusable as exc:
                rejects.append(Reject(number, exc.code))
    return SealedBatch(rows, rejects)


def _find(vault: Vault, feed: Feed, state: str) -> ReleaseState | None:
    return next(
        (
            known
            for known in vault.releases()
            if known.state == state and known.release.manifest_sha256 == feed.digest
        ),
        None,
    )


def _check_newer(vault: Vault, feed: Feed, config: Config) -> None:
    """Raises FeedRefused `feed_outdated` for a signed feed that stands for an earlier
    day than what is published: whoever keeps a copy of one could bring it again.

    Without a signature anybody could write another day into the manifest.
    """
    if config.feed_public_keys is None:
        return
    for state in vault.releases():
        if state.state == "active" and feed.manifest.as_of < state.release.as_of:
            raise FeedRefused(
                "feed_outdated",
                f"the feed stands for {feed.manifest.as_of} and the active release "
                f"for {state.release.as_of}, which is later; to go back, run: "
                "python -m pseudonymizer releases rollback",
            )


def _release_to_build(
    vault: Vault,
    feed: Feed,
    ring: KeyRing,
    progress: Progress,
    random: Callable[[int], bytes],
) -> Release:
    if begun := _find(vault, feed, "building"):
        _check_begun(begun.release, feed, ring)
        progress.say(f"release {begun.release.number} was begun and is taken up again")
        return begun.release
    release = Release(
        number=0,
        uuid=UUID(bytes=random(16), version=4),
        label=feed.manifest.label,
        as_of=feed.manifest.as_of,
        key_version=ring.active,
        salt=random(SALT_BYTES),
        manifest_sha256=feed.digest,
        mac=b"",
        inspections_as_of=feed.manifest.inspections_as_of,
    )
    mac = release_mac(ring, release)
    return vault.create(
        msgspec.structs.replace(release, mac=mac),
        key_check=ring.check_value(release.key_version),
    )


def _check_begun(release: Release, feed: Feed, ring: KeyRing) -> None:
    """Raises ReleaseRefused `release_changed` for a row that is not this feed's.

    Whoever writes to the database could offer the salt of an older release, and the
    new one would have its identifiers.
    """
    try:
        check_release(ring, release)
        genuine = True
    except EnvelopeError:
        genuine = False
    manifest = feed.manifest
    if not genuine or (release.label, release.as_of, release.inspections_as_of) != (
        manifest.label,
        manifest.as_of,
        manifest.inspections_as_of,
    ):
        raise ReleaseRefused(
            "release_changed",
            f"the row of release {release.number}, begun from this manifest, is not "
            "as the job wrote it under this key ring; put the ring back, or to begin "
            "again set its state to 'failed' in the table vault_release",
        )


def _load_missing_files(
    vault: Vault,
    feed: Feed,
    release: Release,
    config: Config,
    progress: Progress,
    pool: Workers | Cluster,
) -> None:
    _check_rejects(vault, feed, release, config, _codes(vault.file_reports(release)))
    limit = rejects_max(feed, config)
    files = feed.manifest.files
    # A task of a job that was killed may still load a file on a cluster, and would not
    # see that others load its parts.
    workers = pool.count if isinstance(pool, Workers) else 1
    jobs = [
        FileJob(feed.path(file), file, config, release, limit, part)
        for file, part in missing_parts(files, vault.parts_loaded(release), workers)
    ]
    progress.begin("load", sum(job.file.lines // job.part.of for job in jobs))
    for job in pool.run(load_file, jobs):
        reports = vault.file_reports(release)
        if job.file.name not in reports:
            continue  # Other parts of it are still to come.
        progress.file_done(reports[job.file.name])
        codes = _codes(reports)
        if too_many(codes, feed, config):
            # First: each holds the row of the release that is going to fail.
            pool.stop()
            _check_rejects(vault, feed, release, config, codes)


def _keep_the_newest(
    vault: Vault,
    feed: Feed,
    release: Release,
    sealer: Sealer,
    config: Config,
    progress: Progress,
) -> None:
    """Leave the newest line of each identity that stands twice in one kind of file.

    The newest is the one that its source changed last, then the last in the feed.
    The feed is read again: until now nothing but keyed ids was kept of a line. A line
    that is a reject already competes with none.
    """
    surplus = vault.find_duplicates(release)
    codes = _codes(vault.file_reports(release)) + Counter(duplicate_identity=surplus)
    # Before the ids are fetched: a feed delivered twice over would fill the memory.
    _check_rejects(vault, feed, release, config, codes)
    wanted = vault.duplicate_ids()
    newest: dict[bytes, tuple[dt.date, str, int, SealedRow]] = {}
    losers: list[tuple[str, Reject]] = []
    progress.begin("duplicates", feed.lines)
    for file in feed.manifest.files:
        # The header is a line too.
        rejected = vault.rejected_lines(release, file.name, file.lines + 1)
        with FeedReader(feed.path(file)) as reader:
            for number, line in _lines(reader, progress.advance):
                record_id = sealer.record_id(line)
                if record_id not in wanted or number in rejected:
                    continue
                changed = line.changed or dt.date.min
                loser = file.name, number
                best = newest.get(record_id)
                if best is None or changed >= best[0]:
                    row = sealer.seal(line)
                    newest[record_id] = changed, file.name, number, row
                    if best is None:
                        continue
                    loser = best[1:3]
                losers.append((loser[0], Reject(loser[1], "duplicate_identity")))
            reader.check(file)
    vault.replace_duplicates(release, [best[3] for best in newest.values()], losers)
    if not vault.build_index(release):
        _fail(
            vault,
            release,
            "duplicates_left",
            "an identity still stands twice: something else writes to the release",
        )


def _lines(
    reader: FeedReader, tell: Tell = lambda lines, rejects: None
) -> Iterator[tuple[int, Line]]:
    read = line_reader(reader.header)
    for batch in reader:
        for number, row in zip(batch.numbers, batch.rows, strict=True):
            try:
                line = read(row)
            except Unusable:
                continue  # It was counted when the file was loaded.
            yield number, line
        tell(batch.lines, 0)


def _checked_totals(
    vault: Vault,
    feed: Feed,
    release: Release,
    config: Config,
    held: dict[str, Content],
) -> Totals:
    """Raises ReleaseRefused `counts`, `no_row` or `too_many_rejects`."""
    reports = vault.file_reports(release)
    totals = _totals(reports)
    expected = {file.name: file.lines for file in feed.manifest.files}
    loaded = {name: report.lines for name, report in reports.items()}
    stored = vault.count_rows(release)
    whole = all(r.lines == r.rows + sum(r.rejects.values()) for r in reports.values())
    if loaded != expected or stored != totals.rows or not whole:
        _fail(
            vault,
            release,
            "counts",
            f"{stored} rows are stored, and the files came to {totals.rows} rows and "
            f"{totals.rejects} rejects of {feed.lines} lines",
        )
    _check_rejects(vault, feed, release, config, _codes(reports))
    if not any(
        report.rows
        for name, report in reports.items()
        if held[name] is Content.REGISTRATIONS
    ):
        _fail(vault, release, "no_row", "the feed holds no vehicle")
    return totals


def _totals(reports: dict[str, FileReport]) -> Totals:
    rows = sum(report.rows for report in reports.values())
    lines = sum(report.lines for report in reports.values())
    rejects = sum(sum(report.rejects.values()) for report in reports.values())
    return Totals(lines, rows, rejects)


def _codes(reports: dict[str, FileReport]) -> Counter[str]:
    codes: Counter[str] = Counter()
    for report in reports.values():
        codes.update(report.rejects)
    return codes


def _fail(vault: Vault, release: Release, code: str, message: str) -> NoReturn:
    vault.fail(release, _totals(vault.file_reports(release)))
    vault.drop_unused()
    raise ReleaseRefused(
        code,
        f"{message}; release {release.number} has failed and the active one stays",
    )


def _check_rejects(
    vault: Vault, feed: Feed, release: Release, config: Config, codes: Counter[str]
) -> None:
    """Raises ReleaseRefused `too_many_rejects`."""
    if wrong := too_many(codes, feed, config):
        _fail(vault, release, "too_many_rejects", wrong)


def _check_sample(vault: Vault, feed: Feed, release: Release, sealer: Sealer) -> None:
    """Open the first lines of each file again, from the database.

    Raises ReleaseRefused `sample`.
    """
    for file in feed.manifest.files:
        with FeedReader(feed.path(file)) as reader:
            sample = list(itertools.islice(_lines(reader), SAMPLE_LINES))
            reader.check(file)
        number = first_unopened(vault, release, file.name, sealer, sample)
        if number is not None:
            _fail(
                vault,
                release,
                "sample",
                f"line {number} of {file.name} does not open to what it says",
            )


def _report(
    vault: Vault, release: Release, activated: bool, seconds: float, edition: int = 0
) -> IngestReport:
    """Tell of the files of one delta, or of the full feed."""
    prefix = file_prefix(edition) if edition else ""
    reports = {
        name: msgspec.structs.replace(report, name=name.removeprefix(prefix))
        for name, report in vault.file_reports(release).items()
        if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
    }
    totals = _totals(reports)
    return IngestReport(
        str(release.uuid),
        release.label,
        edition,
        activated,
        tuple(reports.values()),
        totals.lines,
        totals.rows,
        dict(_codes(reports).most_common()),
        seconds,
    )
