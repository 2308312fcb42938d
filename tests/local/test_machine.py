"""What the tests say when the machine lacks something."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from histovet.local import arguments
from histovet.local.errors import WrongUse
from histovet.local.state import REPOSITORY, State
from histovet.local.temporary import temporary_folder
from tests import conftest
from tests.local.conftest import Machine


@pytest.mark.browser
def test_without_a_browser_its_tests_are_skipped_and_in_ci_fail(monkeypatch, request):
    monkeypatch.setattr(conftest, "CHROMIUM", Path("/nowhere/chromium"))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        conftest.pytest_runtest_setup(request.node)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        conftest.pytest_runtest_setup(request.node)


def test_a_misspelt_folder_of_the_extract_is_an_error():
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "tests/local"],
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "HISTOVET_REAL_EXTRACT": "/nowhere/data"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "HISTOVET_REAL_EXTRACT names no folder" in ended.stderr


@pytest.mark.parametrize(
    ("target", "variable"), [("ingest", "FEED"), ("partner", "NAME")]
)
def test_make_says_which_variable_is_missing(target, variable):
    without = {k: v for k, v in os.environ.items() if k != variable}
    ended = subprocess.run(
        ["make", target],
        check=False,
        cwd=REPOSITORY,
        env=without,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert f"{variable} is missing: make {target}" in ended.stderr


@pytest.mark.parametrize("text", ["abc", "", "0", "-1", "65536", "8000.5", "9" * 5000])
def test_a_port_that_is_none_is_refused(text):
    with pytest.raises(WrongUse, match="is no port"):
        arguments.port(text)


def test_a_port_is_read():
    assert [arguments.port(text) for text in ("1", "8000", "65535")] == [1, 8000, 65535]


def test_a_port_that_is_none_is_told_in_a_line(tmp_path):
    ended = Machine(tmp_path).run("run", PORT="99999")
    assert ended.returncode == 2
    assert ended.stderr == (
        "histovet: 99999 is no port; give one from 1 to 65535: make run PORT=8001\n"
    )


def test_a_feed_that_is_closed_to_us_is_told_in_a_line(tmp_path):
    feed = tmp_path / "feed"
    feed.mkdir(mode=0)
    # Root enters any folder, unless this is taken from it.
    below_root = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    ended = Machine(tmp_path).run(
        *("ingest", "--feed", str(feed), "--label", "a", "--as-of", "2026-01-01"),
        under=below_root if os.geteuid() == 0 else (),
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"histovet: {feed} is closed to us")
    assert ended.stderr.count("\n") == 1


def test_a_feed_that_does_not_exist_is_told_in_a_line(tmp_path):
    ended = Machine(tmp_path).run("ingest", "--feed", str(tmp_path / "nowhere"))
    assert ended.returncode == 1
    assert "nowhere is no folder" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_proof_that_does_not_exist_is_answered_with_those_that_do(tmp_path):
    ended = Machine(tmp_path).run("proofs", "--only", "nosuch")
    assert ended.returncode == 2
    files = (REPOSITORY / "tests" / "proofs").glob("test_*.py")
    assert ended.stderr == (
        "histovet: there is no proof nosuch; ONLY names one of: "
        + ", ".join(sorted(file.stem.removeprefix("test_") for file in files))
        + "\n"
    )


def test_a_proof_without_the_extract_fails_and_names_the_variable(tmp_path):
    proof = tmp_path / "test_proof.py"
    proof.write_text(
        "import pytest\nfrom tests import extract\n"
        "@pytest.mark.proof\ndef test_proof():\n    extract.folder()\n"
    )
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", "pyproject.toml"),
            *("-p", "tests.conftest", "-p", "no:cacheprovider", "-m", "proof"),
            str(proof),
        ],
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "HISTOVET_REAL_EXTRACT": ""},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "\nset HISTOVET_REAL_EXTRACT to the folder" in ended.stdout
    assert "1 failed" in ended.stdout


def test_the_tests_leave_nothing_outside_the_state_folder(machine, tmp_path):
    name = "test_a_port_that_is_taken_is_told_before_anything_is_made"
    ended = machine.run(
        *("test", "--", "-q", f"tests/local/test_site.py::{name}"),
        TMPDIR=str(tmp_path),
        PYTEST_DEBUG_TEMPROOT=str(tmp_path),
    )
    assert "1 passed" in ended.stdout
    assert list(tmp_path.iterdir()) == []
    left = machine.state / "tmp"
    assert [path for path in left.rglob("*") if not path.is_dir()] == []
    assert len(list(left.rglob("*"))) <= 1


@pytest.mark.parametrize(("depth", "inside"), [(1, True), (12, False)])
def test_temporary_files_are_in_the_state_folder_where_a_socket_fits(depth, inside):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="") as root:
        state = State(Path(root, *["state"] * depth))
        state.root.mkdir(parents=True)
        with temporary_folder(state) as folder:
            assert folder.is_relative_to(state.root) is inside
            name = folder / "org.chromium.Chromium.XXXXXX" / "SingletonSocket"
            assert len(os.fsencode(name)) <= 107
            (folder / "left").touch()
        assert not folder.exists()


def test_make_alone_lists_what_can_be_made():
    shown = subprocess.run(
        ["make"], check=True, cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    for target in (
        *("run", "test", "proofs", "ingest", "partner", "lint"),
        *("bench", "bench-ingest", "bench-growth"),
    ):
        assert f"make {target} " in shown
