"""The endpoint, from the request to the answer, on real sealed records."""

import datetime as dt
import json

import pytest
from django.db import connection
from django.utils import timezone

from histovet.partners.models import PartnerKey, Scope
from histovet.vault.models import Release
from tests.partners import demands, register
from tests.partners.conftest import PATH
from tests.partners.demands import CERTIFICATE, changed
from tests.partners.shapes import assert_ancestors_shape

ANCESTOR_PATH = "/histovec/api/v1/report_by_data"
CANARY = "CANARI77"


def problem(answer, status: int, name: str) -> dict:
    """The problem document of an answer, after what all of them have in common."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert_headers(answer)
    document = json.loads(answer.content)
    assert document["type"] == f"/api/problems/{name}"
    assert document["status"] == document["statusCode"] == status
    assert document["detail"] == document["message"]
    assert document["title"] and document["error"]
    assert answer.content.count(CANARY.encode()) == 0
    return document


def said(answer) -> dict:
    """The headers of an answer but for its number, drawn at random, and what the key has
    left, which only counts."""
    own = ("RateLimit", "X-Request-Id")
    return {n: v for n, v in answer.headers.items() if n not in own}


def assert_headers(answer) -> None:
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Content-Security-Policy"] == policy
    assert not answer.cookies


@pytest.mark.parametrize("path", [PATH, ANCESTOR_PATH])
@pytest.mark.parametrize(
    ("demand", "shown"),
    [
        (demands.FULL, "AB-1**-CD"),
        (demands.FNI, "1** ABC **"),
        (demands.COMPANY, "EE-0**-FF"),
        (demands.CANCELLED, "GG-0**-HH"),
    ],
)
def test_each_vehicle_is_found(published, ask, path, demand, shown):
    answer = ask(demand, path=path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert_headers(answer)
    document = answer.json()
    assert_ancestors_shape(document)
    certificate = document["vehicule"]["certificat_immatriculation"]
    assert certificate["numero_immatriculation_anonymisee"] == shown
    assert "controles_techniques" not in document
    assert document["histovet"]["release"] == register.LABEL


def test_the_holders_own_view_is_exact(published, ask):
    document = ask(demands.FULL).json()
    assert document["histovet"]["precisions"] == {}
    assert document["vehicule"]["historique"][0]["date"] == "2019-01-06"


def test_inspections_are_not_connected_and_say_so(published, ask):
    asked = changed(demands.FULL, "/options/controles_techniques", True)
    inspections = ask(asked).json()["controles_techniques"]
    assert inspections["donnee_disponible"] is False
    assert inspections["erreur"]


@pytest.mark.parametrize(
    "headers",
    [
        {"with_key": None},
        {"with_key": ""},
        {"with_key": "hv_" + "A" * 43},
        {"with_key": None, "authorization": "Basic aHY6aHY="},
        {"with_key": None, "authorization": f"hv_{'A' * 43}"},
        {"with_key": None, "x-api-key": "hv_" + "A" * 43},
    ],
)
def test_without_a_key_nothing_is_answered(published, ask, headers):
    answer = ask(demands.FULL, **headers)
    problem(answer, 401, "key-refused")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="histovet"'


def test_every_refused_key_gets_the_same_answer(published, ask, make_key):
    now = timezone.now()
    _, expired_key = make_key(
        now=now - dt.timedelta(days=2), expires_at=now - dt.timedelta(seconds=1)
    )
    changed_row, changed_key = make_key()
    PartnerKey.objects.filter(pk=changed_row.pk).update(rate="9/s")
    keys = ["hv_" + "A" * 43, expired_key, changed_key, "no key at all"]
    answers = [ask(demands.FULL, with_key=one) for one in keys]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert len({str(sorted(said(answer).items())) for answer in answers}) == 1


def test_who_holds_a_suspended_key_is_told_so(published, ask, make_key):
    """The key is a secret: nobody else learns that there is one."""
    suspended, key = make_key()
    suspended.suspend(timezone.now(), "asked for by its partner")
    answer = ask(demands.FULL, with_key=key)
    document = problem(answer, 403, "key-suspended")
    # Why an operator did it is for operators.
    assert document["errors"] == []
    suspended.resume(timezone.now().date())
    assert ask(demands.FULL, with_key=key).status_code == 200


def test_a_key_in_the_address_is_no_key(published, ask, key):
    answer = ask(demands.FULL, path=f"{PATH}?key={key}&access_token={key}", with_key="")
    problem(answer, 401, "key-refused")


def test_the_scope_is_needed(published, ask, make_key):
    _, other = make_key(scopes=[Scope.REPORT_BY_CODE.value])
    answer = ask(demands.FULL, with_key=other)
    problem(answer, 403, "scope-missing")
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", [PATH, ANCESTOR_PATH])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_another_method(published, ask, method, path):
    answer = ask("", path=path, method=method)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    [
        f"/api/{CANARY}",
        "/api/",
        "/api/v1/",
        "/api/v2/report_by_data",
        f"{PATH}/",
        f"/histovec/api/v1/{CANARY}?x={CANARY}",
        "/histovec/api/v1/openapi.json",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_path(published, ask, path, method):
    problem(ask({}, path=path, method=method), 404, "no-such-path")


def test_the_pages_of_the_site_keep_theirs(client, db):
    answer = client.get(f"/{CANARY}/")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("pointer", "value", "field"),
    [
        (f"{CERTIFICATE}/numero_formule", ..., f"{CERTIFICATE}/numero_formule"),
        (
            f"{CERTIFICATE}/date_emission_certificat_immatriculation",
            CANARY,
            f"{CERTIFICATE}/numero_formule",
        ),
        (f"{CERTIFICATE}/titulaire", [CANARY], f"{CERTIFICATE}/titulaire"),
        (f"/{CANARY}", {}, None),
        (
            f"{CERTIFICATE}/titulaire/particulier/nom",
            CANARY * 40,
            f"{CERTIFICATE}/titulaire/particulier/nom",
        ),
        ("/options/controles_techniques", CANARY, "/options/controles_techniques"),
    ],
)
def test_what_is_wrong_is_named_and_never_repeated(
    published, ask, pointer, value, field
):
    answer = ask(changed(demands.FULL, pointer, value))
    if field is None:
        assert answer.status_code == 200
        assert CANARY.encode() not in answer.content
        return
    document = problem(answer, 400, "invalid-request")
    assert document["errors"][0]["field"] == field
    assert document["errors"][0]["code"] and document["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "name"),
    [
        (f'{{"x": "{CANARY}', "application/json", 400, "invalid-request"),
        ("[" * 8000, "application/json", 400, "invalid-request"),
        (CANARY * 2000, "application/json", 413, "body-too-large"),
        (CANARY * 20000, "application/json", 413, "body-too-large"),
        (CANARY, "text/plain", 415, "not-json"),
        (CANARY, "multipart/form-data; boundary=x", 415, "not-json"),
    ],
)
def test_a_body_that_is_not_what_it_should_be(
    published, ask, body, content_type, status, name
):
    problem(ask(body, content_type=content_type), status, name)


@pytest.mark.parametrize(
    "wrong",
    [
        (f"{CERTIFICATE}/numero_immatriculation", "ZZ-999-ZZ"),
        (f"{CERTIFICATE}/numero_formule", "2019AB12346"),
        (f"{CERTIFICATE}/titulaire/particulier/nom", "MARTIN"),
        (f"{CERTIFICATE}/titulaire/particulier/prenoms", ["ZOE"]),
        (f"{CERTIFICATE}/titulaire", {"personne_morale": {"raison_sociale": "X Y"}}),
    ],
)
def test_whatever_is_wrong_the_answer_has_the_same_bytes(published, ask, wrong):
    answer = ask(changed(demands.FULL, *wrong))
    document = problem(answer, 404, "report-not-found")
    assert document["error"] == "Not Found"
    other = ask(changed(demands.FNI, f"{CERTIFICATE}/numero_immatriculation", CANARY))
    assert other.content == answer.content
    assert said(other) == said(answer)


def test_before_a_release_is_published_it_says_when_to_come_back(ask):
    Release.objects.all().delete()
    answer = ask(demands.FULL)
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "60"


def test_a_base_that_goes_away_is_unavailable(published, ask):
    register.break_reading("57P01", CANARY)
    answer = ask(demands.FULL)
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "60"


def test_a_ring_without_the_key_of_the_release_is_unavailable(published, ask):
    Release.objects.update(key_version=99)
    problem(ask(demands.FULL), 503, "unavailable")


def test_a_changed_record_is_a_fault_and_not_a_missing_vehicle(published, ask):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_record SET sealed = set_byte(sealed, 60,"
            " get_byte(sealed, 60) # 1)"
        )
    problem(ask(demands.FULL), 500, "broken")


def test_a_host_that_is_not_ours_gets_a_problem(published, ask):
    problem(ask(demands.FULL, host=CANARY.lower()), 400, "invalid-request")


def test_it_needs_no_token_against_forged_forms(published, key):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(
        PATH,
        data=demands.FULL,
        content_type="application/json",
        headers={
            "authorization": f"Bearer {key}",
            "origin": "https://elsewhere.example",
        },
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(published, ask, key, scheme):
    answer = ask(demands.FULL, with_key=None, authorization=f"{scheme}  {key}")
    assert answer.status_code == 200


def test_it_speaks_french_whatever_page_came_before(published, ask, client):
    assert client.get("/en/").status_code == 200
    answer = ask(
        changed(demands.FULL, f"{CERTIFICATE}/titulaire/particulier/nom", ""),
        **{"accept-language": "en"},
    )
    (error,) = problem(answer, 400, "invalid-request")["errors"]
    assert error["message"].startswith("Indiquez le nom")
