"""A file of the feed → batches of rows with their line numbers.

A line of a file is one record: line 1 is the header, and no field of this feed holds a
line break. Source: docs/feed.md.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, BinaryIO, Self, cast

from isal import igzip, igzip_lib
from msgspec import Meta, Struct

from pseudonymizer.cells import cells_of, count_newlines
from pseudonymizer.errors import FeedRefused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


SUFFIX = ".csv.gz"
# No file has more bytes or lines, and a number has an end.
COUNT_MAX = 2**53
# The longest real line has 7,511 bytes; what is over this is no vehicle.
LINE_BYTES_MAX = 64 * 1024
# About 90 lines: all that is made of them still fits in the processor's cache. More
# cost: docs/adr/0002.
BLOCK_BYTES = 256 * 1024
# A block of empty lines would be a million rejects at once.
BATCH_LINES_MAX = 4096
# A line that is not usual sends so many to `csv`: half a block would cost more, and fewer
# more looks for it.
CLOSE_LOOK_LINES = 16
# Fewer may be dirt, in a file whose other lines need no more than ASCII.
FOREIGN_LINES_MIN = 20

# The stub has the last as an instance.
_GZIP_ERRORS: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    cast(type[Exception], igzip_lib.IsalError),
)


class FeedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file as the manifest has it; `lines` are its lines without the header."""

    name: str
    size: Annotated[int, Meta(ge=0, le=COUNT_MAX)]  # bytes, as delivered
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    lines: Annotated[int, Meta(ge=0, le=COUNT_MAX)]


class Part(Struct, frozen=True):
    """The `number`th, from 1, of `of` parts of a file, each of whole blocks."""

    number: int = 1
    of: int = 1

    def lines(self, file: FeedFile) -> tuple[int, int]:
        """Return the first line on which a block of this part may begin, and the first
        after it."""
        first, after = (
            2 + file.lines * number // self.of
            for number in (self.number - 1, self.number)
        )
        # A file may have more lines than the manifest says: somebody has to see them.
        return first, COUNT_MAX if self.number == self.of else after


WHOLE = Part()


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


def check_file(
    path: Path,
    file: FeedFile,
    progress: Callable[[int], None] = lambda lines: None,
    *,
    share_max: float = 1.0,
) -> None:
    """Compare digest, line count and encoding in one pass; `progress` gets lines as
    they pass.

    Lines that are no UTF-8 are rejects; over `share_max` of all, or
    FOREIGN_LINES_MIN of them with fewer that have letters in UTF-8, make a file in
    another encoding.
    Raises FeedRefused `file_digest`, `file_lines`, `file_encoding`, `file_gzip` or
    `file_unreadable`.
    """
    measured = measure(path, lambda lines, read: progress(lines))
    if measured.sha256 != file.sha256:
        raise _other_bytes(file)
    if measured.lines != file.lines:
        raise FeedRefused(
            "file_lines",
            f"{file.name} has {measured.lines} lines and the manifest says "
            f"{file.lines}",
        )
    foreign, utf8 = measured.foreign, measured.beyond_ascii - measured.foreign
    if foreign > share_max * file.lines or foreign >= FOREIGN_LINES_MIN > utf8:
        raise FeedRefused(
            "file_encoding",
            f"{foreign} lines of {file.name} are not UTF-8; have it delivered again "
            "in UTF-8",
        )


class FeedReader:
    """One file, open: its header, then batches of rows until the end.

    Raises FeedRefused `file_unreadable`, `file_gzip` or `header_unreadable`. Memory
    does not grow with the file.
    """

    def __init__(self, path: Path, only: Collection[str] | None = None) -> None:
        """`only` names the columns that are read: the cells of others may be empty."""
        self._name = path.name
        self._open = ExitStack()
        try:
            file = self._open.enter_context(io.FileIO(path))
        except OSError as exc:
            raise unreadable(path.name, exc) from exc
        self._hashed = _Hashed(file)
        self._stream = self._open.enter_context(
            igzip.IGzipFile(fileobj=self._hashed, mode="rb")
        )
        self._after_header = b""
        self._next_line = 2
        try:
            self.header = self._read_header()
            self._wanted = [
                place
                for place, name in enumerate(self.header)
                if only is None or name in only
            ]
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
        return self.batches(0, COUNT_MAX)

    def batches(self, first: int, after: int) -> Iterator[Batch]:
        """Yield the blocks that begin on line `first` or later, and before line `after`.

        Where blocks begin depends on the file alone.
        """
        csv.field_size_limit(LINE_BYTES_MAX)
        content = self._after_header
        while True:
            end = content.rfind(b"\n") + 1
            tail = content[end:]
            if self._next_line >= after:
                return
            if self._next_line < first:
                self._next_line += count_newlines(content)
            elif end:
                yield from self._batches(content[:end])
            block = self._read()
            if not block:
                break
            # Cut, so that a line without end cannot fill the memory; it stays too
            # long and is a reject.
            content = tail[: LINE_BYTES_MAX + 1] + block
        if tail and first <= self._next_line < after:
            yield self._batch(tail + b"\n")

    def check(self, file: FeedFile) -> None:
        """Read to the end, and compare with the manifest all that was read.

        What was verified before may have been replaced since. Raises FeedRefused
        `file_digest` or `file_unreadable`.
        """
        try:
            while self._hashed.read(BLOCK_BYTES):
                pass
        except OSError as exc:
            raise unreadable(self._name, exc) from exc
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
            raise unreadable(self._name, exc) from exc

    def _batches(self, content: bytes) -> Iterator[Batch]:
        if count_newlines(content) <= BATCH_LINES_MAX:
            yield self._batch(content)
            return
        lines = _split(content)
        for start in range(0, len(lines), BATCH_LINES_MAX):
            yield self._batch(_joined(lines[start : start + BATCH_LINES_MAX]))

    def _batch(self, content: bytes) -> Batch:
        batch = _read_lines(content, self._next_line, len(self.header), self._wanted)
        self._next_line += batch.lines
        return batch


