"""The OpenAPI document, and that the API answers what it says."""

import json

import jsonschema
import pytest

from histovet.sharing import codes
from histovet.sharing.models import Scope
from tests.partners import demands, register
from tests.partners.conftest import CODE_PATH, PATH
from tests.partners.demands import CERTIFICATE, NO_LINK, by_code, changed
from tests.partners.shapes import assert_declared, at
from tests.pseudonymizer.test_normalise import FIRST_OF_FEBRUARY

OPERATIONS = [
    PATH,
    CODE_PATH,
    "/histovec/api/v1/report_by_data",
    "/histovec/api/v1/report_by_code",
    "/api/v1/listing_check",
    "/api/v1/link_status",
    "/histovec/api/v1/listing_check",
    "/histovec/api/v1/link_status",
]
DATE = f"{CERTIFICATE}/date_emission_certificat_immatriculation"
USAGE = ["/api/v1/usage", "/histovec/api/v1/usage"]


@pytest.fixture
def document(client, db):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def nodes(value):
    yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from nodes(child)


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "histovet"
    assert document["info"]["version"] == "1.0"
    assert set(document["paths"]) == {*OPERATIONS, *USAGE}
    assert document["servers"] == [{"url": "/"}]


def test_it_may_only_be_read(client, db):
    client.raise_request_exception = False
    answer = client.post("/api/v1/openapi.json")
    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_every_reference_leads_somewhere(document):
    references = [
        n["$ref"] for n in nodes(document) if isinstance(n, dict) and "$ref" in n
    ]
    assert len(references) > 20
    for reference in references:
        place = document
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_every_schema_is_a_schema(document):
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_each_operation_says_who_may_ask(document):
    scheme = document["components"]["securitySchemes"]["PartnerBearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    names = set()
    for path in OPERATIONS:
        operation = document["paths"][path]["post"]
        assert operation["security"] == [{"PartnerBearer": []}]
        names.add(operation["operationId"])
    assert len(names) == len(OPERATIONS)


@pytest.mark.parametrize("path", OPERATIONS)
def test_every_answer_is_declared_with_examples_that_hold(document, path):
    operation = document["paths"][path]["post"]
    statuses = {"200", "400", "401", "403", "404", "405", "411", "413", "415", "429"}
    if path.endswith("/link_status"):
        # A code that opens nothing is an answer.
        statuses.remove("404")
    assert set(operation["responses"]) == statuses | {"500", "503"}
    for status, response in operation["responses"].items():
        ((content_type, content),) = response["content"].items()
        assert content_type == (
            "application/json" if status == "200" else "application/problem+json"
        )
        assert response["description"]
        assert content["examples"]
        for example in content["examples"].values():
            assert_declared(document, content["schema"], example["value"])
    limits = {"RateLimit", "RateLimit-Policy"}
    besides = {
        "401": {"WWW-Authenticate"},
        "403": limits | {"WWW-Authenticate"},
        "405": limits | {"Allow"},
    }
    besides["429"] = besides["503"] = limits | {"Retry-After"}
    for status, response in operation["responses"].items():
        assert set(response["headers"]) == besides.get(status, limits), status


@pytest.mark.parametrize("path", USAGE)
def test_the_answers_to_usage_are_declared(document, path):
    operation = document["paths"][path]["get"]
    assert operation["security"] == [{"PartnerBearer": []}]
    statuses = {"200", "401", "403", "405", "429", "500", "503"}
    assert set(operation["responses"]) == statuses
    for response in operation["responses"].values():
        ((_, content),) = response["content"].items()
        for example in content["examples"].values():
            assert_declared(document, content["schema"], example["value"])


@pytest.mark.parametrize("path", OPERATIONS)
def test_the_examples_of_demands_are_demands(document, path, ask):
    body = document["paths"][path]["post"]["requestBody"]
    content = body["content"]["application/json"]
    for example in content["examples"].values():
        assert_declared(document, content["schema"], example["value"])
        # Nothing is published: it was read and understood.
        assert ask(example["value"], path=path).status_code == 503


@pytest.mark.parametrize(
    ("demand", "status"),
    [
        (demands.FULL, 200),
        (demands.FNI, 200),
        (demands.COMPANY, 200),
        (demands.CANCELLED, 200),
        (changed(demands.FULL, "/options/controles_techniques", True), 200),
        (changed(demands.FULL, f"{CERTIFICATE}/numero_formule", "2019ZZ99999"), 404),
        (changed(demands.FULL, f"{CERTIFICATE}/numero_formule", ...), 400),
    ],
)
def test_every_answer_is_what_the_document_says(
    document, published, ask, demand, status
):
    assert_answered_as_declared(document, PATH, ask(demand), status)


@pytest.mark.parametrize(
    "registration", [register.FULL, register.PLAIN_FNI, register.COMPANY]
)
def test_every_answer_to_a_code_is_what_the_document_says(
    document, make_link, ask, registration
):
    link = make_link(registration)
    asked = changed(link.demand, "/options/controles_techniques", True)
    scope = Scope.WITHOUT_ADMINISTRATIVE_DETAILS
    anonymous = make_link(registration, scope=scope)
    for demand, status in (
        (link.demand, 200),
        (asked, 200),
        (anonymous.demand, 200),
        (NO_LINK.demand, 404),
        (by_code(link.code[:-1]), 400),
    ):
        answer = ask(demand, path=CODE_PATH)
        assert_answered_as_declared(document, CODE_PATH, answer, status)


def assert_answered_as_declared(document, path, answer, status):
    assert answer.status_code == status
    response = document["paths"][path]["post"]["responses"][str(status)]
    ((content_type, content),) = response["content"].items()
    assert answer.headers["Content-Type"] == content_type
    assert_declared(document, content["schema"], json.loads(answer.content))


def test_the_example_for_others_shows_what_is_coarse(document):
    holders, others = (
        document["paths"][path]["post"]["responses"]["200"]["content"][
            "application/json"
        ]["examples"]["found"]["value"]
        for path in (PATH, CODE_PATH)
    )
    assert holders["histovet"]["precisions"] == {}
    coarse = others["histovet"]["precisions"]
    assert f"{CERTIFICATE}/caracteristiques_techniques/date_emission" in coarse
    assert {at(others, pointer) for pointer in coarse} == {"2020-02-01"}


def test_the_example_of_an_unreadable_code_is_what_is_answered(
    document, published, ask
):
    responses = document["paths"][CODE_PATH]["post"]["responses"]
    content = responses["400"]["content"]["application/problem+json"]
    example = content["examples"]["invalid_request"]["value"]
    assert ask(by_code("A" * 26), path=CODE_PATH).json() == example


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (f"{CERTIFICATE}/numero_formule", ...),
        (f"{CERTIFICATE}/date_emission_certificat_immatriculation", "2008-03-06"),
        (f"{CERTIFICATE}/numero_immatriculation", "--"),
        (f"{CERTIFICATE}/numero_immatriculation", "A" * 33),
        (f"{CERTIFICATE}/numero_immatriculation", "AB-123-CD\0"),
        (f"{CERTIFICATE}/numero_formule", "\t"),
        ("/histovet", {"fin_vin": "1234\0"}),
        (f"{CERTIFICATE}/titulaire/particulier/prenoms", ["CAMILLE\0"]),
        (f"{CERTIFICATE}/titulaire", {}),
        (f"{CERTIFICATE}/titulaire/particulier/nom", ""),
        (f"{CERTIFICATE}/titulaire/particulier/nom", None),
        (f"{CERTIFICATE}/titulaire/particulier/prenoms", [1]),
        ("/options/controles_techniques", "oui"),
        ("/vehicule", ...),
    ],
)
def test_what_the_document_forbids_is_refused(document, published, ask, pointer, value):
    assert_forbidden(document, PATH, ask, changed(demands.FULL, pointer, value))


