"""The rubrics of the certificate, with what their codes mean."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from histovet.history import critair, labels, meanings
from histovet.history.page import Row, Section, Table
from histovet.history.report import Report
from histovet.history.words import NO_BREAK, NOT_RECORDED, Words

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


def vehicle(report: Report, words: Words, source: str) -> Section:
    rows = tuple(
        Row(
            label=words.term(rubric.label),
            values=(_rubric(rubric, getattr(report.vehicle, rubric.attribute), words),),
            box=rubric.box,
            word=_WORDS.get(rubric.box, ""),
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
