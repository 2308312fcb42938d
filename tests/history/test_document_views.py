"""Documents that a seller takes along, and the page that tells how to check them."""

import html
import logging
import re

import pytest
from asn1crypto import pem
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone

from histovet.history import document_views
from histovet.history.signatory import signatory
from histovet.logs import LineFormatter
from histovet.vault.withholding import Reason, withhold
from pseudonymizer.normalise import siv_identity
from pseudonymizer.records import Register
from tests.history.showcase import publish_showcase, typed
from tests.poppler import signatures_of, text_of

REPORT, SITUATION = "/rapport/pdf", "/rapport/situation.pdf"
VERIFY, CERTIFICATE = "/verifier-un-document", "/certificat.pem"

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(transactional_db, tmp_path):
    cache.clear()
    return publish_showcase(tmp_path)


def seller_of(vehicle) -> Client:
    client = Client()
    assert client.post("/vendeur", typed(vehicle)).status_code == 303
    return client


@pytest.mark.parametrize("path", [REPORT, SITUATION])
@pytest.mark.parametrize("kind", ["clean", "company", "fni", "stolen", "import"])
def test_a_seller_takes_a_signed_document_along(shown, kind, path, tmp_path):
    answer = seller_of(shown[kind]).post(path)
    assert answer.status_code == 200
    assert "Signature is Valid" in signatures_of(answer.content, tmp_path)
    text = text_of(answer.content)
    assert "••" in text
    assert "Situation administrative" in text
    assert ("Certificat de situation administrative" in text) is (path == SITUATION)


@pytest.mark.parametrize(
    ("path", "name"),
    [(REPORT, "rapport-histovet.pdf"), (SITUATION, "certificat-de-situation.pdf")],
)
def test_its_headers_keep_it_with_its_reader(shown, path, name):
    answer = seller_of(shown["clean"]).post(path)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", [REPORT, SITUATION])
def test_who_typed_no_certificate_is_sent_to_where_it_is_typed(client, shown, path):
    answer = client.post(path)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/vendeur?suite=delai"


@pytest.mark.parametrize("path", [REPORT, SITUATION])
@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_a_document_is_made_by_a_form_alone(shown, path, method):
    answer = getattr(seller_of(shown["clean"]), method)(path)
    assert answer.status_code == 405


@pytest.mark.parametrize("path", [REPORT, SITUATION])
def test_the_form_has_to_be_ours(shown, path):
    client = Client(enforce_csrf_checks=True)
    client.cookies = seller_of(shown["clean"]).cookies
    assert client.post(path).status_code == 403


def test_of_a_cancelled_certificate_there_is_its_situation_alone(shown):
    seller = seller_of(shown["cancelled"])
    answer = seller.post(REPORT)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/rapport")
    answer = seller.post(SITUATION)
    assert answer.status_code == 200
    text = text_of(answer.content)
    assert "Certificat d’immatriculation annulé" in text
    assert "Historique" not in text
    assert "Gage" not in text


@pytest.mark.parametrize("path", [REPORT, SITUATION])
@pytest.mark.parametrize("kind", ["clean", "fni", "import"])
def test_on_paper_nobody_reads_what_opens_the_record(shown, kind, path):
    vehicle = shown[kind]
    seller = seller_of(vehicle)
    text = text_of(seller.post(path).content)
    for secret in (vehicle.surname, vehicle.plate, vehicle.formula_number):
        if secret:
            assert secret not in text
    page = re.sub(r"<[^>]+>", "\n", seller.get("/rapport").content.decode())
    (issued,) = re.findall(r"Date du certificat\s+(\S.*)", html.unescape(page))
    # The holder's own page has the day.
    assert re.match(r"\d", issued)
    assert "".join(issued.split()) not in "".join(text.split())
    if vehicle.register == Register.FNI.value and path == REPORT:
        assert re.search(r"Date du certificat\s+\d{4}\s", text)


@pytest.mark.parametrize("path", [REPORT, SITUATION])
def test_of_a_withheld_vehicle_there_is_no_document(shown, path):
    vehicle = shown["clean"]
    seller = seller_of(vehicle)
    identity = siv_identity(vehicle.plate, vehicle.formula_number)
    withhold(identity, Reason.OTHER, "essai", now=timezone.now())
    answer = seller.post(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/rapport")


@pytest.mark.parametrize("path", [REPORT, SITUATION])
def test_without_a_signatory_there_is_no_document(shown, path):
    seller = seller_of(shown["clean"])
    with override_settings(SIGNING_FILES=None):
        assert seller.post(path).status_code == 404


@pytest.mark.parametrize("path", [REPORT, SITUATION])
def test_a_document_leaves_nothing_in_the_log(shown, path, caplog):
    vehicle = shown["clean"]
    seller = seller_of(vehicle)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    assert seller.post(path).status_code == 200
    lines = "\n".join(LineFormatter().format(made) for made in caplog.records)
    for secret in (vehicle.surname, vehicle.plate, vehicle.formula_number):
        assert secret not in lines
    assert "PEUGEOT" not in lines.upper()


@pytest.mark.parametrize("path", [VERIFY, CERTIFICATE])
def test_what_checks_documents_is_for_everyone(client, path):
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_the_page_shows_the_certificate_that_signs(client):
    found = signatory(timezone.now())
    page = html.unescape(client.get(VERIFY).content.decode())
    shown = "".join(re.findall(r"[0-9A-F]{4}(?: [0-9A-F]{4}){15}", page))
    assert shown.replace(" ", "").lower() == found.fingerprint
    assert found.subject in page
    assert found.issuer in page
    assert f"{found.not_after:%Y}" in page
    assert CERTIFICATE in page


def test_in_development_the_page_says_that_it_proves_nothing(client):
    said = "Ce site est une machine de développement"
    with override_settings(DEVELOPMENT=True):
        assert said in client.get(VERIFY).content.decode()
    with override_settings(DEVELOPMENT=False):
        assert said not in client.get(VERIFY, secure=True).content.decode()


def test_the_certificate_is_given_whole(client):
    answer = client.get(CERTIFICATE)
    assert answer.headers["Content-Type"] == "application/x-pem-file"
    assert answer.content == signatory(timezone.now()).chain
    assert len(list(pem.unarmor(answer.content, multiple=True))) == 2


def test_without_a_signatory_the_page_says_so_and_there_is_no_certificate(client):
    with override_settings(SIGNING_FILES=None):
        assert client.get(CERTIFICATE).status_code == 404
        page = client.get(VERIFY).content.decode()
    assert "ne signe pas de documents en ce moment" in page
    assert CERTIFICATE not in page


def test_documents_of_one_vehicle_are_made_so_many_times_an_hour(shown, monkeypatch):
    monkeypatch.setattr(document_views, "DOCUMENTS_AN_HOUR", 2)
    seller, other = seller_of(shown["clean"]), seller_of(shown["clean"])
    statuses = [seller.post(REPORT), other.post(SITUATION), seller.post(REPORT)]
    assert [one.status_code for one in statuses] == [200, 200, 429]
    assert int(statuses[-1].headers["Retry-After"]) > 0
    assert seller_of(shown["company"]).post(REPORT).status_code == 200
