"""A report → the words of its page, in order; a template puts them in their places.

Pure but for the active language. What comes from the register is plain text, which the
template escapes; only words of our own are marked safe.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from histovet.history import alerts, labels, meanings
from histovet.history.dates import Precision
from histovet.history.evidence import Evidence, evidence
from histovet.history.inspection_due import DueKind
from histovet.history.page import AlertShown, Fact, ReportPage, Section
from histovet.history.report import Audience, Certificate, Report
from histovet.history.sections.certificate import certificate
from histovet.history.sections.coverage import coverage
from histovet.history.sections.history import history
from histovet.history.sections.inspections import inspections, mileage
from histovet.history.sections.situation import situation
from histovet.history.sections.vehicle import vehicle as rubrics
from histovet.history.synthesis import Alert, Gravity, Synthesis, Verdict, synthesis
from histovet.history.words import NO_BREAK, NOT_RECORDED, Words, words

_BADGES = {
    Gravity.BLOCKING: _("Bloquant"),
    Gravity.CHECK: _("À vérifier"),
    Gravity.NOTE: _("Pour information"),
}


def page(
    report: Report, *, plain: bool = False, events: str = "", check_at: str = ""
) -> ReportPage:
    """Return the page in the language that is active; `plain` is without markup.

    `events` chooses a kind of events (timeline.EventKind), and all of them when it is none.
    `check_at` is the address where others compare the VIN of the car; plain has none.
    """
    said = words(plain=plain)
    known = evidence(report)
    found = synthesis(known)
    title, text = _verdict(found, report)
    name, plate = vehicle(report, plain=plain)
    return ReportPage(
        for_holder=report.audience is Audience.HOLDER,
        name=name,
        plate=plate,
        first_registration=said.date(report.first_registration),
        as_of=said.day(report.as_of),
        as_of_date=report.as_of,
        verdict=found.verdict.value,
        verdict_title=said.say(title),
        verdict_text=said.say(text),
        cancelled_on=said.date(report.certificate.cancelled_on)
        if report.certificate.cancelled_on
        else "",
        alerts=tuple(_alert(alert, report, said) for alert in found.alerts),
        facts=_facts(known, said),
        sections=()
        if found.verdict is Verdict.CANCELLED
        else _sections(known, found, said, events, check_at),
    )


def vehicle(report: Report, *, plain: bool = False) -> tuple[str, str]:
    """Return what the vehicle is called, and its plate as far as it is shown."""
    return _name(report, words(plain=plain)), report.masked_plate.replace("*", "•")


def _sections(
    known: Evidence, found: Synthesis, said: Words, events: str, check_at: str
) -> tuple[Section, ...]:
    report = known.report
    source = said.fill(
        _("Registre des immatriculations, au %s"), said.day(report.as_of)
    )
    return (
        history(report, said, source, events),
        mileage(known, said),
        inspections(known, said),
        situation(report, found.contradictions, said, source),
        certificate(report, said, source),
        rubrics(report, said, source, check_at),
        coverage(report, said, source),
    )


def _name(report: Report, said: Words) -> str:
    """For example: PEUGEOT 208 – essence, 5 CV."""
    described = report.vehicle
    name = " ".join(part for part in (described.make, described.model) if part)
    energy = meanings.ENERGIES.get(described.energy or "")
    power = described.fiscal_power_cv
    more = [said.say(energy)] if energy else []
    more += [f"{power:g}{NO_BREAK}CV"] if power else []
    more_text = ", ".join(more)
    return f"{NO_BREAK}– ".join(
        part for part in (name or said.say(_("Véhicule")), more_text) if part
    )


_VERDICTS = {
    Verdict.CANCELLED: (
        _("Certificat annulé"),
        _(
            "Il n’a plus cours : le véhicule ne peut ni circuler ni être vendu avec lui."
        ),
    ),
    Verdict.CHECK: (
        _("La vente est possible, avec précaution"),
        _("Aucune inscription ne l’empêche. Voici ce qu’il faut vérifier avant."),
    ),
}
_BLOCKED = {
    Audience.HOLDER: _(
        "Réglez d’abord ce qui suit, puis rouvrez ce rapport : il suit le registre."
    ),
    Audience.OTHERS: _(
        "Le vendeur doit d’abord régler ce qui suit. Rouvrez alors ce lien : le rapport "
        "suit le registre."
    ),
}


def _verdict(found: Synthesis, report: Report) -> tuple[str, str]:
    if found.verdict is Verdict.BLOCKED:
        title = _("Ce véhicule ne peut pas être vendu en l’état")
        return title, _BLOCKED[report.audience]
    if found.verdict is not Verdict.CLEAR:
        return _VERDICTS[found.verdict]
    if found.alerts:
        return (
            _("Rien n’empêche la vente"),
            _(
                "Ni vol, ni gage, ni saisie, ni opposition, ni suspension au registre. À "
                "savoir :"
            ),
        )
    return (
        _("Rien à signaler"),
        _(
            "Ni vol, ni gage, ni saisie, ni opposition, ni suspension au registre à "
            "cette date : rien n’y empêche la vente."
        ),
    )


def _alert(alert: Alert, report: Report, said: Words) -> AlertShown:
    text = alerts.TEXTS[alert.code]
    title = said.say(text.title)
    return AlertShown(
        gravity=alert.gravity.value,
        badge=said.say(_BADGES[alert.gravity]),
        title=title if alert.count == 1 else f"{title} ({alert.count})",
        dates=tuple(said.date(date) for date in alert.dates),
        raw=alert.raw,
        meaning=said.say(text.meaning),
        to_do=said.say(text.to_do[report.audience]),
    )


def _facts(known: Evidence, said: Words) -> tuple[Fact, ...]:
    report = known.report
    held = report.certificate
    imported = report.imported.imported
    holder = report.audience is Audience.HOLDER
    included = _("vous compris") if holder else _("le titulaire actuel compris")
    counted = _("depuis l’arrivée en France") if imported else included
    return (
        Fact(
            term=said.say(_("Titulaires")),
            value=said.count(report.holder_count),
            detail=said.say(counted) if report.holder_count else "",
        ),
        Fact(
            term=said.say(_("Titulaire depuis")),
            value=_held(held, said),
            detail=said.date(held.held_since) if held.held_since else "",
        ),
        _last_reading(known, said),
        _next_inspection(known, said),
    )


def _held(held: Certificate, said: Words) -> str:
    """For example: 2 ans 4 mois; environ 12 ans where the year alone is told."""
    since, months = held.held_since, held.months_held
    if since is None or months is None or since.precision is not Precision.YEAR:
        return said.duration(months)
    if months < 12:
        return said.say(_("moins de deux ans"))
    return said.fill(_("environ %s"), said.duration(months // 12 * 12))


def _last_reading(known: Evidence, said: Words) -> Fact:
    term = said.say(_("Dernier relevé"))
    last = known.mileage.last
    if last is None:
        return Fact(term, _why_none(known, said), "")
    return Fact(term, said.number(last.mileage_km, "km"), said.date(last.date))


def _next_inspection(known: Evidence, said: Words) -> Fact:
    term = said.say(_("Prochain contrôle technique"))
    due = known.next_inspection
    if due is None:
        absence = known.report.inspections.absence
        text = said.say(_("Non connu")) if absence is None else _why_none(known, said)
        return Fact(term, text, "")
    detail = (
        _("contre-visite") if due.kind is DueKind.COUNTER_VISIT else _("au plus tard")
    )
    return Fact(term, said.date(due.by), said.say(detail))


def _why_none(known: Evidence, said: Words) -> str:
    absence = known.report.inspections.absence
    if absence is None:
        return said.say(NOT_RECORDED)
    return said.say(labels.ABSENCES[absence][0])
