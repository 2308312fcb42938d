"""Feeds published by the job, read by the site with the keys of its own settings."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from pseudonymizer.config import Config
from pseudonymizer.ingest import ingest
from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.progress import Progress
from tests.publish import database_url
from tests.vehicles import write_delta, write_feed

Publish = Callable[..., Path]


@pytest.fixture
def publish(transactional_db: None, tmp_path: Path) -> Iterator[Publish]:
    """Return a function that makes a feed of the given lines the active release, or
    applies a delta of them to it, and returns the folder."""
    config = Config(database_url(), settings.REGISTER_KEYS_PATH)

    def published(
        *lines: dict[str, str], label: str = "essai", after: Path | None = None, **delta
    ) -> Path:
        folder = tmp_path / label
        if after is None:
            write_feed(folder, lines, label)
        else:
            write_delta(folder, after, upsert=lines, **delta)
        progress = Progress(io.StringIO())
        assert ingest(folder, folder / MANIFEST_NAME, config, progress).activated
        return folder

    yield published
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'vault_record'::regclass"
        )
        for (partition,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {partition}")
