"""A delivery against its manifest, file by file, before a line of it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from pseudonymizer.config import Config
from pseudonymizer.feed import FeedFile, FeedReader, check_file
from pseudonymizer.layout import Content, line_reader, removal_reader
from pseudonymizer.manifest import Feed, contents
from pseudonymizer.progress import Progress
from pseudonymizer.workers import Tell, Workers

if TYPE_CHECKING:
    from pseudonymizer.cluster import Cluster


class FileCheck(Struct, frozen=True):
    """One file to verify; it can be sent to another process.

    `share_max` is how many of its lines, from 0 to 1, may be no UTF-8.
    """

    path: Path
    file: FeedFile
    holds: Content
    share_max: float


def verify(
    feed: Feed, config: Config, progress: Progress, pool: Workers | Cluster
) -> dict[str, Content]:
    """Return what each file holds, by name.

    Raises FeedRefused: what `manifest.contents` and `feed.check_file` do, and
    `unknown_layout`.
    """
    held = contents(feed)
    progress.begin("verify", feed.lines)
    checks = [
        FileCheck(feed.path(file), file, held[file.name], config.max_reject_share)
        for file in feed.manifest.files
    ]
    for _ in pool.run(verify_file, checks):
        pass  # Each raises for its file.
    return held


def verify_file(check: FileCheck, tell: Tell) -> None:
    """Compare one file with the manifest, and its header with the layouts known."""
    with FeedReader(check.path) as reader:
        if check.holds is Content.REMOVALS:
            removal_reader(reader.header)
        else:
            line_reader(reader.header)
    check_file(
        check.path,
        check.file,
        lambda lines: tell(lines, 0),
        share_max=check.share_max,
    )
