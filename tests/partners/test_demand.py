"""A request's body → an enquiry, or what is wrong with it."""

import json

import pytest
from django.test import RequestFactory

from histovet.history.forms import Enquiry
from histovet.partners.demand import (
    BODY_MAX_BYTES,
    CodeDemand,
    DataDemand,
    read_code_demand,
    read_data_demand,
)
from histovet.partners.problems import Problem, Refused
from pseudonymizer.records import Identity, Register
from tests.partners import demands
from tests.partners.demands import CERTIFICATE, changed

PERSON = f"{CERTIFICATE}/titulaire/particulier"
COMPANY = f"{CERTIFICATE}/titulaire/personne_morale"
PROOF = f"{CERTIFICATE}/numero_formule"
DATE = f"{CERTIFICATE}/date_emission_certificat_immatriculation"


def read(body, content_type="application/json", **headers) -> DataDemand:
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    request = RequestFactory().post(
        "/", data=body, content_type=content_type, headers=headers
    )
    return read_data_demand(request)


def refusal(body, content_type="application/json", **headers) -> Refused:
    with pytest.raises(Refused) as caught:
        read(body, content_type, **headers)
    return caught.value


def errors(body) -> list[tuple[str, str]]:
    refused = refusal(body)
    assert refused.problem is Problem.INVALID_REQUEST
    assert all(error.message for error in refused.errors)
    return [(error.field, error.code) for error in refused.errors]


def test_a_formula_number_makes_it_a_siv_enquiry():
    assert read(demands.FULL) == DataDemand(
        Enquiry(
            Identity(Register.SIV, "AB123CD", "2019AB12345"), "LEMOINE", "CAMILLE ANNE"
        ),
        inspections=False,
    )


def test_a_date_makes_it_an_fni_enquiry():
    enquiry = read(demands.FNI).enquiry
    assert enquiry.identity == Identity(Register.FNI, "123ABC75", "2008-03-06")
    assert enquiry.family_name == "LEMOINE CAMILLE"


def test_a_company():
    enquiry = read(demands.COMPANY).enquiry
    assert (enquiry.company, enquiry.siren) == ("GARAGE DU PONT", "123456789")


@pytest.mark.parametrize("siren", [..., "", "000000000"])
def test_a_company_without_a_siren(siren):
    enquiry = read(changed(demands.COMPANY, f"{COMPANY}/siren", siren)).enquiry
    assert enquiry.siren is None


def test_given_names_may_be_missing():
    assert read(changed(demands.FULL, f"{PERSON}/prenoms", ...)).enquiry


@pytest.mark.parametrize(
    "plate", ["ab 123 cd", "AB123CD", "KB4DDP", "9 A 1", "DV 4834"]
)
def test_no_plate_is_refused_for_its_look(plate):
    for demand in (demands.FULL, demands.FNI):
        assert read(changed(demand, f"{CERTIFICATE}/numero_immatriculation", plate))


@pytest.mark.parametrize(
    "date",
    [
        "2008-03-06",
        "06/03/2008",
        "6 mars 2008",
        "2008-03-06T00:00:00.000Z",
        "2008-03-06T00:00:00",
        # What JavaScript's toISOString makes of midnight in France.
        "2008-03-05T23:00:00.000Z",
        "2008-03-06T00:00:00+01:00",
        " 2008-03-06T00:00  ",
    ],
)
def test_the_usual_forms_of_a_date(date):
    identity = read(changed(demands.FNI, DATE, date)).enquiry.identity
    assert identity.formula_or_date == "2008-03-06"


def test_the_options_and_the_uuid_are_accepted():
    demand = changed(demands.FULL, "/options/controles_techniques", True)
    demand = changed(demand, "/options/ignore_utac_cache", True)
    demand = changed(demand, "/uuid", "3f0b6d0e-7f6e-4a53-9e0d-6a1d0b1c2d3e")
    assert read(demand).inspections


def test_an_empty_proof_counts_as_none():
    assert read(changed(demands.FULL, DATE, ""))
    assert read(changed(demands.FNI, PROOF, ""))


