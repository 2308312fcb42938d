"""Records built by hand → the ancestor's document, without a request."""

import dataclasses
import datetime as dt
import json
from typing import Any

import msgspec.structs
import orjson
import pytest

from histovet.history.report import Audience, report
from histovet.inspections.inspected import Absence, Inspected, Source
from histovet.partners.ancestor import ancestor_document
from pseudonymizer.records import (
    Initials,
    Inspection,
    Operation,
    Record,
    Register,
    Vehicle,
)
from tests.partners import register
from tests.partners.shapes import (
    ancestors_fields,
    assert_ancestors_shape,
    at,
    fields_of,
)

CERTIFICATE = "/vehicule/certificat_immatriculation"
TECHNICAL = f"{CERTIFICATE}/caracteristiques_techniques"


INSPECTED = Inspected(
    (
        Inspection(dt.date(2021, 3, 2), "VTP", "A", 30_000),
        Inspection(dt.date(2019, 1, 20), "CV", "A", 84_350),
        Inspection(dt.date(2018, 12, 20), "VTP", "S", None),
        Inspection(dt.date(2017, 3, 2), "NEW", "NEW", 40_000),
    ),
    Source.REGISTER,
    dt.date(2021, 10, 1),
    None,
)


def document(
    record: Record,
    audience: Audience = Audience.HOLDER,
    inspections: bool = False,
    inspected: Inspected = INSPECTED,
) -> dict[str, Any]:
    """The document as its JSON says it."""
    shown = report(
        record,
        audience=audience,
        as_of=register.AS_OF,
        inspected=inspected if inspections else Inspected(),
    )
    made = ancestor_document(shown, release=register.LABEL, inspections=inspections)
    return json.loads(orjson.dumps(made))


def on(one: Any, day: dt.date) -> Any:
    return msgspec.structs.replace(one, date=day)


FULL = register.FULL.record


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("registration", register.EVERYTHING)
def test_every_document_has_the_ancestors_shape(registration, audience):
    assert_ancestors_shape(document(registration.record, audience, inspections=True))


def test_together_they_have_every_field_of_the_ancestor():
    found = set()
    for registration in register.EVERYTHING:
        found |= fields_of(document(registration.record, inspections=True))
    nothing = document(FULL, inspections=True, inspected=Inspected())
    assert ancestors_fields() - found - fields_of(nothing) == set()


def test_inspections_stand_in_the_ancestors_shape():
    made = document(FULL, inspections=True)
    assert made["controles_techniques"] == {
        "donnee_disponible": True,
        "date_mise_a_jour": "2021-10-01",
        "historique": [
            {
                "date": "2021-03-02",
                "nature": "VTP",
                "nature_libelle": "Contrôle périodique",
                "resultat": "A",
                "resultat_libelle": "Favorable",
                "km": 30000,
            },
            {
                "date": "2019-01-20",
                "nature": "CV",
                "nature_libelle": "Contre-visite",
                "resultat": "A",
                "resultat_libelle": "Favorable",
                "km": 84350,
            },
            {
                "date": "2018-12-20",
                "nature": "VTP",
                "nature_libelle": "Contrôle périodique",
                "resultat": "S",
                "resultat_libelle": "Défavorable, défaillances majeures",
            },
            {"date": "2017-03-02", "nature": "NEW", "resultat": "NEW", "km": 40000},
        ],
    }
    ours = made["histovet"]
    assert ours["sources"]["inspections"] == {
        "source": "register",
        "as_of": "2021-10-01",
    }
    assert ours["mileage"]["verdict"] == "inconsistent"
    assert [at(made, odd)["km"] for odd in ours["mileage"]["odd"]] == [30000]
    assert ours["next_inspection"] == {"kind": "periodic", "by": "2026-03-02"}
    assert "mileage_falls" in [alert["code"] for alert in ours["alerts"]]


@pytest.mark.parametrize("absence", Absence)
def test_each_absence_of_inspections_is_told_apart(absence):
    nothing = Inspected(absence=absence)
    made = document(FULL, inspections=True, inspected=nothing)
    told = made["controles_techniques"]
    available = absence in (Absence.NONE_RECORDED, Absence.NOT_SUBJECT)
    assert told["donnee_disponible"] is available
    assert ("historique" in told) is available
    assert ("erreur" in told) is not available
    source = made["histovet"]["sources"]["inspections"]
    assert source["absent_because"] == absence.value


