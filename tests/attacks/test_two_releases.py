"""Property 3: whoever has copies of two releases cannot follow a vehicle."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from histovet.sharing import links
from histovet.sharing.models import Link
from histovet.vault import reading
from pseudonymizer.normalise import siv_identity
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


@pytest.mark.django_db(transaction=True)
def test_links_made_in_either_release_lead_to_no_record_of_any(tmp_path):
    """The rows of a vehicle's links have its owner tag in common, and that is all that
    two copies show: no run of bytes of a link stands in a record or a release."""
    folder = tmp_path / "feed"
    lines = vehicles.siv_lines(50)
    vehicles.write_file(folder, "siv.csv.gz", lines)
    identities = [
        siv_identity(line["plaq_immat"], line["numero_formule"]) for line in lines[:10]
    ]
    for label in ("one", "two"):
        publish(folder, label=label)
        for identity in identities:
            links.create(
                identity,
                reading.read(identity),
                bytes(range(16)),
                life=dt.timedelta(days=7),
                now=timezone.now(),
            )
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, salt, mac FROM vault_release")
        releases = cursor.fetchall()
    stored = [bytes(value) for release in releases for value in release[1:]]
    for number, *_ in releases:
        for record_id, sealed in _rows(number):
            stored += [record_id, sealed]
    rows = [
        [bytes(value) for value in row]
        for row in Link.objects.values_list(
            "public_id", "owner_tag", "owner_proof", "capsule", "keepsake"
        )
    ]
    assert (len(releases), len(stored), len(rows)) == (2, 2 * 102, 20)
    assert not _runs([value for row in rows for value in row]) & _runs(stored)
    # Of each vehicle two rows, with the tag and its one owner's proof in common.
    assert len({row[1] for row in rows}) == len({row[2] for row in rows}) == 10
    for place in (0, 3, 4):
        assert len({row[place] for row in rows}) == 20
