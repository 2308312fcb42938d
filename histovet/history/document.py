"""A page → a PDF on paper's terms: A4, tagged, PDF/A-2a and PDF/UA-1, not signed yet.

What stands on it travels as data and is never read as markup. The same page, link and
minute give the same bytes. Source: docs/documents.md.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import segno
import typst
from django.conf import settings
from django.utils.dates import MONTHS
from django.utils.translation import get_language, gettext

from histovet.history.page import (
    Block,
    Grid,
    Paragraph,
    ReportPage,
    Row,
    Section,
    Table,
)
from histovet.history.words import words
from pseudonymizer.normalise import PARIS

FONTS = Path(__file__).parent / "fonts"
_TEMPLATE = "history/document.typ"
_STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]

# What names a vehicle on its certificate, by the boxes of the form.
# Source: arrêté du 9 février 2009, annexe I.
_IDENTITY_BOXES = ("D.1", "D.2", "D.3", "E", "J.1", "B")

# What the fonts have, which a test holds. Anything else stops the compiler: PDF/UA
# knows no character without a glyph.
_UNPRINTABLE = re.compile(
    "[^ -~\u00a0-\u00ac\u00ae-\u00b4\u00b6-\u0107\u010a-\u0113\u0116-\u011b"
    "\u011e-\u0123\u0126-\u0127\u012a-\u012b\u012e-\u0133\u0136-\u0137\u0139-\u013e"
    "\u0141-\u0148\u0150-\u0155\u0158-\u015b\u015e-\u0165\u016a-\u016b\u016e-\u017e"
    "\u0218-\u021b\u0394\u03a9\u03bc\u03c0\u1e9e\u2009\u2011\u2013\u2014\u2018-\u201a"
    "\u201c-\u201e\u2020-\u2022\u2026\u202f\u2030\u2039\u203a\u20ac\u2122\u2212\u2248\u2260\u2264\u2265]"
)
_NUMBER = re.compile(r"[+−-]?[0-9][0-9 .,\u00a0\u202f]*(km|%)?|–")


@dataclass(frozen=True, slots=True)
class LinkOnPaper:
    """A link that its owner chose to print. `address` goes into the QR code, `code` is
    typed at `typed_at`; `expires_at` is aware."""

    address: str
    code: str
    typed_at: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Making:
    """When a document is made (aware), and where its reader learns how to check it."""

    made_at: dt.datetime
    verified_at: str


def report_pdf(page: ReportPage, making: Making, *, link: LinkOnPaper | None) -> bytes:
    """Return the whole report. The texts of `page` are plain."""
    title = gettext("Rapport d’historique")
    return _compiled(
        page,
        making,
        link,
        kind="report",
        title=title,
        kicker=title,
        subtitle="",
        statement="",
        sections=page.sections,
        checking_title=gettext("Ce que vaut ce document"),
    )


def situation_pdf(
    page: ReportPage, making: Making, *, link: LinkOnPaper | None
) -> bytes:
    """Return the certificate of administrative situation. A cancelled certificate has
    the vehicle's name, its plate and the cancellation in it, and nothing else."""
    is_cancelled = page.verdict == "cancelled"
    stated = _sections(page, "situation", "history")
    title = gettext("Certificat de situation administrative")
    statement = gettext(
        "histovet atteste que le registre des immatriculations, dans son état du "
        "%(as_of)s, portait ce qui suit sur ce véhicule quand ce document a été fait, "
        "le %(day)s à %(hour)s."
    )
    return _compiled(
        page,
        making,
        None if is_cancelled else link,
        kind="cancelled" if is_cancelled else "situation",
        title=title,
        kicker="",
        # Source: code de la route, article R. 322-4.
        subtitle=gettext("Édité par histovet. Ne remplace pas le certificat officiel."),
        statement=statement % {"as_of": page.as_of, **_moment(making.made_at)},
        sections=() if is_cancelled else (_identification(page), *stated),
        checking_title=gettext("Ce que vaut ce certificat"),
    )