def _split(content: bytes) -> list[bytes]:
    return content[:-1].split(b"\n")


def _joined(lines: list[bytes]) -> bytes:
    """Return whole lines, the last one with its newline too."""
    return b"\n".join(lines) + b"\n"


def _read_lines(
    content: bytes, first: int, width: int, wanted: Collection[int]
) -> Batch:
    rows = cells_of(content, width, LINE_BYTES_MAX, wanted)
    if rows is not None:
        return Batch(len(rows), range(first, first + len(rows)), rows, [])
    lines = _split(content)
    if len(lines) <= CLOSE_LOOK_LINES:
        return _one_by_one(lines, first, width)
    middle = len(lines) // 2
    halves = [
        _read_lines(_joined(half), start, width, wanted)
        for half, start in ((lines[:middle], first), (lines[middle:], first + middle))
    ]
    return Batch(
        len(lines),
        [number for half in halves for number in half.numbers],
        [row for half in halves for row in half.rows],
        [reject for half in halves for reject in half.rejects],
    )


def _one_by_one(lines: list[bytes], first: int, width: int) -> Batch:
    """Return the batch of lines of which one may be a reject: here it is decided."""
    numbers: list[int] = []
    rows: list[list[str]] = []
    rejects: list[Reject] = []
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


class Measured(Struct):
    """A file as it is: bytes as delivered, and lines without the header.

    Of the lines, `beyond_ascii` hold more than ASCII and `foreign` are no UTF-8.
    """

    size: int = 0
    sha256: str = ""
    lines: int = 0
    beyond_ascii: int = 0
    foreign: int = 0


def measure(path: Path, progress: Callable[[int, int], None]) -> Measured:
    """Return the file's measures; `progress` gets lines, and bytes of the file, as they
    pass. Raises FeedRefused `file_gzip` or `file_unreadable`."""
    found = Measured(lines=-1)  # The header is a line too.
    tail = b""
    told_lines = told = 0
    try:
        with open(path, "rb") as file:
            hashed = _Hashed(file)
            with igzip.IGzipFile(fileobj=hashed, mode="rb") as stream:
                while block := stream.read(BLOCK_BYTES):
                    newlines = count_newlines(block)
                    found.lines += newlines
                    # A block of ASCII, as most are, is not copied.
                    if not (block.isascii() and tail.isascii()):
                        complete = (tail + block).rpartition(b"\n")[0]
                        _count_beyond_ascii(found, complete)
                    if newlines:
                        tail = block[block.rfind(b"\n") + 1 :]
                        progress(found.lines - told_lines, hashed.size - told)
                        told_lines, told = found.lines, hashed.size
                    else:
                        # Cut, so that a line without end cannot fill the memory.
                        tail = (tail + block)[: LINE_BYTES_MAX + 1]
            while hashed.read(BLOCK_BYTES):
                pass
            progress(0, hashed.size - told)
    except _GZIP_ERRORS as exc:
        raise _broken(path.name) from exc
    except OSError as exc:
        raise unreadable(path.name, exc) from exc
    if tail:
        found.lines += 1
        _count_beyond_ascii(found, tail)
    found.lines = max(found.lines, 0)
    found.size, found.sha256 = hashed.size, hashed.sha256.hexdigest()
    return found


def _count_beyond_ascii(found: Measured, content: bytes) -> None:
    """Add what of whole lines, the last one without its end, is beyond ASCII."""
    # Halved, since the lines that are looked for are few.
    if content.isascii():
        return
    cut = content.find(b"\n", len(content) // 2)
    if cut < 0:
        cut = content.rfind(b"\n")
    if cut >= 0:
        _count_beyond_ascii(found, content[:cut])
        _count_beyond_ascii(found, content[cut + 1 :])
        return
    found.beyond_ascii += 1
    try:
        content.decode()
    except UnicodeDecodeError:
        found.foreign += 1


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


def unreadable(name: str, exc: OSError) -> FeedRefused:
    return FeedRefused("file_unreadable", f"{name} cannot be read: {exc.strerror}")
