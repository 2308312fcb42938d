"""Technical inspections, and what their odometer readings come to."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext

from histovet.history import labels
from histovet.history.chart import ChartWords, mileage_chart
from histovet.history.evidence import Evidence
from histovet.history.inspection_due import Due, DueKind
from histovet.history.odometer import Mileage, MileageVerdict
from histovet.history.page import Block, Figure, Grid, Paragraph, Section
from histovet.history.report import Audience, Report, ShownInspection
from histovet.history.words import Words
from histovet.inspections.inspected import Absence, Source

_SOURCES = {
    Source.REGISTER: _("Contrôles techniques, livrés avec le registre, au %s"),
    Source.UTAC: _("Contrôles techniques, UTAC, au %s"),
}


def source_of(report: Report, words: Words) -> str:
    """Return where inspections come from, nothing where no source has told."""
    found = report.inspections
    if found.source is None or found.as_of is None:
        return ""
    return words.fill(_SOURCES[found.source], words.date(found.as_of))


def inspections(known: Evidence, words: Words) -> Section:
    report = known.report
    blocks: list[Block] = []
    if report.inspections.absence is not None:
        blocks += _absence(report, report.inspections.absence, words)
    else:
        blocks.append(_listed(report, words))
    if due := known.next_inspection:
        blocks.append(Paragraph(_due(due, words)))
        if due.drives_until:
            until = words.date(due.drives_until)
            blocks.append(Paragraph(words.fill(_STANDSTILL, until)))
    return Section(
        "inspections",
        words.say(_("Contrôles techniques")),
        source_of(report, words),
        tuple(blocks),
        words="controle",
    )


def _absence(report: Report, absence: Absence, words: Words) -> tuple[Block, ...]:
    badge, meaning = labels.ABSENCES[absence]
    blocks: list[Block] = [Paragraph(words.say(meaning), badge=words.say(badge))]
    if absence is not Absence.NOT_SUBJECT:
        ask = (
            _("Montrez le dernier procès-verbal à l’acheteur.")
            if report.audience is Audience.HOLDER
            else _("Demandez le dernier procès-verbal au vendeur.")
        )
        blocks.append(Paragraph(words.say(ask)))
    return tuple(blocks)


def _listed(report: Report, words: Words) -> Grid:
    return Grid(
        caption=words.say(_("Contrôles techniques, le dernier d’abord")),
        head=(
            words.say(_("Date")),
            words.say(_("Contrôle")),
            words.say(_("Résultat")),
        ),
        rows=tuple(_line(one, words) for one in report.inspections.listed),
    )


def _line(one: ShownInspection, words: Words) -> tuple[str, ...]:
    result = words.coded(one.result, labels.results(one.date.date))
    if one.mileage_km is None:
        result = words.join(", ", (result, words.say(_("kilométrage non relevé"))))
    return words.date(one.date), words.coded(one.nature, labels.NATURES), result


_DUE = {
    DueKind.FIRST: _("Premier contrôle à passer au plus tard : %s."),
    DueKind.PERIODIC: _("Prochain contrôle au plus tard : %s."),
    DueKind.COUNTER_VISIT: _("Contre-visite au plus tard : %s."),
}


_STANDSTILL = _("Interdit de rouler avant elle, depuis le contrôle défavorable : %s.")


def _due(due: Due, words: Words) -> str:
    said = words.fill(_DUE[due.kind], words.date(due.by))
    if due.opens is None:
        return said
    return words.fill(
        _("%s Il se passe à partir de : %s."), said, words.date(due.opens)
    )


_NO_READING = {
    Absence.NONE_RECORDED: _("Les relevés viennent des contrôles techniques."),
    Absence.NOT_SUBJECT: _("Les relevés viennent des contrôles techniques."),
    Absence.NOT_AVAILABLE: _(
        "Les relevés viennent des contrôles techniques, dont la source n’a pas répondu."
    ),
    Absence.NOT_CONNECTED: _(
        "Les relevés viennent des contrôles techniques, que ce site ne reçoit pas."
    ),
}


def mileage(known: Evidence, words: Words) -> Section:
    report, found = known.report, known.mileage
    blocks: list[Block]
    if report.inspections.absence is not None:
        absence = report.inspections.absence
        badge, _meaning = labels.ABSENCES[absence]
        blocks = [Paragraph(words.say(_NO_READING[absence]), badge=words.say(badge))]
    else:
        blocks = [_verdict(found, words)]
        if found.km_a_year is not None:
            average = words.number(found.km_a_year, "km")
            blocks.append(
                Paragraph(words.fill(_("Moyenne des relevés : %s par an."), average))
            )
        if known.readings:
            blocks += [
                _chart(known, words),
                Paragraph(words.say(_MARKS), is_hint=True),
                _readings(known, words),
            ]
        blocks.append(
            Paragraph(
                words.say(
                    _(
                        "Un relevé est ce qu’un contrôleur a lu au compteur ce jour-là, "
                        "et rien de plus."
                    )
                ),
                is_hint=True,
            )
        )
    return Section(
        "mileage",
        words.say(_("Kilométrage")),
        source_of(report, words),
        tuple(blocks),
        words="kilometrage",
    )


_TONES = {
    MileageVerdict.CONSISTENT: "good",
    MileageVerdict.INCONSISTENT: "warn",
    MileageVerdict.NO_VERDICT: "note",
}


def _verdict(found: Mileage, words: Words) -> Paragraph:
    return Paragraph(
        words.say(labels.REASONS[found.reason]),
        badge=words.say(labels.VERDICTS[found.verdict]),
        tone=_TONES[found.verdict],
    )


_MARKS = _(
    "Rond : contrôle favorable ; triangle : défavorable ; carré : autre ; cercle autour : "
    "relevé à vérifier."
)


def _chart(known: Evidence, words: Words) -> Figure:
    results = [
        one.result
        for one in reversed(known.report.inspections.listed)
        if one.mileage_km is not None
    ]
    first, last = known.readings[0], known.readings[-1]
    count = len(known.readings)
    description = ngettext(
        "Un relevé, de %(last)s.", "%(count)s relevés, de %(first)s à %(last)s.", count
    ) % {
        "count": count,
        "first": words.number(first.mileage_km, "km"),
        "last": words.number(last.mileage_km, "km"),
    }
    said = words.say(labels.VERDICTS[known.mileage.verdict])
    title = words.say(_("Kilométrage relevé aux contrôles techniques"))
    svg = mileage_chart(
        known.readings,
        results,
        at=known.mileage.at,
        plain=words.plain,
        words=ChartWords(title, f"{description} {said}."),
        number=words.number,
    )
    return Figure(svg, f"{title}. {description} {said}.")


def _readings(known: Evidence, words: Words) -> Grid:
    odd = set(known.mileage.at)
    return Grid(
        caption=words.say(_("Relevés du compteur, le dernier d’abord")),
        head=(
            words.say(_("Date")),
            words.say(_("Relevé")),
            words.say(_("Depuis le précédent")),
        ),
        rows=tuple(
            (
                words.date(known.readings[place].date),
                _read(known, place, place in odd, words),
                _since(known, place, words),
            )
            for place in range(len(known.readings) - 1, -1, -1)
        ),
        ends_in_numbers=True,
    )


def _read(known: Evidence, place: int, is_odd: bool, words: Words) -> str:
    km = words.number(known.readings[place].mileage_km, "km")
    return words.fill(_("%s, à vérifier"), km) if is_odd else km


def _since(known: Evidence, place: int, words: Words) -> str:
    if place == 0:
        return "–"
    before, after = known.readings[place - 1], known.readings[place]
    difference = after.mileage_km - before.mileage_km
    sign = "+" if difference >= 0 else "−"
    return f"{sign}{words.number(abs(difference), 'km')}"
