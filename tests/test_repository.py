"""What the repository says of itself: variables in README, templates that are shown."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "templates"

# Read by us, and of others: Python's own documentation tells what it means.
OF_OTHERS = {"PATH", "PYTHONPYCACHEPREFIX"}
_NAME = re.compile("[A-Z][A-Z0-9_]*")
_OF_TEMPLATE = re.compile(
    r"""\{%\s*(?:extends|include|part)\s+["']([^"']+)["']""", re.ASCII
)


def _trees(*patterns: str) -> Iterator[ast.AST]:
    for pattern in patterns:
        for path in ROOT.glob(pattern):
            yield ast.parse(path.read_text(encoding="utf-8"), str(path))


def _text(node: ast.AST) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def read_from_environment(tree: ast.AST) -> Iterator[str]:
    """Yield each name that is looked up in what is called an environment, as text: by
    `get`, in brackets or with `in`."""
    for node in ast.walk(tree):
        looked_in: ast.AST | None = None
        name = ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "get" and node.args:
                looked_in, name = node.func.value, _text(node.args[0])
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            looked_in, name = node.value, _text(node.slice)
        elif isinstance(node, ast.Compare):
            looked_in, name = node.comparators[0], _text(node.left)
        if (
            looked_in is not None
            and _NAME.fullmatch(name)
            and re.search(r"environ(ment)?$", ast.unparse(looked_in))
        ):
            yield name


def variables_read() -> set[str]:
    found = set()
    for tree in _trees("histovet/**/*.py", "pseudonymizer/*.py", "tests/**/*.py"):
        found.update(read_from_environment(tree))
    # Named apart from where they are read: in a constant, or as a helper's argument.
    for tree in _trees("histovet/settings.py", "pseudonymizer/config.py"):
        texts = (_text(node) for node in ast.walk(tree))
        found.update(text for text in texts if re.fullmatch("HISTOVET_[A-Z_]+", text))
    for node in _calls(ROOT / "histovet/settings.py"):
        if isinstance(node.func, ast.Name) and node.func.id.startswith("_"):
            found.update(filter(_NAME.fullmatch, map(_text, node.args)))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found.update(re.findall(r"^(?:export )?([A-Z_]+) *\?=", makefile, re.MULTILINE))
    return found - OF_OTHERS


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def variables_documented() -> set[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| variable | read by | meaning |")[2]
    table = table.partition("\n\n")[0]
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.MULTILINE))


def test_every_variable_that_is_read_is_in_the_table_of_readme_and_no_other():
    assert variables_read() == variables_documented()


def test_every_argument_of_make_is_in_readme():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^export ((?:[A-Z_]+ )+[A-Z_]+)$", makefile, re.MULTILINE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in listed.split() if f"{name}=" not in readme] == []


@pytest.mark.parametrize(
    "code",
    [
        "os.environ.get('A_B', '')",
        "environment['A_B']",
        "'A_B' in os.environ",
        "place.environment.get('A_B')",
    ],
)
def test_a_variable_that_is_read_is_seen(code):
    assert list(read_from_environment(ast.parse(code))) == ["A_B"]


@pytest.mark.parametrize(
    "code", ["environ['A_B'] = '1'", "texts.get('A_B')", "environ.get('.state')"]
)
def test_nothing_else_is_taken_for_one(code):
    assert list(read_from_environment(ast.parse(code))) == []


def named_in_code(tree: ast.AST, names: set[str]) -> set[str]:
    """Return the templates that a module names, whole or with a part put in that
    stands in the same module."""
    texts = {_text(node) for node in ast.walk(tree)}
    found = texts & names
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pattern = "".join(
                re.escape(_text(part)) if _text(part) else "([^/]+)"
                for part in node.values
            )
            for name in names:
                match = re.fullmatch(pattern, name)
                if match and texts.issuperset(match.groups()):
                    found.add(name)
    return found


def test_every_template_is_shown():
    names = {
        path.relative_to(TEMPLATES).as_posix()
        for path in TEMPLATES.rglob("*")
        if path.is_file()
    }
    shown = set()
    for tree in _trees("histovet/**/*.py"):
        shown |= named_in_code(tree, names)
    waiting = list(shown)
    while waiting:
        text = (TEMPLATES / waiting.pop()).read_text(encoding="utf-8")
        further = set(_OF_TEMPLATE.findall(text)) - shown
        shown |= further
        waiting += further
    assert sorted(names - shown) == []
    assert sorted(shown - names) == []


def test_a_template_named_in_parts_is_seen():
    tree = ast.parse("kind = 'a' if x else 'b'\nrender(f'app/{kind}.html')")
    names = {"app/a.html", "app/b.html", "app/c.html"}
    assert named_in_code(tree, names) == {"app/a.html", "app/b.html"}
