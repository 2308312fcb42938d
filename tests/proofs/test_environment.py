"""No wrong value of the environment starts anything: make proofs ONLY=environment."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from histovet.local.state import REPOSITORY
from tests.environment import OF_JOB, OF_SITE, Wrong
from tests.outside import folder_outside
from tests.publish import database_url
from tests.test_environment import files, told_as, variables  # noqa: F401
from tests.test_settings import (  # noqa: F401
    key,
    manage,
    production,
    tmp_path,
    unrelated_variables,
    write_ring,
)

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def static() -> Iterator[Path]:
    """A state folder whose files are collected."""
    with folder_outside() as folder:
        for number, name in enumerate(("register", "site"), start=1):
            write_ring(folder / name, name, {1: key(number)}, 1)
        given = {
            "DATABASE_URL": "postgresql://someone@db.example/histovet",
            "HISTOVET_HOSTS": "histovet.example",
            "HISTOVET_STATE": str(folder),
            "HISTOVET_REGISTER_KEYS": str(folder / "register"),
            "HISTOVET_SITE_KEYS": str(folder / "site"),
        }
        done = manage(given, "manage.py", "collectstatic", "--noinput")
        assert done.returncode == 0, done.stderr
        yield folder


def some_of(table: list[Wrong]) -> list[Wrong]:
    """Whatever a check finds, and of what the settings refuse one value a variable:
    tests/test_environment.py goes over all of those."""
    first = {wrong.name: wrong for wrong in reversed(table) if not wrong.is_check}
    return [*first.values(), *(wrong for wrong in table if wrong.is_check)]


@pytest.mark.parametrize("wrong", some_of(OF_SITE), ids=told_as)
def test_neither_the_command_line_nor_the_server_starts_with_it(
    production,  # noqa: F811
    static,
    files,  # noqa: F811
    wrong,
):
    given = production | {"HISTOVET_STATE": str(static)} | variables(wrong, files)
    if wrong.name.startswith("HISTOVET_SIGNING_"):
        for name in ("HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE"):
            given.setdefault(name, os.environ[name])
    checked = manage(given, "manage.py", "check", "--deploy")
    assert checked.returncode == 1
    served = subprocess.run(
        [
            *(sys.executable, "-m", "gunicorn", "--config", "python:histovet.gunicorn"),
            *("--workers", "1", "--bind", "127.0.0.1:0"),
        ],
        cwd=REPOSITORY,
        env=unrelated_variables() | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert served.returncode == 3
    for said in (checked.stderr, served.stderr):
        assert wrong.name in said and wrong.said in said, said
        for sign in ("Traceback", "exception=", "Warning:"):
            assert sign not in said


@pytest.fixture(scope="module")
def feed() -> Iterator[Path]:
    """A feed with its manifest, which is read first."""
    with folder_outside() as folder:
        feed = folder / "feed"
        for arguments in (
            ("synthesise", feed, "--vehicles", "10", "--seed", "1"),
            ("manifest", feed, "--label", "essai", "--as-of", "2026-01-01"),
        ):
            done = manage({}, "-m", "pseudonymizer", *map(str, arguments))
            assert done.returncode == 0, done.stderr
        yield feed


@pytest.mark.parametrize("wrong", OF_JOB, ids=told_as)
def test_the_job_does_not_start_with_it(db, production, feed, files, wrong):  # noqa: F811
    given = {
        # A true one: it is asked before the ring is read.
        "DATABASE_URL": database_url(),
        "HISTOVET_REGISTER_KEYS": production["HISTOVET_REGISTER_KEYS"],
    }
    done = manage(
        given | variables(wrong, files), "-m", "pseudonymizer", "ingest", str(feed)
    )
    assert done.returncode > 0
    assert "Traceback" not in done.stderr
    assert wrong.said in done.stderr
