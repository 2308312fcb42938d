"""Lines of the feed as they might be delivered, and content of records as who has the
key might seal it: as they should be, but for a few values."""

import copy
import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests import vehicles
from tests.facts import FACTS
from tests.fuzz.targets import packs

# With what a JSON text alone can hold: half a pair of surrogates, NaN, Infinity.
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["date", "opa_type", "decl"]) | st.text(max_size=6),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
_dates = st.from_regex(
    r"\A(\d{2}/\d{2}/\d{4}|\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}"
    r"(\.\d{1,3}|\+\d{2}|Z|\.\d{3}Z|\.\d{2}\+)?)?)\Z"
)
usual = (
    st.sampled_from(
        ["", " ", "0", "00", "INCONNU", "NEANT", "-", "OUI", "NON", "oui", "01/01/1900",
         "31/02/2010", "0001-01-01 23:00:00", "9999-12-31T23:00:00.000Z", "1e5", "0x1"]
    )
    | _dates
    | st.integers(-1, 10**10).map(str)
)  # fmt: skip
cells = usual | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=60
)
names = st.lists(
    st.sampled_from(
        ["ET", "OU", "&", "/", " - ", ".-", "NEE", "DE", "LA", "ST", "MME", "ŒUVRÉ",
         "O'HARA", "N'\u200bGUYEN", "ß", "1", "D", "\u0130", "\ufb01", "Jean-Paul"]
    ),
    max_size=9,
).map(" ".join)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> dict[str, str]:
    """A line of registrations or of inspections, by column."""
    if draw(st.integers(0, 5)) == 0:
        return draw(_inspections())
    facts = copy.deepcopy(FACTS)
    for _ in range(draw(st.integers(0, 4))):
        _change(draw, facts, anything)
    make = draw(st.sampled_from([vehicles.siv_line, vehicles.fni_line]))
    line = make()
    line["v"] = json.dumps(facts, ensure_ascii=draw(st.booleans()))
    if not line["v"].isprintable():
        line["v"] = json.dumps(facts)
    if draw(st.booleans()):
        line["vin"] = draw(cells)
    for column in draw(st.lists(st.sampled_from(sorted(line)), max_size=3)):
        line[column] = draw(names if column.startswith("pers_") else cells)
    return line


def _change(draw: st.DrawFn, document: Any, others: st.SearchStrategy[Any]) -> None:
    """Give one place, at any depth, another value."""
    inside = document
    while True:
        places = list(inside) if isinstance(inside, dict) else range(len(inside))
        if not places:
            return
        place = draw(st.sampled_from(list(places)))
        within = inside[place]
        if not (isinstance(within, dict | list) and within and draw(st.booleans())):
            break
        inside = within
    match draw(st.integers(0, 3)):
        case 0:
            del inside[place]
        case 1 if isinstance(inside, dict):
            inside[draw(st.text(max_size=8))] = draw(others)
        case 2:
            inside[place] = draw(usual)
        case _:
            inside[place] = draw(others)


@st.composite
def _inspections(draw: st.DrawFn) -> dict[str, str]:
    entries = draw(
        st.lists(
            st.fixed_dictionaries(
                {"ct_date": _dates | usual},
                optional={
                    "ct_nature": st.sampled_from(["VTP", "CV", "", " X "]) | st.text(),
                    "ct_resultat": st.sampled_from(["A", "S", "R"]) | anything,
                    "ct_km": st.integers() | usual | anything,
                },
            ),
            max_size=4,
        )
    )
    line = vehicles.inspections_line()
    line["controles_techniques"] = json.dumps(entries)
    for column in draw(st.lists(st.sampled_from(sorted(line)), max_size=1)):
        line[column] = draw(cells)
    return line


# What MessagePack has a place for; whole numbers over the end of the calendar among it.
_packable = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(-4_000_000, 4_000_000)
    | st.floats()
    | st.binary(max_size=40)
    | st.text(max_size=12)
    | st.lists(st.integers(-9, 9), max_size=4)
    | st.dictionaries(st.integers(0, 12), st.integers(), max_size=2)
)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """The MessagePack of a record or of inspections, with its layout."""
    start = draw(st.sampled_from(packs()))
    array = msgspec.msgpack.decode(start[1:], strict=False)
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, array, _packable)
    try:
        return start[:1] + msgspec.msgpack.encode(array)
    except (OverflowError, UnicodeEncodeError):
        return start
