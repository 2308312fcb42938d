"""One line of the extract → a Registration: SPEC.md section 1."""

import ast
import datetime as dt
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudonymizer import codec
from pseudonymizer.errors import FeedRefused, Unusable
from pseudonymizer.feed import FeedReader
from pseudonymizer.holder import holder_bytes
from pseudonymizer.layout import COLUMNS_READ, Line, line_reader
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Holder,
    HolderKind,
    HolderProof,
    Identity,
    Initials,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
    Registration,
    Seizure,
    Suspension,
    Vehicle,
)
from pseudonymizer.registration import Layout, mask_plate
from pseudonymizer.synthetic import write_register
from tests.vehicles import FNI_COLUMNS, SIV_COLUMNS, fni_line, siv_line

Json = dict[str, Any]

# Every code that may cost a line its row, by SPEC.md section 1.
REJECTS = {
    "plate_missing",
    "plate_too_long",
    "formula_number_missing",
    "formula_number_too_long",
    "issue_date_missing",
    "issue_date_unreadable",
    "facts_unreadable",
    "record_too_large",
}
QUALITY = {
    "date_unreadable",
    "boolean_unreadable",
    "type_unreadable",
    "negative",
    "implausible",
    "siren_unreadable",
    "histories_differ",
    "holder_missing",
}

FULL: Json = {
    "date_update": "02/01/2022",
    "plaq_immat": "AA-1**-AA",
    "utac_id": "xyz",
    "date_emission_CI": "06/03/2015",
    "marque": " MEGALO ",
    "tvv": "MX5T01",
    "nom_commercial": "BERLINE ÉTÉ",
    "num_cnit": "M10MGLVP000X123",
    "vin": "VF1A********12345",
    "couleur": "GRIS CLAIR",
    "type_reception": "CE",
    "cveh_num_reception": "e2*2001/116*0333*42",
    "pt_tech_adm_f1": 1850,
    "ptac_f2": 1850.5,
    "ptra_f3": 3050,
    "pt_service_g": 1304,
    "ptav_g1": 1229,
    "CTEC_RLIB_CATEGORIE": "M1",
    "CTEC_RLIB_GENRE": "VP",
    "CTEC_RLIB_CARROSSERIE_CE": "AB",
    "CTEC_RLIB_CARROSSERIE_NAT": "CI",
    "CTEC_CYLINDREE": 1461,
    "CTEC_PUISSANCE_NETTE": 66.5,
    "CTEC_RLIB_ENERGIE": "GO",
    "CTEC_PUISS_CV": 5,
    "CTEC_RAPPORT_PUIS_MASSE": 0.051,
    "CTEC_PLACES_ASSISES": 5,
    "CTEC_PLACES_DEBOUT": 12,
    "CTEC_NIVEAU_SONORE": 76,
    "CTEC_VITESSE_MOTEUR": 2750,
    "CTEC_CO2": 114,
    "CTEC_RLIB_POLLUTION": "70/220*2001/100EURO4",
    "pers_nom_naissance_tit": "L******",
    "pers_prenom_tit": "C******",
    "pers_raison_soc_tit": "L******",
    "pers_siren_tit": "123****89",
    "adr_code_postal_tit": "02100",
    "date_premiere_immat": "28/02/2006",
    "date_premiere_immat_siv": "14/07/2010",
    "dos_date_derniere_modif": "03/03/2015",
    "dos_date_conversion_siv": "13/07/2010",
    "date_import_france": "01/03/2006",
    "date_premiere_immat_etranger": "1999-06-14 22:00:00",
    "imp_imp_pays": "D",
    "pays_import": "ALLEMAGNE",
    "imp_imp_immat": "B-XY 123",
    "usage": ["COL", "AUTRE"],
    "pers_locataire": "OUI",
    "sit_adm": {
        "suspensions": [
            {
                "date": "2013-01-02 00:00:00.0",
                "motif": "PVE",
                "remise_titre": "OUI",
                "retrait_titre": "NON",
            },
            {"date": "", "motif": "AUTRE"},
        ],
        "opposition": {
            "oves": [],
            "oveis": [{"date": ""}],
            "otcis": [{"date": "2014-06-01 00:00:00.0"}],
            "otcis_pv": [{"date": "2014-06-02 00:00:00.0"}],
            "nouvelle": [{"date": "2014-06-03 00:00:00.0"}],
        },
        "gages": [{"date": "2012-12-12 00:00:00.0", "nom_creancier": "BANQUE DU LAC"}],
        "dvs": [{"date": "2012-11-11 00:00:00.0", "dvs_autorite": "TRÉSORERIE"}],
    },
    "annulation_ci": "NON",
    "date_annulation_ci": "21/11/2019",
    "perte_ci": "OUI",
    "duplicata": "OUI",
    "ci_vole": "NON",
    "vehicule_vole": "NON",
    "import": "OUI",
    "historique": [
        {"opa_date": "2015-03-03T10:00:00.000Z", "opa_type": "CHANG_TIT_NORMAL"},
        {
            "opa_date": "2015-02-20T22:30:00.000Z",
            "opa_type": "DECLARATION_CESSION",
            "ope_date_annul": "2015-02-21 00:00:00.000",
        },
        {
            "opa_date": "2013-05-06T10:00:00.000Z",
            "opa_type": "SEC_RAP_VE",
            "id_pve": "4567",
            "ope_date_annul": "2013-05-07 00:00:00.00+",
        },
        {"opa_date": "2006-07-14T22:30:00.000Z", "opa_type": "NOUVEAU_CODE"},
    ],
    "new_historique": [
        {"opa_date": "03/03/2015", "opa_type": "CHANG_TIT_NORMAL"},
        {
            "opa_date": "21/02/2015",
            "opa_type": "DECLARATION_CESSION",
            "ope_date_annul": "2015-02-21 00:00:00.000",
        },
        {
            "opa_date": "06/05/2013",
            "opa_type": "SEC_RAP_VE",
            "id_pve": "4567",
            "num_agree": "001234",
        },
        {"opa_date": "15/07/2006", "opa_type": "NOUVEAU_CODE", "num_agree": ""},
    ],
    "pve": [
        {
            "id_pve": "4567",
            "en_cours": "NON",
            "decl": {
                "date": "2013-01-02 00:00:00+01",
                "dangereux": "OUI",
                "tech_reparable": "NON",
            },
            "prem": {"date": "2013-02-03 00:00:00+01", "num_agree": "001234"},
            "deux": {"date": "2013-07-08 00:00:00+02", "num_agree": "0"},
        },
        {"en_cours": "OUI"},
    ],
    "age_certificat": "KO",
    "logo_genre": "CAR",
    "critair": "2",
    "nb_sinistres": 2,
    "date_dernier_sinistre": "02/01/2013",
    "date_derniere_resolution": "06/05/2013",
    "is_apte_a_circuler": "OUI",
    "is_incertain": "NON",
    "nb_titulaires": 0,
    "is_fni": "NON",
    "is_fni_converti": "OUI",
    "has_pve": "NON",
}

