"""What is new in the report, in words, each with where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from histovet.history import labels
from histovet.history.changes import Changes, Facet
from histovet.history.report import Report, ShownInspection, ShownOperation
from histovet.history.words import Words, words

# What it says, and the section of the page that it is about.
_FACETS = {
    Facet.THEFT: (_("Ce que le registre dit d’un vol ou d’une perte."), "situation"),
    Facet.PLEDGES: (_("Les gages."), "situation"),
    Facet.SEIZURES: (_("Les saisies."), "situation"),
    Facet.OPPOSITIONS: (_("Les oppositions."), "situation"),
    Facet.SUSPENSIONS: (_("Les suspensions."), "situation"),
    Facet.DAMAGE: (_("Les procédures après un sinistre."), "situation"),
    Facet.CERTIFICATE: (_("Le titulaire ou le certificat."), "holder"),
    Facet.VEHICLE: (_("Les caractéristiques du véhicule."), "vehicle"),
}


@dataclass(frozen=True, slots=True)
class Change:
    badge: str
    text: str
    anchor: str


def changed(found: Changes, report: Report) -> tuple[Change, ...]:
    """Return what has changed in the language that is active, what is new first and what
    could not be compared last."""
    said = words(plain=False)
    new, cancelled, other = (
        said.say(text) for text in (_("Nouveau"), _("Annulé"), _("Modifié"))
    )
    lines = [
        Change(new, _operation(one, report, said), "history") for one in found.came
    ]
    lines += [
        Change(cancelled, _operation(one, report, said), "history")
        for one in found.cancelled
    ]
    lines += [
        Change(new, _inspection(one, said), "inspections") for one in found.inspections
    ]
    if found.has_lost:
        gone = said.say(_("Des opérations ne sont plus dans l’historique."))
        lines.append(Change(other, gone, "history"))
    for facet in found.facets:
        text, anchor = _FACETS[facet]
        lines.append(Change(other, said.say(text), anchor))
    again = said.say(_("À relire"))
    if not found.are_operations_compared:
        long = said.say(_("L’historique, trop long pour être comparé."))
        lines.append(Change(again, long, "history"))
    if not found.are_inspections_compared:
        unknown = said.say(_("Les contrôles techniques, qui n’ont pu être comparés."))
        lines.append(Change(again, unknown, "inspections"))
    return tuple(lines)


def _operation(one: ShownOperation, report: Report, said: Words) -> str:
    found = labels.of_operation(
        one.code, is_import=report.imported.imported is True
    ) or (one.code,)
    name = said.join(", ", [said.term(label) for label in found])
    return name if one.date is None else said.join(", ", [name, said.date(one.date)])


def _inspection(one: ShownInspection, said: Words) -> str:
    nature = said.coded(one.nature, labels.NATURES)
    return said.join(", ", [nature, said.date(one.date)])
