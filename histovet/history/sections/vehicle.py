"""The rubrics of the certificate, with what their codes mean."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from histovet.history import critair, labels, meanings
from histovet.history.page import Row, Section, Table
from histovet.history.report import Audience, Report
from histovet.history.words import NO_BREAK, NOT_RECORDED, Words, markup

# Box of the certificate → what its words mean in the glossary.
_WORDS = {
    "D.2": "type",
    "D.2.1": "type",
    "E": "vin",
    "F.2": "masses",
    "F.3": "masses",
    "G": "masses",
    "G.1": "masses",
    "J.1": "genre",
    "P.6": "puissance",
}


# On paper, which may be of no link.
_COMPARED_ON_PAGE = _(
    "Comparez le VIN relevé sur la voiture : la page d’un lien, donné par le vendeur, "
    "répond oui ou non."
)


def vehicle(report: Report, words: Words, source: str, check_at: str) -> Section:
    """`check_at` is the address where a VIN is compared, empty where there is none."""
    rows = tuple(
        Row(
            label=words.term(rubric.label),
            values=(_rubric(rubric, getattr(report.vehicle, rubric.attribute), words),),
            box=rubric.box,
            word=_WORDS.get(rubric.box, ""),
            hint=_where_compared(report, words, check_at) if rubric.box == "E" else "",
        )
        for rubric in labels.RUBRICS
    )
    sticker = Row(
        words.say(_("Vignette Crit’Air")), (_sticker(report, words),), word="critair"
    )
    table = Table(words.say(_("Les rubriques du certificat")), (*rows, sticker))
    return Section(
        "vehicle", words.say(_("Véhicule")), source, (table,), words="rubriques"
    )


def _sticker(report: Report, words: Words) -> str:
    found = critair.sticker(report)
    if isinstance(found, critair.Why):
        return words.say(labels.NO_STICKER[found])
    return words.say(labels.STICKERS[found])


def _where_compared(report: Report, words: Words, check_at: str) -> str:
    """For others, to whom a report tells the beginning of the VIN alone."""
    if report.audience is Audience.HOLDER or report.vehicle.vin is None:
        return ""
    if not check_at:
        return words.say(_COMPARED_ON_PAGE)
    link = f'<a href="{check_at}">{words.say(_("Est-ce bien ce véhicule ?"))}</a>'
    return words.fill(_("Comparez le VIN relevé sur la voiture : %s"), markup(link))


def _rubric(rubric: labels.Rubric, value: str | float | None, words: Words) -> str:
    if value is None:
        return words.say(NOT_RECORDED)
    if not isinstance(value, str):
        return words.number(value, rubric.unit)
    if rubric.attribute == "vin":
        return value.replace("*", "•")
    meaning = meanings.meaning(rubric.attribute, value)
    if not meaning:
        return value
    if rubric.attribute == "colour":
        return words.term(meaning)
    return words.join(f"{NO_BREAK}– ", (value, words.term(meaning)))