# Written by hand from FULL and SPEC.md.
FULL_RECORD = Record(
    register=Register.SIV,
    masked_plate="AA-1**-AA",
    initials=Initials(family="L.", given="C."),
    postal_code="02100",
    leased=True,
    vehicle=Vehicle(
        make="MEGALO",
        variant="MX5T01",
        cnit="M10MGLVP000X123",
        model="BERLINE ÉTÉ",
        vin="VF1A********12345",
        colour="GRIS CLAIR",
        approval_type="CE",
        approval_number="e2*2001/116*0333*42",
        max_technical_mass_kg=1850,
        max_laden_mass_kg=1850.5,
        max_train_mass_kg=3050,
        mass_in_service_kg=1304,
        unladen_mass_kg=1229,
        eu_category="M1",
        genre="VP",
        eu_body="AB",
        body="CI",
        displacement_cm3=1461,
        net_power_kw=66.5,
        energy="GO",
        fiscal_power_cv=5,
        power_to_mass=0.051,
        seats=5,
        standing_places=12,
        noise_db=76,
        noise_engine_speed=2750,
        co2_g_km=114,
        environment_class="70/220*2001/100EURO4",
    ),
    certificate_cancelled=False,
    certificate_cancelled_on=dt.date(2019, 11, 21),
    certificate_lost=True,
    certificate_stolen=False,
    certificate_duplicate=True,
    vehicle_stolen=False,
    first_registration=dt.date(2006, 2, 28),
    issue_date=dt.date(2015, 3, 6),
    first_registration_siv=dt.date(2010, 7, 14),
    siv_conversion=dt.date(2010, 7, 13),
    last_change=dt.date(2015, 3, 3),
    updated=dt.date(2022, 1, 2),
    import_date=dt.date(2006, 3, 1),
    imported=True,
    first_registration_abroad=dt.date(1999, 6, 15),
    origin_code="D",
    origin_name="ALLEMAGNE",
    usages=("COL", "AUTRE"),
    subject_to_inspection=True,
    operations=(
        Operation("CHANG_TIT_NORMAL", dt.date(2015, 3, 3)),
        Operation(
            "DECLARATION_CESSION",
            dt.date(2015, 2, 20),
            cancelled=True,
            cancelled_on=dt.date(2015, 2, 21),
        ),
        Operation(
            "SEC_RAP_VE",
            dt.date(2013, 5, 6),
            cancelled=True,
            cancelled_on=dt.date(2013, 5, 7),
            procedure="4567",
            expert="001234",
        ),
        # 22:30 UTC in summer is the next day in Paris.
        Operation("NOUVEAU_CODE", dt.date(2006, 7, 15)),
    ),
    suspensions=(
        Suspension("PVE", dt.date(2013, 1, 2), True, False),
        Suspension("AUTRE"),
    ),
    oppositions=(
        Opposition("oveis"),
        Opposition("otcis", dt.date(2014, 6, 1)),
        Opposition("otcis_pv", dt.date(2014, 6, 2)),
        Opposition("nouvelle", dt.date(2014, 6, 3)),
    ),
    pledges=(Pledge(dt.date(2012, 12, 12), "BANQUE DU LAC"),),
    seizures=(Seizure(dt.date(2012, 11, 11), "TRÉSORERIE"),),
    procedures=(
        DamageProcedure(
            "4567",
            False,
            ExpertStep(dt.date(2013, 1, 2), None, True, False),
            ExpertStep(dt.date(2013, 2, 3), "001234"),
            ExpertStep(dt.date(2013, 7, 8)),
        ),
        DamageProcedure(None, True),
    ),
    holder_count=0,
    uncertain_origin=False,
    claim_count=2,
    last_claim=dt.date(2013, 1, 2),
    last_resolution=dt.date(2013, 5, 6),
    fit_to_drive=True,
)


def registration(line: dict[str, str]) -> Registration:
    return Layout.of(list(line)).registration(list(line.values()))


def full(**changes: Any) -> dict[str, str]:
    """Return a SIV line whose `v` is FULL with these changes."""
    return siv_line(v=json.dumps({**FULL, **changes}))


def record(**changes: Any) -> Record:
    return registration(full(**changes)).record


def with_v(v: str) -> Record:
    return registration(siv_line(v=v)).record


def reopened(found: Record) -> Record:
    content = codec.encode(found, HolderProof())
    return codec.decode(codec.DICTIONARY, content)[0]


def changed(**values: Any) -> Record:
    return msgspec.structs.replace(FULL_RECORD, **values)


def test_a_siv_line_becomes_types() -> None:
    found = registration(full())
    assert found.identity == Identity(Register.SIV, "AA123AA", "2015AB12345")
    assert found.holders == (Holder(HolderKind.PERSON, "LEMOINE", ("CAMILLE",)),)
    assert found.record == FULL_RECORD


