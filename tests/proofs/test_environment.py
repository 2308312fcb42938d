"""No wrong value of the environment starts anything: make proofs ONLY=environment."""

import subprocess
import sys

import pytest

from histovet.local.state import REPOSITORY
from tests.environment import OF_JOB, OF_SITE
from tests.test_environment import files, told_as, variables  # noqa: F401
from tests.test_settings import (  # noqa: F401
    deployed,
    manage,
    production,
    tmp_path,
    unrelated_variables,
)

pytestmark = pytest.mark.proof


@pytest.mark.parametrize("wrong", OF_SITE, ids=told_as)
def test_neither_the_command_line_nor_the_server_starts_with_it(deployed, files, wrong):  # noqa: F811
    given = deployed | variables(wrong, files)
    if wrong.name.startswith("HISTOVET_SIGNING_"):
        for name in ("HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE"):
            given.setdefault(name, files["pem"])
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
        lines = [line for line in said.splitlines() if wrong.name in line]
        assert any(wrong.said in line for line in lines), said
        for sign in ("Traceback", "exception=", "Warning:"):
            assert sign not in said


@pytest.mark.parametrize("wrong", OF_JOB, ids=told_as)
def test_the_job_does_not_start_with_it(production, files, wrong):  # noqa: F811
    given = {
        "DATABASE_URL": production["DATABASE_URL"],
        "HISTOVET_REGISTER_KEYS": production["HISTOVET_REGISTER_KEYS"],
    }
    done = manage(
        given | variables(wrong, files), "-m", "pseudonymizer", "ingest", "/nowhere"
    )
    assert done.returncode > 0
    assert "Traceback" not in done.stderr
    assert wrong.said in done.stderr
