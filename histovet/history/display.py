"""A report → the words of its page, in order; a template puts them in their places.

Pure but for the active language. What comes from the register is plain text, which the
template escapes; only words of our own are marked safe.
"""

from __future__ import annotations

import datetime as dt
import functools
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.dates import MONTHS
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_noop as _

from histovet.history import critair, labels, meanings
from histovet.history.report import (
    Audience,
    Precision,
    Report,
    ShownDate,
    ShownOperation,
    ShownProcedure,
    ShownStep,
)
from histovet.history.synthesis import Alert, Gravity, synthesis
from histovet.history.tenures import Tenure, tenures
from pseudonymizer.records import Initials, Register

NO_BREAK = "\u00a0"
NARROW_NO_BREAK = "\u202f"

_BADGES = {
    Gravity.BLOCKING: _("Bloquant"),
    Gravity.CHECK: _("À vérifier"),
    Gravity.NOTE: _("Pour information"),
}
_NOT_RECORDED = _("Non renseigné")
_NONE = _("Aucun")
_NONE_FEMININE = _("Aucune")


@dataclass(frozen=True, slots=True)
class Fact:
    term: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class AlertShown:
    """`gravity` is a value of synthesis.Gravity; `raw` holds codes without a label."""

    gravity: str
    badge: str
    title: str
    dates: tuple[str, ...]
    raw: tuple[str, ...]
    meaning: str
    to_do: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history; `code` stands alone when it has no label, `tenure` is
    empty for what begins none."""

    date: str
    label: str
    code: str
    tenure: str
    details: tuple[str, ...]
    cancelled: bool
    cancelled_on: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `values` are never empty."""

    label: str
    values: tuple[str, ...]
    box: str = ""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """`verdict` is a value of synthesis.Verdict."""

    for_holder: bool
    name: str
    plate: str
    first_registration: str
    as_of: str
    verdict: str
    cancelled_on: str
    alerts: tuple[AlertShown, ...]
    facts: tuple[Fact, ...]
    events: tuple[Event, ...]
    internal_operations: int
    situation: tuple[Row, ...]
    damage: tuple[Row, ...]
    holder: tuple[Row, ...]
    vehicle: tuple[Row, ...]
    is_inspected: bool
    unreadable: int


def escaped(text: str) -> str:
    """Return markup: what is marked safe as it is, everything else escaped.

    Django's own takes eight times as long, and a page has two hundred texts.
    """
    return text if isinstance(text, SafeString) else markup(html.escape(text))


def markup(text: str) -> str:
    """Mark as safe what is made of words of our own and of escaped values."""
    # The one place that marks anything: its callers are in this package, and a test
    # drives markup through every text of a record.
    return SafeString(text)  # nosec B703


def page(report: Report) -> ReportPage:
    """Return the page in the language that is active."""
    words = _words(get_language() or "fr")
    found = synthesis(report)
    held = tenures(report)
    shown = [
        (operation, held.get(place))
        for place, operation in enumerate(report.operations)
        if operation.code not in labels.INTERNAL_OPERATIONS
    ]
    return ReportPage(
        for_holder=report.audience is Audience.HOLDER,
        name=_name(report, words),
        plate=report.masked_plate.replace("*", "•"),
        first_registration=words.date(report.first_registration),
        as_of=words.day(report.as_of),
        verdict=found.verdict.value,
        cancelled_on=words.date(report.certificate.cancelled_on)
        if report.certificate.cancelled_on
        else "",
        alerts=tuple(_alert(alert, report, words) for alert in found.alerts),
        facts=_facts(report, words),
        events=tuple(_event(operation, tenure, words) for operation, tenure in shown),
        internal_operations=len(report.operations) - len(shown),
        situation=_situation(report, words),
        damage=_damage(report, words),
        holder=_holder(report, words),
        vehicle=_vehicle(report, words),
        is_inspected=report.subject_to_inspection is not False,
        unreadable=len(report.quality),
    )


