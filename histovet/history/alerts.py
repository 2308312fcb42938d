"""What an alert tells its reader: what it is, what it means, what to do next.

Wording alone; the rules are in synthesis.py. French, which the catalogue translates.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from histovet.history.report import Audience


@dataclass(frozen=True, slots=True)
class AlertText:
    """`to_do` is what its reader does next."""

    title: str
    meaning: str
    to_do: dict[Audience, str]


def _alert(title: str, meaning: str, seller: str, buyer: str) -> AlertText:
    to_do = {Audience.HOLDER: seller, Audience.OTHERS: buyer}
    return AlertText(title, meaning, to_do)


TEXTS = {
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
        _("Cédez-le à un centre VHU agréé pour sa destruction ; votre assureur vous guide."),
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
        _("Le véhicule est déclaré hors de France : sa circulation en France est suspendue."),
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
        _("Contrôle technique défavorable, interdiction de rouler"),
        _("Le véhicule ne peut plus rouler avant une contre-visite favorable."),
        _("Faites réparer, puis passez la contre-visite avant de vendre."),
        _("Attendez le procès-verbal d’une contre-visite favorable."),
    ),
    "inspection_failed": _alert(
        _("Contrôle technique défavorable"),
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
    "never_inspected": _alert(
        _("Aucun contrôle technique connu"),
        _("À cet âge, il devrait y en avoir un ; la source n’en connaît aucun."),
        _("Montrez le dernier procès-verbal à l’acheteur."),
        _("Demandez un contrôle de moins de six mois avant de payer."),
    ),
    "unfit": _alert(
        _("Le registre ne le dit pas apte à circuler"),
        _("Il ne dit pas pourquoi."),
        _("Demandez à France Titres (ANTS) ce qu’il en est avant toute vente."),
        _("Demandez au vendeur pourquoi, avec les papiers qui le montrent."),
    ),
    "contradiction": _alert(
        _("Le registre se contredit"),
        _("Les points en cause sont listés sous Situation administrative."),
        _("Si l’un est inexact, demandez sa correction à France Titres (ANTS)."),
        _("Lisez-les et demandez au vendeur ce qu’il en est."),
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
            "Faites-le vérifier avec le vendeur, à la police ou à la gendarmerie, avant "
            "de payer."
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
