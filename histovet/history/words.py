"""How dates, numbers and terms are written in one language, as markup or plain."""

from __future__ import annotations

import datetime as dt
import functools
import html
from collections.abc import Iterable, Mapping

from babel import Locale
from babel.core import get_global
from django.utils.dates import MONTHS
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_noop as _

from histovet.history.dates import Precision, ShownDate

NO_BREAK = "\u00a0"
NARROW_NO_BREAK = "\u202f"

NOT_RECORDED = _("Non renseigné")
NONE = _("Aucun")
NONE_FEMININE = _("Aucune")


def escaped(text: str) -> str:
    """Return the text for markup to be made of: what is marked safe as it is, everything
    else escaped, and not marked.

    Django's own takes ten times as long, and a page has two hundred texts.
    """
    return text if type(text) is SafeString else html.escape(text)


def markup(text: str) -> str:
    """Mark as safe what is made of words of our own and of escaped values."""
    # The one place that marks anything: its callers are in this package, and a test
    # drives markup through every text of a record.
    return SafeString(text)  # nosec B703


class Words:
    """One language, for the site's pages or, plain, for paper."""

    def __init__(self, language: str, *, plain: bool) -> None:
        self.plain = plain
        self.is_french = language == "fr"
        self._said: dict[str, str] = {}
        self._terms: dict[str, str] = {}
        self._months = [str(MONTHS[month]) for month in range(1, 13)]
        self._decimal = "," if self.is_french else "."
        self._countries = Locale.parse(language).territories

    def day(self, date: dt.date) -> str:
        number = str(date.day)
        if self.is_french and date.day == 1:
            number = "1er" if self.plain else "1<sup>er</sup>"
        return self._time(
            date.isoformat(),
            f"{number}{NO_BREAK}{self._months[date.month - 1]} {date.year}",
        )

    def date(self, shown: ShownDate | None) -> str:
        """Return the date to its precision, or that there is none on record."""
        if shown is None:
            return self.say(NOT_RECORDED)
        date = shown.date
        if shown.precision is Precision.DAY:
            return self.day(date)
        if shown.precision is Precision.MONTH:
            text = f"{self._months[date.month - 1]} {date.year}"
            return self._time(date.isoformat()[:7], text)
        return self._time(str(date.year), str(date.year))

    def _time(self, machine: str, text: str) -> str:
        if self.plain:
            return text
        return markup(f'<time datetime="{machine}">{text}</time>')

    def number(self, value: float, unit: str = "") -> str:
        whole, _point, decimals = f"{value:,.3f}".rstrip("0").rstrip(".").partition(".")
        text = whole.replace(",", NARROW_NO_BREAK)
        if decimals:
            text += self._decimal + decimals
        return f"{text}{NO_BREAK}{unit}" if unit else text

    def count(self, value: int | None) -> str:
        return self.say(NOT_RECORDED) if value is None else self.number(value)

    def duration(self, months: int | None) -> str:
        if months is None:
            return self.say(NOT_RECORDED)
        years, rest = divmod(months, 12)
        parts = []
        if years:
            parts.append(ngettext("%(n)s an", "%(n)s ans", years) % {"n": years})
        if rest:
            parts.append(ngettext("%(n)s mois", "%(n)s mois", rest) % {"n": rest})
        whole = " ".join([part.replace(" ", NO_BREAK) for part in parts])
        return whole or self.say(_("moins d’un mois"))

    def say(self, text: str) -> str:
        """Return the translation of a text of the code.

        Remembered: a page asks eighty times, and gettext merges catalogues each time.
        """
        said = self._said.get(text)
        if said is None:
            said = self._said[text] = gettext(text)
        return said

    def fill(self, text: str, *values: str) -> str:
        """Return the translation with each `%s` replaced by a value."""
        if self.plain:
            return self.say(text) % values
        return markup(self.say(text) % tuple(escaped(value) for value in values))

    def join(self, separator: str, parts: Iterable[str]) -> str:
        """Return the parts as one text; the separator is of our own."""
        if self.plain:
            return separator.join(parts)
        return markup(separator.join(escaped(part) for part in parts))

    def term(self, label: str) -> str:
        """Return the register's own term, with what it means in another language."""
        term = self._terms.get(label)
        if term is None:
            term = self._terms[label] = self._explained(label)
        return term

    def _explained(self, label: str) -> str:
        if self.plain:
            return label if self.is_french else f"{label} ({gettext(label)})"
        if self.is_french:
            return markup(label)
        return markup(
            f'<span lang="fr">{label}</span> <span class="soft">{gettext(label)}</span>'
        )

    def coded(self, code: str, table: Mapping[str, str]) -> str:
        """Return what the code means, the code as it is when no table tells."""
        return self.term(table[code]) if code in table else code

    def yes_or_no(self, value: bool | None) -> str:
        if value is None:
            return self.say(NOT_RECORDED)
        return self.say(_("Oui") if value else _("Non"))

    def country(self, code: str) -> str:
        """Return the country's name; ISO 3166 codes of two or of three letters, in any
        case. A code of no country is shown as it is."""
        known = code.upper()
        known = get_global("territory_aliases").get(known, [known])[0]
        # ZZ is "unknown region", and two letters may be a reserved code without a name.
        return self._countries.get(known, code) if known != "ZZ" else code


def words(*, plain: bool = False) -> Words:
    """Return the words of the language that is active."""
    return _words(get_language() or "fr", plain)


@functools.cache
def _words(language: str, plain: bool) -> Words:
    return Words(language, plain=plain)