class _Words:
    """How dates, numbers and terms are written in one language."""

    def __init__(self, language: str) -> None:
        self._french = language == "fr"
        self._said: dict[str, str] = {}
        self._terms: dict[str, str] = {}
        self._months = [str(MONTHS[month]) for month in range(1, 13)]
        self._decimal = "," if self._french else "."

    def day(self, date: dt.date) -> str:
        number = str(date.day)
        if self._french and date.day == 1:
            number = "1<sup>er</sup>"
        return self._time(
            date.isoformat(),
            f"{number}{NO_BREAK}{self._months[date.month - 1]} {date.year}",
        )

    def date(self, shown: ShownDate | None) -> str:
        """Return the date to its precision, or that there is none on record."""
        if shown is None:
            return self.say(_NOT_RECORDED)
        date = shown.date
        if shown.precision is Precision.DAY:
            return self.day(date)
        if shown.precision is Precision.MONTH:
            text = f"{self._months[date.month - 1]} {date.year}"
            return self._time(date.isoformat()[:7], text)
        return self._time(str(date.year), str(date.year))

    @staticmethod
    def _time(machine: str, text: str) -> str:
        return markup(f'<time datetime="{machine}">{text}</time>')

    def number(self, value: float, unit: str = "") -> str:
        whole, _point, decimals = f"{value:,.3f}".rstrip("0").rstrip(".").partition(".")
        text = whole.replace(",", NARROW_NO_BREAK)
        if decimals:
            text += self._decimal + decimals
        return f"{text}{NO_BREAK}{unit}" if unit else text

    def say(self, text: str) -> str:
        """Return the translation of a text of the code.

        Remembered: a page asks eighty times, and gettext merges catalogues each time.
        """
        said = self._said.get(text)
        if said is None:
            said = self._said[text] = gettext(text)
        return said

    def term(self, label: str) -> str:
        """Return the register's own term, with what it means in another language."""
        term = self._terms.get(label)
        if term is None:
            term = self._terms[label] = self._explained(label)
        return term

    def _explained(self, label: str) -> str:
        if self._french:
            return markup(label)
        return markup(
            f'<span lang="fr">{label}</span> <span class="soft">{gettext(label)}</span>'
        )

    def yes_or_no(self, value: bool | None) -> str:
        if value is None:
            return self.say(_NOT_RECORDED)
        return self.say(_("Oui") if value else _("Non"))


@functools.cache
def _words(language: str) -> _Words:
    return _Words(language)


def _name(report: Report, words: _Words) -> str:
    """For example: PEUGEOT 208 – essence, 5 CV."""
    vehicle = report.vehicle
    name = " ".join(part for part in (vehicle.make, vehicle.model) if part)
    energy = meanings.ENERGIES.get(vehicle.energy or "")
    power = vehicle.fiscal_power_cv
    more = [words.say(energy)] if energy else []
    more += [f"{power:g}{NO_BREAK}CV"] if power else []
    more_text = ", ".join(more)
    return f"{NO_BREAK}– ".join(
        part for part in (name or words.say(_("Véhicule")), more_text) if part
    )


def _alert(alert: Alert, report: Report, words: _Words) -> AlertShown:
    text = labels.ALERTS[alert.code]
    title = words.say(text.title)
    return AlertShown(
        gravity=alert.gravity.value,
        badge=words.say(_BADGES[alert.gravity]),
        title=title if alert.count == 1 else f"{title} ({alert.count})",
        dates=tuple(words.date(date) for date in alert.dates),
        raw=alert.raw,
        meaning=words.say(text.meaning),
        to_do=words.say(text.to_do[report.audience]),
    )


def _facts(report: Report, words: _Words) -> tuple[Fact, ...]:
    certificate = report.certificate
    imported = report.imported.imported
    holder = report.audience is Audience.HOLDER
    included = _("vous compris") if holder else _("le vendeur compris")
    counted = _("depuis l’arrivée en France") if imported else included
    return (
        Fact(
            term=words.say(_("Titulaires")),
            value=str(report.holder_count or words.say(_NOT_RECORDED)),
            detail=words.say(counted) if report.holder_count else "",
        ),
        Fact(
            term=words.say(_("Titulaire depuis")),
            value=_duration(certificate.months_held, words),
            detail=words.date(certificate.held_since) if certificate.held_since else "",
        ),
        Fact(
            term=words.say(_("Première immatriculation")),
            value=words.date(report.first_registration),
            detail=words.say(_("à l’étranger")) if imported else "",
        ),
        Fact(
            term=words.say(_("Registre au")),
            value=words.day(report.as_of),
            detail=words.say(_("rien de plus récent n’y est")),
        ),
    )


def _duration(months: int | None, words: _Words) -> str:
    if months is None:
        return words.say(_NOT_RECORDED)
    years, rest = divmod(months, 12)
    parts = []
    if years:
        parts.append(ngettext("%(n)s an", "%(n)s ans", years) % {"n": years})
    if rest:
        parts.append(ngettext("%(n)s mois", "%(n)s mois", rest) % {"n": rest})
    return " ".join(parts).replace(" ", NO_BREAK, 1) or words.say(_("moins d’un mois"))


