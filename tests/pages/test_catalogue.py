import gettext
import io
import re

import pytest
from django.conf import settings

from histovet.pages import catalogue

FOLDER = settings.BASE_DIR / "histovet" / "locale" / "en" / "LC_MESSAGES"

NO_BREAK = "\u00a0"
NARROW_NO_BREAK = "\u202f"


@pytest.fixture(scope="module")
def texts():
    return list(catalogue.all_texts(settings.BASE_DIR))


@pytest.fixture(scope="module")
def po():
    return (FOLDER / "django.po").read_bytes()


def test_the_catalogue_holds_exactly_the_texts_of_the_site(po, texts):
    expected = catalogue.updated(po, iter(texts))
    assert po.decode() == expected.decode(), "run: python manage.py messages"


def test_every_text_has_its_english(po):
    assert catalogue.untranslated(po) == []


def test_the_compiled_catalogue_is_up_to_date(po):
    committed = gettext.GNUTranslations((FOLDER / "django.mo").open("rb"))
    fresh = gettext.GNUTranslations(io.BytesIO(catalogue.compiled(po)))
    for read in (committed, fresh):
        # The header holds the moment of compilation.
        read._catalog.pop("", None)
    assert committed._catalog == fresh._catalog, "run: python manage.py messages"


def test_texts_of_templates_and_of_code_are_found(tmp_path):
    template = tmp_path / "page.html"
    template.write_text(
        "{% load i18n %}{% if x %}{% translate 'Un' %}{% endif %}"
        "{% translate 'Vol' context 'crime' %}"
        "{% blocktranslate count n=n trimmed %}\n {{ n }} lien\n{% plural %}\n"
        " {{ n }} liens\n{% endblocktranslate %}{% translate variable %}"
    )
    module = tmp_path / "forms.py"
    module.write_text(
        "LABEL = _('Plaque')\n"
        "def f(n):\n    return ngettext('jour', 'jours', n), pgettext('crime', 'Vol')\n"
    )
    found = {
        (text.singular, text.plural, text.context)
        for text in catalogue.texts_of_template(template, "page.html")
    }
    assert found == {
        ("Un", "", ""),
        ("Vol", "", "crime"),
        ("%(n)s lien", "%(n)s liens", ""),
    }
    found = {
        (text.singular, text.plural, text.context)
        for text in catalogue.texts_of_module(module, "forms.py")
    }
    assert found == {
        ("Plaque", "", ""),
        ("jour", "jours", ""),
        ("Vol", "", "crime"),
    }


def test_an_update_keeps_translations_and_drops_what_is_gone(po):
    kept = catalogue.Text("Copié", "", "", "a.html")
    new = catalogue.Text("Tout neuf", "", "", "a.html")
    updated = catalogue.updated(po, iter([kept, new]))
    assert 'msgstr "Copied"' in updated.decode()
    assert "Aller au contenu" not in updated.decode()
    assert catalogue.untranslated(updated) == ["Tout neuf"]


def test_both_languages_use_the_same_variables(texts, po):
    named = re.compile(r"%\((\w+)\)s|\{(\w*)\}")
    from babel.messages.pofile import read_po

    for message in read_po(io.BytesIO(po), locale="en"):
        french = message.id if message.pluralizable else (message.id,)
        english = message.string if message.pluralizable else (message.string,)
        if message.id:
            assert set(named.findall("".join(french))) == set(
                named.findall("".join(english))
            )


def test_french_punctuation_never_starts_a_line(texts):
    for text in texts:
        for words in (text.singular, text.plural):
            assert not re.search(r" [:;!?»]|« ", words), words
            assert "'" not in words, f"a straight apostrophe: {words}"
            assert not re.search(rf"{NO_BREAK}[;!?]", words), (
                f"a narrow space stands before these: {words}"
            )


def test_templates_hold_no_text_outside_the_catalogue():
    # The marked entry of the navigation is an attribute in a block of its own.
    tags = re.compile(
        r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>| aria-current=\"\w+\"", re.DOTALL
    )
    blocks = re.compile(
        r"\{% blocktranslate.*?\{% endblocktranslate %\}|<title>.*?</title>", re.DOTALL
    )
    # Names, of cookies and files too, and the sample's plate, the same in both languages.
    names = {"histovet", "Peugeot 208\u00a0–", "EK-7••-QD", "security.txt"}
    names |= {"csrf", "seller", "reader", "seen", "owner"}
    for path in sorted((settings.BASE_DIR / "templates" / "pages").glob("*.html")):
        source = blocks.sub("\n", path.read_text(encoding="utf-8"))
        for words in tags.sub("\n", source).split("\n"):
            assert not words.strip() or words.strip() in names, (path.name, words)
