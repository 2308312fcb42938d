"""What the words of a report and of this site mean; reports link to them by anchor.

Texts are French, which the catalogue translates; terms of the register stay French and
are followed by their translation.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _


@dataclass(frozen=True, slots=True)
class Term:
    anchor: str
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Group:
    anchor: str
    title: str
    terms: tuple[Term, ...]


GROUPS = (
    Group(
        "papiers",
        _("Le certificat et son titulaire"),
        (
            Term(
                "titulaire",
                _("Titulaire"),
                _(
                    "La personne ou la société au nom de qui le certificat est "
                    "établi. Ce n’est pas toujours le propriétaire : un véhicule loué "
                    "est au nom du loueur."
                ),
            ),
            Term(
                "certificat",
                _("Certificat d’immatriculation"),
                _(
                    "Le papier du véhicule, longtemps appelé carte grise. Il porte "
                    "des lettres et des chiffres, les rubriques, les mêmes dans toute "
                    "l’Europe."
                ),
            ),
            Term(
                "siv",
                _("SIV et FNI"),
                _(
                    "Les deux registres. Le SIV tient depuis 2009 les plaques du type "
                    "AA-123-AA ; le FNI tenait avant celles du type 123 ABC 75."
                ),
            ),
            Term(
                "formule",
                _("Numéro de formule"),
                _(
                    "Le numéro de l’exemplaire imprimé du certificat. Il change à "
                    "chaque nouvel exemplaire, duplicata compris."
                ),
            ),
            Term(
                "date-du-certificat",
                _("Date du certificat"),
                _(
                    "La rubrique I : le jour où ce certificat a été établi. La "
                    "première immatriculation est en B."
                ),
            ),
            Term(
                "duplicata",
                _("Duplicata"),
                _(
                    "Un nouvel exemplaire du certificat, après une perte, un vol ou "
                    "une détérioration. L’ancien n’a plus cours."
                ),
            ),
            Term(
                "certificat-perdu",
                _("Certificat perdu ou volé"),
                _(
                    "Le titulaire l’a déclaré. Le vendeur doit montrer un duplicata : "
                    "refusez l’ancien exemplaire."
                ),
            ),
            Term(
                "certificat-annule",
                _("Certificat annulé"),
                _(
                    "Il n’a plus cours : le véhicule est détruit, parti à l’étranger, "
                    "ou a un autre certificat."
                ),
            ),
            Term(
                "locataire",
                _("Locataire"),
                _(
                    "Qui loue le véhicule pour longtemps (LOA, LLD). Le certificat "
                    "nomme aussi le loueur, qui en est le titulaire."
                ),
            ),
        ),
    ),
    Group(
        "situation",
        _("La situation administrative"),
        (
            Term(
                "vol",
                _("Véhicule volé"),
                _(
                    "Il est signalé à la police ou à la gendarmerie. Il ne peut ni "
                    "circuler ni être vendu."
                ),
            ),
            Term(
                "gage",
                _("Gage"),
                _(
                    "La garantie d’un prêt : tant qu’il n’est pas remboursé, le "
                    "créancier peut faire saisir le véhicule, même chez l’acheteur. "
                    "Il ne se lève qu’avec l’accord du créancier."
                ),
            ),
            Term(
                "saisie",
                _("Saisie (DVS)"),
                _(
                    "Un commissaire de justice (huissier) a déclaré le véhicule saisi "
                    "pour une dette : il ne peut pas changer de titulaire. DVS veut "
                    "dire « déclaration valant saisie »."
                ),
            ),
            Term(
                "opposition",
                _("Opposition"),
                _(
                    "Une administration s’oppose au changement de titulaire (OTCI). "
                    "Souvent pour des amendes impayées : les payer la fait lever en "
                    "quelques jours."
                ),
            ),
            Term(
                "suspension",
                _("Suspension"),
                _(
                    "Le véhicule ne peut pas rouler : après un accident grave, par "
                    "une décision de justice ou du préfet, ou parce que son titulaire "
                    "l’a retiré de la circulation."
                ),
            ),
        ),
    ),
    Group(
        "sinistres",
        _("Les sinistres"),
        (
            Term(
                "vehicule-endommage",
                _("Véhicule endommagé (VE)"),
                _(
                    "Un expert l’a jugé dangereux. Il est réparé sous son contrôle, "
                    "et ne roule qu’après son second rapport. Les autres accidents ne "
                    "sont pas au registre."
                ),
            ),
            Term(
                "irreparable",
                _("Économiquement irréparable (VEI)"),
                _(
                    "Le réparer coûte plus que sa valeur. Tant que ce n’est pas levé, "
                    "seul un professionnel agréé peut l’acheter."
                ),
            ),
            Term(
                "apte",
                _("Apte à circuler"),
                _(
                    "Ce que le registre dit après un sinistre. Quand il dit aussi le "
                    "contraire, le rapport montre la contradiction."
                ),
            ),
            Term(
                "expert",
                _("Rapport d’expert"),
                _(
                    "Le registre sait qu’il existe et de quand il date, non ce qu’il "
                    "dit. Demandez-le au vendeur."
                ),
            ),
        ),
    ),
    Group(
        "operations",
        _("L’historique"),
        (
            Term(
                "premiere-immatriculation",
                _("Première immatriculation"),
                _(
                    "Le jour où le véhicule a reçu sa première plaque, ici ou "
                    "ailleurs. Son âge se compte depuis ce jour."
                ),
            ),
            Term(
                "changement-de-titulaire",
                _("Changement de titulaire"),
                _(
                    "Un nouveau certificat au nom d’une autre personne : une vente, "
                    "un don, un héritage."
                ),
            ),
            Term(
                "achat-professionnel",
                _("Achat ou reprise par un professionnel"),
                _(
                    "Un garage l’a acheté pour le revendre. Il n’est pas compté comme "
                    "titulaire, et le certificat reste au nom du vendeur d’avant."
                ),
            ),
            Term(
                "vente-declaree",
                _("Vente ou don déclaré"),
                _(
                    "Le titulaire a déclaré avoir cédé le véhicule. L’acheteur a un "
                    "mois pour demander son certificat."
                ),
            ),
            Term(
                "nouvelle-plaque",
                _("Passage à une plaque du type AA-123-AA"),
                _(
                    "Le véhicule a quitté l’ancien registre et a reçu la plaque qu’il "
                    "gardera."
                ),
            ),
            Term(
                "immatriculation-provisoire",
                _("Immatriculation provisoire (WW)"),
                _(
                    "Une plaque pour quelques mois, en attendant la définitive, "
                    "souvent après un achat à l’étranger."
                ),
            ),
            Term(
                "importation",
                _("Importation"),
                _(
                    "Le véhicule vient d’un autre pays. Le registre ne sait rien "
                    "d’avant : ni titulaires, ni gages, ni kilométrage."
                ),
            ),
            Term(
                "destruction",
                _("Destruction"),
                _(
                    "Le véhicule a été remis à un centre agréé pour être détruit. Il "
                    "ne peut plus être vendu."
                ),
            ),
            Term(
                "operation-annulee",
                _("Opération annulée"),
                _(
                    "Elle a été inscrite, puis annulée. Le rapport la montre barrée "
                    "et ne la compte pas."
                ),
            ),
        ),
    ),
    Group(
        "controle",
        _("Le contrôle technique et le kilométrage"),
        (
            Term(
                "controle-technique",
                _("Contrôle technique"),
                _(
                    "Obligatoire pour une voiture dans les six mois avant ses quatre "
                    "ans, puis tous les deux ans. Il relève le kilométrage."
                ),
            ),
            Term(
                "contre-visite",
                _("Contre-visite"),
                _(
                    "Le nouveau passage après un contrôle défavorable, dans les deux "
                    "mois."
                ),
            ),
            Term(
                "defaillances",
                _("Défaillances majeures, critiques"),
                _(
                    "Majeures : à réparer, puis contre-visite. Critiques : le "
                    "véhicule ne roule plus après minuit le jour du contrôle."
                ),
            ),
            Term(
                "kilometrage",
                _("Cohérent, incohérent, sans avis"),
                _(
                    "Notre lecture des relevés. Cohérent : ils montent. Incohérent : "
                    "l’un baisse. Sans avis : trop peu de relevés, une erreur de "
                    "saisie ou un compteur changé. Ce n’est jamais une preuve de "
                    "fraude."
                ),
            ),
        ),
    ),
    Group(
        "rubriques",
        _("Les rubriques du certificat"),
        (
            Term(
                "vin",
                _("Numéro d’identification (E)"),
                _(
                    "Aussi appelé numéro de série ou VIN : 17 caractères frappés sur "
                    "le châssis. Comparez-le avec le véhicule."
                ),
            ),
            Term(
                "type",
                _("Type, variante, version (D.2) et CNIT (D.2.1)"),
                _(
                    "Les codes du constructeur et de l’administration pour ce modèle "
                    "précis. Ils servent à commander des pièces."
                ),
            ),
            Term(
                "masses",
                _("Masses (F et G)"),
                _(
                    "F.2 est le poids maximal chargé (PTAC), F.3 celui avec une "
                    "remorque (PTRA), G le poids en ordre de marche, G.1 le poids à "
                    "vide."
                ),
            ),
            Term(
                "genre",
                _("Catégorie, genre, carrosserie (J)"),
                _(
                    "Ce qu’est le véhicule : VP est une voiture particulière, CTTE "
                    "une camionnette, MTL et MTT1 des motos."
                ),
            ),
            Term(
                "puissance",
                _("Puissance (P.2 et P.6)"),
                _(
                    "P.2 est la puissance du moteur en kilowatts ; P.6 les chevaux "
                    "fiscaux, dont dépend le prix du certificat."
                ),
            ),
            Term(
                "reception",
                _("Type de réception"),
                _(
                    "Comment le modèle a été autorisé : par type, comme presque tous, "
                    "ou à titre isolé, pour ce seul véhicule."
                ),
            ),
            Term(
                "critair",
                _("Vignette Crit’Air"),
                _(
                    "Le classement selon la pollution, demandé dans certaines villes. "
                    "Nous la calculons d’après le certificat et l’arrêté du 21 juin "
                    "2016."
                ),
            ),
        ),
    ),
    Group(
        "site",
        _("Les mots de ce site"),
        (
            Term(
                "rapport",
                _("Rapport"),
                _(
                    "Ce que le registre sait du véhicule à la date écrite en haut, "
                    "mis en mots. Il se refait à chaque lecture."
                ),
            ),
            Term(
                "lien",
                _("Lien et code"),
                _(
                    "Ce que le vendeur donne à l’acheteur pour lire le rapport. Le "
                    "code est le même secret, à taper."
                ),
            ),
            Term(
                "code-de-gestion",
                _("Code de gestion"),
                _(
                    "Donné au vendeur avec son premier lien, pour retrouver ses liens "
                    "dans un autre navigateur."
                ),
            ),
            Term(
                "non-renseigne",
                _("Non renseigné, Aucun"),
                _(
                    "« Non renseigné » : le registre n’a pas cette donnée. "
                    "« Aucun » : il n’y a rien d’inscrit."
                ),
            ),
            Term(
                "contradiction",
                _("Le registre se contredit"),
                _(
                    "Deux inscriptions ne vont pas ensemble. Nous les montrons toutes "
                    "deux, sans choisir à votre place."
                ),
            ),
            Term(
                "partenaire",
                _("Partenaire"),
                _(
                    "Un site d’annonces ou un professionnel qui lit des rapports par "
                    "un programme, avec une clé et l’accord du vendeur."
                ),
            ),
        ),
    ),
)