def test_a_fni_line_becomes_types() -> None:
    found = registration(fni_line(v=json.dumps({**FULL, "plaq_immat": "1** ABC **"})))
    assert found.identity == Identity(Register.FNI, "123ABC75", "2008-03-06")
    assert found.holders == (
        Holder(HolderKind.SINGLE_FIELD, "", ("LEMOINE", "CAMILLE")),
    )
    assert found.record == changed(
        register=Register.FNI,
        issue_date=dt.date(2008, 3, 6),
        masked_plate="1** ABC **",
        initials=Initials(family="L. C."),
    )


def test_a_cancelled_certificate_has_few_facts() -> None:
    v = {
        "date_update": "01/01/1900",
        "plaq_immat": "AA-1**-AA",
        "date_annulation_ci": "21/11/2019",
        "date_premiere_immat": "10/03/2000",
        "vin": "WDB2********29697",
        "marque": "MEGALO",
        "annulation_ci": "OUI",
    }
    found = registration(siv_line(v=json.dumps(v), utac_ask_ct="NON"))
    assert found.record == Record(
        register=Register.SIV,
        masked_plate="AA-1**-AA",
        initials=Initials(family="L.", given="C."),
        vehicle=Vehicle(make="MEGALO", vin="WDB2********29697"),
        certificate_cancelled=True,
        certificate_cancelled_on=dt.date(2019, 11, 21),
        first_registration=dt.date(2000, 3, 10),
        subject_to_inspection=False,
    )


def test_an_empty_object_is_a_record_of_nothing() -> None:
    found = registration(fni_line(v="{}", utac_ask_ct=""))
    assert found.record == Record(
        register=Register.FNI,
        masked_plate="1** ABC **",
        initials=Initials(family="L. C."),
        issue_date=dt.date(2008, 3, 6),
    )


def test_a_company_comes_before_a_person() -> None:
    found = registration(
        siv_line(
            pers_raison_soc_tit="SARL GARAGE DU LAC",
            pers_siren_tit="123456789",
            pers_nom_naissance_tit="",
            pers_prenom_tit="",
        )
    )
    assert found.holders == (
        Holder(HolderKind.COMPANY, "GARAGEDULAC", (), "123456789"),
    )
    assert found.record.initials == Initials(company="S. G. D. L.", siren_prefix="123")


def test_a_siren_that_is_none_leaves_the_company() -> None:
    found = registration(
        siv_line(pers_raison_soc_tit="GARAGE DU LAC", pers_siren_tit="12345678X")
    )
    assert found.holders == (Holder(HolderKind.COMPANY, "GARAGEDULAC"),)
    assert found.record.quality == ("siren_unreadable:pers_siren_tit",)


def test_blanks_for_a_company_are_none() -> None:
    found = registration(siv_line(pers_raison_soc_tit="  "))
    assert found.holders == (Holder(HolderKind.PERSON, "LEMOINE", ("CAMILLE",)),)


@pytest.mark.parametrize("name", ["", "***", "M.", "123"])
def test_a_missing_holder_is_told_and_costs_nothing(name: str) -> None:
    line = siv_line(pers_nom_naissance_tit=name, pers_prenom_tit="")
    found = registration(line)
    assert found.holders == ()
    assert found.record.quality == ("holder_missing",)
    assert holder_bytes(found.holders) == b"\x01"


@pytest.mark.parametrize(
    "column", ["pers_nom_naissance_tit", "pers_prenom_tit", "pers_raison_soc_tit"]
)
def test_a_name_of_thousands_of_letters_is_no_holder(column: str) -> None:
    found = registration(siv_line(**{column: "LEMOINE" * 9_000}))
    assert found.holders == ()
    assert found.record.quality == ("implausible:holder", "holder_missing")
    assert len(holder_bytes(found.holders)) == 1
    # Every letter of the longest name that is read unfolds to two.
    longest = registration(siv_line(**{column: "ß" * 1_000}))
    assert len(longest.holders) == 1
    assert holder_bytes(longest.holders)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plaq_immat": ""}, "plate_missing"),
        ({"plaq_immat": " -.- "}, "plate_missing"),
        ({"plaq_immat": "A" * 33}, "plate_too_long"),
        ({"numero_formule": ""}, "formula_number_missing"),
        ({"numero_formule": "*"}, "formula_number_missing"),
        ({"numero_formule": "A" * 33}, "formula_number_too_long"),
        ({"date_emission_CI": ""}, "issue_date_missing"),
        ({"date_emission_CI": "01/01/1900"}, "issue_date_missing"),
        ({"date_emission_CI": "31/02/2005"}, "issue_date_unreadable"),
        ({"date_emission_CI": "INCONNUE"}, "issue_date_unreadable"),
        ({"date_emission_CI": "9999-12-31T23:59:59.999Z"}, "issue_date_unreadable"),
        ({"v": ""}, "facts_unreadable"),
        ({"v": "{"}, "facts_unreadable"),
        ({"v": "["}, "facts_unreadable"),
        ({"v": "null"}, "facts_unreadable"),
        ({"v": "[]"}, "facts_unreadable"),
        ({"v": "5"}, "facts_unreadable"),
        ({"v": '"texte"'}, "facts_unreadable"),
        ({"v": "NON"}, "facts_unreadable"),
        ({"v": "{'marque': 'MEGALO'}"}, "facts_unreadable"),
        ({"v": '{"marque": "MEGALO"'}, "facts_unreadable"),
        ({"v": '{"marque": "MEGALO"} {}'}, "facts_unreadable"),
        # What is wrong stands after what is new, where reading starts again.
        ({"v": '{"nouveau": 1, '}, "facts_unreadable"),
        ({"v": '{"nouveau": 1} {}'}, "facts_unreadable"),
        ({"v": '{"marque": 5, "nouveau": }'}, "facts_unreadable"),
        ({"v": '{"marque": "\\x"}'}, "facts_unreadable"),
        ({"v": '{"nouveau": 1e999'}, "facts_unreadable"),
        ({"v": '{"nouveau": +Infinity}'}, "facts_unreadable"),
        ({"v": "NaN"}, "facts_unreadable"),
        ({"v": '{"nouveau": ' + "[" * 50_000 + "]" * 50_000 + "}"}, "facts_unreadable"),
        ({"v": '{"utac_id": ' + "[" * 50_000 + "]" * 50_000 + "}"}, "facts_unreadable"),
    ],
)  # fmt: skip
def test_a_line_is_rejected_for_its_identity_or_its_facts_alone(
    changes: dict[str, str], code: str
) -> None:
    line = fni_line(**changes) if "date_emission_CI" in changes else siv_line(**changes)
    with pytest.raises(Unusable) as refused:
        registration(line)
    assert refused.value.code == code
    assert str(refused.value) == code


