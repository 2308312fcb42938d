"""What happened to the vehicle, and who held it how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext

from histovet.history import labels
from histovet.history.dates import ShownDate
from histovet.history.page import Block, Choice, Event, Paragraph, Section, Timeline
from histovet.history.report import (
    Report,
    ShownOperation,
    ShownProcedure,
    ShownStep,
)
from histovet.history.tenures import Tenure
from histovet.history.timeline import (
    Entry,
    EventKind,
    Gap,
    Happening,
    Silence,
    Standing,
    Story,
    timeline,
)
from histovet.history.words import NO_BREAK, Words

_KINDS = {
    EventKind.HOLDERS: _("Titulaires et ventes"),
    EventKind.PLEDGES: _("Gages et saisies"),
    EventKind.MEASURES: _("Oppositions et suspensions"),
    EventKind.DAMAGE: _("Sinistres"),
    EventKind.OTHER: _("Certificat et véhicule"),
}
_ALL = _("Tout")

_SILENCES = {
    Silence.LONG: _("Rien d’inscrit"),
    Silence.ABROAD: _("Avant l’arrivée en France : rien n’est connu"),
    Silence.BEFORE: _("Avant le premier titulaire connu : rien n’est inscrit"),
}


def history(report: Report, words: Words, source: str, chosen: str) -> Section:
    """`chosen` is the value of a kind of events; any other text chooses all of them."""
    entries = timeline(report)
    counts = Counter(entry.kind for entry in entries if not isinstance(entry, Gap))
    kind = next((k for k in counts if k.value == chosen), None)
    shown = [
        entry
        for entry in entries
        if kind is None or (not isinstance(entry, Gap) and entry.kind is kind)
    ]
    blocks: list[Block] = []
    if not counts:
        blocks.append(
            Paragraph(
                lead=words.say(_("Rien d’inscrit.")),
                text=words.say(
                    _("Le registre ne porte aucune opération sur ce véhicule.")
                ),
            )
        )
    if shown:
        choices = () if words.plain else _choices(counts, kind, words)
        events = tuple(_event(entry, report, words) for entry in shown)
        blocks.append(Timeline(events, choices))
    if kind is None and (internal := _internal(report)):
        blocks.append(Paragraph(_not_listed(internal), is_hint=True))
    return Section(
        "history", words.say(_("Historique")), source, tuple(blocks), words="operations"
    )


def _choices(
    counts: Counter[EventKind], chosen: EventKind | None, words: Words
) -> tuple[Choice, ...]:
    if len(counts) < 2:
        return ()
    total = Choice("", words.say(_ALL), counts.total(), chosen is None)
    return (
        total,
        *(
            Choice(kind.value, words.say(label), counts[kind], kind is chosen)
            for kind, label in _KINDS.items()
            if counts[kind]
        ),
    )


def _internal(report: Report) -> int:
    return sum(o.code in labels.INTERNAL_OPERATIONS for o in report.operations)


def _not_listed(count: int) -> str:
    return ngettext(
        "Une opération interne de l’administration, qui ne dit rien du véhicule, n’est "
        "pas listée.",
        "%(count)s opérations internes de l’administration, qui ne disent rien du "
        "véhicule, ne sont pas listées.",
        count,
    ) % {"count": count}


def _event(entry: Entry, report: Report, words: Words) -> Event:
    if isinstance(entry, Gap):
        return _gap(entry, words)
    if isinstance(entry, Story):
        return _story(entry, words)
    return _happening(entry, report, words)


def _gap(gap: Gap, words: Words) -> Event:
    label = words.say(_SILENCES[gap.why])
    if gap.months is not None:
        label = words.fill(_("%s pendant %s"), label, words.duration(gap.months))
    return Event("", label, "", "", (), False, "", is_gap=True)


def _story(story: Story, words: Words) -> Event:
    number = story.procedure.number
    label = words.say(_("Procédure pour véhicule endommagé"))
    return Event(
        date=_dated(story.date, words),
        label=words.fill(_("%s n° %s"), label, number) if number else label,
        code="",
        tenure="",
        details=tuple(told(story.procedure, words)),
        cancelled=False,
        cancelled_on="",
    )


def _happening(entry: Happening, report: Report, words: Words) -> Event:
    operation = entry.operation
    label, code = _named(operation, report, words)
    details = []
    if operation.procedure:
        details.append(words.fill(_("dossier %s"), operation.procedure))
    if operation.expert:
        details.append(words.fill(_("expert %s"), operation.expert))
    if entry.standing:
        details.append(_stands(entry, words))
    return Event(
        date=_dated(entry.date, words),
        label=label,
        code=code,
        tenure=_tenure(entry.tenure, words) if entry.tenure else "",
        details=tuple(details),
        cancelled=operation.cancelled,
        cancelled_on=words.date(operation.cancelled_on)
        if operation.cancelled_on
        else "",
    )


def _dated(date: ShownDate | None, words: Words) -> str:
    return words.say(_("Sans date")) if date is None else words.date(date)


def _stands(entry: Happening, words: Words) -> str:
    if entry.standing is Standing.OPEN:
        return words.say(_("toujours en cours"))
    if entry.standing is Standing.LAPSED:
        return words.say(_("n’est plus en cours, aucune fin inscrite"))
    if entry.closed_on is None:
        return words.say(_("fin inscrite, sans date"))
    return words.fill(_("fin : %s"), words.date(entry.closed_on))


def _tenure(tenure: Tenure, words: Words) -> str:
    """For example: titulaire n° 2, pendant 3 ans 5 mois."""
    if tenure.rank is None:
        parts = [words.say(_("nouveau titulaire, rang inconnu"))]
    else:
        parts = [words.say(_("titulaire n° %s")) % tenure.rank]
    if tenure.months is not None:
        lasted = _("depuis %s") if tenure.is_current else _("pendant %s")
        parts.append(words.say(lasted) % words.duration(tenure.months))
    return ", ".join(parts)


def _named(operation: ShownOperation, report: Report, words: Words) -> tuple[str, str]:
    """Return its label, or no label and the code as it is."""
    found = labels.of_operation(
        operation.code, is_import=report.imported.imported is True
    )
    if not found:
        return "", operation.code
    return words.join(", ", [words.term(label) for label in found]), ""


_STATES = {True: _("En cours"), False: _("Close"), None: _("État non renseigné")}


def told(procedure: ShownProcedure, words: Words) -> Iterable[str]:
    """Yield the state of a damage procedure, then each of its steps."""
    yield words.say(_STATES[procedure.running])
    steps = (
        (_("Déclaration"), procedure.declaration),
        (_("Premier rapport"), procedure.first_report),
        (_("Second rapport"), procedure.second_report),
    )
    for name, step in steps:
        if step:
            found = words.join(", ", (words.date(step.date), *_said(step, words)))
            yield words.join(f"{NO_BREAK}: ", (words.say(name), found))


def _said(step: ShownStep, words: Words) -> Iterable[str]:
    if step.expert:
        yield words.fill(_("expert %s"), step.expert)
    if step.dangerous is not None:
        yield words.say(_("dangereux") if step.dangerous else _("non dangereux"))
    if step.repairable is not None:
        yield words.say(_("réparable") if step.repairable else _("non réparable"))
