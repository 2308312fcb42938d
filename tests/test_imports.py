"""Imports go one way, and each kind of work has its one place: README, The map."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What the site may use of the pseudonymizer.
SHARED = {
    "normalise", "holder", "codec", "envelope", "key_ring", "records", "errors",
}  # fmt: skip
# An app may use those of lower rank: never the other way, never each other.
RANKS = {"vault": 0, "inspections": 1, "history": 2, "sharing": 3, "partners": 4}
CRYPTOGRAPHY = {"hashlib", "hmac", "cryptography", "Crypto", "nacl", "jwt"}
MAY_DO_CRYPTOGRAPHY = {
    "pseudonymizer/envelope.py": CRYPTOGRAPHY,
    # It derives keys from keys, and never sees data of a vehicle.
    "pseudonymizer/key_ring.py": {"hmac", "cryptography"},
    # Digests of files: no data of a vehicle.
    "pseudonymizer/feed.py": {"hashlib"},
    # A digest of this program, which has to be that of every worker.
    "pseudonymizer/cluster.py": {"hashlib"},
    "pseudonymizer/manifest.py": {"hashlib"},
    # Who made a delivery: no data of a vehicle.
    "pseudonymizer/manifest_signature.py": {"cryptography"},
    # Who signs in to the dashboard: no data of a vehicle.
    "histovet/operators/second_factor.py": {"cryptography"},
}
MAY_READ_THE_ENVIRONMENT = {
    "pseudonymizer/config.py",
    "histovet/settings.py",
    # How to log, in the process that must not load the settings.
    "histovet/gunicorn.py",
}
# Django's own form of these two sets a variable, and reads none.
MAY_NAME_THE_SETTINGS = {"manage.py", "histovet/wsgi.py"}
# What makes a function depend on more than its arguments.
WORLD = {"os", "random", "secrets", "socket", "subprocess", "tempfile", "time"}
PURE = {
    "records", "errors", "normalise", "holder", "codec", "registration", "cells",
}  # fmt: skip
EMPTY_NAMES = {
    "base", "common", "core", "helper", "helpers", "lib", "manager", "managers",
    "misc", "service", "services", "shared", "tool", "tools", "util", "utils",
}  # fmt: skip


def _paths(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.Module, package: list[str]) -> Iterator[str]:
    """Yield the dotted name of all that is imported; `package` is where it stands.

    `from a import b` gives `a.b`: whether b is a module is not to be seen.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package[: len(package) - node.level + 1] if node.level else []
            parts = [*parts, *([node.module] if node.module else [])]
            yield from (".".join([*parts, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).split(".")[-1]
            first = node.args[0]
            if (
                called in ("import_module", "__import__", "import_string")
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                yield first.value


def _imported_by(path: Path) -> set[str]:
    package = list(path.relative_to(ROOT).with_suffix("").parts)[:-1]
    return set(imported(_tree(path), package))


def _root(name: str) -> str:
    return name.split(".")[0]


def _is_of(path: Path, folder: str) -> bool:
    return path.is_relative_to(ROOT / folder)


def _site() -> list[Path]:
    """The site without `local`, which the Makefile and the tests alone reach."""
    found = [path for path in _paths("histovet") if not _is_of(path, "histovet/local")]
    return [*found, ROOT / "manage.py"]


def environment_reads(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in (
            "os.environ",
            "os.environb",
            "os.getenv",
            "os.getenvb",
        ):
            yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (a.name for a in node.names if "env" in a.name)


def _app(name: str) -> str | None:
    """`vault` of `histovet.vault.keys`, None for what is in no app."""
    parts = name.split(".")
    if parts[0] != "histovet" or len(parts) < 2:
        return None
    return parts[1] if (ROOT / "histovet" / parts[1]).is_dir() else None


def test_the_walk_sees_every_way_to_import() -> None:
    planted = """
import a.b, c as d
from e import f
from e.f import g as h
from . import i
from .j import k
from ..l import m
def later():
    import n
    importlib.import_module("o.p")
    __import__("q")
if TYPE_CHECKING:
    from r import s
"""
    assert set(imported(ast.parse(planted), ["x", "y"])) == {
        "a.b", "c", "e.f", "e.f.g", "x.y.i", "x.y.j.k", "x.l.m", "n", "o.p", "q", "r.s",
    }  # fmt: skip
    assert {_name(path) for path in _paths("pseudonymizer", "histovet")} >= {
        "pseudonymizer/__main__.py",
        "pseudonymizer/load.py",
        "histovet/settings.py",
        "histovet/history/report.py",
        "histovet/vault/models.py",
    }


def test_the_walk_sees_every_way_to_read_the_environment() -> None:
    planted = """
import os
from os import environ, getenv as g
os.environ["A"]; os.environ.get("A"); os.getenv("A"); dict(os.environ)
"""
    assert sorted(environment_reads(ast.parse(planted))) == [
        "environ", "getenv", "os.environ", "os.environ", "os.environ", "os.getenv",
    ]  # fmt: skip


def test_the_pseudonymizer_knows_neither_django_nor_the_site() -> None:
    for path in _paths("pseudonymizer"):
        roots = {_root(name) for name in _imported_by(path)}
        foreign = {name for name in roots if name.startswith("django")}
        foreign |= roots & {"histovet", "tests", "ninja"}
        assert not foreign, _name(path)


def test_the_site_uses_of_the_pseudonymizer_what_it_shares_and_nothing_else() -> None:
    for path in _site():
        for name in _imported_by(path):
            if _root(name) == "pseudonymizer":
                assert name.split(".")[1:2] and name.split(".")[1] in SHARED, (
                    f"{_name(path)} imports {name}"
                )


def test_local_is_reached_by_nothing_else_of_the_site() -> None:
    for path in [*_site(), *_paths("pseudonymizer")]:
        for name in _imported_by(path):
            assert not name.startswith("histovet.local"), _name(path)


def test_load_alone_speaks_to_postgresql_in_the_pseudonymizer() -> None:
    found = {
        _name(path)
        for path in _paths("pseudonymizer")
        if {_root(name) for name in _imported_by(path)} & {"psycopg", "psycopg_pool"}
    }
    assert found == {"pseudonymizer/load.py"}


def test_cryptography_has_its_few_places() -> None:
    for path in [*_site(), *_paths("pseudonymizer")]:
        used = {_root(name) for name in _imported_by(path)} & CRYPTOGRAPHY
        assert used <= MAY_DO_CRYPTOGRAPHY.get(_name(path), set()), _name(path)


@pytest.mark.parametrize("name", sorted(MAY_DO_CRYPTOGRAPHY))
def test_each_exception_for_cryptography_is_needed(name: str) -> None:
    used = {_root(imported) for imported in _imported_by(ROOT / name)}
    assert used & MAY_DO_CRYPTOGRAPHY[name]


def test_the_environment_is_read_in_three_places() -> None:
    found = {
        _name(path)
        for path in [*_site(), *_paths("pseudonymizer")]
        if any(environment_reads(_tree(path)))
    }
    assert found == MAY_READ_THE_ENVIRONMENT | MAY_NAME_THE_SETTINGS
    for name in MAY_NAME_THE_SETTINGS:
        uses = [
            node
            for node in ast.walk(_tree(ROOT / name))
            if isinstance(node, ast.Attribute)
            and ast.unparse(node.value) == "os.environ"
        ]
        assert [node.attr for node in uses] == ["setdefault"], name
        assert len(list(environment_reads(_tree(ROOT / name)))) == 1, name


def test_the_rules_stay_pure() -> None:
    for module in PURE:
        path = ROOT / "pseudonymizer" / f"{module}.py"
        reached = {_root(name) for name in _imported_by(path)} & WORLD
        assert not reached, f"{module} reaches {reached}"


def test_the_apps_import_one_way() -> None:
    for path in _paths("histovet"):
        importer = _app(".".join(path.relative_to(ROOT).parts))
        for name in _imported_by(path):
            app = _app(name)
            if importer in RANKS and app in RANKS and app != importer:
                assert RANKS[app] < RANKS[importer], f"{_name(path)} imports {name}"


def test_no_two_apps_need_each_other() -> None:
    uses: dict[str, set[str]] = {}
    for path in _paths("histovet"):
        importer = _app(".".join(path.relative_to(ROOT).parts))
        for name in _imported_by(path):
            app = _app(name)
            if importer and app and app != importer:
                uses.setdefault(importer, set()).add(app)

    def reached(app: str, seen: frozenset[str]) -> set[str]:
        below = uses.get(app, set()) - seen
        return below.union(*(reached(one, seen | below) for one in below))

    for app in uses:
        assert app not in reached(app, frozenset()), f"{app} needs itself"


def test_no_module_is_named_after_nothing() -> None:
    for path in [*_paths("pseudonymizer", "histovet", "tests"), ROOT / "manage.py"]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        words = {word for part in parts for word in part.split("_")}
        assert not words & EMPTY_NAMES, _name(path)


def test_tests_are_packages_that_shadow_nothing() -> None:
    """Without these files tests/pseudonymizer would be imported as the package."""
    for path in _paths("tests"):
        assert (path.parent / "__init__.py").exists(), _name(path)