def test_a_record_over_64_kib_is_rejected_before_it_is_sealed() -> None:
    found = registration(full(nouveau="x" * 60_000)).record
    assert reopened(found) == found
    for large in ("x" * 65_000, "\u00e9" * 40_000):
        with pytest.raises(Unusable, match="^record_too_large$"):
            codec.encode(record(nouveau=large), HolderProof())
    # A cell holds 64 KiB at most, and each of its wrong values is told.
    told = with_v('{"historique": [' + "1," * 32_000 + "1]}")
    with pytest.raises(Unusable, match="^record_too_large$"):
        codec.encode(told, HolderProof())


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("date_update", "updated"),
        ("date_emission_CI", "issue_date"),
        ("date_premiere_immat", "first_registration"),
        ("date_premiere_immat_siv", "first_registration_siv"),
        ("dos_date_conversion_siv", "siv_conversion"),
        ("dos_date_derniere_modif", "last_change"),
        ("date_import_france", "import_date"),
        ("date_premiere_immat_etranger", "first_registration_abroad"),
        ("date_annulation_ci", "certificate_cancelled_on"),
        ("date_dernier_sinistre", "last_claim"),
        ("date_derniere_resolution", "last_resolution"),
    ],
)
def test_a_date_that_cannot_be_read_is_absent_and_told(key: str, field: str) -> None:
    for unreadable in ("31/02/2005", "hier", "2005", "9999-12-31T23:59:59.999Z"):
        expected = changed(**{field: None, "quality": (f"date_unreadable:{key}",)})
        assert record(**{key: unreadable}) == expected
    for unknown in ("", "01/01/1900", None):
        assert record(**{key: unknown}) == changed(**{field: None})
    for extreme in (dt.date.min, dt.date.max):
        found = record(**{key: extreme.strftime("%d/%m/") + f"{extreme.year:04}"})
        assert found == changed(**{field: extreme})
        assert reopened(found) == found


def test_the_date_of_a_fni_certificate_is_in_its_column_too() -> None:
    for absent in ("", None):
        found = registration(fni_line({"date_emission_CI": absent})).record
        assert found.issue_date == dt.date(2008, 3, 6)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("pers_locataire", "leased"),
        ("annulation_ci", "certificate_cancelled"),
        ("perte_ci", "certificate_lost"),
        ("ci_vole", "certificate_stolen"),
        ("duplicata", "certificate_duplicate"),
        ("vehicule_vole", "vehicle_stolen"),
        ("import", "imported"),
        ("is_incertain", "uncertain_origin"),
        ("is_apte_a_circuler", "fit_to_drive"),
    ],
)
def test_yes_and_no_are_booleans_and_nothing_else_is(key: str, field: str) -> None:
    assert getattr(record(**{key: "OUI"}), field) is True
    assert getattr(record(**{key: "NON"}), field) is False
    for unknown in ("", None):
        assert record(**{key: unknown}) == changed(**{field: None})
    for unreadable in ("oui", "O", "1", "true", "PEUT-ÊTRE"):
        expected = changed(**{field: None, "quality": (f"boolean_unreadable:{key}",)})
        assert record(**{key: unreadable}) == expected
    for wrong_type in (True, [], {"OUI": 1}):
        expected = changed(**{field: None, "quality": (f"type_unreadable:{key}",)})
        assert record(**{key: wrong_type}) == expected


_NUMBERS = {
    "pt_tech_adm_f1": "max_technical_mass_kg",
    "ptac_f2": "max_laden_mass_kg",
    "ptra_f3": "max_train_mass_kg",
    "pt_service_g": "mass_in_service_kg",
    "ptav_g1": "unladen_mass_kg",
    "CTEC_CYLINDREE": "displacement_cm3",
    "CTEC_PUISSANCE_NETTE": "net_power_kw",
    "CTEC_PUISS_CV": "fiscal_power_cv",
    "CTEC_RAPPORT_PUIS_MASSE": "power_to_mass",
    "CTEC_PLACES_ASSISES": "seats",
    "CTEC_PLACES_DEBOUT": "standing_places",
    "CTEC_NIVEAU_SONORE": "noise_db",
    "CTEC_VITESSE_MOTEUR": "noise_engine_speed",
    "CTEC_CO2": "co2_g_km",
}


@pytest.mark.parametrize(("key", "field"), _NUMBERS.items())
def test_a_number_is_known_when_it_can_be_true(key: str, field: str) -> None:
    def expected(value: Any, *quality: str) -> Record:
        vehicle = msgspec.structs.replace(FULL_RECORD.vehicle, **{field: value})
        return changed(vehicle=vehicle, quality=quality)

    for unknown in (0, 0.0, -0.0, None):
        assert record(**{key: unknown}) == expected(None)
    for negative in (-1, -(10**30)):
        assert record(**{key: negative}) == expected(None, f"negative:{key}")
    for implausible in (10**9 + 1, 2**64, 10**40):
        assert record(**{key: implausible}) == expected(None, f"implausible:{key}")
    for wrong in ("douze", "12,5", [], {}, True, "1" * 400):
        found = record(**{key: wrong})
        assert found.quality in ((f"type_unreadable:{key}",), (f"implausible:{key}",))
        assert found == expected(None, *found.quality)
    for no_number in ("nan", "NaN", "inf", "-Infinity"):
        found = record(**{key: no_number})
        assert getattr(found.vehicle, field) is None
        assert len(found.quality) == 1
    assert record(**{key: "150"}) == expected(150)


