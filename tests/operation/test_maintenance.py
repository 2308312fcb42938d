"""The site closed on all nodes, with its page, and opened again."""

import datetime as dt
import io
import json
import logging
import os
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from histovet.operation import requests
from histovet.operation.models import RETRY_AFTER_SECONDS, Maintenance
from histovet.operation.watch import Reason, Watch
from tests.attacks.serving import Site, site
from tests.publish import database_url

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
_SEEN_BY_ALL_SECONDS = 30


def command(*words: str) -> str:
    out = io.StringIO()
    call_command("maintenance", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def closed(db, monkeypatch):
    """This process has seen a maintenance that was announced for 90 minutes."""
    watch = Watch()
    monkeypatch.setattr(requests, "watch", watch)
    command("begin", "--minutes", "90")
    watch.round(timezone.now())
    return watch


@pytest.mark.parametrize(
    ("path", "language", "words"),
    [
        ("/", "fr", "Il rouvre dans 90 minutes environ."),
        ("/en/", "en", "It opens again in about 90 minutes."),
        ("/nowhere/", "fr", "fermé pour maintenance"),
        ("/vendeur", "fr", "fermé pour maintenance"),
        ("/r/AAAAAAAAAAAAAAAA", "fr", "fermé pour maintenance"),
    ],
)
def test_every_page_is_the_one_of_maintenance(closed, client, path, language, words):
    answer = client.get(path)
    assert answer.status_code == 503
    assert 5300 < int(answer.headers["Retry-After"]) <= 5400
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Content-Security-Policy" in answer.headers
    text = answer.content.decode()
    assert f'<html lang="{language}">' in text
    assert words in text
    assert not answer.cookies


def test_a_form_is_not_taken_and_nothing_asks_the_database(
    closed, client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        answer = client.post("/vendeur", {"plate": "AB-123-CD"})
        assert answer.status_code == 503
    text = answer.content.decode()
    assert "AB-123-CD" not in text
    unsent = "Ce que vous veniez d’envoyer n’a pas été enregistré."
    assert unsent in text
    # Who sent nothing is not told of it.
    assert unsent not in client.get("/vendeur").content.decode()


@pytest.mark.parametrize("path", ["/api/v1/report_by_code", "/histovec/api/v1/x"])
def test_the_api_answers_its_own_document(closed, client, path):
    answer = client.post(path, "{}", content_type="application/json")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 5300 < int(answer.headers["Retry-After"]) <= 5400
    document = json.loads(answer.content)
    assert document["type"] == "/api/problems/unavailable"
    assert document["statusCode"] == 503


def test_without_an_announced_end_none_is_promised(closed, client):
    command("begin")
    closed.round(timezone.now())
    answer = client.get("/")
    assert answer.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    assert "Il rouvre bientôt." in answer.content.decode()


def test_an_end_that_has_passed_opens_nothing(closed, client):
    Maintenance.objects.update(until=timezone.now() - dt.timedelta(hours=1))
    closed.round(timezone.now())
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    assert "Il rouvre bientôt." in answer.content.decode()


def test_files_of_the_page_are_still_served(closed, client):
    assert client.get("/static/css/histovet.css").status_code == 200


def test_no_visitor_is_logged(closed, client):
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        assert client.get("/").status_code == 503
    finally:
        logging.getLogger().removeHandler(handler)
    assert records == []


@pytest.mark.django_db
def test_the_command_tells_what_is_so():
    assert command("show") == "the site is open\n"
    assert command("begin").startswith("the site is closed since 20")
    since = Maintenance.objects.get().since
    told = command("begin", "--minutes", "5")
    assert ", until about 20" in told
    # It goes on: what is said of its end is all that changed.
    assert Maintenance.objects.get().since == since
    assert command("show") == told
    assert command("end") == "the site is open\n"
    assert command("end") == "the site is open\n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ("begin", "--minutes", "0"),
        ("begin", "--minutes", "1441"),
        ("begin", "--minutes", "soon"),
        ("end", "--minutes", "5"),
        ("pause",),
        (),
    ],
)
def test_what_cannot_be_meant_changes_nothing(words):
    with pytest.raises(CommandError):
        command(*words)
    assert not Maintenance.objects.exists()


def test_a_closed_site_stays_closed_while_its_database_does_not_answer(
    transactional_db,
):
    watch = Watch()
    command("begin")
    watch.round(NOW)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE operation_maintenance")
        watch.round(NOW)
        assert Reason.DATABASE_UNREACHABLE in watch.reasons()
        assert Reason.MAINTENANCE in watch.reasons()
    finally:
        other.rollback()
        other.close()
    command("end")
    watch.round(NOW)
    assert Reason.MAINTENANCE not in watch.reasons()


def _status(node: Site) -> bytes:
    asked = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    return node.send(asked).split()[1]


def _wait_until_all(nodes: list[Site], status: bytes) -> None:
    """Twenty answers in a row of each, which all its workers give some of."""
    deadline = time.monotonic() + _SEEN_BY_ALL_SECONDS
    for node in nodes:
        in_a_row = 0
        while in_a_row < 20:
            in_a_row = in_a_row + 1 if _status(node) == status else 0
            assert time.monotonic() < deadline


def test_one_command_closes_and_opens_every_node(transactional_db):
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with site(environment, workers=2) as first:
        _wait_until_all([first], b"200")
        command("begin")
        _wait_until_all([first], b"503")
        with site(environment) as second:
            _wait_until_all([second], b"503")
            command("end")
            _wait_until_all([first, second], b"200")
            for node in (first, second):
                assert "reasons=no_active_release,maintenance" in node.log.read_text()