def _sections(page: ReportPage, *anchors: str) -> Iterator[Section]:
    for anchor in anchors:
        yield from (one for one in page.sections if one.anchor == anchor)


def _identification(page: ReportPage) -> Section:
    """Return what tells which vehicle it is, as far as the page shows it."""
    found = {
        row.box: row
        for section in page.sections
        for block in section.blocks
        if isinstance(block, Table)
        for row in block.rows
        if row.box
    }
    rows = [
        Row(gettext("Numéro d’immatriculation, masqué"), (page.plate,), "A"),
        *(found[box] for box in _IDENTITY_BOXES if box in found),
    ]
    if "B" not in found:
        first = gettext("Première immatriculation")
        rows.append(Row(first, (page.first_registration,), "B"))
    # Its title says what it is.
    table = Table("", tuple(rows))
    return Section("identification", gettext("Véhicule"), "", (table,))


def _compiled(
    page: ReportPage,
    making: Making,
    link: LinkOnPaper | None,
    *,
    kind: str,
    title: str,
    kicker: str,
    subtitle: str,
    statement: str,
    sections: Iterable[Section],
    checking_title: str,
) -> bytes:
    moment = _moment(making.made_at)
    checking = [
        _said(_worth(page, making)),
        _said(
            gettext(
                "Il est signé : un lecteur de PDF dit s’il a été modifié depuis. "
                "Comment vérifier la signature :"
            ),
            making.verified_at,
        ),
    ]
    if link:
        checking += [
            _said(
                gettext(
                    "Le code QR ouvre le rapport à jour, sur ce site, jusqu’au %s. Le "
                    "vendeur peut y mettre fin plus tôt."
                )
                % (gettext("%(day)s à %(hour)s") % _moment(link.expires_at))
            ),
            _said(
                gettext("Sans appareil photo, tapez le code %s sur") % link.code,
                link.typed_at,
            ),
        ]
    data = {
        "kind": kind,
        "lang": get_language() or "fr",
        "title": title,
        "kicker": kicker,
        "subtitle": subtitle,
        "statement": statement,
        # A heading may not be empty, in the tags least of all.
        "name": _printed(page.name).strip() or title,
        "plate": page.plate,
        "first_registration": [
            gettext("1re immatriculation :"),
            page.first_registration,
        ],
        "as_of": gettext("Registre au %s") % page.as_of,
        "verdict": {
            "value": page.verdict,
            "title": page.verdict_title,
            "text": page.verdict_text,
        },
        "cancelled": _cancelled(page) if kind == "cancelled" else None,
        "alerts": page.alerts if kind == "report" else (),
        "facts": page.facts if kind == "report" else (),
        "sections": [_section(section) for section in sections],
        "checking": {"title": checking_title, "texts": checking},
        "link": _link(link) if link else None,
        "footer": {
            "made": gettext(
                "Registre au %(as_of)s. Fait le %(day)s à %(hour)s, heure de Paris."
            )
            % {"as_of": page.as_of, **moment},
            "note": gettext("%(worth)s Vérifier : %(address)s")
            % {
                "worth": gettext("Trop ancien pour une vente.")
                if _is_old(page, making)
                else gettext("À ne plus utiliser pour une vente après le %s.")
                % _last_day(page),
                "address": making.verified_at,
            },
        },
        "words": {
            "to_do": gettext("À faire :"),
            "box": gettext("Case"),
            "label": gettext("Rubrique"),
            "value": gettext("Au registre"),
            "cancelled": gettext("Annulée"),
            "page": gettext("Page"),
        },
    }
    return _compile(
        {"data": msgspec.json.encode(_printable(msgspec.to_builtins(data))).decode()},
        int(making.made_at.timestamp()),
    )


# As long as a certificate of situation may be handed over for a sale.
# Source: code de la route, article R. 322-4.
GOOD_DAYS = 15


def _last(page: ReportPage) -> dt.date:
    return page.as_of_date + dt.timedelta(days=GOOD_DAYS)


def _last_day(page: ReportPage) -> str:
    return words(plain=True).day(_last(page))