def test_inspections_that_were_not_asked_for_are_not_there():
    made = document(FULL)
    assert "controles_techniques" not in made
    assert "inspections" not in made["histovet"]["sources"]
    assert not {"mileage", "next_inspection"} & set(made["histovet"])


def test_the_rubrics_stand_under_the_ancestors_names():
    technical = at(document(FULL), TECHNICAL)
    assert technical == {
        "marque": "RENAULT",
        "tvv": "M10RENVP123",
        "numero_cnit": "M10RENVP123A456",
        "nom_commercial": "CLIO",
        "couleur": "BLEU",
        "type_de_reception": "CE",
        "vin_anonymise": "VF1R********45678",
        "ptta": 1735,
        "ptac": 1735,
        "ptra": 2635,
        "ptes": 1245,
        "ptav": 1170,
        "date_emission": "2019-01-06",
        "categorie_ue": "M1",
        "genre_national": "VP",
        "carrosserie_ue": "AB",
        "carrosserie_fr": "CI",
        "numero_de_reception": "E2*2001/116*0327*63",
        "cylindree": 1461.5,
        "puissance_nette": 66,
        "energie": "GO",
        "puissance_cv": 4,
        "rapport_puissance_masse": 0.05,
        "places_assises": 5,
        "places_debout": 1,
        "niveau_sonore": 74,
        "vitesse_du_moteur": 2000,
        "emission_co2": 90,
        "classe_environnementale_ue": "2001/116*2006/96EURO5",
    }
    # A whole number is written as one.
    assert type(technical["ptac"]) is int
    assert type(technical["puissance_nette"]) is int


def test_the_rest_of_a_full_record():
    vehicle = document(FULL)["vehicule"]
    certificate = vehicle["certificat_immatriculation"]
    months = "nombre_de_mois_depuis_date_emission_certificat_immatriculation"
    assert vehicle["date_mise_a_jour"] == "2021-10-26"
    assert certificate["date_premiere_immatriculation"] == "2012-03-06"
    assert certificate[months] == 33
    assert certificate["numero_immatriculation_anonymisee"] == "AB-1**-CD"
    assert certificate["titulaire"] == {
        "particulier": {
            "nom_anonymise": "L.",
            "prenoms_anonymises": "C. A.",
            "code_postal": "31520",
        }
    }
    assert certificate["etat"] == {
        "duplicata": True,
        "annule": False,
        "perdu": True,
        "vole": False,
    }
    assert vehicle["etat"] == {
        "nombre_de_titulaires": 2,
        "vole": True,
        "procedures_ve": {
            "numero_immatriculation_au_format_fni": False,
            "date_derniere_procedure_ve": "2016-05-01",
            "date_fin_derniere_procedure_ve": "2016-07-01",
            "apte_a_circuler": False,
            "nombre_de_procedures_ve": 1,
            "procedure_ve_en_cours": True,
        },
        "vehicule_a_usage_agricole": False,
        "vehicule_a_usage_de_collection": True,
    }
    assert vehicle["historique"] == [
        {"date": "2019-01-06", "type": "CHANG_TIT_NORMAL"},
        {
            "date": "2018-12-23",
            "type": "DECLARATION_CESSION",
            "date_annulation": "2018-12-28",
        },
        {"date": "2016-05-01", "type": "DEC_VE"},
        {"date": "2014-05-01", "type": "OPERATION_INCONNUE"},
        {"date": "2012-03-06", "type": "IMMAT_NORMALE_PREM_VO"},
        {"type": "INSCRIRE_DVS"},
    ]
    assert vehicle["import_en_france"] == {
        "vehicule_importe_depuis_etranger": True,
        "date_import": "2012-03-06",
        "date_premiere_immatriculation_etranger": "2011-02-01",
    }
    assert vehicle["situation_administrative"] == {
        "suspensions": [
            {
                "date": "2016-05-02",
                "motif": "PVE",
                "remise_du_titre": False,
                "retrait_du_titre": True,
            },
            {"motif": "PJU"},
        ],
        "declarations_valant_saisie": [
            {"date": "2017-02-01", "nom_personne_morale": "TRESORERIE"},
            {},
        ],
        "gages": [{"date": "2017-01-01", "nom_creancier": "BANQUE DU LAC"}, {}],
        "opposition": {
            "oves": [{"date": "2016-05-03"}],
            "oveis": [{"date": "2016-05-04"}],
            "otcis": [{"date": "2016-05-05"}],
            "otcis_pv": [{"date": "2016-05-06"}, {}],
        },
    }


