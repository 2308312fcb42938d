"""What is changed in a module, and that the list of equivalents speaks of what exists."""

import pytest

from tests.mutants.equivalent import listed
from tests.mutants.mutations import mutants
from tests.mutants.targets import TARGETS
from tests.mutants.trials import siblings


def names(source, siblings=None):
    return [mutant.name for mutant, _ in mutants(source, siblings or {})]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = b < c", ["a = b <= c", "a = b >= c"]),
        ("a = b >= c", ["a = b > c", "a = b < c"]),
        ("a = b == c", ["a = b != c"]),
        ("a = b not in c", ["a = b in c"]),
        ("a = b + c", ["a = b - c"]),
        ("a = b << c", ["a = b >> c"]),
        ("a = b or c", ["a = b and c", "a = c", "a = b"]),
        ("a = not b", ["a = b"]),
        ("a = True", ["a = False"]),
        ("a = 3", ["a = 4", "a = 2"]),
        ("a = 0", ["a = 1"]),
        ("a = 0.5", ["a = 0.55", "a = 0.45"]),
        ("a = 'code'", ["a = 'codeX'"]),
        ("a = b'code'", ["a = b'codeX'"]),
        ("a = b(c=d)", ["a = b()"]),
        ("a = b if c else d", ["a = b if not c else d"]),
        ("a = [b for b in c if d]", ["a = [b for b in c if not d]"]),
    ],
)
def test_one_place_is_changed_at_a_time(source, expected):
    assert names(source) == [f"a: {source}  →  {now}" for now in expected]


def test_statements_are_left_out_and_results_too():
    source = "def f():\n  g()\n  raise h\n  return i\n"
    assert names(source) == [
        "f: g()  →  pass",
        "f: raise h  →  pass",
        "f: return i  →  return None",
    ]


def test_a_table_loses_each_row_and_each_two_change_places():
    assert names("a = (b, c)") == [
        "a: b  →  (left out)",
        "a: c  →  (left out)",
        "a: b, c  →  c, b",
    ]
    assert names("a = {'b': 'c'}") == [
        "a: 'b': 'c'  →  'bX': 'c'",
        "a: 'b': 'c'  →  'b': 'cX'",
    ]


def test_a_member_of_an_enumeration_becomes_another():
    assert names("a = E.b", {"E.b": "E.c"}) == ["a: a = E.b  →  a = E.c"]


def test_what_does_nothing_is_left_alone():
    source = (
        '"""Text."""\nimport a\nfrom b import c\nT = TypeVar("T", bound=d | None)\n'
        "@dataclass(slots=True)\nclass K(L[M]):\n"
        '  """Text."""\n  x: int | None\n'
        "class N(enum.Enum):\n  O = 'o'\n"
        "def f(p: q | None) -> r | None:\n  '''Text.'''\n"
        "  raise ValueError('a sentence for the reader') from None\n"
    )
    assert names(source) == [
        "f: raise ValueError('a sentence for the reader') from None  →  pass"
    ]


def test_the_tree_is_as_it_was_after_each_mutant():
    source = "a = 1 + 2\n"
    first, second = ([n for n in names(source)] for _ in range(2))
    assert first == second
    assert len(first) == len(set(first)) == 5


def test_the_same_in_one_place_is_counted_and_lines_are_no_part_of_a_name():
    source = "def f():\n  g(1)\n  g(1)\n"
    assert names(source) == names("\n\n" + source)
    assert "f: g(1)  →  g(2) (nth = 2)" in names(source)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_each_mutant_listed_as_equivalent_exists(target):
    source = target.path.read_text("utf-8")
    assert set(listed(target.name)) <= set(names(source, siblings(target)))
    assert all(listed(target.name).values())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_each_target_has_its_tests(target):
    assert all((target.root / test).exists() for test in target.tests)
