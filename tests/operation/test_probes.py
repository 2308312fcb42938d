"""/healthz and /readyz, asked of a process that has looked."""

import datetime as dt
import logging
import time

import pytest
from django.db import connection, connections
from django.utils import timezone

from histovet.operation import requests
from histovet.operation.models import Maintenance
from histovet.operation.watch import STALE_SECONDS, Reason, Seen, Watch, differs
from histovet.vault import releases
from histovet.vault.models import Release
from tests.publish import publish
from tests.test_settings import key, write_ring
from tests.vehicles import siv_lines, write_file

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
AS_OF = "2026-11-25"


@pytest.fixture
def watch(monkeypatch):
    """A process that knows nothing yet, which the requests of this test ask."""
    fresh = Watch()
    monkeypatch.setattr(requests, "watch", fresh)
    monkeypatch.setattr(releases, "_ready", None)
    return fresh


@pytest.fixture
def published(transactional_db, tmp_path):
    write_file(tmp_path / "feed", "siv.csv.gz", siv_lines(3))
    publish(tmp_path / "feed", as_of=AS_OF)


def reasons(client) -> list[str]:
    answer = client.get("/readyz")
    assert answer.status_code == (503 if answer.json()["reasons"] else 200)
    assert answer.json()["ready"] is (answer.status_code == 200)
    return answer.json()["reasons"]


def test_healthz_asks_nothing(client, watch):
    # Without django_db a query would fail.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "maintenance": False},
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_is_answered_by_address_over_http_and_never_stored(
    client, watch, settings, path
):
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get(path, headers={"host": "10.1.2.3:8000"})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.head(path).status_code == answer.status_code
    refused = client.post(path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert not answer.cookies


@pytest.mark.parametrize("path", ["/en/healthz", "/healthz/", "/en/readyz", "/readyz/"])
def test_a_probe_has_one_address(client, path):
    assert client.get(path).status_code == 404


def test_a_probe_is_not_logged(client, watch):
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        assert client.get("/readyz").status_code == 503
        assert records == []
        client.get("/nowhere/")
        assert [record.status_code for record in records] == [404]
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_process_that_has_not_looked_is_not_ready(client, watch):
    assert reasons(client) == ["starting"]


def test_with_a_fresh_release_it_is_ready(client, watch, published):
    watch.round(NOW)
    assert reasons(client) == []
    release = client.get("/readyz").json()["release"]
    assert release["as_of"] == AS_OF
    assert release["number"] == Release.objects.get(state="active").number
    assert set(release) == {"number", "as_of", "age_days"}


def test_the_age_is_counted_from_the_day_of_the_data(
    client, watch, published, settings
):
    settings.RELEASE_MAX_AGE_DAYS = 5
    last = dt.datetime(2026, 11, 30, 23, 59, tzinfo=dt.UTC)
    watch.round(last)
    assert reasons(client) == []
    watch.round(last + dt.timedelta(minutes=1))
    assert reasons(client) == ["release_too_old"]


@pytest.mark.django_db
def test_without_a_release_it_is_not_ready(client, watch):
    watch.round(NOW)
    assert reasons(client) == ["no_active_release"]


def test_a_release_whose_row_was_changed_is_unreadable(client, watch, published):
    Release.objects.update(label="changed")
    watch.round(NOW)
    assert reasons(client) == ["release_unreadable"]


def test_a_ring_that_went_is_told_while_reports_are_still_read(
    client, watch, published, settings, tmp_path
):
    watch.round(NOW)
    settings.SITE_KEYS_PATH = tmp_path / "gone.json"
    watch.round(NOW)
    assert reasons(client) == ["key_ring_unreadable"]
    settings.SITE_KEYS_PATH = write_ring(
        tmp_path / "open.json", "site", {1: key(2)}, 1, mode=0o644
    )
    watch.round(NOW)
    assert reasons(client) == ["key_ring_unreadable"]


def test_tables_of_another_version_are_told(client, watch, published):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE operation_maintenance RENAME TO away")
    try:
        watch.round(NOW)
        assert reasons(client) == ["database_of_another_version"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO operation_maintenance")


def test_a_locked_table_holds_nobody_for_long(client, watch, published):
    """As during a migration; the look gives up by itself."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE operation_maintenance")
        watch.round(NOW)
        assert reasons(client) == ["database_unreachable"]
    finally:
        other.rollback()
        other.close()
    watch.round(NOW)
    assert reasons(client) == []


def test_a_look_that_never_ends_is_a_database_that_does_not_answer(watch):
    watch.seen = Seen(time.monotonic() - STALE_SECONDS - 1, ())
    assert watch.reasons() == (Reason.DATABASE_UNREACHABLE,)


def test_maintenance_is_a_reason_and_no_illness(client, watch, published):
    Maintenance.objects.create(since=timezone.now())
    watch.round(NOW)
    assert reasons(client) == ["maintenance"]
    assert client.get("/healthz").json() == {"status": "ok", "maintenance": True}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, False), (30, False), (-30, False), (31, True)]
)
def test_clocks_that_differ_are_told_whichever_is_ahead(seconds, expected):
    other = NOW + dt.timedelta(seconds=seconds)
    assert differs(NOW, other) is differs(other, NOW) is expected
