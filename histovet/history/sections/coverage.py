"""What the report covers, as of when, and what cannot be known here."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext

from histovet.history import labels
from histovet.history.page import Block, Grid, Items, Paragraph, Section
from histovet.history.report import Report
from histovet.history.sections.inspections import source_of
from histovet.history.words import Words
from histovet.inspections.inspected import Absence

_UNKNOWN_HERE = (
    _("des accidents qu’aucun expert n’a suivis, des réparations et de l’entretien ;"),
    _("de ce qui s’est passé hors de France, ni des gages qui y sont pris ;"),
    _(
        "de ce qui a été inscrit depuis cette date : demandez au vendeur le certificat "
        "de situation administrative officiel, le jour de la vente."
    ),
)


def coverage(report: Report, words: Words, source: str) -> Section:
    blocks: list[Block] = [
        Paragraph(
            words.say(
                _(
                    "Il dit ce que le registre français des immatriculations porte sur "
                    "ce véhicule à la date indiquée, et rien d’autre."
                )
            )
        ),
        Grid(
            caption=words.say(_("D’où vient chaque partie de ce rapport")),
            head=(words.say(_("Partie")), words.say(_("Source"))),
            rows=(
                (
                    words.say(_("Historique, situation, certificat, véhicule")),
                    source,
                ),
                (
                    words.say(_("Contrôles techniques, kilométrage")),
                    _inspections(report, words),
                ),
                (
                    words.say(_("Vignette Crit’Air")),
                    words.say(_("Calculée d’après l’arrêté du 21 juin 2016")),
                ),
                (
                    words.say(_("Entretien, réparations")),
                    words.say(_("Aucune source")),
                ),
            ),
        ),
        Paragraph(words.say(_("Il ne dit rien :"))),
        Items(tuple(words.say(text) for text in _UNKNOWN_HERE)),
        Paragraph(
            words.say(
                _(
                    "« Non renseigné » veut dire que le registre n’a pas cette donnée ; "
                    "« Aucun », qu’il n’y a rien d’inscrit."
                )
            )
        ),
    ]
    if report.quality:
        blocks.append(Paragraph(_unreadable(len(report.quality))))
    title = words.say(_("Ce que dit ce rapport"))
    return Section("scope", title, "", tuple(blocks))


def _inspections(report: Report, words: Words) -> str:
    absence = report.inspections.absence
    if absence is None or absence is Absence.NONE_RECORDED:
        return source_of(report, words)
    return words.say(labels.ABSENCES[absence][0])


def _unreadable(count: int) -> str:
    return ngettext(
        "Une donnée du registre était illisible : elle est dite non renseignée.",
        "%(count)s données du registre étaient illisibles : elles sont dites non "
        "renseignées.",
        count,
    ) % {"count": count}
