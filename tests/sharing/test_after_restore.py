"""A backup of the database, restored: no link of before opens."""

import io
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from histovet.local import postgres
from histovet.local.databases import own_database
from histovet.local.state import REPOSITORY
from histovet.sharing.models import Link
from tests.publish import database_url
from tests.sharing.test_seller_views import make, opens, seller_of


def states(url: str) -> tuple[int, ...] | None:
    """How many links there are, hold a capsule, hold a keepsake, have ended."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT count(*), count(capsule), count(keepsake), count(ended_at)"
            " FROM sharing_link"
        ).fetchone()


def program(name: str, *arguments: str) -> None:
    command = [str(Path(postgres.binaries(), name)), *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_after_a_rehearsed_restore_every_older_link_has_ended(shown, tmp_path):
    seller = seller_of(shown["clean"])
    links = [make(seller) for _ in range(3)]
    backup = str(tmp_path / "backup")
    program("pg_dump", "--format=custom", f"--file={backup}", database_url())
    assert seller.post("/liens/fin").status_code == 303
    assert not any(opens(link) for link in links)

    with own_database(os.environ["DATABASE_URL"]) as restored:
        program("pg_restore", "--no-owner", f"--dbname={restored}", backup)
        # What their owner had ended lives again.
        assert states(restored) == (3, 3, 3, 0)
        done = subprocess.run(
            [sys.executable, "manage.py", "after_restore", "--yes"],
            cwd=REPOSITORY,
            env={**os.environ, "DATABASE_URL": restored},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "ended 3 links\n"
        assert states(restored) == (3, 0, 0, 3)


def test_no_link_opens_after_it_and_one_made_since_does(shown):
    seller = seller_of(shown["clean"])
    old = make(seller)
    assert opens(old)
    call_command("after_restore", "--yes", stdout=io.StringIO())
    assert not opens(old)
    assert opens(make(seller))


@pytest.mark.django_db
def test_it_is_not_done_by_a_slip(shown):
    make(seller_of(shown["clean"]))
    with pytest.raises(CommandError, match="--yes"):
        call_command("after_restore")
    assert Link.objects.get().capsule is not None