def test_what_the_ancestor_has_no_place_for_stands_in_our_object():
    concluded = ("verdict", "alerts", "contradictions", "labels", "sources")
    made = document(FULL)["histovet"]
    assert {name: made[name] for name in made if name not in concluded} == {
        "version": "1.0",
        "as_of": "2021-10-26",
        "release": "2021-10",
        "precisions": {},
        "unknown": [],
        "quality": ["date_unreadable:sit_adm.dvs.date"],
        "cancelled_operations": ["/vehicule/historique/1"],
        "procedures": [
            {
                "running": True,
                "declaration": {
                    "date": "2016-05-01",
                    "dangerous": True,
                    "repairable": True,
                },
                "first_report": {"date": "2016-06-01", "dangerous": False},
            }
        ],
        "other_oppositions": [{"kind": "nouvelle", "date": "2019-01-06"}],
        "leased": True,
        "origin": {"code": "D", "name": "ALLEMAGNE"},
        # The vehicle was imported: nobody knows how many held it before.
        "tenures": [
            {"begins_with": "/vehicule/historique/0", "current": True, "months": 33},
            {"begins_with": "/vehicule/historique/4", "current": False, "months": 82},
        ],
        "critair": {"sticker": "2"},
    }


def test_what_the_page_concludes_stands_there_too():
    made = document(FULL)["histovet"]
    assert made["verdict"] == "blocked"
    assert [(one["code"], one["gravity"], one["count"]) for one in made["alerts"]] == [
        ("vehicle_stolen", "blocking", 1),
        ("irreparable", "blocking", 1),
        ("procedure_running", "blocking", 1),
        ("damage_opposition", "blocking", 1),
        ("damage_suspension", "blocking", 1),
        ("seizure", "blocking", 2),
        ("opposition", "blocking", 1),
        ("fines", "blocking", 2),
        ("other_opposition", "blocking", 1),
        ("police", "blocking", 1),
        ("pledge", "check", 2),
        ("certificate_lost", "check", 1),
        ("claim_open", "check", 1),
        ("contradiction", "check", 1),
        ("imported", "note", 1),
    ]
    assert made["alerts"][0]["title"] == "Véhicule déclaré volé"
    assert made["contradictions"] == ["repaired_but_suspended"]
    assert made["sources"] == {"register": {"as_of": "2021-10-26"}}


def test_every_code_that_has_a_meaning_has_its_label():
    found = document(FULL)["histovet"]["labels"]
    assert found["operations"]["CHANG_TIT_NORMAL"] == "Changement de titulaire"
    # As on the page, which knows an import and a change with a new plate.
    assert found["operations"]["IMMAT_NORMALE_PREM_VO"] == (
        "Première immatriculation en France, véhicule importé"
    )
    changed = Record(
        register=Register.SIV,
        masked_plate="",
        operations=(Operation("CHANG_TIT_NORMAL_CVN"), Operation("NEW")),
    )
    assert document(changed)["histovet"]["labels"]["operations"] == {
        "CHANG_TIT_NORMAL_CVN": "Changement de titulaire, Passage à une plaque du type "
        "AA-123-AA"
    }
    assert set(found["operations"]) == {
        "CHANG_TIT_NORMAL",
        "DECLARATION_CESSION",
        "DEC_VE",
        "IMMAT_NORMALE_PREM_VO",
        "INSCRIRE_DVS",
    }
    assert found["suspensions"] == {
        "PVE": "Réparation contrôlée en cours",
        "PJU": "Immobilisation, police judiciaire",
    }
    assert found["vehicle"] == {
        "couleur": "bleu",
        "type_de_reception": "réception européenne",
        "categorie_ue": "voiture, 9 places au plus",
        "genre_national": "voiture particulière",
        "carrosserie_ue": "voiture à hayon",
        "carrosserie_fr": "conduite intérieure",
        "energie": "gazole",
    }


def test_a_company_shows_three_digits_of_its_siren():
    holder = at(document(register.COMPANY.record), f"{CERTIFICATE}/titulaire")
    assert holder == {
        "personne_morale": {
            "raison_sociale_anonymisee": "G. D. P. S.",
            "siren_anonymise": "123******",
            "code_postal": "75011",
        }
    }


