"""How words, numbers and countries are written, as markup and plain."""

import datetime as dt

import pytest
from django.utils import translation
from django.utils.safestring import SafeString

from histovet.history.dates import Precision, ShownDate
from histovet.history.words import words

NBSP, THIN = "\u00a0", "\u202f"
FIRST = dt.date(2021, 8, 1)


def said(language="fr", *, plain=False):
    with translation.override(language):
        return words(plain=plain)


@pytest.mark.parametrize(
    ("code", "french", "english"),
    [
        ("DE", "Allemagne", "Germany"),
        # The register writes three letters, and small ones.
        ("deu", "Allemagne", "Germany"),
        ("bel", "Belgique", "Belgium"),
        ("gbr", "Royaume-Uni", "United Kingdom"),
        # Of no country: shown as it is.
        ("XX", "XX", "XX"),
        ("D", "D", "D"),
        ("ZZ", "ZZ", "ZZ"),
        ("", "", ""),
    ],
)
def test_a_country_is_called_by_its_name(code, french, english):
    assert said().country(code) == french
    assert said("en").country(code) == english


def test_plain_words_have_no_markup():
    plain = said(plain=True)
    assert plain.day(FIRST) == f"1er{NBSP}août 2021"
    assert plain.date(ShownDate(FIRST, Precision.MONTH)) == "août 2021"
    assert plain.date(ShownDate(FIRST, Precision.YEAR)) == "2021"
    assert plain.term("Marque") == "Marque"
    with translation.override("en"):
        assert words(plain=True).term("Marque") == "Marque (make)"
    assert plain.fill("expert %s", "<b>") == "expert <b>"
    assert plain.join(", ", ("<b>", "&")) == "<b>, &"


def test_markup_escapes_what_it_is_given_and_keeps_what_is_safe():
    marked = said()
    assert marked.fill("expert %s", "<b>") == "expert &lt;b&gt;"
    assert marked.join(", ", ("<b>", marked.day(FIRST))).startswith("&lt;b&gt;, <time")
    assert isinstance(marked.join(", ", ()), SafeString)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567, "km", f"1{THIN}234{THIN}567{NBSP}km"),
        (0, "", "0"),
        (0.05, "kW/kg", f"0,05{NBSP}kW/kg"),
    ],
)
def test_a_number_has_its_spaces(value, unit, text):
    assert said(plain=True).number(value, unit) == text
