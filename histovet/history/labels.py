"""The names of operations, measures, inspections and rubrics, and of what was found.

Labels are French, as the register's are; the catalogue explains them in English.
Source: arrêté of 9 February 2009, annexes V and VI, in our own words.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from histovet.history.critair import Sticker, Why
from histovet.history.odometer import MileageVerdict, Reason
from histovet.inspections.inspected import Absence

OPERATIONS = {
    "CHANG_TIT_NORMAL": _("Changement de titulaire"),
    "CHANG_TIT_PREDEMANDE_INTERNET": _("Changement de titulaire demandé en ligne"),
    "CHANG_TIT_DIPLO": _("Changement de titulaire, série diplomatique"),
    "CHANG_LOC": _("Changement de locataire"),
    "DECLARATION_ACHAT": _("Achat ou reprise par un professionnel"),
    "DECLARATION_CESSION": _("Vente ou don déclaré"),
    "DECLARATION_CESSION_DGME": _("Vente ou don déclaré en ligne"),
    "IMMAT_NORMALE": _("Première immatriculation, véhicule neuf"),
    "IMMAT_NORMALE_PREM_VO": _("Première immatriculation, véhicule d’occasion"),
    "IMMAT_NORMALE_PREM_ETRANGER": _("Première immatriculation à l’étranger"),
    "IMMAT_NORMALE_SOURCE_INCERTAINE": _(
        "Première immatriculation, d’origine incertaine"
    ),
    "IVN_CARROSSIER_QUALIFIE": _("Première immatriculation après un carrossier"),
    "IMMAT_PROVISOIRE": _("Immatriculation provisoire"),
    "PROROG_IMMAT": _("Immatriculation provisoire prolongée"),
    "IMMAT_WG": _("Immatriculation de garage (W)"),
    "RENOUV_WG": _("Immatriculation de garage (W) renouvelée"),
    "IMMAT_DIPLO_DEMANDE": _("Immatriculation diplomatique demandée"),
    "IMMAT_DIPLO_CONFIRMATION": _("Immatriculation diplomatique confirmée"),
    "IMMAT_DIPLO_INFIRMATION": _("Immatriculation diplomatique refusée"),
    "IMMAT_DIPLO_RETIRER": _("Immatriculation diplomatique retirée"),
    "IMMAT_DIPLO_PREM_VO_CONF": _(
        "Première immatriculation diplomatique, véhicule d’occasion"
    ),
    "CONVERSION_DOSSIER_FNI": _("Passage à une plaque du type AA-123-AA"),
    "ATT_NUM_USURPATION": _("Nouveau numéro d’immatriculation"),
    "MODIF_CARAC_TECH": _("Modification des caractéristiques techniques"),
    "MODIFIER_USAGES": _("Changement d’usage"),
    "PROROG_USAGE": _("Usage temporaire prolongé"),
    "FIN_USAGE_DEMO_VENTE": _("Fin de l’usage en démonstration, pour la vente"),
    "FIN_USAGE_DEMO_FINDEM": _("Fin de l’usage en démonstration"),
    "MODIF_ADRESSE": _("Changement d’adresse"),
    "MODIF_ADRESSE_DGME": _("Changement d’adresse en ligne"),
    "MODIF_ADRESSE_LOCATAIRE_PRO": _("Changement d’adresse du locataire"),
    "MODIF_ETAT_CIVIL": _("Changement d’état civil"),
    "INSCRIPTION_GAGE": _("Gage inscrit"),
    "PROROG_GAGE": _("Gage prolongé"),
    "CESSION_GAGE": _("Gage cédé à un autre créancier"),
    "RADIATION_GAGE": _("Gage levé"),
    "INSCRIRE_DVS": _("Saisie déclarée"),
    "RENOUV_DVS": _("Saisie renouvelée"),
    "LEVER_DVS": _("Saisie levée"),
    "INSCRIRE_OTCI": _("Opposition au transfert du certificat"),
    "LEVER_OTCI": _("Opposition au transfert levée"),
    "INSCRIRE_OPPOSITION": _("Opposition inscrite"),
    "LEVER_OPPOSITION": _("Opposition levée"),
    "DEC_VE": _("Véhicule endommagé : procédure ouverte"),
    "PREM_RAP_VE": _("Véhicule endommagé : premier rapport d’expert"),
    "SEC_RAP_VE": _("Véhicule endommagé : second rapport d’expert"),
    "INSCRIRE_OVE": _("Véhicule endommagé : opposition inscrite"),
    "LEVER_OVE": _("Véhicule endommagé : opposition levée"),
    "IMMOBILISATION_VEHICULE": _("Immobilisation du véhicule"),
    "IMMOBILISATION_VEHICULE_ADM": _("Immobilisation par le préfet"),
    "LEVEE_IMMOBILISATION_VEHICULE": _("Immobilisation levée"),
    "RETRAIT_VOLONTAIRE": _("Retrait de la circulation par le titulaire"),
    "REMISE_CIRC_RETRAIT_VOL": _("Remise en circulation après un retrait"),
    "SORTIE_TERRITOIRE": _("Sortie du territoire"),
    "REMISE_CIRC_SORTIE_TERR": _("Remise en circulation après une sortie"),
    "REIMMAT_ETRANGER": _("Immatriculation dans un autre pays"),
    "RETOUR_REIMMAT_ETR": _("Retour d’un autre pays"),
    "DECLARATION_DESTRUCTION": _("Destruction annoncée"),
    "DESTRUCTION_VEHICULE": _("Destruction du véhicule"),
    "DECLARATION_PERTE_TITRE": _("Perte du certificat déclarée"),
    "DUPLICATA": _("Duplicata du certificat"),
    "RESTITUTION_TITRE": _("Certificat rendu au titulaire"),
    "EDITION_CPI": _("Certificat provisoire"),
    "CUMUL_OPERATIONS": _("Plusieurs opérations à la fois"),
    "CORRECTION_DOSSIER": _("Dossier corrigé"),
    "CORRECTION_SIT_ADMIN": _("Situation administrative corrigée"),
    "CORRECTION_TITULAIRE": _("Données du titulaire corrigées"),
    "CORRECTION_VEHICULE": _("Données du véhicule corrigées"),
    "CORRECTION_TITRE": _("Données du certificat corrigées"),
    "ANNULATION_OPERATION": _("Opération annulée"),
    "ANNULATION": _("Opération annulée"),
    "ANNULATION_ETATS_ADMINISTRATIFS": _("États administratifs annulés"),
}

# What the register calls a first registration of a used vehicle, of one from abroad.
FIRST_OF_IMPORT = "IMMAT_NORMALE_PREM_VO"
OPERATION_OF_IMPORT = _("Première immatriculation en France, véhicule importé")

# The same operation, with which the vehicle got a plate like AA-123-AA.
CONVERTING = "_CVN"


def of_operation(code: str, *, is_import: bool) -> tuple[str, ...]:
    """Return what an operation is called: two names for one with which the vehicle got
    a new plate, none for an unknown code."""
    if code == FIRST_OF_IMPORT and is_import:
        return (OPERATION_OF_IMPORT,)
    if label := OPERATIONS.get(code):
        return (label,)
    plain = OPERATIONS.get(code.removesuffix(CONVERTING))
    if plain and code.endswith(CONVERTING):
        return plain, OPERATIONS["CONVERSION_DOSSIER_FNI"]
    return ()


# What the administration did with its own files, accounts and paper. It says nothing
# about a vehicle: a report counts these and does not list them.
INTERNAL_OPERATIONS = frozenset((
    "RELANCE_PROD_DOC", "PROD_DOC", "PROD_TITRE_HORS_DUPLICATA", "REMISE_LOT_TITRE",
    "REMISE_TITRE_FO", "REMISE_TITRE_PREF", "INSCRIRE_MSG_SERVICE",
    "INCONU_REPRISE", "REPRISE_DP7_1993", "CORRECTION_AUTORISATION",
    "MODIF_DROIT_OPPOSITION", "ATTRIBUTION_CODE_CONF",
    "VEHICULE_REFCNIT_RUBVARIABLES", "VEHICULE_REFCNIT_MENTIONVARIABLE",
    "RECHERCHE_DOSSIERS", "CONSULT_DOSSIER", "MAJ_PARAM_FONC", "ADMIN_NOMENC",
    "CREA_COMPT_UTIL", "MODIF_COMPT_UTIL", "INVA_COMPT_UTIL",
    "SUSP_REAC_COMPT_UTIL", "CREA_COMPT_PART", "MODIF_COMPT_PART",
    "SUSP_REAC_COMPT_PART", "ACTIVATION_COMPT_PART", "SUSPENSION_COMPT_PART",
    "RAD_COMPT_PART", "RETRAIT_COMPT_PART", "RESILIATION_COMPT_PART",
    "MODIFICATION_NOMBRE_GUICHETS", "CREA_COMPT_CONC", "MODIF_COMPT_CONC",
    "INVA_COMPT_CONC", "EXECUTION_REQUETE_ANTS", "ANN_PROG_REQUETE_ANTS",
    "ENR_PROG_REQUETE_ANTS", "OUTREPASSER_VOL", "OUTREPASSER_VIN_DOUBLON",
    "OUTREPASSER_VIN_NON_CONTROLE", "OUTREPASSER_OTC_INDISPONIBLE",
    "OUTREPASSER_CT_EXONERATION", "OUTREPASSER_CT_EXEMPTION",
    "OUTREPASSER_EXONERATION_TAXES", "OUTREPASSER_REFCNIT_RUBVARIABLES",
    "OUTREPASSER_REFCNIT_MENTIONVARIABLE", "BATCH_VEHICULES_IMPORTES",
    "EDIT_ETAT_REGIE",
))  # fmt: skip

OPPOSITIONS = {
    "oveis": _("Véhicule économiquement irréparable"),
    "oves": _("Véhicule endommagé, réparation contrôlée"),
    "otcis": _("Opposition au transfert du certificat"),
    "otcis_pv": _("Opposition pour amendes impayées"),
}

SUSPENSIONS = {
    "PVE": _("Réparation contrôlée en cours"),
    "FNIV": _("Réparation contrôlée en cours"),
    "DES": _("Destruction"),
    "FNIM": _("Destruction"),
    "REI": _("Immatriculation dans un autre pays"),
    "TRA": _("Retrait pour transformation"),
    "VOL": _("Retrait de la circulation par le titulaire"),
    "PEN": _("Immobilisation, sanction pénale"),
    "PJU": _("Immobilisation, police judiciaire"),
    "SOR": _("Sortie du territoire"),
    "ADM": _("Suspension administrative"),
}

# Oppositions and suspensions that follow damage.
OF_DAMAGE = frozenset(("oves", "oveis", "PVE", "FNIV"))

STICKERS = {
    Sticker.ELECTRIC: _("Crit’Air électrique"),
    Sticker.ONE: _("Crit’Air 1"),
    Sticker.TWO: _("Crit’Air 2"),
    Sticker.THREE: _("Crit’Air 3"),
    Sticker.FOUR: _("Crit’Air 4"),
    Sticker.FIVE: _("Crit’Air 5"),
    Sticker.UNCLASSIFIED: _("Non classé : il n’y en a pas pour ce véhicule"),
}
NO_STICKER = {
    Why.NOT_CONCERNED: _("Sans objet : une remorque ou un engin agricole n’en a pas"),
    Why.CATEGORY_UNKNOWN: _("Ne peut être dite : la catégorie n’est pas assez précise"),
    Why.ENERGY_UNKNOWN: _("Ne peut être dite : l’énergie n’est pas connue"),
    Why.DATE_UNKNOWN: _(
        "Ne peut être dite : ni norme Euro ni première immatriculation"
    ),
    Why.DATE_TOO_COARSE: _(
        "Ne peut être dite : elle dépend du jour de la première immatriculation"
    ),
}


# UTAC's codes; the words changed with the law.
INSPECTIONS_SINCE = dt.date(2018, 5, 20)
NATURES = {
    "VTP": _("Contrôle périodique"),
    "VTC": _("Contrôle complémentaire, pollution"),
    "CV": _("Contre-visite"),
    "CVC": _("Contre-visite complémentaire"),
}
RESULTS = {
    "A": _("Favorable"),
    "AP": _("Favorable"),
    "S": _("Défavorable, défaillances majeures"),
    "SP": _("Défavorable, défaillances majeures"),
    "R": _("Défavorable, défaillances critiques"),
    "RP": _("Défavorable, défaillances critiques"),
    "X": _("Contrôle reporté"),
}
RESULTS_BEFORE = RESULTS | {
    "S": _("Défavorable"),
    "SP": _("Défavorable"),
    "R": _("Défavorable, interdiction de circuler"),
}


def results(date: dt.date) -> dict[str, str]:
    """Return what the results of an inspection of that day are called."""
    return RESULTS if date >= INSPECTIONS_SINCE else RESULTS_BEFORE


# Badge, then what it means.
ABSENCES = {
    Absence.NONE_RECORDED: (
        _("Aucun contrôle"),
        _("La source n’en connaît aucun pour ce véhicule."),
    ),
    Absence.NOT_SUBJECT: (
        _("Sans objet"),
        _("Selon le registre, ce véhicule n’est pas soumis au contrôle technique."),
    ),
    Absence.NOT_AVAILABLE: (
        _("Pas disponible pour l’instant"),
        _("La source des contrôles n’a pas répondu. Rouvrez ce rapport plus tard."),
    ),
    Absence.NOT_CONNECTED: (
        _("Non reçu ici"),
        _("Ce site ne reçoit pas les contrôles techniques de ce véhicule."),
    ),
}

VERDICTS = {
    MileageVerdict.CONSISTENT: _("Cohérent"),
    MileageVerdict.INCONSISTENT: _("Incohérent"),
    MileageVerdict.NO_VERDICT: _("Sans avis"),
}
REASONS = {
    Reason.RISING: _("Les relevés se suivent sans baisser."),
    Reason.FALL: _(
        "Un relevé est plus bas que celui d’avant. Le compteur a été modifié, ou l’un des "
        "deux est une erreur de saisie."
    ),
    Reason.TOO_FEW: _("Il faut au moins deux relevés pour comparer."),
    Reason.TYPING_SLIP: _(
        "Un relevé s’écarte des autres, qui se suivent sans lui : sans doute une "
        "erreur de saisie."
    ),
    Reason.REPLACED_COUNTER: _(
        "Le compteur repart de presque rien : il a peut-être été remplacé."
    ),
    Reason.COUNTER_ROLLED_OVER: _(
        "Le compteur semble avoir fait un tour complet : il n’a pas assez de chiffres."
    ),
    Reason.UNIT_CHANGE: _(
        "Le compteur semble être passé des miles aux kilomètres, ou l’inverse."
    ),
    Reason.IMPLAUSIBLE_RISE: _(
        "La distance entre deux relevés est plus grande que ce qui se parcourt."
    ),
    Reason.IMPORT: _(
        "Rien n’est connu du kilométrage parcouru à l’étranger, avant l’importation."
    ),
}

CONTRADICTIONS = {
    "fit_beside_damage": _(
        "Il dit le véhicule apte à circuler, et porte un dommage qui l’interdit."
    ),
    "repaired_but_suspended": _(
        "Un expert a clos la procédure du dernier sinistre, et ses suites restent "
        "inscrites."
    ),
    "fit_without_resolution": _(
        "Il dit le véhicule apte à circuler après un sinistre, sans rapport d’expert "
        "qui l’établisse."
    ),
    "nobody_holds_it": _("Il ne compte aucun titulaire, et le certificat a le sien."),
    "fewer_holders_than_changes": _(
        "Il compte moins de titulaires que l’historique n’en montre."
    ),
    "before_its_birth": _(
        "Une opération est datée d’avant la première immatriculation."
    ),
    "certificate_before_birth": _(
        "Le certificat est daté d’avant la première immatriculation."
    ),
    "held_after_its_end": _(
        "Le véhicule change de titulaire après avoir été inscrit pour destruction."
    ),
    "inspected_before_its_birth": _(
        "Un contrôle technique est daté d’avant la première immatriculation."
    ),
    "after_the_register": _("Quelque chose y est daté d’après le jour du registre."),
    "inspected_but_not_subject": _(
        "Le véhicule est dit non soumis au contrôle technique, et il en a passé."
    ),
}


@dataclass(frozen=True, slots=True)
class Rubric:
    """One box of the certificate; `attribute` is its field of Vehicle."""

    box: str
    attribute: str
    label: str
    unit: str = ""


RUBRICS = (
    Rubric("D.1", "make", _("Marque")),
    Rubric("D.2", "variant", _("Type, variante, version")),
    Rubric("D.2.1", "cnit", _("Code national d’identification du type")),
    Rubric("D.3", "model", _("Dénomination commerciale")),
    Rubric("E", "vin", _("Numéro d’identification (VIN)")),
    Rubric("F.1", "max_technical_mass_kg", _("Masse maximale techniquement admissible"), "kg"),
    Rubric("F.2", "max_laden_mass_kg", _("Masse maximale en service (PTAC)"), "kg"),
    Rubric("F.3", "max_train_mass_kg", _("Masse maximale de l’ensemble (PTRA)"), "kg"),
    Rubric("G", "mass_in_service_kg", _("Masse en service"), "kg"),
    Rubric("G.1", "unladen_mass_kg", _("Poids à vide national"), "kg"),
    Rubric("J", "eu_category", _("Catégorie européenne")),
    Rubric("J.1", "genre", _("Genre national")),
    Rubric("J.2", "eu_body", _("Carrosserie européenne")),
    Rubric("J.3", "body", _("Carrosserie nationale")),
    Rubric("K", "approval_number", _("Numéro de réception par type")),
    Rubric("P.1", "displacement_cm3", _("Cylindrée"), "cm³"),
    Rubric("P.2", "net_power_kw", _("Puissance nette maximale"), "kW"),
    Rubric("P.3", "energy", _("Énergie")),
    Rubric("P.6", "fiscal_power_cv", _("Puissance administrative"), "CV"),
    Rubric("Q", "power_to_mass", _("Rapport puissance / masse"), "kW/kg"),
    Rubric("S.1", "seats", _("Places assises")),
    Rubric("S.2", "standing_places", _("Places debout")),
    Rubric("U.1", "noise_db", _("Niveau sonore à l’arrêt"), "dB(A)"),
    Rubric("U.2", "noise_engine_speed", _("Vitesse du moteur pour cette mesure"), "min⁻¹"),
    Rubric("V.7", "co2_g_km", _("Émission de CO₂"), "g/km"),
    Rubric("V.9", "environment_class", _("Classe environnementale")),
    Rubric("", "colour", _("Couleur")),
    Rubric("", "approval_type", _("Type de réception")),
)  # fmt: skip
