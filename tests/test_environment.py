"""Each variable of README's table that is deployed, with values that it may not have."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.environment import OF_JOB, OF_SITE, Wrong
from tests.test_repository import ROOT
from tests.test_settings import (  # noqa: F401
    deployed,
    key,
    manage,
    production,
    start,
    tmp_path,
    unrelated_variables,
    write_ring,
)

_LINE = re.compile(r"[^\n]*\S[^\n]*")


@pytest.fixture
def files(tmp_path):  # noqa: F811
    """Name → a file that is wrong in the way that its name says."""
    made = {}
    for name, content, mode in (
        ("noise", bytes(range(200, 256)), 0o600),
        ("empty", b"", 0o600),
        ("open", b"secret\n", 0o644),
        ("secret", b"secret\n", 0o600),
        ("accented", "é\n".encode(), 0o600),
        ("pem", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n", 0o600),
    ):
        made[name] = tmp_path / f"wrong-{name}"
        made[name].write_bytes(content)
        made[name].chmod(mode)
    made["absent"] = tmp_path / "absent"
    made["folder"] = tmp_path / "a-folder"
    made["folder"].mkdir()
    made["loop"] = tmp_path / "loop"
    made["loop"].symlink_to(made["loop"])
    for name, purpose in (("register_ring", "register"), ("site_ring", "site")):
        made[name] = write_ring(tmp_path / name, purpose, {1: key(7)}, 1)
    made["same_key"] = write_ring(tmp_path / "same", "site", {1: key(1)}, 1)
    return {name: str(path) for name, path in made.items()}


def variables(wrong: Wrong, files: dict[str, str]) -> dict[str, str]:
    given = {**wrong.beside, wrong.name: wrong.value}
    return {name: value.format(**files) for name, value in given.items()}


def told_as(wrong: Wrong) -> str:
    return f"{wrong.name}={wrong.value[:40]}"


def test_no_variable_that_is_deployed_is_forgotten():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| ([a-z, ]+) \|", readme, re.MULTILINE)
    for reader, table in (("site", OF_SITE), ("job", OF_JOB)):
        deployed = {name for name, by in rows if reader in by.split(", ")}  # noqa: F811
        assert deployed == {wrong.name for wrong in table}


@pytest.mark.parametrize(
    "wrong", [wrong for wrong in OF_SITE if not wrong.is_check], ids=told_as
)
def test_a_wrong_value_is_refused_by_its_name(production, start, files, wrong):  # noqa: F811
    given = production | variables(wrong, files)
    if wrong.name.startswith("HISTOVET_SIGNING_"):
        # The settings want both; what is in them is for a check.
        given.setdefault("HISTOVET_SIGNING_KEY", files["absent"])
        given.setdefault("HISTOVET_SIGNING_CERTIFICATE", files["absent"])
        del given[wrong.name]
        wrong = Wrong(wrong.name, "", "is not set")
    with pytest.raises(ImproperlyConfigured) as refused:
        start(given)
    message = str(refused.value)
    assert _LINE.fullmatch(message)
    assert wrong.name in message
    assert wrong.said in message
