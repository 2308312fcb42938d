"""What the patterns of the OpenAPI document permit is accepted, text by text; the running
site is asked in the proof `contract`."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from histovet.partners import openapi
from histovet.partners.demand import CodeDemande, parse_data_demand, secret_of
from histovet.partners.problems import Refused
from histovet.sharing.forms import CODE_MAX
from tests.partners import demands
from tests.partners.contract_checks import is_beyond_a_schema
from tests.partners.demands import CERTIFICATE, changed
from tests.partners.shapes import at

SCHEMAS = openapi._schemas()
PROOFS = SCHEMAS["CertificatDemande"]["oneOf"]
TITULAIRE = f"{CERTIFICATE}/titulaire"


def pattern_of(schema, name):
    return SCHEMAS[schema]["properties"][name]["pattern"]


def of_proof(name):
    (pattern,) = [
        p["properties"][name]["pattern"] for p in PROOFS if name in p["required"]
    ]
    return pattern


FIELDS = [
    (demands.FULL, f"{CERTIFICATE}/numero_immatriculation", 32,
     pattern_of("CertificatDemande", "numero_immatriculation")),
    (demands.FULL, f"{CERTIFICATE}/numero_formule", 32, of_proof("numero_formule")),
    (demands.FNI, f"{CERTIFICATE}/date_emission_certificat_immatriculation", 200,
     of_proof("date_emission_certificat_immatriculation")),
    (demands.FULL, f"{TITULAIRE}/particulier/nom", 200,
     pattern_of("ParticulierDemande", "nom")),
    (demands.COMPANY, f"{TITULAIRE}/personne_morale/raison_sociale", 200,
     pattern_of("PersonneMoraleDemande", "raison_sociale")),
    (demands.COMPANY, f"{TITULAIRE}/personne_morale/siren", 200,
     pattern_of("PersonneMoraleDemande", "siren")),
]  # fmt: skip


@pytest.mark.parametrize(("demand", "field", "longest", "pattern"), FIELDS)
def test_a_permitted_text_is_refused_for_what_no_schema_can_say_alone(
    demand, field, longest, pattern
):
    @settings(max_examples=200, deadline=None)
    @given(st.from_regex(pattern))
    def holds(text):
        assume(len(text) <= longest)
        try:
            parse_data_demand(json.dumps(changed(demand, field, text)).encode())
        except Refused as refused:
            for error in refused.errors:
                assert error.field == field
                assert is_beyond_a_schema(error.code, text), (error, text)

    holds()


@settings(max_examples=200, deadline=None)
@given(st.from_regex(pattern_of("CodeDemande", "code")))
def test_a_permitted_code_is_refused_for_its_check_character_alone(text):
    assume(len(text) <= CODE_MAX)
    try:
        secret_of(CodeDemande(text))
    except Refused as refused:
        assert [error.code for error in refused.errors] == ["code_unreadable"]


def test_the_check_of_a_refusal_knows_what_a_schema_can_say():
    assert at(demands.FULL, f"{CERTIFICATE}/numero_formule")
    for code, text, is_beyond in (
        ("date_impossible", "31/04/2005", True),
        ("date_impossible", "30/04/2005", False),
        ("date_impossible", "29022005", True),
        ("date_impossible", "2004-02-29T10:00:00Z", False),
        ("date_impossible", "31 juin 2005", True),
        ("date_unreadable", "3 brumaire 2005", True),
        ("date_unreadable", "2005-12-31 ", False),
        ("max_length", ["A" * 150] * 2, True),
        ("max_length", ["A" * 150], False),
        ("plate_missing", "", False),
    ):
        assert is_beyond_a_schema(code, text) is is_beyond, (code, text)
