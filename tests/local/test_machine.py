"""What the tests say when the machine lacks something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from histovet.local.state import REPOSITORY
from tests import conftest


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


def test_make_alone_lists_what_can_be_made():
    shown = subprocess.run(
        ["make"], check=True, cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    for target in ("run", "test", "proofs", "ingest", "partner", "bench", "lint"):
        assert f"make {target} " in shown
