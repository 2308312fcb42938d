"""The bill of materials names all that is of others, and nothing that is not so."""

import re
import shutil
import subprocess

import pytest

from histovet.local import bill
from histovet.local.bill import VENDORED, bill_of_materials, pins
from histovet.local.errors import LocalError
from histovet.local.state import REPOSITORY, State

_OF_OTHERS = re.compile(
    r"(static/fonts/|static/js/[^/]+/|histovet/history/fonts/).*|.*\.(woff2?|ttf|otf|min\.js)"
)


@pytest.fixture(scope="module")
def made():
    return bill_of_materials(REPOSITORY)


def by_address(made) -> dict[str, dict]:
    return {one["bom-ref"]: one for one in made["components"]}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_pin_stands_in_it_with_all_its_digests(made, name):
    text = (REPOSITORY / name).read_text()
    # Counted another way than the bill does.
    lines = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    found = by_address(made)
    assert len(list(pins(REPOSITORY / name))) == len(lines)
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pinned = re.match(r"([A-Za-z0-9._-]+)[^=]*==(\S+)", block)
        if pinned is None:
            continue
        one = found[f"pkg:pypi/{pinned[1]}@{pinned[2]}"]
        (reference,) = one["externalReferences"]
        digests = re.findall("sha256:([0-9a-f]{64})", block)
        assert [h["content"] for h in reference["hashes"]] == digests != []


def test_what_runs_is_told_from_what_tests(made):
    runtime = {pin.name for pin in pins(REPOSITORY / "requirements.txt")}
    libraries = [one for one in made["components"] if one["type"] == "library"]
    for one in libraries:
        assert (one["scope"] == "required") is (one["name"] in runtime)
    assert len({one["bom-ref"] for one in libraries}) == len(libraries)


def test_each_component_has_a_licence(made):
    assert [one["name"] for one in made["components"] if not one["licenses"]] == []


def test_each_file_of_others_is_named():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    found = {
        name
        for name in listed.stdout.splitlines()
        if _OF_OTHERS.fullmatch(name) and not name.endswith("LICENSE.txt")
    }
    assert found == {one.path for one in VENDORED}
    for name in found:
        assert (REPOSITORY / name).with_name("LICENSE.txt").is_file()


@pytest.mark.parametrize("one", VENDORED, ids=lambda one: one.path)
def test_a_file_that_was_changed_is_not_told_as_what_it_was(tmp_path, one):
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("")
    for other in VENDORED:
        (tmp_path / other.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / other.path, tmp_path / other.path)
    assert len(bill_of_materials(tmp_path)["components"]) == len(VENDORED)
    with (tmp_path / one.path).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(LocalError, match=re.escape(one.path)):
        bill_of_materials(tmp_path)


@pytest.mark.parametrize(
    ("line", "why"),
    [("django==0.1", "pinned to 0.1"), ("no-such-package==1.0", "not installed")],
)
def test_what_is_not_installed_as_pinned_is_refused(tmp_path, line, why):
    (tmp_path / "requirements.txt").write_text(f"{line} \\\n    --hash=sha256:00\n")
    (tmp_path / "requirements-dev.txt").write_text("")
    with pytest.raises(LocalError, match=why):
        bill_of_materials(tmp_path)


def test_it_is_written_to_the_state_folder_and_the_same_each_time(tmp_path):
    state = State(tmp_path)
    bill.write_bill(state)
    first = state.bill.read_bytes()
    bill.write_bill(state)
    assert state.bill.read_bytes() == first
    assert first.startswith(b'{\n  "$schema"')


def test_what_is_tested_is_what_runs():
    """A package in both files of requirements has one version."""
    development = {pin.name: pin for pin in pins(REPOSITORY / "requirements-dev.txt")}
    for pin in pins(REPOSITORY / "requirements.txt"):
        assert development[pin.name] == pin
