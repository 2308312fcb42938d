"""The site's command line says what is wrong, and not where."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from django.db import connection

from histovet.commands import SiteCommand
from histovet.local.state import REPOSITORY
from tests.publish import database_url


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


def test_without_its_tables_a_command_says_to_migrate(db):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry RENAME TO away")
    with pytest.raises(CommandError, match="run, as their owner: .* migrate"):
        call_command("audit", "verify")


OURS = {
    name: app for name, app in get_commands().items() if app.startswith("histovet.")
}


def test_a_command_loads_no_page(db):
    program = (
        "import sys; from django.core.management import execute_from_command_line;"
        "execute_from_command_line(['manage.py', 'audit', 'verify']);"
        "sys.exit(', '.join({'histovet.urls', 'ninja', 'pyhanko.sign'} & {*sys.modules}) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "histovet.settings",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_of_ours_is_checked_alike(name):
    assert isinstance(load_command_class(OURS[name], name), SiteCommand)
