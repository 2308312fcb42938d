"""The holder, by initials, and the certificate."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from histovet.history import meanings
from histovet.history.page import Row, Section, Table
from histovet.history.report import Audience, Import, Report
from histovet.history.words import NO_BREAK, NONE, NOT_RECORDED, Words
from pseudonymizer.records import Initials, Register


def certificate(report: Report, words: Words, source: str) -> Section:
    caption = words.say(_("Le titulaire, par ses initiales, et son certificat"))
    table = Table(caption, _rows(report, words))
    return Section(
        "holder",
        words.say(_("Titulaire et certificat")),
        source,
        (table,),
        words="papiers",
    )


def _rows(report: Report, words: Words) -> tuple[Row, ...]:
    held = report.certificate
    holder = report.audience is Audience.HOLDER
    place = _("Code postal") if holder else _("Département")
    rows = [
        Row(words.say(_("Titulaire")), (_initials(held.initials, words),), "C.1"),
        Row(words.say(place), (held.place or words.say(NOT_RECORDED),)),
        Row(words.say(_("Véhicule loué")), (words.yes_or_no(held.leased),)),
        Row(words.say(_("Date du certificat")), (words.date(held.issue_date),), "I"),
        Row(
            words.say(_("Première immatriculation")),
            (words.date(report.first_registration),),
            "B",
        ),
    ]
    if report.imported.imported:
        rows += _import(report.imported, words)
    if report.register is Register.SIV:
        rows.append(
            Row(
                words.say(_("Premier certificat au format AA-123-AA")),
                (words.date(report.first_registration_siv),),
            )
        )
    usages = tuple(words.coded(usage, meanings.USAGES) for usage in report.usages)
    rows += [
        Row(words.say(_("Usage particulier")), usages or (words.say(NONE),)),
        Row(
            words.say(_("Dernière modification du dossier")),
            (words.date(report.last_change),),
        ),
    ]
    return tuple(rows)


def _import(abroad: Import, words: Words) -> list[Row]:
    rows = [
        Row(words.say(_("Pays d’origine")), (_origin(abroad, words),)),
        Row(
            words.say(_("Première immatriculation à l’étranger")),
            (words.date(abroad.first_registration_abroad),),
        ),
    ]
    if abroad.date:
        rows.append(Row(words.say(_("Arrivée en France")), (words.date(abroad.date),)))
    return rows


def _origin(abroad: Import, words: Words) -> str:
    code, name = abroad.origin_code, abroad.origin_name
    country = words.country(code) if code else None
    # A code of no country stands alone only where there is no name.
    if country and country != code:
        return country
    return name or code or words.say(NOT_RECORDED)


def _initials(initials: Initials, words: Words) -> str:
    if initials.company:
        prefix = initials.siren_prefix
        siren = f"{NO_BREAK}(SIREN{NO_BREAK}{prefix}…)" if prefix else ""
        return initials.company + siren
    parts = [part for part in (initials.family, initials.given) if part]
    return " ".join(parts) or words.say(NOT_RECORDED)