def test_unknown_fields_are_ignored():
    demand = changed(demands.FULL, "/vehicule/admin", {"scopes": ["all"]})
    assert read(changed(demand, "/neuf", [1, None])) == read(demands.FULL)


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        ("/vehicule", ..., [("/vehicule", "missing")]),
        ("/vehicule", [], [("/vehicule", "type")]),
        (f"{CERTIFICATE}/titulaire", ..., [(f"{CERTIFICATE}/titulaire", "missing")]),
        (f"{CERTIFICATE}/titulaire", {}, [(f"{CERTIFICATE}/titulaire", "one_of")]),
        (
            f"{CERTIFICATE}/titulaire/personne_morale",
            {"raison_sociale": "X"},
            [(f"{CERTIFICATE}/titulaire", "one_of")],
        ),
        (f"{PERSON}/nom", ..., [(f"{PERSON}/nom", "missing")]),
        (f"{PERSON}/nom", "", [(f"{PERSON}/nom", "family_name_missing")]),
        (f"{PERSON}/nom", "   ", [(f"{PERSON}/nom", "family_name_missing")]),
        (f"{PERSON}/nom", 7, [(f"{PERSON}/nom", "type")]),
        (f"{PERSON}/nom", None, [(f"{PERSON}/nom", "type")]),
        (f"{PERSON}/nom", "X" * 201, [(f"{PERSON}/nom", "too_long")]),
        (
            f"{PERSON}/nom",
            "A\x00B",
            [(f"{PERSON}/nom", "null_characters_not_allowed")],
        ),
        (f"{PERSON}/prenoms", "A", [(f"{PERSON}/prenoms", "type")]),
        (f"{PERSON}/prenoms", ["A", 7], [(f"{PERSON}/prenoms/1", "type")]),
        (f"{PERSON}/prenoms", ["A" * 150] * 2, [(f"{PERSON}/prenoms", "max_length")]),
        (
            f"{CERTIFICATE}/numero_immatriculation",
            "--",
            [(f"{CERTIFICATE}/numero_immatriculation", "plate_missing")],
        ),
        (
            f"{CERTIFICATE}/numero_immatriculation",
            "A" * 33,
            [(f"{CERTIFICATE}/numero_immatriculation", "too_long")],
        ),
        (PROOF, ..., [(PROOF, "one_of"), (DATE, "one_of")]),
        (DATE, "2008-03-06", [(PROOF, "one_of"), (DATE, "one_of")]),
        (PROOF, "--", [(PROOF, "formula_number_missing")]),
        ("/options", True, [("/options", "type")]),
        (
            "/options/controles_techniques",
            "oui",
            [("/options/controles_techniques", "type")],
        ),
    ],
)
def test_what_is_wrong_is_named(pointer, value, expected):
    assert errors(changed(demands.FULL, pointer, value)) == expected


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("hier", "date_unreadable"),
        ("2008-02-30", "date_impossible"),
        ("T", "date_unreadable"),
        ("2008-13-06T00:00:00Z", "date_impossible"),
        ("2008-02-30T00:00:00Z", "date_impossible"),
        ("2008-02-20T25:00:00Z", "date_unreadable"),
        # Days that have no date in France.
        ("9999-12-31T23:30:00Z", "date_unreadable"),
        ("0001-01-01T00:00:00+14:00", "date_unreadable"),
    ],
)
def test_a_date_that_is_none(date, code):
    assert errors(changed(demands.FNI, DATE, date)) == [(DATE, code)]


def test_a_siren_that_is_none():
    demand = changed(demands.COMPANY, f"{COMPANY}/siren", "12")
    assert errors(demand) == [(f"{COMPANY}/siren", "siren_unreadable")]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"plate=AB123CD",
        json.dumps(demands.FULL).encode() + b" x",
        b"\xff\xfe{}",
        b'{"uuid": "\xff"}',
        b'{"uuid": "\\ud800"}',
        b'{"uuid": NaN}',
        b"[" * 8000,
        b'{"x": ' + b"[" * 4000 + b"]" * 4000 + b"}",
        b'{"a":' * 1200 + b"1" + b"}" * 1200,
    ],
)
def test_what_is_no_json_is_told_so(body):
    ((field, code),) = errors(body)
    assert field == ""
    assert code in ("json", "type")


def test_an_empty_body():
    request = RequestFactory().post("/", data=b"", content_type="application/json")
    request.META |= {"CONTENT_LENGTH": "0", "CONTENT_TYPE": "application/json"}
    with pytest.raises(Refused) as caught:
        read_data_demand(request)
    assert [(e.field, e.code) for e in caught.value.errors] == [("", "json")]