def test_noise_that_no_engine_makes_is_implausible() -> None:
    assert record(CTEC_NIVEAU_SONORE=200).vehicle.noise_db == 200
    found = record(CTEC_NIVEAU_SONORE=893)
    assert found.vehicle.noise_db is None
    assert found.quality == ("implausible:CTEC_NIVEAU_SONORE",)


@pytest.mark.parametrize(
    ("key", "field"),
    [("nb_titulaires", "holder_count"), ("nb_sinistres", "claim_count")],
)
def test_a_count_keeps_its_zero(key: str, field: str) -> None:
    assert getattr(record(**{key: 0}), field) == 0
    assert getattr(record(**{key: 3}), field) == 3
    assert getattr(record(**{key: "3"}), field) == 3
    assert getattr(record(**{key: None}), field) is None
    for value, code in (
        (-1, "negative"),
        (10**30, "implausible"),
        ("9" * 30, "implausible"),
        (2.5, "type_unreadable"),
        ("trois", "type_unreadable"),
        (True, "type_unreadable"),
    ):
        found = record(**{key: value})
        assert found == changed(**{field: None, "quality": (f"{code}:{key}",)})


@pytest.mark.parametrize(
    "text", ["INCONNU", "INCONNUE", "NON DEFINI", "SANS", "NEANT", "0", "00", "000",
             "-", ".", "", "  ", " INCONNU "],
)  # fmt: skip
def test_placeholders_are_unknown_but_in_codes(text: str) -> None:
    found = record(
        marque=text,
        couleur=text,
        cveh_num_reception=text,
        pays_import=text,
        CTEC_RLIB_GENRE=text,
        CTEC_RLIB_ENERGIE=text,
    )
    vehicle = found.vehicle
    assert vehicle.make is vehicle.colour is vehicle.approval_number is None
    assert found.origin_name is None
    assert vehicle.genre == vehicle.energy == (text.strip() or None)
    assert found.quality == ()


def test_the_number_of_a_procedure_is_trimmed_wherever_it_stands() -> None:
    found = record(
        historique=[{"opa_type": "SEC_RAP_VE", "id_pve": " 4567 "}],
        new_historique=[],
        pve=[{"id_pve": " 4567 "}, {"id_pve": "0"}],
    )
    assert found.operations[0].procedure == found.procedures[0].number == "4567"
    assert found.procedures[1].number is None


def test_numbers_written_as_text_and_text_as_numbers_are_understood() -> None:
    found = record(ptac_f2="1850", marque=806, adr_code_postal_tit=75011)
    assert found.vehicle.max_laden_mass_kg == 1850
    assert found.vehicle.make == "806"
    assert found.postal_code == "75011"
    assert found.quality == ()


def test_a_list_or_an_object_in_the_wrong_place_costs_itself_alone() -> None:
    for wrong in ("OUI", 5, True, {"a": 1}):
        assert record(usage=wrong) == changed(
            usages=(), quality=("type_unreadable:usage",)
        )
        assert record(pve=wrong) == changed(
            procedures=(), quality=("type_unreadable:pve",)
        )
    for wrong in ("OUI", 5, True, [1]):
        assert record(sit_adm=wrong) == changed(
            suspensions=(),
            oppositions=(),
            pledges=(),
            seizures=(),
            quality=("type_unreadable:sit_adm",),
        )
    assert record(marque=["MEGALO"]).quality == ("type_unreadable:marque",)
    assert record(sit_adm=None, pve=None, usage=None, historique=None).quality == ()


def test_one_wrong_entry_of_a_list_costs_itself_alone() -> None:
    found = record(usage=["COL", None, ["X"], 5, "AGR"])
    assert found.usages == ("COL", "5", "AGR")
    assert found.quality == ("type_unreadable:usage.2",)
    pve = [7, {"en_cours": "OUI", "decl": "hier"}]
    found = record(pve=pve)
    assert found.procedures == (DamageProcedure(None, True),)
    assert found.quality == ("type_unreadable:pve.0", "type_unreadable:pve.1.decl")


def test_unknown_keys_survive_at_every_depth() -> None:
    facts = json.loads(json.dumps(FULL))
    unknown = {"nouveau": [1, 2.5, {"é": None}], "vide": ""}
    facts["clef"] = unknown
    facts["sit_adm"]["saisies"] = []
    facts["sit_adm"]["gages"][0]["montant"] = 1_000
    facts["sit_adm"]["opposition"]["nouvelle"][0]["lieu"] = "AISNE"
    facts["historique"][1]["ope_lieu"] = "AISNE"
    facts["new_historique"][0]["ope_lieu"] = "OISE"
    facts["pve"][0]["deux"]["cabinet"] = False
    found = registration(siv_line(v=json.dumps(facts))).record
    assert found == changed(
        extras={
            "clef": unknown,
            "sit_adm.saisies": [],
            "sit_adm.gages.0.montant": 1_000,
            "sit_adm.opposition.nouvelle.0.lieu": "AISNE",
            "historique.1.ope_lieu": "AISNE",
            "new_historique.0.ope_lieu": "OISE",
            "pve.0.deux.cabinet": False,
        }
    )
    assert reopened(found) == found


@pytest.mark.parametrize(
    "value",
    [0, -(2**63), 2**64 - 1, 1.5, 1e300, "", "texte", True, None, [], {}, [[{}]],
     {"": {"": [None]}}, [0] * 1_000, "é" * 1_000],
)  # fmt: skip
def test_an_unknown_key_is_kept_as_it_was(value: Any) -> None:
    found = record(nouveau=value)
    assert found == changed(extras={"nouveau": value})
    assert reopened(found) == found


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [2**64, -(2**63) - 1, 10**40, [{"a": 10**40}], _nested(17), _nested(300)]
)
def test_an_unknown_key_that_no_record_can_hold_is_told(value: Any) -> None:
    found = record(nouveau=value)
    assert found == changed(quality=("type_unreadable:nouveau",))
    assert reopened(found) == found
    assert record(nouveau=_nested(16)).extras == {"nouveau": _nested(16)}


