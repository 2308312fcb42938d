from io import BytesIO

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.pages.failing_urls")

PAGES = [
    ("/bad/", 400, "Cette demande n’a pas été comprise", "not understood"),
    ("/closed/", 403, "Cette page ne vous est pas ouverte", "not open to you"),
    ("/nowhere/", 404, "Cette page n’existe pas", "This page does not exist"),
    ("/limited/", 429, "Trop d’essais en peu de temps", "Too many attempts"),
    ("/fails/", 500, "Le site ne répond pas comme il devrait", "not working"),
    ("/away/", 503, "Le site ne peut pas répondre pour l’instant", "cannot answer"),
    ("/broken-off/", 503, "ne peut pas répondre pour l’instant", "cannot answer"),
]


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(("path", "status", "french", "english"), PAGES)
def test_each_error_page_speaks_the_visitors_language(
    client, path, status, french, english
):
    for prefix, language, heading in (("", "fr", french), ("/en", "en", english)):
        answer = client.get(prefix + path)
        page = answer.content.decode()
        assert answer.status_code == status
        assert f'<html lang="{language}">' in page
        assert heading in page
        assert f'href="{prefix}/"' in page


@pytest.mark.parametrize(("path", "status", "french", "english"), PAGES)
def test_error_pages_are_neither_stored_nor_indexed(
    client, path, status, french, english
):
    answer = client.get(path)
    assert "no-store" in answer.headers["Cache-Control"]
    assert '<meta name="robots" content="noindex">' in answer.content.decode()


def test_the_language_after_a_failure_is_the_paths_not_the_previous_visitors(client):
    client.get("/en/")
    assert '<html lang="fr">' in client.get("/fails/").content.decode()


def test_the_failure_page_needs_neither_database_nor_context(client, settings):
    # pytest-django refuses any query here: this test asks for no database.
    for engine in settings.TEMPLATES:
        assert engine["OPTIONS"]["context_processors"]
    settings.TEMPLATES = [
        engine
        | {
            "OPTIONS": engine["OPTIONS"]
            | {"context_processors": ["tests.pages.test_errors.refuses_to_run"]}
        }
        for engine in settings.TEMPLATES
    ]
    answer = client.get("/fails/")
    assert answer.status_code == 500
    assert "Cela ne vient pas de vous" in answer.content.decode()


def test_who_finds_the_database_away_is_told_when_to_come_back(client):
    unsaved = "Ce que vous veniez d’envoyer n’a peut-être pas été enregistré."
    read = client.get("/away/")
    sent = client.post("/away/", {"name": "x"})
    assert read.headers["Retry-After"] == sent.headers["Retry-After"] == "60"
    assert "Réessayez dans une minute." in read.content.decode()
    assert unsaved in sent.content.decode()
    # Who sent nothing is not told of it.
    assert unsaved not in read.content.decode()
    assert "Retry-After" not in client.get("/fails/").headers


def refuses_to_run(request):
    raise AssertionError("a context processor ran")


def test_an_unknown_host_gets_the_page_for_a_request_not_understood(client):
    answer = client.get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "Cette demande n’a pas été comprise" in answer.content.decode()


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "x" * 70_000},
        {f"name{number}": "x" for number in range(61)},
        {"name": BytesIO(b"a file")},
    ],
    ids=["too long", "too many fields", "a file"],
)
def test_a_request_that_brings_too_much_is_refused(client, sent):
    assert client.post("/form/", sent).status_code == 400
    assert client.post("/form/", {"name": "x"}).status_code == 200


def test_a_form_from_elsewhere_is_refused_with_what_to_do():
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/form/", {"name": "x"})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Le formulaire n’a pas été accepté" in page
    assert "autorisez ceux de ce site" in page
    assert "CSRF" not in page


@pytest.mark.parametrize(
    ("path", "seconds", "sentence"),
    [
        ("/limited/", "60", "Attendez 1 minute,"),
        ("/limited-for-long/", "119", "Attendez 2 minutes,"),
        ("/en/limited-for-long/", "119", "Wait 2 minutes,"),
    ],
)
def test_who_is_limited_learns_until_when(client, path, seconds, sentence):
    answer = client.get(path)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == seconds
    assert sentence in answer.content.decode()
