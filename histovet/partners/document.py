"""The success document: the ancestor's shape, and one object of ours.

These types are what the OpenAPI document declares and what the tests hold every answer
to; the answer itself is made of plain dicts, which are several times cheaper.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]


CodePostal = Annotated[
    str, Meta(description="Pour d’autres que le titulaire, le numéro du département.")
]


class Particulier(TypedDict, total=False):
    nom_anonymise: Annotated[str, Meta(description="Initiales du nom.")]
    prenoms_anonymises: Annotated[str, Meta(description="Initiales des prénoms.")]
    code_postal: CodePostal


class PersonneMorale(TypedDict, total=False):
    raison_sociale_anonymisee: Annotated[str, Meta(description="Initiales du nom.")]
    siren_anonymise: Annotated[str, Meta(description="Trois premiers chiffres.")]
    code_postal: CodePostal


class Titulaire(TypedDict, total=False):
    particulier: Particulier
    personne_morale: PersonneMorale


class CaracteristiquesTechniques(TypedDict, total=False):
    marque: Annotated[str, Meta(description="D.1")]
    tvv: Annotated[str, Meta(description="D.2")]
    numero_cnit: Annotated[str, Meta(description="D.2.1")]
    nom_commercial: Annotated[str, Meta(description="D.3")]
    couleur: str
    type_de_reception: str
    vin_anonymise: Annotated[str, Meta(description="E")]
    ptta: Annotated[Count, Meta(description="F.1, kg")]
    ptac: Annotated[Amount, Meta(description="F.2, kg")]
    ptra: Annotated[Count, Meta(description="F.3, kg")]
    ptes: Annotated[Count, Meta(description="G, kg")]
    ptav: Annotated[Count, Meta(description="G.1, kg")]
    date_emission: Annotated[dt.date, Meta(description="I")]
    categorie_ue: Annotated[str, Meta(description="J")]
    genre_national: Annotated[str, Meta(description="J.1")]
    carrosserie_ue: Annotated[str, Meta(description="J.2")]
    carrosserie_fr: Annotated[str, Meta(description="J.3")]
    numero_de_reception: Annotated[str, Meta(description="K")]
    cylindree: Annotated[Amount, Meta(description="P.1, cm³")]
    puissance_nette: Annotated[Amount, Meta(description="P.2, kW")]
    energie: Annotated[str, Meta(description="P.3")]
    puissance_cv: Annotated[Count, Meta(description="P.6, CV fiscaux")]
    rapport_puissance_masse: Annotated[Amount, Meta(description="Q, kW/kg")]
    places_assises: Annotated[Count, Meta(description="S.1")]
    places_debout: Annotated[Count, Meta(description="S.2")]
    niveau_sonore: Annotated[Count, Meta(description="U.1, dB(A)")]
    vitesse_du_moteur: Annotated[Count, Meta(description="U.2, min⁻¹")]
    emission_co2: Annotated[Count, Meta(description="V.7, g/km")]
    classe_environnementale_ue: Annotated[str, Meta(description="V.9")]


class EtatCertificat(TypedDict, total=False):
    duplicata: bool
    annule: bool
    date_annulation: dt.date
    perdu: bool
    vole: bool


class CertificatImmatriculation(TypedDict):
    date_premiere_immatriculation: NotRequired[
        Annotated[dt.date, Meta(description="B")]
    ]
    nombre_de_mois_depuis_date_emission_certificat_immatriculation: NotRequired[Count]
    numero_immatriculation_anonymisee: str
    titulaire: Titulaire
    caracteristiques_techniques: CaracteristiquesTechniques
    etat: EtatCertificat


class ProceduresVe(TypedDict, total=False):
    numero_immatriculation_au_format_fni: bool
    date_derniere_procedure_ve: dt.date
    date_fin_derniere_procedure_ve: dt.date
    apte_a_circuler: bool
    nombre_de_procedures_ve: Count
    procedure_ve_en_cours: bool


class Etat(TypedDict):
    nombre_de_titulaires: NotRequired[Count]
    vole: NotRequired[bool]
    procedures_ve: ProceduresVe
    vehicule_a_usage_agricole: bool
    vehicule_a_usage_de_collection: bool


class Operation(TypedDict):
    date: NotRequired[dt.date]
    date_annulation: NotRequired[dt.date]
    type: Annotated[str, Meta(description="Code du registre.")]


class ImportEnFrance(TypedDict, total=False):
    vehicule_importe_depuis_etranger: bool
    date_import: dt.date
    date_premiere_immatriculation_etranger: dt.date


class Suspension(TypedDict):
    date: NotRequired[dt.date]
    motif: Annotated[str, Meta(description="Code du registre.")]
    remise_du_titre: NotRequired[bool]
    retrait_du_titre: NotRequired[bool]


class DeclarationValantSaisie(TypedDict, total=False):
    date: dt.date
    nom_personne_morale: str


class Gage(TypedDict, total=False):
    date: dt.date
    nom_creancier: str


class Datee(TypedDict, total=False):
    date: dt.date


class Opposition(TypedDict):
    oves: list[Datee]
    oveis: list[Datee]
    otcis: list[Datee]
    otcis_pv: list[Datee]


class SituationAdministrative(TypedDict):
    suspensions: list[Suspension]
    declarations_valant_saisie: list[DeclarationValantSaisie]
    gages: list[Gage]
    opposition: Opposition


class Vehicule(TypedDict):
    date_mise_a_jour: dt.date
    certificat_immatriculation: CertificatImmatriculation
    etat: Etat
    historique: list[Operation]
    import_en_france: ImportEnFrance
    situation_administrative: SituationAdministrative


class ControleTechnique(TypedDict):
    date: dt.date
    nature: Annotated[str, Meta(description="Code de l’UTAC.")]
    nature_libelle: NotRequired[str]
    resultat: Annotated[str, Meta(description="Code de l’UTAC.")]
    resultat_libelle: NotRequired[str]
    km: NotRequired[Count]


class ControlesTechniques(TypedDict):
    """Sans `historique` quand rien n’est disponible ; `erreur` dit alors pourquoi."""

    donnee_disponible: bool
    date_mise_a_jour: NotRequired[dt.date]
    erreur: NotRequired[str]
    historique: NotRequired[
        Annotated[list[ControleTechnique], Meta(description="Le dernier d’abord.")]
    ]


class Step(TypedDict, total=False):
    date: dt.date
    dangerous: bool
    repairable: bool


class Procedure(TypedDict, total=False):
    running: bool
    declaration: Step
    first_report: Step
    second_report: Step


class Origin(TypedDict, total=False):
    code: str
    name: str


class Critair(TypedDict, total=False):
    """L’un des deux."""

    sticker: Literal["electric", "1", "2", "3", "4", "5", "unclassified"]
    unknown_because: Literal[
        "not concerned",
        "category unknown",
        "energy unknown",
        "date unknown",
        "date too coarse",
    ]


class Tenure(TypedDict):
    begins_with: Annotated[str, Meta(description="L’opération de l’historique.")]
    current: bool
    rank: NotRequired[Annotated[int, Meta(ge=1)]]
    months: NotRequired[Count]


class OtherOpposition(TypedDict):
    kind: str
    date: NotRequired[dt.date]


class Alert(TypedDict):
    """Une chose à savoir ; la plus grave d’abord."""

    code: str
    gravity: Literal["blocking", "check", "note"]
    count: Annotated[int, Meta(ge=1)]
    title: str


class Labels(TypedDict):
    """Le sens des codes de ce document."""

    operations: dict[str, str]
    suspensions: dict[str, str]
    vehicle: Annotated[
        dict[str, str],
        Meta(description="Par champ de `caracteristiques_techniques`."),
    ]


class RegisterSource(TypedDict):
    as_of: dt.date


class InspectionsSource(TypedDict):
    source: NotRequired[Literal["register", "utac"]]
    as_of: NotRequired[dt.date]
    absent_because: NotRequired[
        Literal["none_recorded", "not_subject", "not_available", "not_connected"]
    ]


class Sources(TypedDict):
    register: RegisterSource
    inspections: NotRequired[InspectionsSource]


class Mileage(TypedDict):
    """Avis sur la suite des relevés, jamais sur la distance parcourue."""

    verdict: Literal["consistent", "inconsistent", "no verdict"]
    reason: str
    odd: Annotated[list[str], Meta(description="Contrôles dont le relevé détonne.")]
    km_a_year: NotRequired[Count]


class NextInspection(TypedDict):
    kind: Literal["first", "periodic", "counter-visit"]
    by: dt.date


class Histovet(TypedDict):
    """Ce qu’histovet ajoute. Les emplacements sont des JSON Pointers (RFC 6901)."""

    version: str
    as_of: Annotated[dt.date, Meta(description="Date des données.")]
    release: Annotated[str, Meta(description="Nom de la livraison du registre.")]
    receipt: NotRequired[
        Annotated[
            str,
            Meta(
                description="Avec un code : le numéro sous lequel le vendeur voit cette "
                "ouverture et votre nom.",
                pattern="^[A-Z2-7]{5}-[A-Z2-7]{5}$",
            ),
        ]
    ]
    precisions: Annotated[
        dict[str, Literal["month", "year"]],
        Meta(description="Dates arrondies au premier jour du mois ou de l’année."),
    ]
    unknown: Annotated[
        list[str],
        Meta(description="Valeurs 0, false ou [] que le registre ne connaît pas."),
    ]
    quality: Annotated[
        list[str], Meta(description="Ce qui n’a pas pu être lu dans le registre.")
    ]
    cancelled_operations: Annotated[
        list[str], Meta(description="Opérations annulées de l’historique.")
    ]
    procedures: list[Procedure]
    other_oppositions: list[OtherOpposition]
    tenures: Annotated[
        list[Tenure], Meta(description="Titulaires successifs, le dernier d’abord.")
    ]
    leased: NotRequired[bool]
    origin: NotRequired[Origin]
    critair: Annotated[Critair, Meta(description="D’après l’arrêté du 21 juin 2016.")]
    verdict: Annotated[
        Literal["cancelled", "blocked", "check", "clear"],
        Meta(
            description="Peut-il être vendu ? Sans les contrôles techniques, s’ils n’ont "
            "pas été demandés."
        ),
    ]
    alerts: list[Alert]
    contradictions: Annotated[
        list[str], Meta(description="Où le registre se contredit (docs/report.md).")
    ]
    labels: Labels
    sources: Sources
    mileage: NotRequired[Mileage]
    next_inspection: NotRequired[NextInspection]


class Report(TypedDict):
    vehicule: Vehicule
    controles_techniques: NotRequired[ControlesTechniques]
    histovet: Histovet