_UNREADABLE = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e999", "9" * 5_000, r'"\ud800"',
    r'"a\udfffb"', '"\ud800"', '"\udc80"',
)  # fmt: skip


@pytest.mark.parametrize("value", _UNREADABLE)
@pytest.mark.parametrize(
    ("v", "path"),
    [
        ('{"couleur": %s, "marque": "MEGALO"}', "couleur"),
        ('{"ptac_f2": %s, "marque": "MEGALO"}', "ptac_f2"),
        ('{"marque": "MEGALO", "nb_titulaires": %s}', "nb_titulaires"),
        ('{"marque": "MEGALO", "nouveau": %s}', "nouveau"),
        ('{"marque": "MEGALO", "nouveau": [{"a": [%s]}]}', "nouveau"),
        ('{"marque": "MEGALO", "usage": [%s]}', "usage.0"),
        ('{"marque": "MEGALO", "historique": [%s]}', "historique.0"),
        ('{"marque": "MEGALO", "pve": [{"decl": {"date": %s}}]}', "pve.0.decl.date"),
    ],
)
def test_a_value_that_cannot_be_read_costs_nothing_else(
    v: str, path: str, value: str
) -> None:
    found = with_v(v % value)
    assert found.vehicle.make == "MEGALO"
    assert found.quality == (f"type_unreadable:{path}",)
    assert found.extras == {}
    assert reopened(found) == found


def test_a_value_that_cannot_be_read_and_is_not_kept_costs_nothing() -> None:
    found = with_v('{"marque": "MEGALO", "utac_id": 1e400, "critair": "\\ud800"}')
    assert (found.vehicle.make, found.quality) == ("MEGALO", ())


@pytest.mark.parametrize(
    ("v", "path"),
    [
        (r'{"marque": "MEGALO", "\ud800": 1}', r"\ud800"),
        (r'{"marque": "MEGALO", "nouveau": {"\ud800": 1}}', "nouveau"),
        (
            r'{"marque": "MEGALO", "sit_adm": {"opposition": {"\udfff": []}}}',
            r"sit_adm.opposition.\udfff",
        ),
    ],
)
def test_a_key_that_cannot_be_read_costs_its_value_alone(v: str, path: str) -> None:
    found = with_v(v)
    assert found.vehicle.make == "MEGALO"
    assert found.quality == (f"type_unreadable:{path}",)
    assert found.extras == {}
    assert reopened(found) == found


def test_a_control_character_is_read_as_it_stands() -> None:
    assert with_v('{"marque": "ME\tGALO", "ptac_f2": 9}').vehicle.make == "ME\tGALO"


@pytest.mark.parametrize("value", [2**64, {"a": -(2**70)}, {"a": _nested(16)}])
def test_what_no_record_can_hold_is_told_in_the_map_of_oppositions_too(
    value: Any,
) -> None:
    found = record(sit_adm={"opposition": {"oves": value, "otcis": 7}})
    assert found == changed(
        suspensions=(),
        oppositions=(),
        pledges=(),
        seizures=(),
        quality=("type_unreadable:sit_adm.opposition.oves",),
        extras={"sit_adm.opposition.otcis": 7},
    )
    assert reopened(found) == found


def test_the_last_of_two_equal_keys_counts() -> None:
    for v in (
        '{"marque": "UN", "marque": "DEUX"}',
        '{"marque": "UN", "nouveau": 1, "marque": "DEUX", "nouveau": 2}',
    ):
        assert with_v(v).vehicle.make == "DEUX"
    assert with_v(v).extras == {"nouveau": 2}


def test_the_fast_and_the_thorough_reading_agree() -> None:
    """One unknown key makes the whole line be read field by field."""
    assert record(nouveau=1) == changed(extras={"nouveau": 1})


def test_an_unknown_code_is_shown_raw() -> None:
    found = record(CTEC_RLIB_GENRE="XYZ9", CTEC_RLIB_ENERGIE="??", usage=["ZZZ"])
    assert (found.vehicle.genre, found.vehicle.energy) == ("XYZ9", "??")
    assert found.usages == ("ZZZ",)
    assert found.operations[3].code == "NOUVEAU_CODE"
    assert found.oppositions[3].kind == "nouvelle"


def test_histories_that_differ_are_told_and_the_exact_one_is_read() -> None:
    for new in (
        FULL["new_historique"][:-1],
        FULL["new_historique"][::-1],
        [{"opa_date": "01/01/2000", "opa_type": "CHANG_TIT_NORMAL"}],
    ):
        found = record(new_historique=new)
        assert found.quality == ("histories_differ:new_historique",)
        assert [o.date for o in found.operations] == [
            o.date for o in FULL_RECORD.operations
        ]
        assert found.operations[2].expert is None
    for none in ([], None):
        found = record(new_historique=none)
        assert found.quality == ()
        assert len(found.operations) == 4


def test_dates_of_the_history_that_cannot_be_read_are_told() -> None:
    history = [
        {"opa_date": "hier", "opa_type": "IMMAT_NORMALE", "ope_date_annul": "demain"},
        {"opa_date": "", "opa_type": None},
        {},
    ]
    found = record(historique=history, new_historique=[])
    assert found.operations == (
        Operation("IMMAT_NORMALE", None, cancelled=True),
        Operation(""),
        Operation(""),
    )
    assert found.quality == (
        "date_unreadable:historique.opa_date",
        "date_unreadable:historique.ope_date_annul",
    )
    assert reopened(found) == found


def test_the_whole_vin_replaces_the_masked_one() -> None:
    line = full()
    for vin, expected in (
        ("VF1AB123456712345", "VF1AB123456712345"),
        (" VF1AB123456712345 ", "VF1AB123456712345"),
        ("", "VF1A********12345"),
        ("  ", "VF1A********12345"),
        ("INCONNU", None),
    ):
        found = registration({**line, "vin": vin}).record
        assert found == changed(
            vehicle=msgspec.structs.replace(FULL_RECORD.vehicle, vin=expected)
        )


