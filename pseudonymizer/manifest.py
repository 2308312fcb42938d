"""The manifest: what a delivery says of itself, and whether it is so.

The folder is only read, but for the manifest that `manifest` puts there. Source:
docs/feed.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pseudonymizer.errors import FeedRefused
from pseudonymizer.feed import FeedFile, FeedReader, measure, unreadable
from pseudonymizer.inspections import holds_inspections

SUFFIX = ".csv.gz"
MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
MANIFEST_BYTES_MAX = 16 * 1024 * 1024
KIND_FULL = "full"
NAME_LENGTH_MAX = 255


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`inspections_as_of` is there when a file holds inspections, and only then."""

    format: int
    label: Annotated[str, Meta(min_length=1, max_length=100)]
    as_of: dt.date
    kind: str
    files: tuple[FeedFile, ...]
    inspections_as_of: dt.date | None = None


class Feed(Struct, frozen=True):
    """A folder and its manifest; `digest` is the SHA-256 of the manifest's bytes."""

    folder: Path
    manifest: Manifest
    digest: bytes

    @property
    def lines(self) -> int:
        return sum(file.lines for file in self.manifest.files)

    def path(self, file: FeedFile) -> Path:
        return self.folder / file.name


def build_manifest(
    folder: Path,
    label: str,
    as_of: dt.date,
    progress: Callable[[int], None] = lambda read: None,
    inspections_as_of: dt.date | None = None,
) -> Manifest:
    """Return the manifest of every `*.csv.gz` in the folder; nothing is written.

    `progress` gets bytes as they are read, of `delivered_bytes` in all. The date of
    inspections is `as_of` unless one is given. Raises FeedRefused when a file cannot
    be read to its end, there is none, or what `inspection_files` refuses.
    """
    names = _delivered(folder)
    if not names:
        raise FeedRefused("no_file", f"{folder} holds no file *{SUFFIX}")
    if not (label.isprintable() and 1 <= len(label) <= 100):
        raise FeedRefused("label", "the label must be 1 to 100 printable characters")
    files = []
    for name in names:
        path = _inside(folder, name)
        size, sha256, lines = measure(path, lambda lines, read: progress(read))
        files.append(FeedFile(name, size, sha256, lines))
    inspected = _with_inspections(folder, files)
    if inspected and inspections_as_of is None:
        inspections_as_of = as_of
    manifest = Manifest(
        MANIFEST_FORMAT, label, as_of, KIND_FULL, tuple(files), inspections_as_of
    )
    _check_kinds(manifest, inspected)
    return manifest


def delivered_bytes(folder: Path) -> int:
    """Return the size of every `*.csv.gz` in the folder.

    Raises FeedRefused `file_name` or `file_unreadable`.
    """
    names = _delivered(folder)
    return sum(_inside(folder, name).stat().st_size for name in names)