def _event(operation: ShownOperation, tenure: Tenure | None, words: _Words) -> Event:
    label, code = _operation(operation.code, words)
    details = []
    if operation.procedure:
        details.append(words.say(_("dossier %s")) % operation.procedure)
    if operation.expert:
        details.append(words.say(_("expert %s")) % operation.expert)
    return Event(
        date=words.date(operation.date),
        label=label,
        code=code,
        tenure=_tenure(tenure, words) if tenure else "",
        details=tuple(details),
        cancelled=operation.cancelled,
        cancelled_on=words.date(operation.cancelled_on)
        if operation.cancelled_on
        else "",
    )


def _tenure(tenure: Tenure, words: _Words) -> str:
    """For example: titulaire n° 2, pendant 3 ans 5 mois."""
    if tenure.rank is None:
        parts = [words.say(_("nouveau titulaire"))]
    else:
        parts = [words.say(_("titulaire n° %s")) % tenure.rank]
    if tenure.months is not None:
        lasted = _("depuis %s") if tenure.is_current else _("pendant %s")
        parts.append(words.say(lasted) % _duration(tenure.months, words))
    return ", ".join(parts)


def _operation(code: str, words: _Words) -> tuple[str, str]:
    """Return its label, or no label and the code as it is."""
    if label := labels.OPERATIONS.get(code):
        return words.term(label), ""
    plain = labels.OPERATIONS.get(code.removesuffix(labels.CONVERTING))
    if plain and code.endswith(labels.CONVERTING):
        conversion = labels.OPERATIONS["CONVERSION_DOSSIER_FNI"]
        return markup(f"{words.term(plain)}, {words.term(conversion)}"), ""
    return "", code


def _situation(report: Report, words: _Words) -> tuple[Row, ...]:
    certificate = report.certificate
    return (
        Row(words.say(_("Véhicule volé")), (words.yes_or_no(report.vehicle_stolen),)),
        Row(
            words.say(_("Gages")),
            tuple(_dated(words.date(p.date), p.creditor) for p in report.pledges)
            or (words.say(_NONE),),
        ),
        Row(
            words.say(_("Saisies")),
            tuple(_dated(words.date(s.date), s.authority) for s in report.seizures)
            or (words.say(_NONE_FEMININE),),
        ),
        Row(
            words.say(_("Oppositions")),
            tuple(
                _dated(words.date(o.date), _coded(o.kind, labels.OPPOSITIONS, words))
                for o in report.oppositions
            )
            or (words.say(_NONE_FEMININE),),
        ),
        Row(
            words.say(_("Suspensions")),
            tuple(
                _dated(words.date(s.date), _coded(s.reason, labels.SUSPENSIONS, words))
                for s in report.suspensions
            )
            or (words.say(_NONE_FEMININE),),
        ),
        Row(words.say(_("Certificat volé")), (words.yes_or_no(certificate.stolen),)),
        Row(words.say(_("Certificat perdu")), (words.yes_or_no(certificate.lost),)),
        Row(
            words.say(_("Certificat duplicata")),
            (words.yes_or_no(certificate.duplicate),),
        ),
    )


def _coded(code: str, table: Mapping[str, str], words: _Words) -> str:
    return words.term(table[code]) if code in table else code


def _dated(date: str, what: str | None) -> str:
    return markup(f"{date}{NO_BREAK}– {escaped(what)}") if what else date


def _damage(report: Report, words: _Words) -> tuple[Row, ...]:
    """Empty when no damage is on record."""
    damage = report.damage
    if not damage.claim_count and not damage.procedures:
        return ()
    rows = [
        Row(
            words.say(_("Sinistres déclarés")),
            (str(damage.claim_count or words.say(_NOT_RECORDED)),),
        ),
        Row(words.say(_("Dernier sinistre")), (words.date(damage.last_claim),)),
        Row(
            words.say(_("Dernière réparation constatée")),
            (words.date(damage.last_resolution),),
        ),
        Row(words.say(_("Apte à circuler")), (_fitness(report, words),)),
    ]
    for number, procedure in enumerate(damage.procedures, 1):
        label = words.say(_("Procédure %s")) % (procedure.number or number)
        rows.append(Row(label, tuple(_procedure(procedure, words))))
    return tuple(rows)


