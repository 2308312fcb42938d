"""A block of CSV lines → its cells, found for all the lines at once.

Pure. A block is read as `csv` reads each of its lines, or not at all: what is unusual
is left to `csv`. Why: docs/adr/0002.

In the sets below a byte of the block is one bit, the first byte the lowest bit of the
first word: a million bytes are 16,000 words, and a step over all of them costs nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Container

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]

_ONE, _TOP = np.uint64(1), np.uint64(63)
_QUOTE, _DELIMITER, _NEWLINE = b'";\n'


def count_newlines(content: bytes) -> int:
    """`content.count(b"\\n")`, which looks at one byte after the other, in a fifth of
    its time."""
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == _NEWLINE))


def cells_of(
    content: bytes, width: int, line_bytes_max: int, wanted: Container[int]
) -> list[list[str]] | None:
    """Return the cells of each line, or None when any of them needs a closer look.

    `content` is lines, each with its newline. A cell in no column that is wanted is
    empty. None for a line that is too long, ragged, malformed or no UTF-8, and for some
    that are none of these: a quote inside a cell without quotes, a carriage return, a
    NUL.
    """
    # In a file of one column an empty line is ragged, and does not look it. NUL stands
    # for a byte to take out.
    if width < 2 or b"\r" in content or b"\0" in content:
        return None
    octets = np.frombuffer(content, np.uint8)
    is_newline = octets == _NEWLINE
    quotes = _bits(octets == _QUOTE)
    separators = _bits((octets == _DELIMITER) | is_newline)

    # A doubled quote closes the cell and opens it again.
    inside = _odd_so_far(quotes)
    opening, closing = quotes & inside, quotes & ~inside
    after_closing = _next(closing)
    may_open = after_closing | _next(separators)
    may_open[0] |= _ONE
    if (opening & ~may_open).any() or (after_closing & ~(separators | opening)).any():
        return None

    cell_ends = _places(separators & ~inside)
    lines = np.count_nonzero(is_newline)
    if len(cell_ends) != lines * width:
        return None
    ends = cell_ends.reshape(lines, width)
    starts = np.concatenate(([0], cell_ends[:-1] + 1)).reshape(lines, width)
    if not is_newline[ends[:, -1]].all():
        return None
    if (ends[:, -1] - starts[:, 0]).max() > line_bytes_max:
        return None

    # 0 for the second of two quotes, 1 for every other byte.
    kept = _flags(~(opening & after_closing), len(content)).view(np.uint8)
    undoubled = (octets * kept).tobytes()
    # A character for each byte; lines beyond ASCII are read again.
    text = content.decode("latin-1")
    columns = [
        _column(text, undoubled, octets, starts[:, column], ends[:, column])
        if column in wanted
        else [""] * lines
        for column in range(width)
    ]
    rows = list(map(list, zip(*columns, strict=True)))
    if not content.isascii():
        beyond_ascii = np.flatnonzero(octets > 127)
        for row in set(np.searchsorted(ends[:, -1], beyond_ascii).tolist()):
            line = content[starts[row, 0] : ends[row, -1]]
            try:
                (rows[row],) = csv.reader([line.decode()], delimiter=";", strict=True)
            except UnicodeDecodeError:
                return None
    return rows


def _column(
    text: str,
    undoubled: bytes,
    octets: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> list[str]:
    """Return the cells of one column."""
    quoted = np.flatnonzero(octets[starts] == _QUOTE).tolist()
    places = list(zip(starts.tolist(), ends.tolist(), strict=True))
    if len(quoted) < len(places):
        cells = [text[start:end] for start, end in places]
    else:
        cells = [""] * len(places)
    for row in quoted:
        start, end = places[row]
        cell = undoubled[start + 1 : end - 1].translate(None, b"\0")
        cells[row] = cell.decode("latin-1")
    return cells


def _bits(flags: NDArray[np.bool_]) -> Bits:
    octets = np.packbits(flags, bitorder="little")
    words = np.zeros(-(-len(octets) // 8), np.uint64)
    words.view(np.uint8)[: len(octets)] = octets
    return words


def _flags(bits: Bits, count: int) -> NDArray[np.bool_]:
    flags = np.unpackbits(bits.view(np.uint8), count=count, bitorder="little")
    return flags.view(np.bool_)


def _places(bits: Bits) -> NDArray[np.int64]:
    """Return the places of the bytes in a set of few."""
    words = np.flatnonzero(bits != 0)
    flags = np.unpackbits(bits[words].view(np.uint8), bitorder="little")
    found = np.flatnonzero(flags.view(np.bool_))
    return (words[found >> 6] << 6) + (found & 63)


def _next(bits: Bits) -> Bits:
    """Return the byte after each."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> _TOP
    return moved


def _odd_so_far(bits: Bits) -> Bits:
    """Return the bytes up to which, themselves included, an odd number is in `bits`."""
    odd = bits.copy()
    for distance in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(distance)
    # The top bit of a word tells of the whole word, and the next begin with it.
    words = np.bitwise_xor.accumulate(odd >> _TOP)
    odd[1:] ^= np.uint64(0) - words[:-1]
    return odd