# What a pattern cannot say: signs that nobody sees, figures of another script, and
# letters that are made of two.
UNSEEN = "\u200b\u200e\ufeff\u0301\u1d49０"


@pytest.mark.parametrize("text", FIRST_OF_FEBRUARY)
def test_the_document_permits_each_usual_form_of_a_date(document, published, ask, text):
    demand = changed(demands.FNI, DATE, text)
    assert ask(demand).status_code == 404
    if not set(UNSEEN) & set(text):
        assert_declared(document, of_data(document), demand)


@pytest.mark.parametrize(
    "text", ["\t", "hier", "2005", "31/12/1892", "32/01/2005", "2005-13-01", "1/2/05"]
)
def test_the_document_forbids_what_is_no_date(document, published, ask, text):
    assert_forbidden(document, PATH, ask, changed(demands.FNI, DATE, text))


def of_data(document):
    body = document["paths"][PATH]["post"]["requestBody"]
    return body["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    "typed",
    [
        NO_LINK.code.lower(),
        codes.grouped(NO_LINK.code),
        f" {codes.grouped(NO_LINK.code).replace('-', chr(0xA0))}.",
        f"https://histovet.example/r/AAAA#{NO_LINK.code}",
    ],
)
def test_the_document_permits_each_usual_form_of_a_code(
    document, published, ask, typed
):
    body = document["paths"][CODE_PATH]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert_declared(document, schema, by_code(typed))
    assert ask(by_code(typed), path=CODE_PATH).status_code == 404


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/vehicule", ...),
        ("/vehicule/code", ...),
        ("/vehicule/code", None),
        ("/vehicule/code", 27),
        ("/vehicule/code", ""),
        ("/vehicule/code", NO_LINK.code[:-1]),
        ("/vehicule/code", NO_LINK.code + "A"),
        ("/vehicule/code", NO_LINK.code[:-1] + "9"),
        ("/vehicule/code", NO_LINK.code + "\0"),
        ("/vehicule/code", "x" * 300 + "#" + NO_LINK.code),
        ("/options/controles_techniques", "oui"),
        ("/uuid", 1),
    ],
)
def test_what_the_document_forbids_with_a_code_is_refused(
    document, published, ask, pointer, value
):
    demand = changed(NO_LINK.demand, pointer, value)
    assert_forbidden(document, CODE_PATH, ask, demand)


def assert_forbidden(document, path, ask, demand):
    body = document["paths"][path]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    with pytest.raises(jsonschema.ValidationError):
        assert_declared(document, schema, demand)
    assert ask(demand, path=path).status_code == 400