def _is_old(page: ReportPage, making: Making) -> bool:
    return making.made_at.astimezone(PARIS).date() > _last(page)


def _worth(page: ReportPage, making: Making) -> str:
    if _is_old(page, making):
        return gettext(
            "Ce document dit ce que le registre portait à sa date. Le registre a plus de "
            "quinze jours : ce document ne suffit pas pour une vente."
        )
    return gettext(
        "Ce document dit ce que le registre portait à sa date, et rien de plus récent. "
        "Après le %s, ne vous y fiez plus pour une vente : demandez-en un nouveau."
    ) % _last_day(page)


def _said(text: str, address: str = "") -> dict[str, str]:
    return {"text": text, "address": address}


def _cancelled(page: ReportPage) -> dict[str, str]:
    said = gettext("Certificat d’immatriculation annulé")
    if page.cancelled_on:
        dated = gettext("Certificat d’immatriculation annulé (%s)")
        said = dated % page.cancelled_on
    return {"title": said, "text": page.verdict_text}


def _link(link: LinkOnPaper) -> dict[str, str]:
    drawn = io.BytesIO()
    # Without its quiet zone: the paper around it is white.
    segno.make_qr(link.address, error="m").save(
        drawn, kind="svg", border=0, omitsize=True, xmldecl=False
    )
    return {
        "qr": drawn.getvalue().decode(),
        "alt": gettext("Code QR qui ouvre le rapport à jour sur le site"),
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "source": section.source,
        "blocks": [_block(block) for block in section.blocks],
    }


def _block(block: Block) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(block)
    built["block"] = block.block
    if isinstance(block, Table):
        built["has_boxes"] = any(row.box for row in block.rows)
    if isinstance(block, Grid):
        built["numbers"] = [
            all(_NUMBER.fullmatch(row[at]) for row in block.rows)
            for at in range(len(block.head))
        ]
    if isinstance(block, Paragraph) and not block.badge:
        built["tone"] = ""
    return built


def _moment(moment: dt.datetime) -> dict[str, str]:
    """Return day and hour in France, in words."""
    local = moment.astimezone(PARIS)
    french = (get_language() or "fr") == "fr"
    number = "1er" if french and local.day == 1 else str(local.day)
    hour = f"{local.hour}\u00a0h\u00a0{local.minute:02}" if french else f"{local:%H:%M}"
    return {"day": f"{number}\u00a0{MONTHS[local.month]} {local.year}", "hour": hour}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return _printed(value)
    if isinstance(value, list | tuple):
        return [_printable(one) for one in value]
    if isinstance(value, dict):
        return {name: _printable(one) for name, one in value.items()}
    return value


def _printed(text: str) -> str:
    """Return the text in characters that the fonts have; a mark of question stands for
    any other."""
    if not _UNPRINTABLE.search(text):
        return text
    composed = unicodedata.normalize("NFC", text)
    return _UNPRINTABLE.sub(_replaced, composed)


def _replaced(match: re.Match[str]) -> str:
    character = match[0]
    category = unicodedata.category(character)
    if category in ("Cf", "Mn"):
        # Invisible, or a mark that no letter of the font carries.
        return ""
    if category[0] in "CZ":
        return " "
    plain = unicodedata.normalize("NFKD", character)
    return _UNPRINTABLE.sub("", plain) or "?"


# The compiler keeps what it has read and measured, and serves one caller at a time.
_one_at_a_time = threading.Lock()


@functools.cache
def _compiler() -> typst.Compiler:
    template = settings.BASE_DIR / "templates" / _TEMPLATE
    return typst.Compiler(
        template,
        # Nothing else can be read from a document.
        root=template.parent,
        font_paths=typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[FONTS],
        ),
        ignore_system_fonts=True,
    )


def _compile(inputs: dict[str, str], timestamp: int) -> bytes:
    with _one_at_a_time:
        made = _compiler().compile(
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=_STANDARDS,
            timestamp=timestamp,
        )
    return cast(bytes, made)
