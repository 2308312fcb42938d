"""Property 3: whoever has copies of two releases cannot follow a vehicle."""

import pytest
from django.db import connection

from tests import vehicles
from tests.publish import publish

RUN_BYTES = 8


def _rows(number: int) -> list[tuple[bytes, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, sealed FROM vault_record WHERE release_number = %s",
            [number],
        )
        return [(row[0].bytes, bytes(row[1])) for row in cursor]


def _runs(values: list[bytes]) -> set[bytes]:
    """Return every run of bytes that two copies could be matched by."""
    return {
        value[start : start + RUN_BYTES]
        for value in values
        # The two bytes of format and dictionary are the same everywhere.
        for start in range(2, len(value) - RUN_BYTES + 1)
    }


@pytest.mark.django_db(transaction=True)
def test_two_releases_of_the_same_feed_share_no_run_of_bytes(tmp_path):
    folder = tmp_path / "feed"
    vehicles.write_file(folder, "siv.csv.gz", vehicles.siv_lines(300))
    publish(folder, label="one")
    publish(folder, label="two")
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM vault_release ORDER BY number")
        one, two = (_rows(number) for (number,) in cursor.fetchall())
    assert len(one) == len(two) == 300
    assert not {row[0] for row in one} & {row[0] for row in two}
    assert not _runs([row[1] for row in one]) & _runs([row[1] for row in two])


@pytest.mark.django_db(transaction=True)
def test_equal_vehicles_of_one_release_share_no_run_of_bytes(tmp_path):
    """The lines differ in plate and number alone: the same facts, the same holder."""
    folder = tmp_path / "feed"
    vehicles.write_file(folder, "siv.csv.gz", vehicles.siv_lines(300))
    publish(folder)
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM vault_release")
        rows = _rows(cursor.fetchone()[0])
    runs = [_runs([sealed]) for _, sealed in rows]
    assert sum(len(run) for run in runs) == len(set().union(*runs))