def test_a_body_that_is_no_object():
    assert errors(b"[]") == [("", "type")]
    assert errors(b"null") == [("", "type")]


def test_the_longest_body():
    body = json.dumps(demands.FULL).encode()
    assert read(body.ljust(BODY_MAX_BYTES))
    refused = refusal(body.ljust(BODY_MAX_BYTES + 1))
    assert refused.problem is Problem.BODY_TOO_LARGE


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
    ],
)
def test_the_content_types_of_json(content_type):
    assert read(demands.FULL, content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=iso-8859-1",
        "application/jsonp",
        "application/problem+json",
    ],
)
def test_another_content_type(content_type):
    assert refusal(json.dumps(demands.FULL).encode(), content_type).problem is (
        Problem.NOT_JSON
    )


def test_a_compressed_body():
    refused = refusal(demands.FULL, **{"Content-Encoding": "gzip"})
    assert refused.problem is Problem.NOT_JSON


@pytest.mark.parametrize("length", [None, "", "-1", "seven"])
def test_a_body_without_length(length):
    request = RequestFactory().post("/", data=b"{}", content_type="application/json")
    if length is None:
        del request.META["CONTENT_LENGTH"]
    else:
        request.META["CONTENT_LENGTH"] = length
    with pytest.raises(Refused) as caught:
        read_data_demand(request)
    assert caught.value.problem is Problem.LENGTH_REQUIRED


SECRET = bytes(range(16))
# Literal: SPEC.md section 11 says how it is made of SECRET.
CODE = "AAAQEAYEAUDAOCAJBIFQYDIOB47"
OWNERS = "AAAQEAYEAUDAOCAJBIFQYDIOB4D"


def read_code(code) -> CodeDemand:
    body = json.dumps({"vehicule": {"code": code}}).encode()
    request = RequestFactory().post("/", data=body, content_type="application/json")
    return read_code_demand(request)


@pytest.mark.parametrize(
    "code",
    [
        CODE,
        CODE.lower(),
        "-".join(CODE[at : at + 3] for at in range(0, 27, 3)),
        f"  {CODE}\n",
        f"https://histovet.example/r/AAAAAAAAAAAAAAAA#{CODE}",
        f"https://histovet.example/en/r/AAAAAAAAAAAAAAAA?a#b#{CODE.lower()}",
    ],
)
def test_a_code_is_read_however_it_was_copied(code):
    assert read_code(code) == CodeDemand(SECRET, inspections=False)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", "code_missing"),
        ("  ", "code_missing"),
        (CODE[:-1], "code_unreadable"),
        (CODE + "A", "code_unreadable"),
        (CODE.replace("A", "B", 1), "code_unreadable"),
        (CODE[:-1] + "9", "code_unreadable"),
        (f"https://histovet.example/r/AAAAAAAAAAAAAAAA#{CODE}#", "code_unreadable"),
        ("https://histovet.example/r/AAAAAAAAAAAAAAAA", "code_unreadable"),
        ("x" * 300 + f"#{CODE}", "code_unreadable"),
        ("é" * 27, "code_unreadable"),
        # A code of HistoVec itself, and one of an owner.
        ("cGxhcXVlLWV0LWZvcm11bGU=-Y2xlLWRlLWNoaWZmcmVtZW50", "code_unreadable"),
        (OWNERS, "code_unreadable"),
        (None, "type"),
        (27, "type"),
        ([CODE], "type"),
    ],
)
def test_what_is_no_code_is_told_so_and_not_repeated(code, expected):
    with pytest.raises(Refused) as caught:
        read_code(code)
    assert caught.value.problem is Problem.INVALID_REQUEST
    (error,) = caught.value.errors
    assert (error.field, error.code) == ("/vehicule/code", expected)
    assert error.message and str(code or "-") not in error.message


def test_a_code_is_asked_for_as_it_is_named():
    with pytest.raises(Refused) as caught:
        body = json.dumps(demands.FULL).encode()
        request = RequestFactory().post("/", body, content_type="application/json")
        read_code_demand(request)
    assert [(e.field, e.code) for e in caught.value.errors] == [
        ("/vehicule/code", "missing")
    ]
