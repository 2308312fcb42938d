"""Publish a feed into the test database with the job's own command line."""

import os
import tempfile
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

from django.db import connection

from pseudonymizer.__main__ import main


def database_url() -> str:
    """Return the URL of the database that this test has."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    return f"{url.scheme}://{url.netloc}/{name}?{url.query}"


def publish(folder: Path, *, label: str = "essai", as_of: str = "2021-10-26") -> None:
    """Make the feed in `folder` the active release; the folder is only read."""
    _drop_orphans()
    with tempfile.TemporaryDirectory() as elsewhere:
        manifest = f"{elsewhere}/manifest.json"
        with mock.patch.dict(os.environ, DATABASE_URL=database_url()):
            named = ["--label", label, "--as-of", as_of, "--out", manifest]
            assert main(["manifest", str(folder), *named]) == 0
            ingested = ["ingest", str(folder), "--manifest", manifest]
            # Of a few lines; each process more would take longer to start.
            assert main([*ingested, "--workers", "1"]) == 0


def ingest(folder: Path) -> None:
    """Ingest a feed under the manifest that stands in its folder."""
    _drop_orphans()
    assert ingest_status(folder) == 0


def ingest_status(folder: Path) -> int:
    """Return the exit code of the ingest of a folder."""
    with mock.patch.dict(os.environ, DATABASE_URL=database_url()):
        return main(["ingest", str(folder), "--workers", "1"])


def _drop_orphans() -> None:
    """A test that commits is cleaned by emptying tables: its partitions stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('DROP TABLE %I', relname) FROM pg_class "
            "JOIN pg_inherits ON inhrelid = pg_class.oid "
            "WHERE inhparent = 'vault_record'::regclass AND relname NOT IN "
            "(SELECT 'vault_record_' || number FROM vault_release)"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
