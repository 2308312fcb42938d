import email
import email.policy
import re
import socket

import pytest
from django.core.cache import cache
from django.test import Client

from histovet.limits.clients import BUDGETS
from tests.pages.mail import mail_server

pytestmark = pytest.mark.django_db

FIELDS = {
    "subject": "erreur",
    "message": "Le kilométrage de 2019 n’est pas le bon.",
    "email": "someone@visitor.example",
}
PLATE, FORMULA = "EK-712-QD", "2024AB12345"


@pytest.fixture(autouse=True)
def nobody_has_written():
    cache.clear()


@pytest.fixture
def box(settings):
    with mail_server() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.CONTACT_FROM = "site@histovet.example"
        settings.CONTACT_TO = "contact@histovet.example"
        yield box


def sent(box):
    (message,) = box.messages
    return email.message_from_bytes(message, policy=email.policy.default)


def test_a_message_reaches_the_one_mailbox_and_nobody_else(client, box):
    answer = client.post("/contact", FIELDS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/contact/envoye")
    message = sent(box)
    assert [name.split(":")[1] for name in box.recipients] == [
        "<contact@histovet.example>"
    ]
    assert message["From"] == "site@histovet.example"
    assert message["To"] == "contact@histovet.example"
    assert message["Reply-To"] == FIELDS["email"]
    assert message["Subject"] == "histovet : Une erreur dans un rapport"
    assert "Cc" not in message
    assert "Bcc" not in message
    body = message.get_content()
    assert FIELDS["message"] in body
    assert message.get_content_type() == "text/plain"


def test_the_subject_is_french_for_who_answers_whatever_the_page(client, box):
    answer = client.post("/en/contact", FIELDS | {"email": ""})
    assert answer.headers["Location"] == "/en/contact/sent"
    message = sent(box)
    assert message["Subject"] == "histovet : Une erreur dans un rapport"
    assert message["Reply-To"] is None


def test_what_names_a_vehicle_does_not_leave_and_the_visitor_learns_it(client, box):
    typed = f"Plaque {PLATE}, formule {FORMULA}, compteur faux."
    answer = client.post("/contact", FIELDS | {"message": typed})
    assert answer.headers["Location"] == "/contact/envoye?retire=formule.plaque"
    body = sent(box).get_content()
    assert "Plaque [plaque], formule [formule], compteur faux." in body
    assert PLATE.encode() not in box.messages[0]
    assert FORMULA.encode() not in box.messages[0]
    page = client.get(answer.headers["Location"]).content.decode()
    assert "une plaque" in page
    assert "un numéro de formule" in page
    assert "un numéro de série" not in page


def test_the_page_after_says_no_word_of_its_address(client):
    page = client.get(
        "/contact/envoye?retire=plaque.<b>x</b>.etcaetera"
    ).content.decode()
    assert "une plaque" in page
    assert "<b>x" not in page
    assert "etcaetera" not in page
    assert "retiré" not in client.get("/contact/envoye").content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"subject": ""}, "Choisissez de quoi il s’agit."),
        ({"subject": "<b>"}, "Choisissez de quoi il s’agit."),
        ({"message": " \n "}, "Écrivez votre message."),
        ({"message": "x" * 3001}, "trop long"),
        ({"email": "someone"}, "Cette adresse électronique est incomplète."),
        ({"email": "a@b.example\nBcc: x@y.example"}, "est incomplète."),
        ({"email": f"{'a' * 250}@b.example"}, "est incomplète."),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_sent(
    client, box, fields, said
):
    answer = client.post("/contact", FIELDS | fields)
    page = answer.content.decode()
    assert answer.status_code == 200
    # At the field and in the summary.
    assert page.count(said) == 2
    assert "À corriger" in page
    assert box.messages == []


def test_what_was_typed_stays_and_is_escaped(client, box):
    typed = "</textarea><script>alert(1)</script>"
    page = client.post("/contact", {"message": typed}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;/textarea&gt;&lt;script&gt;alert(1)" in page


def test_a_line_in_the_subject_is_no_header(client, box):
    client.post("/contact", FIELDS | {"message": "a\nBcc: thief@elsewhere.example"})
    assert sent(box)["Bcc"] is None
    assert len(box.recipients) == 1


def test_a_server_that_refuses_is_an_outage_with_the_text_still_there(
    client, box, caplog
):
    box.refuses = f"550 no {PLATE}"
    answer = client.post("/contact", FIELDS)
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "Notre courrier ne répond pas." in page
    assert FIELDS["message"] in page
    assert FIELDS["email"] in page
    assert "Message non envoyé" in page
    (record,) = [r for r in caplog.records if r.name == "histovet.pages.views"]
    assert record.getMessage() == "a message was not taken by the mail server"


def test_a_server_that_is_not_there_is_an_outage(client, box, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = closed.getsockname()[1]
        answer = client.post("/en/contact", FIELDS)
    assert answer.status_code == 503
    assert "Our mail does not answer." in answer.content.decode()


def test_one_network_writes_so_often_and_no_more(client, box):
    for _ in range(BUDGETS[4][32]):
        assert client.post("/contact", FIELDS).status_code == 303
    answer = client.post("/contact", FIELDS)
    page = answer.content.decode()
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3600"
    assert FIELDS["message"] in page
    assert len(box.messages) == BUDGETS[4][32]
    other = Client(REMOTE_ADDR="198.51.100.7")
    assert other.post("/contact", FIELDS).status_code == 303


def test_a_message_from_another_site_is_refused(box):
    assert Client(enforce_csrf_checks=True).post("/contact", FIELDS).status_code == 403
    assert box.messages == []


def test_without_a_mailbox_there_is_no_form(client, settings):
    settings.CONTACT_TO = ""
    page = client.get("/contact").content.decode()
    assert "<form" not in page
    assert "Adresse électronique" in page
    assert client.post("/contact", FIELDS).status_code == 404


def test_the_page_asks_for_nothing_that_opens_a_record(client):
    page = client.get("/contact").content.decode()
    names = set(re.findall(r'<(?:input|textarea)[^>]* name="([^"]+)"', page))
    assert names == {"csrfmiddlewaretoken", "subject", "message", "email"}
    assert "no-store" in client.get("/contact").headers["Cache-Control"]


def test_in_development_a_message_is_a_file(client, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    settings.CONTACT_FROM, settings.CONTACT_TO = "a@localhost", "b@localhost"
    assert client.post("/contact", FIELDS).status_code == 303
    (file,) = tmp_path.iterdir()
    assert "To: b@localhost" in file.read_text()