def test_an_unknown_number_of_a_live_certificate_is_zero_and_named():
    made = document(register.PLAIN_FNI.record)
    unknown = made["histovet"]["unknown"]
    assert f"{TECHNICAL}/emission_co2" in unknown
    assert f"{TECHNICAL}/places_assises" not in unknown
    assert len(unknown) == 13
    assert {at(made, pointer) for pointer in unknown} == {0}


def test_a_cancelled_certificate_has_no_invented_number():
    made = document(register.CANCELLED.record)
    assert at(made, f"{CERTIFICATE}/etat") == {
        "annule": True,
        "date_annulation": "2015-06-01",
    }
    assert at(made, TECHNICAL) == {
        "marque": "CITROEN",
        "vin_anonymise": "VF7A********12345",
    }
    assert "nombre_de_titulaires" not in made["vehicule"]["etat"]
    # The ancestor sends them, although the register says nothing of them.
    unknown = made["histovet"]["unknown"]
    assert "/vehicule/historique" in unknown
    assert all(at(made, pointer) in ([], False) for pointer in unknown)


def test_a_record_that_knows_nothing_still_has_the_shape():
    made = document(Record(register=Register.FNI, masked_plate=""))
    assert_ancestors_shape(made)
    assert at(made, f"{CERTIFICATE}/titulaire") == {}
    assert at(made, f"{CERTIFICATE}/etat") == {}


@pytest.mark.parametrize(
    ("register_name", "conversion", "fni"),
    [
        (Register.FNI, None, True),
        (Register.FNI, dt.date(2012, 1, 1), False),
        (Register.SIV, None, False),
    ],
)
def test_the_format_of_the_plate(register_name, conversion, fni):
    record = Record(register=register_name, masked_plate="", siv_conversion=conversion)
    pointer = "/vehicule/etat/procedures_ve/numero_immatriculation_au_format_fni"
    assert at(document(record), pointer) is fni


def test_a_number_that_the_ancestor_declares_whole_is_rounded():
    vehicle = Vehicle(noise_db=74.6, displacement_cm3=49.9)
    made = at(
        document(Record(register=Register.SIV, masked_plate="", vehicle=vehicle)),
        TECHNICAL,
    )
    assert (made["niveau_sonore"], made["cylindree"]) == (75, 49.9)


def test_what_others_see_says_which_dates_are_coarse():
    made = document(FULL, Audience.OTHERS)
    coarse = made["histovet"]["precisions"]
    assert coarse == {
        f"{TECHNICAL}/date_emission": "month",
        "/vehicule/historique/0/date": "month",
        "/histovet/other_oppositions/0/date": "month",
    }
    assert {at(made, pointer) for pointer in coarse} == {"2019-01-01"}
    fni = document(register.PLAIN_FNI.record, Audience.OTHERS)
    assert fni["histovet"]["precisions"][f"{TECHNICAL}/date_emission"] == "year"
    assert at(fni, f"{TECHNICAL}/date_emission") == "2008-01-01"


def test_every_date_that_is_coarse_is_named():
    day = dt.date(2019, 1, 6)
    dates = {
        name: day
        for name, kind in Record.__annotations__.items()
        if kind == "dt.date | None" and name != "updated"
    }
    assert len(dates) >= 9
    record = Record(
        register=Register.SIV,
        masked_plate="",
        initials=Initials(),
        operations=(Operation("CHANG_TIT_NORMAL", day, True, day),),
        suspensions=tuple(on(one, day) for one in FULL.suspensions),
        oppositions=tuple(on(one, day) for one in FULL.oppositions),
        pledges=tuple(on(one, day) for one in FULL.pledges),
        seizures=tuple(on(one, day) for one in FULL.seizures),
        procedures=tuple(
            msgspec.structs.replace(
                one,
                declaration=on(one.declaration, day),
                first_report=on(one.first_report, day),
                second_report=on(one.first_report, day),
            )
            for one in FULL.procedures
        ),
        **dates,
    )
    found = Inspected((Inspection(day, "VTP", "A", 1),), Source.UTAC, None, None)
    made = document(record, Audience.OTHERS, inspections=True, inspected=found)
    text = json.dumps(made)
    assert "2019-01-06" not in text
    assert text.count('"2019-01-01"') == len(made["histovet"]["precisions"])


def test_the_mapping_changes_nothing_of_the_report():
    shown = report(FULL, audience=Audience.HOLDER, as_of=register.AS_OF)
    before = dataclasses.asdict(shown)
    ancestor_document(shown, release="x", inspections=True)
    assert dataclasses.asdict(shown) == before