def test_no_plate_stands_unmasked_in_a_record() -> None:
    for in_facts in ("AA-123-AA", "aa123aa", "", None, 123):
        assert record(plaq_immat=in_facts).masked_plate == "AA-1**-AA"
    assert record(plaq_immat="AA-1**-AA").masked_plate == "AA-1**-AA"


@pytest.mark.parametrize(
    ("plate", "masked"),
    [
        ("AA-123-AA", "AA-1**-AA"),
        (" aa 123 aa ", "AA 1** AA"),
        ("9999 AA 75", "9*** AA **"),
        ("1234567", "1******"),
        ("ABC", "ABC"),
        ("", ""),
    ],
)
def test_a_plate_is_masked_but_for_its_letters_and_first_digit(
    plate: str, masked: str
) -> None:
    assert mask_plate(plate) == masked


def test_identities_are_read_in_any_look_and_records_are_the_same() -> None:
    for plate, number in (
        ("aa 123 aa", "2015 ab 12345"),
        ("AA\u2011123\u2011AA", "2015AB12345\u200b"),
        ("ＡＡ１２３ＡＡ", "20I5AB12345"),
    ):
        found = registration(siv_line(plaq_immat=plate, numero_formule=number))
        assert found.identity == Identity(Register.SIV, "AA123AA", "2015AB12345")


def test_an_issue_date_is_read_in_every_encoding_of_the_feed() -> None:
    for text in ("06/03/2008", "2008-03-05T23:00:00.000Z", "2008-03-06 00:00:00.0"):
        found = registration(fni_line(date_emission_CI=text))
        assert found.identity.formula_or_date == "2008-03-06"


@pytest.mark.parametrize("columns", [SIV_COLUMNS, FNI_COLUMNS])
def test_columns_are_found_by_name_in_any_order(columns: tuple[str, ...]) -> None:
    line = siv_line() if columns is SIV_COLUMNS else fni_line()
    turned = dict(reversed(line.items()))
    assert registration(turned) == registration(line)
    more = {"nouvelle colonne": "AA-123-AA", **line, "autre": "LEMOINE"}
    assert registration(more) == registration(line)
    assert Layout.of(list(more)).width == len(more)


_NEEDED = ("v", "plaq_immat", "pers_raison_soc_tit", "pers_siren_tit",
           "pers_nom_naissance_tit", "pers_prenom_tit")  # fmt: skip
_OPTIONAL = ("utac_ask_ct", "id", "idv", "key", "utac_encrypted_vin", "anomalies")


@pytest.mark.parametrize("column", _NEEDED)
def test_a_header_without_a_needed_column_is_refused(column: str) -> None:
    header = [name for name in SIV_COLUMNS if name != column]
    with pytest.raises(FeedRefused, match=column) as refused:
        Layout.of(header)
    assert refused.value.code == "unknown_layout"


@pytest.mark.parametrize("column", _OPTIONAL)
def test_a_header_may_lack_what_is_not_read(column: str) -> None:
    line = siv_line()
    expected = registration(line).record
    del line[column]
    if column == "utac_ask_ct":
        expected = msgspec.structs.replace(expected, subject_to_inspection=None)
    assert registration(line).record == expected


@pytest.mark.parametrize(
    "header",
    [
        [],
        [""],
        [name for name in SIV_COLUMNS if name != "numero_formule"],
        [*SIV_COLUMNS, "date_emission_CI"],
        [*SIV_COLUMNS, "plaq_immat"],
        [*SIV_COLUMNS, "id"],
        [name.upper() for name in SIV_COLUMNS],
        [f" {name}" for name in SIV_COLUMNS],
    ],
)
def test_a_header_that_is_neither_layout_is_refused(header: list[str]) -> None:
    with pytest.raises(FeedRefused) as refused:
        Layout.of(header)
    assert refused.value.code == "unknown_layout"


def test_the_register_is_told_by_the_header() -> None:
    assert Layout.of(list(SIV_COLUMNS)).register is Register.SIV
    assert Layout.of(list(FNI_COLUMNS)).register is Register.FNI


# Whatever stands in a line, it is a registration that can be sealed and opened again,
# or a reject with a code that SPEC.md has.


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    for key, one in enumerate(value) if isinstance(value, list) else inner:
        yield from _paths(one, (*path, key))


_PATHS = sorted(_paths(FULL), key=str)

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**64, -(2**63) - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["", "OUI", "NON", "INCONNU", "01/01/1900", "31/02/2005", "nan", "1e999", "0",
         "2015-03-03T23:30:00.000Z", "9999-12-31T23:59:59.999Z", "0001-01-01 00:00:00",
         "31/12/9999", "01/01/0001", "2013-05-07 00:00:00.00+"]
    ),
)  # fmt: skip
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.text(max_size=4), st.sampled_from(sorted(FULL))),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=5,
)
_KEYS = ("nouveau", "", "é", "date", "historique", "sit_adm.gages")
_TOO_MUCH = (2**64, -(10**400), "1" * 5_000, {"a": [2**64]}, _nested(17), _nested(200))


@pytest.mark.parametrize("path", [path for path in _PATHS if path], ids=str)
def test_what_no_record_can_hold_costs_no_line_its_row_wherever_it_stands(
    path: tuple[Any, ...],
) -> None:
    for value in (*_TOO_MUCH, {"a": _TOO_MUCH[0]}, [_TOO_MUCH[0]]):
        facts = json.loads(json.dumps(FULL))
        place = facts
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        found = registration(siv_line(v=json.dumps(facts))).record
        assert reopened(found) == found


