"""The vector files are what SPEC.md gives, derived without the package."""

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pseudonymizer import confirm_vectors

# Written for people, so another text is another vector of the same value.
_TEXTS = {"about", "changed"}


def test_a_second_derivation_gives_every_value_of_the_files() -> None:
    assert list(confirm_vectors.differences()) == []


def test_the_second_derivation_shares_no_line_with_the_package() -> None:
    tree = ast.parse(Path(confirm_vectors.__file__).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & {"pseudonymizer", "histovet", "tests", "importlib"}
    assert "Crypto" in imported


@pytest.mark.parametrize(
    "name",
    [
        "identities",
        "holders",
        "keys",
        "release",
        "delta",
        "sealed",
        "links",
        "inspections",
    ],
)
def test_a_changed_value_in_a_file_is_found(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(confirm_vectors.VECTORS, tmp_path / "vectors")
    whole = confirm_vectors.load(name)
    changes = list(_changes(whole))
    for path, value in changes[:: max(1, len(changes) // 12)]:
        _put(whole, path, _other(value))
        (folder / f"{name}.json").write_text(json.dumps(whole))
        assert _is_refused(folder), path
        _put(whole, path, value)


def _is_refused(folder: Path) -> bool:
    try:
        return any(True for _ in confirm_vectors.differences(folder))
    except (ValueError, KeyError, OverflowError, confirm_vectors.Refused):
        return True


def _changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield each derived value: long hexadecimal text, and canonical words."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _TEXTS:
                yield from _changes(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _changes(inner, (*path, place))
    elif isinstance(value, str) and len(value) >= 16 and _is_hexadecimal(value):
        yield path, value


def _is_hexadecimal(text: str) -> bool:
    return set(text) <= set("0123456789abcdef") and len(text) % 2 == 0


def _other(text: str) -> str:
    return ("0" if text[0] != "0" else "1") + text[1:]


def _put(whole: Any, path: tuple[Any, ...], value: str) -> None:
    for key in path[:-1]:
        whole = whole[key]
    whole[path[-1]] = value
