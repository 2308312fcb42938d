"""Documents with a link on them, for its owner; and the report for its reader."""

import datetime as dt
import io
import logging

import pikepdf
import pytest
from django.test import Client
from django.utils import timezone

from histovet.logs import LineFormatter
from histovet.sharing import addresses, codes
from histovet.sharing import links as acts
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link, Scope
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import siv_identity
from tests.poppler import signatures_of, text_of
from tests.sharing.test_seller_views import Made, make, seller_of

pytestmark = [
    pytest.mark.django_db,
]

DAY = dt.timedelta(days=1)
NAMES = ("rapport", "situation")


@pytest.fixture
def seller(shown) -> Client:
    return seller_of(shown["clean"])


@pytest.fixture
def given(seller) -> Made:
    return make(seller)


@pytest.fixture
def reader(given) -> Client:
    client = Client()
    answer = client.post(given.reader_path, {"code": given.code})
    assert answer.status_code == 303
    return client


def read_path(link: Made) -> str:
    return f"{link.reader_path}/rapport.pdf"


def pictures(document: bytes) -> int:
    def count(node) -> int:
        if isinstance(node, pikepdf.Array):
            return sum(map(count, node))
        if isinstance(node, pikepdf.Dictionary) and "/S" in node:
            return (node.S == "/Figure" and "QR" in str(node.Alt)) + count(
                node.get("/K")
            )
        return 0

    with pikepdf.open(io.BytesIO(document)) as pdf:
        return count(pdf.Root.StructTreeRoot.K)


@pytest.mark.parametrize("name", NAMES)
def test_the_owner_prints_a_link_on_a_document(seller, given, name, tmp_path):
    answer = seller.post(f"{given.path}/{name}.pdf")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert given.public_id not in answer.headers["Content-Disposition"]
    text = text_of(answer.content)
    assert given.code in text.replace("\n", "")
    assert "http://testserver/acheteur" in text
    assert pictures(answer.content) == 1
    assert "Signature is Valid" in signatures_of(answer.content, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_another_seller_of_the_vehicle_prints_no_link_of_theirs(shown, given, name):
    other = seller_of(shown["clean"])
    assert other.post(f"{given.path}/{name}.pdf").status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_who_typed_no_certificate_prints_nothing(client, given, name):
    answer = client.post(f"{given.path}/{name}.pdf")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/vendeur?suite=delai",
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_a_document_with_a_link_is_made_by_a_form_alone(seller, given, name, method):
    path = f"{given.path}/{name}.pdf"
    assert getattr(seller, method)(path).status_code == 405


@pytest.mark.parametrize("name", NAMES)
def test_a_link_that_is_over_is_printed_no_more(seller, given, name):
    Link.objects.filter(pk=link_id(given.secret)).end(
        End.REVOKED_BY_OWNER, timezone.now()
    )
    answer = seller.post(f"{given.path}/{name}.pdf")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/liens")


def test_printing_counts_as_no_opening(seller, given):
    seller.post(f"{given.path}/rapport.pdf")
    assert given.row.openings == 0


def test_who_opened_a_link_takes_the_report_along(shown, reader, given, tmp_path):
    before = given.row
    answer = reader.get(read_path(given))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="rapport-histovet.pdf"'
    )
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    text = text_of(answer.content)
    vehicle = shown["clean"]
    for secret in (vehicle.surname, vehicle.plate, vehicle.formula_number, given.code):
        assert secret not in text
    assert "Département" in text
    assert "Code postal" not in text
    assert pictures(answer.content) == 0
    assert "Signature is Valid" in signatures_of(answer.content, tmp_path)
    assert given.row.openings == before.openings


def test_who_has_not_opened_it_is_sent_to_the_links_page(client, given):
    answer = client.get(read_path(given))
    assert (answer.status_code, answer.headers["Location"]) == (303, given.reader_path)


def test_the_reader_of_one_link_takes_no_other(seller, reader, given):
    other = make(seller)
    answer = reader.get(read_path(other))
    assert (answer.status_code, answer.headers["Location"]) == (303, other.reader_path)
    # As if the cookie were sent there.
    reader.cookies["reader-fr"]["path"] = "/"
    assert reader.get(read_path(other)).status_code == 303


def test_a_link_that_was_ended_gives_no_report_any_more(reader, given):
    assert reader.get(read_path(given)).status_code == 200
    Link.objects.filter(pk=link_id(given.secret)).end(
        End.REVOKED_BY_OWNER, timezone.now()
    )
    answer = reader.get(read_path(given))
    assert (answer.status_code, answer.headers["Location"]) == (303, given.reader_path)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_readers_report_is_only_read(reader, given, method):
    assert getattr(reader, method)(read_path(given)).status_code == 405


def test_the_scope_of_a_link_holds_on_paper(shown):
    vehicle = shown["pledged"]
    identity = siv_identity(vehicle.plate, vehicle.formula_number)
    opened = reading.read(identity)
    (creditor,) = {pledge.creditor for pledge in opened.record.pledges}
    secrets = [
        acts.create(
            identity, opened, bytes(16), life=DAY, now=timezone.now(), scope=scope
        )
        for scope in (Scope.FULL, Scope.WITHOUT_ADMINISTRATIVE_DETAILS)
    ]
    found = []
    for secret in secrets:
        client = Client()
        path = f"/r/{addresses.written(link_id(secret))}"
        client.post(path, {"code": codes.encode(secret, Kind.LINK)})
        found.append(creditor in text_of(client.get(f"{path}/rapport.pdf").content))
    assert found == [True, False]


def test_no_code_of_a_link_is_left_in_the_log(seller, given, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    seller.post(f"{given.path}/rapport.pdf")
    lines = "\n".join(LineFormatter().format(made) for made in caplog.records)
    assert given.code not in lines
    assert given.code.replace("-", "") not in lines