@st.composite
def _changed_facts(draw: st.DrawFn) -> str:
    """FULL with some values replaced, taken away or added, as JSON."""
    facts = json.loads(json.dumps(FULL))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(_PATHS[1:]))
        place = facts
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]]
        except (LookupError, TypeError):
            continue  # An earlier change took it away.
        change = draw(st.sampled_from(["replace", "drop", "add"]))
        if change == "replace":
            place[path[-1]] = draw(_values)
        elif change == "drop":
            del place[path[-1]]
        elif isinstance(place, dict):
            place[draw(st.sampled_from(_KEYS))] = draw(_values)
        else:
            place.insert(0, draw(_values))
    return json.dumps(facts, ensure_ascii=draw(st.booleans()))


@st.composite
def _broken_text(draw: st.DrawFn) -> str:
    """FULL as JSON, with a piece cut out or put in."""
    text = json.dumps(FULL)
    start = draw(st.integers(0, len(text)))
    end = start + draw(st.integers(0, 40))
    piece = st.one_of(st.text(max_size=3), st.sampled_from(list('{}[]",:\\')))
    return text[:start] + draw(piece) + text[end:]


def _assert_sealable_or_rejected(line: dict[str, str]) -> None:
    try:
        found = registration(line)
        assert reopened(found.record) == found.record
    except Unusable as unusable:
        assert unusable.code in REJECTS
        return
    assert holder_bytes(found.holders)
    assert {code.split(":")[0] for code in found.record.quality} <= QUALITY
    assert found.identity == registration(line).identity


@given(_changed_facts())
def test_facts_of_any_type_are_read_or_told(v: str) -> None:
    line = siv_line(v=v)
    _assert_sealable_or_rejected(line)
    # An object costs no line its row, whatever is in it.
    registration(line)


@given(_broken_text())
def test_facts_broken_anywhere_are_read_or_rejected(v: str) -> None:
    _assert_sealable_or_rejected(siv_line(v=v))


@given(st.one_of(_values.map(json.dumps), st.text(max_size=20)))
def test_anything_for_facts_is_read_or_rejected(v: str) -> None:
    _assert_sealable_or_rejected(siv_line(v=v))


# What a file of UTF-8 can hold: no lone surrogate.
_cells = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["", "0", "INCONNU", "01/02/2003", "M. OU MME", "/", "ET", "NEE"]),
)


@given(
    st.dictionaries(
        st.sampled_from([c for c in SIV_COLUMNS if c != "v"]), _cells, max_size=6
    ),
    st.dictionaries(
        st.sampled_from([c for c in FNI_COLUMNS if c != "v"]), _cells, max_size=6
    ),
    _cells,
)
def test_cells_of_any_text_are_read_or_rejected(
    siv_cells: dict[str, str], fni_cells: dict[str, str], vin: str
) -> None:
    _assert_sealable_or_rejected({**siv_line(**siv_cells), "vin": vin})
    _assert_sealable_or_rejected({**fni_line(**fni_cells), "vin": vin})


def test_a_line_that_is_gone_through_again_gives_the_record_of_a_usual_one(
    tmp_path: Path,
) -> None:
    """A key that is not known sends the line the long way; it costs it nothing else."""
    seen = 0
    for path in write_register(tmp_path, vehicles=1000, seed=3):
        with FeedReader(path) as reader:
            if "v" not in reader.header:
                continue
            layout, facts = Layout.of(reader.header), reader.header.index("v")
            for row in (row for batch in reader for row in batch.rows):
                try:
                    usual = layout.registration(row)
                except Unusable:
                    continue
                row[facts] = json.dumps(json.loads(row[facts]) | {"autre": 1})
                again = layout.registration(row)
                assert again.record.extras == usual.record.extras | {"autre": 1}
                assert again == msgspec.structs.replace(usual, record=again.record)
                assert again.record == msgspec.structs.replace(
                    usual.record, extras=again.record.extras
                )
                seen += 1
    assert seen > 900


def test_what_no_reader_looks_at_is_of_no_use_to_any(tmp_path: Path) -> None:
    for path in write_register(tmp_path, vehicles=200, seed=4):
        with FeedReader(path) as whole, FeedReader(path, COLUMNS_READ) as part:
            read = line_reader(whole.header)
            for one, other in zip(whole, part, strict=True):
                # A file of inspections has no column that nobody reads.
                assert (one.rows != other.rows) == ("v" in whole.header)
                for row, cut in zip(one.rows, other.rows, strict=True):
                    assert _read_or_code(read, row) == _read_or_code(read, cut)


def _read_or_code(read: Callable[[list[str]], Line], row: list[str]) -> Line | str:
    try:
        return read(row)
    except Unusable as unusable:
        return unusable.code


@pytest.mark.parametrize(
    "name", [k for k, v in FULL.items() if type(v) in (int, float)]
)
@pytest.mark.parametrize("value", [-1, 0, 1, 200, 201, 10**9, 10**9 + 1, 0.5, 2**70])
def test_the_bounds_of_a_number_are_the_same_both_ways(name: str, value: float) -> None:
    """Of a usual line the decoder keeps the bounds, of another our own rule."""
    again = record(**{name: value, "autre": 1})
    usual = record(**{name: value})
    assert again == msgspec.structs.replace(usual, extras=again.extras)


@pytest.mark.parametrize("kind", [Record, Vehicle])
def test_what_is_given_by_place_stands_in_the_order_of_the_fields(kind: type) -> None:
    # Two fields of one type could change places, and every other test still pass.
    (call,) = (
        node
        for node in ast.walk(
            ast.parse(Path(inspect.getfile(Layout)).read_text("utf-8"))
        )
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == kind.__name__
    )
    given = [ast.unparse(one).removeprefix("tuple(").rstrip(")") for one in call.args]
    assert given == [field.name for field in msgspec.structs.fields(kind)]


def test_the_newer_history_is_not_read_when_the_two_differ() -> None:
    old = [{"opa_type": "A"}, {"opa_type": "B"}]
    new = [{"opa_type": "A", "num_agree": "VE1"}, {"opa_type": "C"}]
    for other in (new, new[:1]):
        found = record(historique=old, new_historique=other)
        assert found.operations == (Operation("A"), Operation("B"))
        assert found.quality == ("histories_differ:new_historique",)