def manifest_bytes(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def read_feed(folder: Path, manifest_path: Path) -> Feed:
    """Return the feed, having compared the folder with the manifest but for contents.

    Raises FeedRefused `manifest_missing`, `manifest_invalid`, `manifest_format`,
    `wrong_kind`, `file_name`, `file_missing`, `file_extra` or `file_size`.
    """
    content = _manifest_content(manifest_path)
    # The version is read first: another format may differ in all the rest.
    try:
        version = msgspec.json.decode(content, type=dict[str, msgspec.Raw])["format"]
        if bytes(version) != b"%d" % MANIFEST_FORMAT:
            raise FeedRefused(
                "manifest_format",
                f"{manifest_path} is not of format {MANIFEST_FORMAT}, the one that "
                "this version reads",
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as exc:
        # The error's own text repeats what stands in the file.
        wrong = (
            "its fields are not those of a manifest, or one is of a wrong type"
            if isinstance(exc, msgspec.ValidationError | KeyError)
            else "it is not JSON in UTF-8"
        )
        raise FeedRefused(
            "manifest_invalid",
            f"{manifest_path} is no manifest ({wrong}); write one with: "
            "python -m pseudonymizer manifest",
        ) from exc
    names = [file.name for file in manifest.files]
    if not names or len(set(names)) != len(names) or not manifest.label.isprintable():
        raise FeedRefused(
            "manifest_invalid",
            f"{manifest_path} must name at least one file, each once, and have a "
            "printable label",
        )
    if manifest.kind != KIND_FULL:
        raise FeedRefused(
            "wrong_kind",
            f"{manifest_path} is not of kind {KIND_FULL!r}, the one that this command "
            "publishes",
        )
    for file in manifest.files:
        path = _inside(folder, file.name)
        size = path.stat().st_size
        if size != file.size:
            raise FeedRefused(
                "file_size",
                f"{file.name} has {size} bytes and the manifest says {file.size}; "
                "have it delivered again",
            )
    if extra := sorted(set(_delivered(folder)) - set(names)):
        raise FeedRefused(
            "file_extra",
            f"{folder} holds {len(extra)} files that the manifest does not name, the "
            f"first is {extra[0]}; take them away or have the manifest made again",
        )
    return Feed(folder, manifest, hashlib.sha256(content).digest())


def inspection_files(feed: Feed) -> frozenset[str]:
    """Return the names of the files that hold inspections, told by their headers.

    Raises FeedRefused `inspections_date` when the manifest dates none and there are
    some, or dates some and there are none; `no_registration` when there is nothing
    else; and what FeedReader does.
    """
    inspected = _with_inspections(feed.folder, feed.manifest.files)
    _check_kinds(feed.manifest, inspected)
    return inspected


def _with_inspections(folder: Path, files: Iterable[FeedFile]) -> frozenset[str]:
    found = []
    for file in files:
        with FeedReader(folder / file.name) as reader:
            if holds_inspections(reader.header):
                found.append(file.name)
    return frozenset(found)


def _check_kinds(manifest: Manifest, inspected: frozenset[str]) -> None:
    if len(inspected) == len(manifest.files):
        raise FeedRefused(
            "no_registration",
            "every file of the feed holds inspections; deliver them with the "
            "registrations of the same vehicles",
        )
    if inspected and manifest.inspections_as_of is None:
        raise FeedRefused(
            "inspections_date",
            f"the manifest has no inspections_as_of, and {min(inspected)} holds "
            "inspections; have it made again",
        )
    if not inspected and manifest.inspections_as_of is not None:
        raise FeedRefused(
            "inspections_date",
            "the manifest has inspections_as_of, and no file holds inspections; have "
            "them delivered, or the manifest made again",
        )


def _delivered(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except OSError as exc:
        raise unreadable(str(folder), exc) from exc


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a regular file of the folder itself.

    Raises FeedRefused `file_name`, `file_missing` or `file_unreadable`.
    """
    if (
        Path(name).name != name
        or not name.endswith(SUFFIX)
        or not name.isprintable()
        or len(name) > NAME_LENGTH_MAX
    ):
        raise FeedRefused(
            "file_name",
            f"the manifest names {name!r}; only files *{SUFFIX} that stand in the "
            "feed's own folder are read",
        )
    path = folder / name
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError as exc:
        raise FeedRefused(
            "file_missing",
            f"{name} is in the manifest and not in {folder}; have it delivered again",
        ) from exc
    except OSError as exc:
        raise unreadable(name, exc) from exc
    if not stat.S_ISREG(mode):
        raise FeedRefused(
            "file_name", f"{name} is no regular file; put the file itself in {folder}"
        )
    return path


def _manifest_content(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MANIFEST_BYTES_MAX + 1)
    except FileNotFoundError as exc:
        raise FeedRefused(
            "manifest_missing",
            f"there is no manifest {path}; write one with: "
            "python -m pseudonymizer manifest DIR --label L --as-of DATE",
        ) from exc
    except OSError as exc:
        raise unreadable(str(path), exc) from exc
    if len(content) > MANIFEST_BYTES_MAX:
        raise FeedRefused("manifest_invalid", f"{path} is too large for a manifest")
    return content
