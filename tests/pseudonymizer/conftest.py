"""What the tests of the job need: its settings, and an empty vault."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from pseudonymizer.config import Config
from pseudonymizer.key_ring import write_new_ring
from pseudonymizer.load import Vault
from tests.publish import database_url

REGISTER_KEY = bytes(range(32))


@pytest.fixture
def config(
    transactional_db: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Config]:
    keys = tmp_path_factory.mktemp("keys") / "register.json"
    write_new_ring(keys, "register", REGISTER_KEY)
    yield Config(database_url(), keys, max_reject_share=0.01)
    # The tables of models are emptied after each test; partitions are not of them.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'vault_record'::regclass"
        )
        for (partition,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {partition}")


@pytest.fixture
def environment(config: Config) -> dict[str, str]:
    """The environment of a job that runs as a process of its own."""
    return {
        **os.environ,
        "DATABASE_URL": config.database_url,
        "HISTOVET_REGISTER_KEYS": str(config.register_keys),
    }


@pytest.fixture
def vault(config: Config) -> Iterator[Vault]:
    with Vault(config.database_url) as vault:
        yield vault


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "feed"
