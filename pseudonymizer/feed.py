"""Manifest check; files → batches of rows with their line numbers.

A line of a file is one record: line 1 is the header, and no field of this feed holds a
line break. The folder is only read, but for the manifest that `manifest` puts there.
Source: docs/feed.md.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, BinaryIO, Self, cast

import msgspec
from isal import igzip, igzip_lib
from msgspec import Meta, Struct

from pseudonymizer.errors import FeedRefused
from pseudonymizer.inspections import holds_inspections

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIX = ".csv.gz"
MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
MANIFEST_BYTES_MAX = 16 * 1024 * 1024
KIND_FULL = "full"

# The longest real line has 7,511 bytes; what is over this is no vehicle.
LINE_BYTES_MAX = 64 * 1024
# About 450 lines: all that is made of them still fits in the processor's cache.
BLOCK_BYTES = 1024 * 1024
# A block of empty lines would be a million rejects at once.
BATCH_LINES_MAX = 4096
NAME_LENGTH_MAX = 255

# The stub has the last as an instance.
_GZIP_ERRORS: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    cast(type[Exception], igzip_lib.IsalError),
)


class FeedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file as the manifest has it; `lines` are its lines without the header."""

    name: str
    size: Annotated[int, Meta(ge=0)]  # bytes, as delivered
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    lines: Annotated[int, Meta(ge=0)]


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


class Reject(Struct, frozen=True):
    """A line that gives no row; `line` counts from 1, the header."""

    line: int
    code: str


class Batch(Struct, frozen=True):
    """`rows[i]` stood on line `numbers[i]`; `lines` counts rows and rejects."""

    lines: int
    numbers: Sequence[int]
    rows: list[list[str]]
    rejects: list[Reject]


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
        size, sha256, lines = _measure(path, lambda lines, read: progress(read))
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


def check_file(
    path: Path, file: FeedFile, progress: Callable[[int], None] = lambda lines: None
) -> None:
    """Compare digest and line count in one pass; `progress` gets lines as they pass.

    Raises FeedRefused `file_digest`, `file_lines`, `file_gzip` or `file_unreadable`.
    """
    _, sha256, lines = _measure(path, lambda lines, read: progress(lines))
    if sha256 != file.sha256:
        raise _other_bytes(file)
    if lines != file.lines:
        raise FeedRefused(
            "file_lines",
            f"{file.name} has {lines} lines and the manifest says {file.lines}",
        )