def _fitness(report: Report, words: _Words) -> str:
    """The register's word, unless the register itself denies it elsewhere."""
    said = words.yes_or_no(report.damage.fit_to_drive)
    if not report.damage.fit_to_drive:
        return said
    denied = synthesis(report).denies_fitness
    return (
        words.say(_("Le registre se contredit : voir les alertes")) if denied else said
    )


def _procedure(procedure: ShownProcedure, words: _Words) -> Iterable[str]:
    states = {True: _("En cours"), False: _("Close"), None: _("État non renseigné")}
    yield words.say(states[procedure.running])
    steps = (
        (_("Déclaration"), procedure.declaration),
        (_("Premier rapport"), procedure.first_report),
        (_("Second rapport"), procedure.second_report),
    )
    for name, step in steps:
        if step:
            told = f"{words.say(name)}{NO_BREAK}: {words.date(step.date)}"
            yield markup(told + escaped(_said(step, words)))


def _said(step: ShownStep, words: _Words) -> str:
    said = []
    if step.expert:
        said.append(words.say(_("expert %s")) % step.expert)
    if step.dangerous is not None:
        said.append(words.say(_("dangereux") if step.dangerous else _("non dangereux")))
    if step.repairable is not None:
        said.append(
            words.say(_("réparable") if step.repairable else _("non réparable"))
        )
    return "".join(f", {text}" for text in said)


def _holder(report: Report, words: _Words) -> tuple[Row, ...]:
    certificate = report.certificate
    holder = report.audience is Audience.HOLDER
    place = _("Code postal") if holder else _("Département")
    rows = [
        Row(
            words.say(_("Titulaire")), (_initials(certificate.initials, words),), "C.1"
        ),
        Row(
            words.say(place),
            (certificate.place or words.say(_NOT_RECORDED),),
        ),
        Row(words.say(_("Véhicule loué")), (words.yes_or_no(certificate.leased),)),
        Row(
            words.say(_("Date du certificat")),
            (words.date(certificate.issue_date),),
            "I",
        ),
        Row(
            words.say(_("Première immatriculation")),
            (words.date(report.first_registration),),
            "B",
        ),
    ]
    if report.imported.imported:
        abroad = report.imported
        origin = abroad.origin_name or abroad.origin_code
        rows += [
            Row(
                words.say(_("Pays d’origine")),
                (origin or words.say(_NOT_RECORDED),),
            ),
            Row(
                words.say(_("Première immatriculation à l’étranger")),
                (words.date(abroad.first_registration_abroad),),
            ),
            Row(words.say(_("Arrivée en France")), (words.date(abroad.date),)),
        ]
    if report.register is Register.SIV:
        rows.append(
            Row(
                words.say(_("Premier certificat au format AA-123-AA")),
                (words.date(report.first_registration_siv),),
            )
        )
    usages = tuple(_coded(usage, meanings.USAGES, words) for usage in report.usages)
    rows += [
        Row(words.say(_("Usage particulier")), usages or (words.say(_NONE),)),
        Row(words.say(_("Dossier modifié le")), (words.date(report.last_change),)),
    ]
    return tuple(rows)


def _initials(initials: Initials, words: _Words) -> str:
    if initials.company:
        prefix = initials.siren_prefix
        siren = f"{NO_BREAK}(SIREN{NO_BREAK}{prefix}…)" if prefix else ""
        return initials.company + siren
    parts = [part for part in (initials.family, initials.given) if part]
    return " ".join(parts) or words.say(_NOT_RECORDED)


def _vehicle(report: Report, words: _Words) -> tuple[Row, ...]:
    return tuple(
        Row(
            label=words.term(rubric.label),
            values=(_rubric(rubric, getattr(report.vehicle, rubric.attribute), words),),
            box=rubric.box,
        )
        for rubric in labels.RUBRICS
    ) + (Row(words.say(_("Vignette Crit’Air")), (_sticker(report, words),)),)


def _sticker(report: Report, words: _Words) -> str:
    found = critair.sticker(report)
    if isinstance(found, critair.Why):
        return words.say(labels.NO_STICKER[found])
    return words.say(labels.STICKERS[found])


def _rubric(rubric: labels.Rubric, value: str | float | None, words: _Words) -> str:
    if value is None:
        return words.say(_NOT_RECORDED)
    if not isinstance(value, str):
        return words.number(value, rubric.unit)
    if rubric.attribute == "vin":
        return value.replace("*", "•")
    meaning = meanings.meaning(rubric.attribute, value)
    if not meaning:
        return value
    return markup(f"{escaped(value)}{NO_BREAK}– {words.term(meaning)}")
