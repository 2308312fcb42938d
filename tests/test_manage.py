"""The site's command line says what is wrong, and not where."""

import os
import subprocess
import sys

import pytest

from histovet.local.state import REPOSITORY


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://someone:s3cret@host/name", "another database"),
        ("HISTOVET_SITE_KEYS", "/nowhere/site.json", "HISTOVET_SITE_KEYS"),
        ("HISTOVET_DEBUG", "2", "HISTOVET_DEBUG is neither 0 nor 1"),
        (
            "DATABASE_URL",
            "postgresql://someone:s3cret@127.0.0.1:1/name",
            "the database of DATABASE_URL does not let us in",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_told_in_one_line(variable, value, told):
    ended = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=REPOSITORY,
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "s3cret" not in ended.stderr + ended.stdout