class FeedReader:
    """One file, open: its header, then batches of rows until the end.

    Raises FeedRefused `file_unreadable`, `file_gzip` or `header_unreadable`. Memory
    does not grow with the file.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._open = ExitStack()
        try:
            file = self._open.enter_context(io.FileIO(path))
        except OSError as exc:
            raise _unreadable(path.name, exc) from exc
        self._hashed = _Hashed(file)
        self._stream = self._open.enter_context(
            igzip.IGzipFile(fileobj=self._hashed, mode="rb")
        )
        self._after_header = b""
        self._next_line = 2
        try:
            self.header = self._read_header()
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[Batch]:
        csv.field_size_limit(LINE_BYTES_MAX)
        content = self._after_header
        while True:
            complete, newline, tail = content.rpartition(b"\n")
            if newline:
                yield from self._batches(complete)
            block = self._read()
            if not block:
                break
            # Cut, so that a line without end cannot fill the memory; it stays too
            # long and is a reject.
            content = tail[: LINE_BYTES_MAX + 1] + block
        if tail:
            yield self._batch(tail)

    def check(self, file: FeedFile) -> None:
        """Read to the end, and compare with the manifest all that was read.

        What was verified before may have been replaced since. Raises FeedRefused
        `file_digest` or `file_unreadable`.
        """
        try:
            while self._hashed.read(BLOCK_BYTES):
                pass
        except OSError as exc:
            raise _unreadable(self._name, exc) from exc
        if self._hashed.sha256.hexdigest() != file.sha256:
            raise _other_bytes(file)

    def _read_header(self) -> list[str]:
        content = self._read()
        while b"\n" not in content and len(content) <= LINE_BYTES_MAX:
            block = self._read()
            if not block:
                break
            content += block
        first, _, self._after_header = content.partition(b"\n")
        try:
            if len(first) > LINE_BYTES_MAX:
                raise ValueError
            (header,) = csv.reader(
                [first.decode("utf-8-sig")], delimiter=";", strict=True
            )
        except (ValueError, csv.Error) as exc:
            raise FeedRefused(
                "header_unreadable", f"the first line of {self._name} is no CSV header"
            ) from exc
        return header

    def _read(self) -> bytes:
        try:
            return self._stream.read(BLOCK_BYTES)
        except _GZIP_ERRORS as exc:
            raise _broken(self._name) from exc
        except OSError as exc:
            raise _unreadable(self._name, exc) from exc

    def _batches(self, content: bytes) -> Iterator[Batch]:
        if content.count(b"\n") < BATCH_LINES_MAX:
            yield self._batch(content)
            return
        lines = content.split(b"\n")
        for start in range(0, len(lines), BATCH_LINES_MAX):
            yield self._batch(b"\n".join(lines[start : start + BATCH_LINES_MAX]))

    def _batch(self, content: bytes) -> Batch:
        first = self._next_line
        width = len(self.header)
        try:
            lines = content.decode().split("\n")
            rows = list(csv.reader(lines, delimiter=";", strict=True))
        except (UnicodeDecodeError, csv.Error):
            batch = _one_by_one(content, first, width)
        else:
            if (
                # A row fewer: a quote joined two lines, and has to spoil one alone.
                len(rows) == len(lines)
                and all(len(row) == width for row in rows)
                # A character has four bytes at most; longer lines are measured.
                and len(max(lines, key=len)) <= LINE_BYTES_MAX // 4
            ):
                numbers = range(first, first + len(rows))
                batch = Batch(len(rows), numbers, rows, [])
            else:
                batch = _one_by_one(content, first, width)
        self._next_line += batch.lines
        return batch


def _one_by_one(content: bytes, first: int, width: int) -> Batch:
    """Return the batch of lines of which at least one is a reject."""
    numbers: list[int] = []
    rows: list[list[str]] = []
    rejects: list[Reject] = []
    lines = content.split(b"\n")
    for number, line in enumerate(lines, first):
        try:
            if len(line) > LINE_BYTES_MAX:
                rejects.append(Reject(number, "line_too_long"))
                continue
            (row,) = csv.reader([line.decode()], delimiter=";", strict=True)
        except UnicodeDecodeError:
            rejects.append(Reject(number, "invalid_utf8"))
        except csv.Error:
            rejects.append(Reject(number, "malformed_csv"))
        else:
            if len(row) == width:
                numbers.append(number)
                rows.append(row)
            else:
                rejects.append(Reject(number, "ragged_row"))
    return Batch(len(lines), numbers, rows, rejects)


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
        raise _unreadable(str(folder), exc) from exc


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
        raise _unreadable(name, exc) from exc
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
        raise _unreadable(str(path), exc) from exc
    if len(content) > MANIFEST_BYTES_MAX:
        raise FeedRefused("manifest_invalid", f"{path} is too large for a manifest")
    return content


class _Hashed(io.RawIOBase):
    """A file that digests the bytes as they are read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        content = self._file.read(len(view))
        view[: len(content)] = content
        self.sha256.update(content)
        self.size += len(content)
        return len(content)


def _measure(path: Path, progress: Callable[[int, int], None]) -> tuple[int, str, int]:
    """Return size in bytes, SHA-256 in hexadecimal, and lines without the header.

    `progress` gets lines, and bytes of the file, as they pass.
    """
    newlines = told = 0
    last = b""
    try:
        with open(path, "rb") as file:
            hashed = _Hashed(file)
            with igzip.IGzipFile(fileobj=hashed, mode="rb") as stream:
                while block := stream.read(BLOCK_BYTES):
                    count = block.count(b"\n")
                    lines = count if newlines else max(count - 1, 0)  # the header
                    progress(lines, hashed.size - told)
                    told = hashed.size
                    newlines += count
                    last = block[-1:]
            while hashed.read(BLOCK_BYTES):
                pass
            progress(0, hashed.size - told)
    except _GZIP_ERRORS as exc:
        raise _broken(path.name) from exc
    except OSError as exc:
        raise _unreadable(path.name, exc) from exc
    lines = newlines + (last not in (b"", b"\n"))
    return hashed.size, hashed.sha256.hexdigest(), max(lines - 1, 0)


def _other_bytes(file: FeedFile) -> FeedRefused:
    return FeedRefused(
        "file_digest",
        f"{file.name} does not have the SHA-256 of the manifest; have it delivered "
        "again",
    )


def _broken(name: str) -> FeedRefused:
    return FeedRefused(
        "file_gzip", f"{name} is cut short or no gzip file; have it delivered again"
    )


def _unreadable(name: str, exc: OSError) -> FeedRefused:
    return FeedRefused("file_unreadable", f"{name} cannot be read: {exc.strerror}")
