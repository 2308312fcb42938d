"""Column `v` of a vehicle that does not exist: every key that a record keeps, each with a
value that is known, and one that no version knows."""

from typing import Any

_STEP = {
    "date": "2019-03-02 00:00:00+01", "num_agree": "004123", "dangereux": "OUI",
    "tech_reparable": "NON",
}  # fmt: skip
FACTS: dict[str, Any] = {
    "date_update": "02/06/2022", "plaq_immat": "AA-**3-AA", "marque": "RENAULT",
    "tvv": "M10RENVP", "num_cnit": "M10RENVP001", "nom_commercial": "CLIO",
    "vin": "VF1B********12345", "couleur": "BLEU", "type_reception": "CE",
    "cveh_num_reception": "E2*2001/116", "CTEC_RLIB_POLLUTION": "EURO5",
    "CTEC_RLIB_CATEGORIE": "M1", "CTEC_RLIB_GENRE": "VP",
    "CTEC_RLIB_CARROSSERIE_CE": "AB", "CTEC_RLIB_CARROSSERIE_NAT": "CI",
    "CTEC_RLIB_ENERGIE": "GO", "pt_tech_adm_f1": 1700, "ptac_f2": 1690,
    "ptra_f3": 2600, "pt_service_g": 1200, "ptav_g1": 1125, "CTEC_CYLINDREE": 1461.5,
    "CTEC_PUISSANCE_NETTE": 63, "CTEC_PUISS_CV": 5, "CTEC_RAPPORT_PUIS_MASSE": 0.05,
    "CTEC_PLACES_ASSISES": 7, "CTEC_PLACES_DEBOUT": 2, "CTEC_NIVEAU_SONORE": 76,
    "CTEC_VITESSE_MOTEUR": 3000, "CTEC_CO2": 106, "nb_titulaires": 3,
    "nb_sinistres": 1, "pers_locataire": "OUI", "annulation_ci": "NON",
    "perte_ci": "OUI", "ci_vole": "NON", "duplicata": "OUI", "vehicule_vole": "NON",
    "import": "OUI", "is_incertain": "NON", "is_apte_a_circuler": "NON",
    "date_annulation_ci": "03/06/2021", "date_premiere_immat": "06/03/2012",
    "date_emission_CI": "07/03/2015", "date_premiere_immat_siv": "08/03/2012",
    "dos_date_conversion_siv": "09/03/2013", "dos_date_derniere_modif": "10/03/2015",
    "date_import_france": "11/03/2012", "date_dernier_sinistre": "12/03/2019",
    "date_premiere_immat_etranger": "2011-03-04 23:00:00",
    "date_derniere_resolution": "13/03/2020", "adr_code_postal_tit": "75012",
    "imp_imp_pays": "DE", "pays_import": "ALLEMAGNE", "usage": ["COL"],
    "historique": [
        {"opa_date": "2019-03-02T23:30:00.000Z", "opa_type": "DEC_VE",
         "id_pve": "4711", "ope_date_annul": "2019-04-05 00:00:00.12+"},
        {"opa_date": "2012-03-06T08:00:00.000Z", "opa_type": "IMMAT_NORMALE"},
    ],
    "new_historique": [
        {"opa_date": "03/03/2019", "opa_type": "DEC_VE", "id_pve": "4711",
         "num_agree": "004123", "ope_date_annul": "2019-04-05 00:00:00.12+"},
        {"opa_date": "07/03/2012", "opa_type": "IMMAT_NORMALE"},
    ],
    "sit_adm": {
        "suspensions": [
            {"date": "2018-01-02 00:00:00.0", "motif": "PVE", "remise_titre": "OUI",
             "retrait_titre": "NON"},
        ],
        "opposition": {"otcis": [{"date": "2018-01-03 00:00:00.0"}]},
        "gages": [{"date": "2018-01-04 00:00:00.0", "nom_creancier": "BANQUE"}],
        "dvs": [{"date": "2018-01-05 00:00:00.0", "dvs_autorite": "HUISSIER"}],
    },
    "pve": [
        {"id_pve": "4711", "en_cours": "OUI", "decl": _STEP, "prem": dict(_STEP),
         "deux": dict(_STEP)},
    ],
    "new_key": {"of": [1, "another version"]},
}  # fmt: skip
