"""The OpenAPI document, and that the API answers what it says."""

import json

import jsonschema
import pytest

from tests.partners import demands
from tests.partners.conftest import PATH
from tests.partners.demands import CERTIFICATE, changed
from tests.partners.shapes import assert_declared

OPERATIONS = [PATH, "/histovec/api/v1/report_by_data"]


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
    assert set(document["paths"]) == set(OPERATIONS)
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
    assert len(names) == 2


@pytest.mark.parametrize("path", OPERATIONS)
def test_every_answer_is_declared_with_examples_that_hold(document, path):
    operation = document["paths"][path]["post"]
    statuses = {"200", "400", "401", "403", "404", "405", "411", "413", "415", "429"}
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
    assert set(operation["responses"]["429"]["headers"]) == {"Retry-After"}
    assert set(operation["responses"]["503"]["headers"]) == {"Retry-After"}
    assert set(operation["responses"]["405"]["headers"]) == {"Allow"}


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
    answer = ask(demand)
    assert answer.status_code == status
    response = document["paths"][PATH]["post"]["responses"][str(status)]
    ((content_type, content),) = response["content"].items()
    assert answer.headers["Content-Type"] == content_type
    assert_declared(document, content["schema"], json.loads(answer.content))


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (f"{CERTIFICATE}/numero_formule", ...),
        (f"{CERTIFICATE}/date_emission_certificat_immatriculation", "2008-03-06"),
        (f"{CERTIFICATE}/numero_immatriculation", "--"),
        (f"{CERTIFICATE}/titulaire", {}),
        (f"{CERTIFICATE}/titulaire/particulier/nom", ""),
        (f"{CERTIFICATE}/titulaire/particulier/nom", None),
        (f"{CERTIFICATE}/titulaire/particulier/prenoms", [1]),
        ("/options/controles_techniques", "oui"),
        ("/vehicule", ...),
    ],
)
def test_what_the_document_forbids_is_refused(document, published, ask, pointer, value):
    demand = changed(demands.FULL, pointer, value)
    body = document["paths"][PATH]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    with pytest.raises(jsonschema.ValidationError):
        assert_declared(document, schema, demand)
    assert ask(demand).status_code == 400
