"""How what is counted is called: in a file, at the head of a column, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from histovet.usage.daily_counts import What

Text = str | Promise


@dataclass(frozen=True)
class Called:
    """`column` is part of the address of the data: it is French and is not renamed."""

    column: str
    head: Text
    meaning: Text


CALLED: Mapping[What, Called] = {
    What.SELLER_REPORT: Called(
        "rapports_vendeurs",
        _("Vendeurs"),
        _("certificats tapés sur le site, dont le véhicule a été trouvé"),
    ),
    What.BUYER_REPORT: Called(
        "rapports_acheteurs",
        _("Acheteurs"),
        _("liens ouverts sur le site avec le code ou le lien d’un vendeur"),
    ),
    What.PARTNER_REPORT: Called(
        "rapports_partenaires",
        _("Partenaires"),
        _("rapports donnés aux partenaires, tous ensemble"),
    ),
    What.NOT_FOUND: Called(
        "recherches_sans_resultat",
        _("Recherches sans résultat"),
        _("certificats tapés sur le site, dont le véhicule n’a pas été trouvé"),
    ),
    What.LINK: Called(
        "liens",
        _("Liens créés"),
        _("liens créés par des vendeurs"),
    ),
    What.LISTING_CHECK: Called(
        "annonces_comparees",
        _("Annonces comparées"),
        _("annonces comparées au registre par des partenaires"),
    ),
    What.DOCUMENT: Called(
        "documents",
        _("Documents signés"),
        _("documents PDF signés, rapports ou certificats de situation"),
    ),
}
REPORTS = (What.SELLER_REPORT, What.BUYER_REPORT, What.PARTNER_REPORT)
# A heading, and the columns of one table: more than three stand on no telephone.
TABLES: Mapping[Text, tuple[What, ...]] = {
    _("Rapports donnés, à la dizaine"): REPORTS,
    _("Recherches et liens, à la dizaine"): (What.NOT_FOUND, What.LINK),
    _("Documents et annonces, à la dizaine"): (What.DOCUMENT, What.LISTING_CHECK),
}
