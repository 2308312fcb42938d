"""The names of operations, measures and rubrics, and what an alert tells its reader.

Labels are French, as the register's are; the catalogue explains them in English.
Source: arrêté of 9 February 2009, annexes V and VI, in our own words.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from histovet.history.critair import Sticker, Why
from histovet.history.odometer import Reason, Verdict
from histovet.history.report import Audience
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
        _("Non relié"),
        _("Ce site ne reçoit pas les contrôles techniques de ce véhicule."),
    ),
}

VERDICTS = {
    Verdict.CONSISTENT: _("Cohérent"),
    Verdict.INCONSISTENT: _("Incohérent"),
    Verdict.NO_VERDICT: _("Sans avis"),
}
REASONS = {
    Reason.RISING: _("Les relevés se suivent sans baisser."),
    Reason.FALL: _(
        "Un relevé est plus bas que celui d’avant. Compteur modifié, ou erreur de "
        "saisie : demandez les factures d’entretien qui portent un kilométrage."
    ),
    Reason.TOO_FEW: _("Il faut au moins deux relevés pour comparer."),
    Reason.TYPING_SLIP: _(
        "Un relevé s’écarte des autres, qui se suivent sans lui : sans doute une "
        "erreur de saisie."
    ),
    Reason.REPLACED_COUNTER: _(
        "Le compteur repart de presque rien : il a peut-être été remplacé. Demandez la "
        "facture du remplacement."
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
    Rubric("Q", "power_to_mass", _("Rapport puissance/masse"), "kW/kg"),
    Rubric("S.1", "seats", _("Places assises")),
    Rubric("S.2", "standing_places", _("Places debout")),
    Rubric("U.1", "noise_db", _("Niveau sonore à l’arrêt"), "dB(A)"),
    Rubric("U.2", "noise_engine_speed", _("Vitesse du moteur pour cette mesure"), "min⁻¹"),
    Rubric("V.7", "co2_g_km", _("Émission de CO₂"), "g/km"),
    Rubric("V.9", "environment_class", _("Classe environnementale")),
    Rubric("", "colour", _("Couleur")),
    Rubric("", "approval_type", _("Type de réception")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlertText:
    """`to_do` is what its reader does next."""

    title: str
    meaning: str
    to_do: dict[Audience, str]


def _alert(title: str, meaning: str, seller: str, buyer: str) -> AlertText:
    to_do = {Audience.HOLDER: seller, Audience.OTHERS: buyer}
    return AlertText(title, meaning, to_do)


ALERTS = {
    "vehicle_stolen": _alert(
        _("Véhicule déclaré volé"),
        _("Il est signalé à la police et ne peut ni circuler ni changer de mains."),
        _(
            "S’il a été retrouvé, demandez à la police ou à la gendarmerie de "
            "lever le signalement."
        ),
        _("N’achetez pas et ne payez rien. Prévenez la police ou la gendarmerie."),
    ),
    "irreparable": _alert(
        _("Véhicule économiquement irréparable"),
        _(
            "Un expert estime que le réparer coûte plus que sa valeur. Il ne peut être "
            "cédé qu’à un professionnel."
        ),
        _(
            "Voyez votre assureur : il vous propose de le céder, ou un expert suit la "
            "réparation et fait lever l’opposition."
        ),
        _("N’achetez pas : seul un professionnel agréé peut le reprendre."),
    ),
    "beyond_repair": _alert(
        _("Véhicule techniquement non réparable"),
        _("Un expert a constaté qu’aucune réparation ne le rendrait sûr."),
        _("Cédez-le à un centre agréé pour sa destruction ; votre assureur vous guide."),
        _("N’achetez pas : il est voué à la destruction."),
    ),
    "destroyed": _alert(
        _("Véhicule inscrit pour destruction"),
        _("Le registre le dit détruit ou remis pour l’être. Il ne peut être vendu."),
        _("Si c’est inexact, demandez la correction à France Titres (ANTS)."),
        _(
            "N’achetez pas. Le vendeur doit d’abord faire corriger le registre, si "
            "c’est inexact."
        ),
    ),
    "procedure_running": _alert(
        _("Procédure de réparation contrôlée en cours"),
        _(
            "Le véhicule a été jugé dangereux après un sinistre. Il ne circule et ne se "
            "vend qu’après le second rapport d’un expert."
        ),
        _("Demandez à votre expert où en est la procédure."),
        _("N’achetez pas avant le second rapport de l’expert ; demandez à le lire."),
    ),
    "damage_opposition": _alert(
        _("Opposition pour véhicule endommagé"),
        _("Le certificat ne peut changer de titulaire avant la fin des réparations."),
        _("Faites constater la réparation par un expert, qui lève l’opposition."),
        _(
            "N’achetez pas avant que l’opposition soit levée et que ce rapport ne la "
            "montre plus."
        ),
    ),
    "damage_suspension": _alert(
        _("Circulation suspendue après un sinistre"),
        _("Le véhicule ne peut rouler avant le second rapport d’un expert."),
        _("Faites constater la réparation par un expert, qui lève la suspension."),
        _(
            "N’achetez pas avant que la suspension soit levée et que ce rapport ne "
            "la montre plus."
        ),
    ),
    "seizure": _alert(
        _("Véhicule saisi"),
        _("Un créancier ou le Trésor l’a fait saisir : il ne peut être vendu."),
        _("Réglez la dette auprès de qui a saisi, ou saisissez le juge."),
        _("N’achetez pas : le véhicule pourrait vous être repris."),
    ),
    "opposition": _alert(
        _("Opposition au transfert du certificat"),
        _("Une administration refuse que le certificat change de titulaire."),
        _("Demandez à France Titres (ANTS) qui s’oppose et pourquoi."),
        _(
            "N’achetez pas avant que l’opposition soit levée : le certificat ne "
            "pourrait être mis à votre nom."
        ),
    ),
    "fines": _alert(
        _("Opposition pour amendes impayées"),
        _("Le certificat ne peut changer de titulaire tant qu’elles sont dues."),
        _(
            "Payez-les au Trésor public ; l’opposition disparaît du registre "
            "quelques jours après."
        ),
        _(
            "Demandez au vendeur de payer d’abord, puis rouvrez ce rapport : "
            "l’opposition doit avoir disparu."
        ),
    ),
    "other_opposition": _alert(
        _("Opposition d’une autre nature"),
        _("Le registre porte une opposition que nous ne savons pas nommer."),
        _("Demandez à France Titres (ANTS) ce qu’elle signifie avant toute vente."),
        _(
            "Demandez au vendeur ce qu’elle signifie, et n’achetez pas avant qu’elle "
            "soit levée."
        ),
    ),
    "penalty": _alert(
        _("Véhicule immobilisé par une sanction pénale"),
        _("Une décision de justice interdit de le conduire et de le vendre."),
        _("Adressez-vous au tribunal qui a décidé."),
        _("N’achetez pas : la vente est interdite."),
    ),
    "police": _alert(
        _("Véhicule immobilisé par la police judiciaire"),
        _("Une enquête ou une infraction le retient."),
        _("Adressez-vous au service qui l’a immobilisé."),
        _(
            "N’achetez pas avant que le véhicule soit rendu et que ce rapport ne le "
            "montre plus."
        ),
    ),
    "administrative": _alert(
        _("Suspension administrative"),
        _("L’administration a suspendu le droit de circuler de ce véhicule."),
        _("Demandez à France Titres (ANTS) comment la faire lever."),
        _(
            "Demandez au vendeur pourquoi, et n’achetez pas avant que la suspension "
            "soit levée."
        ),
    ),
    "registered_abroad": _alert(
        _("Immatriculé dans un autre pays"),
        _("Ce certificat français n’a plus cours."),
        _("Si le véhicule est en France, demandez à l’y immatriculer de nouveau."),
        _(
            "Demandez le certificat étranger, et comparez le numéro de série (E) "
            "avec celui du véhicule."
        ),
    ),
    "left_territory": _alert(
        _("Sorti du territoire"),
        _("Le véhicule est déclaré hors de France : sa circulation y est suspendue."),
        _("S’il est revenu, demandez sa remise en circulation."),
        _("N’achetez pas avant que le vendeur ait obtenu la remise en circulation."),
    ),
    "withdrawn": _alert(
        _("Retiré de la circulation"),
        _("Son titulaire a déclaré ne plus l’utiliser sur la route."),
        _("Demandez sa remise en circulation avant de le vendre."),
        _("N’achetez pas avant que le vendeur ait obtenu la remise en circulation."),
    ),
    "transformation": _alert(
        _("Retiré pour transformation"),
        _("Le véhicule attend une nouvelle réception technique."),
        _("Terminez la transformation et faites mettre le certificat à jour."),
        _("N’achetez pas avant que le certificat soit à jour."),
    ),
    "other_suspension": _alert(
        _("Suspension d’une autre nature"),
        _("Le registre porte une suspension que nous ne savons pas nommer."),
        _("Demandez à France Titres (ANTS) ce qu’elle signifie avant toute vente."),
        _(
            "Demandez au vendeur ce qu’elle signifie, et n’achetez pas avant qu’elle "
            "soit levée."
        ),
    ),
    "pledge": _alert(
        _("Véhicule gagé"),
        _("Un créancier a un droit sur lui, même après la vente."),
        _(
            "Remboursez le créancier, qui fait lever le gage ; sinon, dites-le à "
            "l’acheteur avant la vente."
        ),
        _(
            "Ne payez pas avant que le vendeur prouve la levée du gage : le "
            "créancier pourrait saisir le véhicule chez vous."
        ),
    ),
    "mileage_falls": _alert(
        _("Kilométrage incohérent"),
        _(
            "Un relevé de contrôle technique est plus bas qu’un relevé d’avant. Ce n’est "
            "pas une preuve de fraude : une erreur de saisie donne la même image."
        ),
        _("Préparez les factures d’entretien qui portent un kilométrage."),
        _(
            "Demandez les factures d’entretien qui portent un kilométrage, et ne vous "
            "fiez pas au compteur seul."
        ),
    ),
    "mileage_odd": _alert(
        _("Kilométrage à expliquer"),
        _("Les relevés des contrôles techniques ne se suivent pas simplement."),
        _("Préparez ce qui l’explique, comme la facture d’un compteur remplacé."),
        _("Demandez ce qui l’explique, comme la facture d’un compteur remplacé."),
    ),
    "mileage_slip": _alert(
        _("Un relevé de kilométrage mal saisi, sans doute"),
        _("Un relevé s’écarte des autres, qui se suivent sans lui."),
        _("Montrez le procès-verbal de ce contrôle s’il porte un autre chiffre."),
        _("Demandez le procès-verbal de ce contrôle."),
    ),
    "inspection_critical": _alert(
        _("Dernier contrôle technique : défaillances critiques"),
        _("Le véhicule ne peut plus rouler avant une contre-visite favorable."),
        _("Faites réparer, puis passez la contre-visite avant de vendre."),
        _("Attendez le procès-verbal d’une contre-visite favorable."),
    ),
    "inspection_failed": _alert(
        _("Dernier contrôle technique : défaillances majeures"),
        _("Une contre-visite est demandée dans les deux mois."),
        _("Faites réparer, puis passez la contre-visite."),
        _("Demandez le procès-verbal et le prix des réparations, ou la contre-visite."),
    ),
    "inspection_overdue": _alert(
        _("Contrôle technique en retard"),
        _("Le dernier qui soit connu n’est plus valable."),
        _("Passez un contrôle : il doit avoir moins de six mois le jour de la vente."),
        _("Demandez un contrôle de moins de six mois avant de payer."),
    ),
    "sold_since": _alert(
        _("Vente déclarée, sans nouveau titulaire"),
        _(
            "Le titulaire inscrit a déclaré l’avoir vendu ou donné. Personne n’a encore "
            "mis le certificat à son nom."
        ),
        _(
            "Si vous l’avez acheté, faites mettre le certificat à votre nom. Si vous "
            "l’avez vendu, l’acheteur doit le faire."
        ),
        _(
            "Demandez à qui vend le certificat de cession à son nom, et n’achetez qu’à "
            "lui."
        ),
    ),
    "taken_by_professional": _alert(
        _("Acheté ou repris par un professionnel"),
        _(
            "Un professionnel peut revendre le véhicule sans que le certificat soit à "
            "son nom."
        ),
        _("Si vous êtes ce professionnel, gardez le récépissé de votre déclaration."),
        _(
            "Demandez le récépissé de sa déclaration d’achat. Si le vendeur est un "
            "particulier, demandez pourquoi."
        ),
    ),
    "certificate_stolen": _alert(
        _("Certificat déclaré volé"),
        _("Le certificat volé n’a plus de valeur."),
        _("Gardez la déclaration de vol et demandez un duplicata pour vendre."),
        _("Demandez à voir le duplicata : le vendeur doit en avoir un pour vendre."),
    ),
    "certificate_lost": _alert(
        _("Certificat déclaré perdu"),
        _("Seul un duplicata permet de vendre."),
        _("Vendez avec le duplicata. Retrouvé, l’ancien certificat reste sans valeur."),
        _("Demandez à voir le duplicata : le vendeur doit en avoir un pour vendre."),
    ),
    "claim_open": _alert(
        _("Sinistre dont la réparation n’est pas établie"),
        _(
            "Le registre porte une procédure pour véhicule endommagé et rien qui "
            "établisse sa fin."
        ),
        _("Préparez les rapports d’expert et les factures : l’acheteur les demandera."),
        _(
            "Demandez les rapports d’expert et les factures de réparation avant de "
            "vous décider."
        ),
    ),
    "theft_unknown": _alert(
        _("Vol : le registre ne dit rien"),
        _("Il ne précise pas si le véhicule est signalé volé."),
        _("Faites-le vérifier par la police ou la gendarmerie avant la vente."),
        _(
            "Demandez un certificat de situation administrative de moins de quinze "
            "jours."
        ),
    ),
    "claim_repaired": _alert(
        _("Sinistre, puis réparation constatée"),
        _("Un expert a clos la procédure pour véhicule endommagé."),
        _("Remettez ses rapports à l’acheteur."),
        _("Demandez à lire les rapports d’expert et les factures."),
    ),
    "duplicate": _alert(
        _("Le certificat est un duplicata"),
        _("Il remplace un certificat qui n’a plus cours."),
        _("Vérifiez que le vôtre porte la mention « duplicata »."),
        _("Vérifiez que le certificat du vendeur porte la mention « duplicata »."),
    ),
    "imported": _alert(
        _("Véhicule importé"),
        _("Ce rapport ne sait rien de sa vie hors de France."),
        _("Montrez à l’acheteur les papiers et l’entretien d’avant l’importation."),
        _("Demandez les papiers et l’entretien d’avant l’importation."),
    ),
}  # fmt: skip
