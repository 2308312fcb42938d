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
from pseudonymizer.feed import SUFFIX, FeedFile, FeedReader, measure, unreadable
from pseudonymizer.layout import Content, content_of
from pseudonymizer.manifest_signature import check_signature

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
MANIFEST_BYTES_MAX = 16 * 1024 * 1024
KIND_FULL, KIND_DELTA = "full", "delta"
# How the files of a delta are named: what is removed is removed first.
REMOVE, UPSERT = "remove", "upsert"
# In the release that of a delta has its number before it: 32767/.
NAME_LENGTH_MAX = 255 - 6


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`inspections_as_of` is there when a file holds inspections, and only then;
    `after` in a delta: the SHA-256 of the manifest whose delivery came before it."""

    format: int
    label: Annotated[str, Meta(min_length=1, max_length=100)]
    as_of: dt.date
    kind: str
    files: tuple[FeedFile, ...]
    inspections_as_of: dt.date | None = None
    after: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None


class Feed(Struct, frozen=True):
    """A folder and its manifest; `digest` is the SHA-256 of the manifest's bytes."""

    folder: Path
    manifest: Manifest
    digest: bytes

    @property
    def lines(self) -> int:
        return sum(file.lines for file in self.manifest.files)

    @property
    def is_delta(self) -> bool:
        return self.manifest.kind == KIND_DELTA

    def path(self, file: FeedFile) -> Path:
        return self.folder / file.name


def build_manifest(
    folder: Path,
    label: str,
    as_of: dt.date,
    progress: Callable[[int], None] = lambda read: None,
    inspections_as_of: dt.date | None = None,
    after: str | None = None,
) -> Manifest:
    """Return the manifest of every `*.csv.gz` in the folder; nothing is written.

    It is that of a delta when `after` is given. `progress` gets bytes as they are read,
    of `delivered_bytes` in all. The date of inspections is `as_of` unless one is given.
    Raises FeedRefused when a file cannot be read to its end, there is none, or what
    `contents` refuses.
    """
    names = _delivered(folder)
    if not names:
        raise FeedRefused("no_file", f"{folder} holds no file *{SUFFIX}")
    if not (label.isprintable() and 1 <= len(label) <= 100):
        raise FeedRefused("label", "the label must be 1 to 100 printable characters")
    files = []
    for name in names:
        path = _inside(folder, name)
        found = measure(path, lambda lines, read: progress(read))
        files.append(FeedFile(name, found.size, found.sha256, found.lines))
    held = _contents(folder, files)
    if Content.INSPECTIONS in held.values() and inspections_as_of is None:
        inspections_as_of = as_of
    kind = KIND_FULL if after is None else KIND_DELTA
    manifest = Manifest(
        MANIFEST_FORMAT, label, as_of, kind, tuple(files), inspections_as_of, after
    )
    _check_contents(manifest, held)
    return manifest


def delivered_bytes(folder: Path) -> int:
    """Return the size of every `*.csv.gz` in the folder.

    Raises FeedRefused `file_name` or `file_unreadable`.
    """
    names = _delivered(folder)
    return sum(_inside(folder, name).stat().st_size for name in names)


def manifest_bytes(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def manifest_digest(path: Path) -> str:
    """Return what a delta after this delivery says of it. Raises FeedRefused."""
    return hashlib.sha256(_manifest_content(path)).hexdigest()


def read_feed(
    folder: Path, manifest_path: Path, public_keys: Path | None = None
) -> Feed:
    """Return the feed, having compared the folder with the manifest but for contents.

    With `public_keys` a signature of the manifest is demanded. Raises FeedRefused
    `manifest_missing`, `manifest_invalid`, `manifest_format`, `wrong_kind`,
    `signature_missing`, `signature_invalid`, `file_unreadable`, `file_name`,
    `file_missing`, `file_extra` or `file_size`, and ConfigError for public keys that
    cannot be used.
    """
    content = _manifest_content(manifest_path)
    if public_keys is not None:
        check_signature(content, manifest_path, public_keys)
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
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        KeyError,
        RecursionError,
    ) as exc:
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
    if manifest.kind not in (KIND_FULL, KIND_DELTA):
        raise FeedRefused(
            "wrong_kind",
            f"{manifest_path} is neither of kind {KIND_FULL!r} nor {KIND_DELTA!r}",
        )
    if (manifest.kind == KIND_DELTA) != (manifest.after is not None):
        raise FeedRefused(
            "manifest_invalid",
            f'{manifest_path} must have "after" if it is of kind {KIND_DELTA!r}, and '
            "only then; have it made again",
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
            f"first is {extra[0]!r}; take them away or have the manifest made again",
        )
    return Feed(folder, manifest, hashlib.sha256(content).digest())


def contents(feed: Feed) -> dict[str, Content]:
    """Return what each file holds, by name, told by its header.

    Raises FeedRefused `inspections_date` when the manifest dates no inspections and
    there are some, or dates some and there are none; of a full feed `no_registration`
    when there is nothing else; of a delta `file_name` when the name of a file does not
    say what is to be done with it, `unknown_layout` when it is not of that layout; and
    what FeedReader does.
    """
    found = _contents(feed.folder, feed.manifest.files)
    _check_contents(feed.manifest, found)
    return found


def _contents(folder: Path, files: Iterable[FeedFile]) -> dict[str, Content]:
    found = {}
    for file in files:
        with FeedReader(folder / file.name) as reader:
            found[file.name] = content_of(reader.header)
    return found


def _check_contents(manifest: Manifest, found: dict[str, Content]) -> None:
    inspected = [name for name, held in found.items() if held is Content.INSPECTIONS]
    if manifest.kind == KIND_DELTA:
        for name, held in found.items():
            _check_named(name, held)
    elif len(inspected) == len(found):
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


def _check_named(name: str, held: Content) -> None:
    if not name.startswith((REMOVE, UPSERT)):
        raise FeedRefused(
            "file_name",
            f"{name} is a file of a delta, and those are named {REMOVE}*{SUFFIX} or "
            f"{UPSERT}*{SUFFIX}",
        )
    if name.startswith(REMOVE) != (held is Content.REMOVALS):
        raise FeedRefused(
            "unknown_layout",
            f"{name} has not the header of such a file: what is removed is named by "
            "its plate and its formula number or date alone, what is put in place is "
            "whole",
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
