"""What weighs on the vehicle today: theft, pledges, oppositions, certificate, damage."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

from histovet.history import labels
from histovet.history.dates import ShownDate
from histovet.history.page import Block, Heading, Items, Paragraph, Row, Section, Table
from histovet.history.report import Report
from histovet.history.sections.history import told
from histovet.history.words import NO_BREAK, NONE, NONE_FEMININE, Words


def situation(
    report: Report, contradictions: tuple[str, ...], words: Words, source: str
) -> Section:
    blocks: list[Block] = [
        Table(
            words.say(_("Vol, gages, saisies, oppositions, suspensions et certificat")),
            _rows(report, words),
        ),
        Heading(words.say(_("Sinistres"))),
        *_damage(report, contradictions, words),
    ]
    if contradictions:
        blocks += [
            Heading(words.say(_("Le registre se contredit"))),
            Paragraph(
                words.say(
                    _(
                        "Deux choses n’y vont pas ensemble. Nous les montrons toutes deux :"
                    )
                )
            ),
            Items(tuple(words.say(labels.CONTRADICTIONS[c]) for c in contradictions)),
        ]
    title = words.say(_("Situation administrative"))
    return Section("situation", title, source, tuple(blocks), words="situation")


def _rows(report: Report, words: Words) -> tuple[Row, ...]:
    certificate = report.certificate

    def answered(label: str, value: bool | None, *, word: str) -> Row:
        return Row(words.say(label), (words.yes_or_no(value),), word=word)

    def listed(label: str, found: Iterable[str], none: str, *, word: str) -> Row:
        return Row(words.say(label), tuple(found) or (words.say(none),), word=word)

    return (
        answered(_("Véhicule volé"), report.vehicle_stolen, word="vol"),
        listed(
            _("Gages"),
            (
                _dated(p.date, p.creditor, words.say(_("un gage")), words)
                for p in report.pledges
            ),
            NONE,
            word="gage",
        ),
        listed(
            _("Saisies"),
            (
                _dated(s.date, s.authority, words.say(_("une saisie")), words)
                for s in report.seizures
            ),
            NONE_FEMININE,
            word="saisie",
        ),
        listed(
            _("Oppositions"),
            (
                _dated(o.date, words.coded(o.kind, labels.OPPOSITIONS), "", words)
                for o in report.oppositions
            ),
            NONE_FEMININE,
            word="opposition",
        ),
        listed(
            _("Suspensions"),
            (
                _dated(s.date, words.coded(s.reason, labels.SUSPENSIONS), "", words)
                for s in report.suspensions
            ),
            NONE_FEMININE,
            word="suspension",
        ),
        answered(_("Certificat volé"), certificate.stolen, word="certificat-perdu"),
        answered(_("Certificat perdu"), certificate.lost, word="certificat-perdu"),
        answered(_("Certificat duplicata"), certificate.duplicate, word="duplicata"),
    )


def _dated(
    date: ShownDate | None, what: str | None, else_what: str, words: Words
) -> str:
    """A thing without a date is there nevertheless, and is named."""
    if date is None:
        return words.fill(_("%s, date non renseignée"), what or else_what)
    if not what:
        return words.date(date)
    return words.join(f"{NO_BREAK}– ", (words.date(date), what))


def _damage(
    report: Report, contradictions: tuple[str, ...], words: Words
) -> tuple[Block, ...]:
    damage = report.damage
    if not _has_damage(report):
        return (
            Paragraph(
                lead=words.say(_("Rien d’inscrit.")),
                text=words.say(
                    _(
                        "Seuls les sinistres graves, suivis par un expert, sont au registre."
                    )
                ),
            ),
        )
    rows = [
        Row(
            words.say(_("Sinistres déclarés")),
            (words.count(damage.claim_count),),
            word="vehicule-endommage",
        ),
        Row(words.say(_("Dernier sinistre")), (words.date(damage.last_claim),)),
        Row(
            words.say(_("Dernière réparation constatée")),
            (words.date(damage.last_resolution),),
        ),
        Row(
            words.say(_("Apte à circuler")),
            (
                # The register's word, unless the register itself denies it elsewhere.
                words.say(_("Le registre se contredit : voir plus bas"))
                if "fit_beside_damage" in contradictions
                else words.yes_or_no(damage.fit_to_drive),
            ),
            word="apte",
        ),
    ]
    for number, procedure in enumerate(damage.procedures, 1):
        label = words.fill(_("Procédure %s"), procedure.number or str(number))
        rows.append(Row(label, tuple(told(procedure, words))))
    caption = words.say(_("Sinistres et procédures pour véhicule endommagé"))
    return (Table(caption, tuple(rows)),)


def _has_damage(report: Report) -> bool:
    damage = report.damage
    return bool(
        damage.claim_count
        or damage.procedures
        or damage.last_claim
        or damage.fit_to_drive is False
        or any(o.kind in labels.OF_DAMAGE for o in report.oppositions)
        or any(s.reason in labels.OF_DAMAGE for s in report.suspensions)
    )
