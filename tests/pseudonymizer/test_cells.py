"""A block of lines → its cells: as `csv` reads each line, or not at all."""

import csv

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pseudonymizer.cells import cells_of, count_newlines

MAX = 1000
# What decides how a line is read, and what has more bytes than characters.
pieces = st.sampled_from(
    ['"', '""', ";", "\n", "\r", "\0", "a", "é", "\u2028", " ", '";"']
)
plain = st.text(
    st.characters(exclude_characters='";\n\r\0', codec="utf-8"), max_size=90
)
quoted = st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=90)
cells = plain | quoted.map(lambda text: '"' + text.replace('"', '""') + '"')


def _rows(content: bytes, width: int) -> list[list[str]] | None:
    """Return what `csv` makes of each line alone; None when one is a reject."""
    rows = []
    for line in content.split(b"\n"):
        try:
            found = list(csv.reader([line.decode()], delimiter=";", strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        if [len(row) for row in found] != [width] or len(line) > MAX:
            return None
        rows += found
    return rows


def _read(content: bytes, width: int) -> list[list[str]] | None:
    return cells_of(content + b"\n", width, MAX, range(width))


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=30))
def test_what_is_usual_is_read_as_csv_reads_it(lines: list[list[str]]) -> None:
    content = "\n".join(";".join(line) for line in lines).encode()
    expected = _rows(content, 3)
    assert _read(content, 3) == expected


@given(st.lists(pieces, max_size=40).map("".join).map(str.encode), st.integers(1, 4))
@example(b'a;"b"x;c', 3)
@example(b'a;"b"" "c;d', 3)
@example(b'a;"b;c\nd;e";f', 3)
@example(b'a;"b;c', 2)
@example(b'a;"b\n";c', 2)
@example(b'";"\n";"', 2)
@example(b'"";""', 2)
@example(b'"""";""""""', 2)
@example(b'"""a";"b"""', 2)
@example(b"", 2)
def test_nothing_is_read_as_csv_does_not_read_it(content: bytes, width: int) -> None:
    found = _read(content, width)
    assert found is None or found == _rows(content, width)


@pytest.mark.parametrize(
    "content",
    [
        b"a;b;c",
        b"a",
        b"",
        b"a;b\n\nc;d",
        b'a;"b"x',
        b'a;"b',
        b'a;"b\nc;d"',
        b"a;" + b"b" * MAX,
        b"a;\xff",
        b"a;b\nc\xe9;d",
    ],
)
def test_what_may_be_a_reject_is_left_to_csv(content: bytes) -> None:
    assert _read(content, 2) is None


@pytest.mark.parametrize("place", range(130))
def test_a_quote_may_stand_at_any_bit_of_a_word(place: int) -> None:
    content = ("x" * place + ';"a"";b";' + "y" * (130 - place) + '\n"";é;').encode()
    assert _read(content, 3) == [
        ["x" * place, 'a";b', "y" * (130 - place)],
        ["", "é", ""],
    ]


def test_the_longest_line_is_measured_in_bytes() -> None:
    assert _read(b"a;" + b"b" * (MAX - 2), 2) == [["a", "b" * (MAX - 2)]]
    assert _read(b"a;" + "é".encode() * (MAX // 2), 2) is None


def test_a_cell_that_is_not_wanted_is_empty() -> None:
    assert cells_of(b'a;"b";c\nd;e;f\n', 3, MAX, {1}) == [["", "b", ""], ["", "e", ""]]


@given(st.binary() | st.text("\n;").map(str.encode))
def test_newlines_are_counted(content: bytes) -> None:
    assert count_newlines(content) == content.count(b"\n")
