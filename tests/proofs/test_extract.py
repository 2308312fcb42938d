"""Each vehicle of the real extract, asked for by data: make proofs ONLY=extract."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from tests import extract, partners
from tests.demand import demand
from tests.partner import new_key
from tests.proofs import figures
from tests.publish import publish

pytestmark = pytest.mark.proof

SCHEMA = json.loads(
    Path(partners.__file__).with_name("ancestor_schema.json").read_text()
)

# Where the ancestor puts each key of `v`; it leaves out what the register leaves out.
TECHNICAL = {
    "marque": "marque", "tvv": "tvv", "numero_cnit": "num_cnit",
    "nom_commercial": "nom_commercial", "couleur": "couleur",
    "type_de_reception": "type_reception", "vin_anonymise": "vin",
    "ptta": "pt_tech_adm_f1", "ptac": "ptac_f2", "ptra": "ptra_f3",
    "ptes": "pt_service_g", "ptav": "ptav_g1",
    "categorie_ue": "CTEC_RLIB_CATEGORIE", "genre_national": "CTEC_RLIB_GENRE",
    "carrosserie_ue": "CTEC_RLIB_CARROSSERIE_CE",
    "carrosserie_fr": "CTEC_RLIB_CARROSSERIE_NAT",
    "numero_de_reception": "cveh_num_reception", "cylindree": "CTEC_CYLINDREE",
    "puissance_nette": "CTEC_PUISSANCE_NETTE", "energie": "CTEC_RLIB_ENERGIE",
    "puissance_cv": "CTEC_PUISS_CV", "rapport_puissance_masse":
    "CTEC_RAPPORT_PUIS_MASSE", "places_assises": "CTEC_PLACES_ASSISES",
    "places_debout": "CTEC_PLACES_DEBOUT", "niveau_sonore": "CTEC_NIVEAU_SONORE",
    "vitesse_du_moteur": "CTEC_VITESSE_MOTEUR", "emission_co2": "CTEC_CO2",
    "classe_environnementale_ue": "CTEC_RLIB_POLLUTION",
}  # fmt: skip
# What SPEC.md section 1 makes unknown on purpose: there the ancestor shows nonsense.
PLACEHOLDERS = {
    "INCONNU", "INCONNUE", "NON DEFINI", "SANS", "NEANT", "0", "00", "000", "-", "."
}  # fmt: skip


def iso(text):
    return dt.datetime.strptime(text, "%d/%m/%Y").date().isoformat()


def day(text):
    """Return the day of a local midnight, None for the empty text."""
    return text[:10] or None


def differences(facts, answer):
    """Yield a name for each field that is not what the register wrote."""
    vehicle = answer["vehicule"]
    certificate = vehicle["certificat_immatriculation"]
    technical = certificate["caracteristiques_techniques"]
    for name, key in TECHNICAL.items():
        ours, theirs = technical.get(name), facts.get(key)
        if isinstance(theirs, str):
            theirs = theirs.strip()
            if theirs in PLACEHOLDERS:
                theirs = None
        if ours != theirs:
            yield f"{name}"
    if certificate["date_premiere_immatriculation"] != iso(
        facts["date_premiere_immat"]
    ):
        yield "date_premiere_immatriculation"
    cancelled = facts["annulation_ci"] == "OUI"
    if certificate["etat"]["annule"] is not cancelled:
        yield "annule"
    if cancelled:
        if certificate["etat"]["date_annulation"] != iso(facts["date_annulation_ci"]):
            yield "date_annulation"
        return
    if technical["date_emission"] != iso(facts["date_emission_CI"]):
        yield "date_emission"
    age = facts["age_certificat"]
    months = certificate.get(
        "nombre_de_mois_depuis_date_emission_certificat_immatriculation"
    )
    if months != (None if age == "KO" else int(age)):
        yield "nombre_de_mois"
    state = vehicle["etat"]
    if state["nombre_de_titulaires"] != facts["nb_titulaires"]:
        yield "nombre_de_titulaires"
    if state["procedures_ve"]["nombre_de_procedures_ve"] != facts["nb_sinistres"]:
        yield "nombre_de_procedures_ve"
    theirs = facts["is_apte_a_circuler"] == "OUI"
    if state["procedures_ve"]["apte_a_circuler"] is not theirs:
        yield "apte_a_circuler"
    events = Counter(event["opa_type"] for event in facts["new_historique"])
    if Counter(event["type"] for event in vehicle["historique"]) != events:
        yield "historique"
    situation, theirs = vehicle["situation_administrative"], facts["sit_adm"]
    for name, key, text, their_text in (
        ("suspensions", "suspensions", "motif", "motif"),
        ("gages", "gages", "nom_creancier", "nom_creancier"),
        ("declarations_valant_saisie", "dvs", "nom_personne_morale", "dvs_autorite"),
    ):
        if [(e.get("date"), e.get(text)) for e in situation[name]] != [
            (day(e["date"]), e.get(their_text)) for e in theirs[key]
        ]:
            yield name
    for kind, dated in theirs["opposition"].items():
        if [e.get("date") for e in situation["opposition"][kind]] != [
            day(e["date"]) for e in dated
        ]:
            yield kind


def moved_days(facts, answer):
    """Count the operations whose day is not the ancestor's (docs/adr/0001)."""
    ours = Counter(
        (event["type"], event.get("date")) for event in answer["vehicule"]["historique"]
    )
    theirs = Counter(
        (event["opa_type"], iso(event["opa_date"]))
        for event in facts.get("new_historique", ())
    )
    return (theirs - ours).total()


def test_extract(transactional_db):
    publish(extract.folder())
    certificates = extract.printed()
    key = new_key()
    client = Client(headers={"Authorization": f"Bearer {key}"})
    validator = jsonschema.Draft202012Validator(SCHEMA)
    answered, cancelled, moved, operations = 0, 0, 0, 0
    differing: Counter[str] = Counter()
    invalid = 0
    for one in certificates:
        path = (
            "/histovec/api/v1/report_by_data"
            if answered % 2
            else ("/api/v1/report_by_data")
        )
        response = client.post(
            path, demand(one.form()), content_type="application/json"
        )
        if response.status_code != 200:
            differing[f"status {response.status_code}"] += 1
            continue
        answered += 1
        answer, facts = response.json(), json.loads(one.facts)
        theirs = {name: part for name, part in answer.items() if name != "histovet"}
        invalid += not validator.is_valid(theirs)
        cancelled += answer["vehicule"]["certificat_immatriculation"]["etat"]["annule"]
        differing.update(differences(facts, answer))
        moved += moved_days(facts, answer)
        operations += len(answer["vehicule"]["historique"])
    figures.write(
        "extract",
        {
            "vehicles": len(certificates),
            "answered": answered,
            "cancelled among them": cancelled,
            "answers that the ancestor's schema refuses": invalid,
            "fields that differ from the register's": dict(differing),
            "operations": operations,
            "operations on another day than the ancestor's": moved,
        },
    )
    assert answered == len(certificates)
    assert cancelled == sum(
        json.loads(one.facts)["annulation_ci"] == "OUI" for one in certificates
    )
    assert invalid == 0
    # Unknown on purpose: noise over 200 dB (SPEC.md section 1). Masked on purpose: a
    # VIN of two characters, which the feed leaves as it is.
    assert differing["niveau_sonore"] <= 3
    assert differing["vin_anonymise"] <= 2
    assert set(differing) <= {"niveau_sonore", "vin_anonymise"}
