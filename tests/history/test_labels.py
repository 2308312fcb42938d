import gettext
from pathlib import Path

import msgspec
import pytest

from histovet import history
from histovet.history import alerts, labels, meanings
from histovet.history.critair import Sticker, Why
from histovet.history.odometer import MileageVerdict, Reason
from histovet.history.report import Audience
from histovet.history.synthesis import CONTRADICTION, RULES
from histovet.inspections.inspected import Absence
from pseudonymizer import codec
from pseudonymizer.records import Vehicle

ENGLISH = Path(history.__file__).parents[1] / "locale/en/LC_MESSAGES/django.mo"
TABLES = (
    labels.OPERATIONS,
    labels.OPPOSITIONS,
    labels.SUSPENSIONS,
    labels.NATURES,
    labels.RESULTS,
    labels.RESULTS_BEFORE,
    meanings.USAGES,
    meanings.EU_CATEGORIES,
    *meanings.MEANINGS.values(),
)


@pytest.mark.parametrize("code", codec.OPERATION_CODES)
def test_every_operation_that_the_register_uses_has_a_label(code):
    assert code.removesuffix(labels.CONVERTING) in labels.OPERATIONS


def test_no_operation_is_both_listed_and_internal():
    assert not set(labels.OPERATIONS) & labels.INTERNAL_OPERATIONS


def test_every_rubric_of_a_vehicle_is_shown_once():
    fields = [field.name for field in msgspec.structs.fields(Vehicle)]
    assert sorted(rubric.attribute for rubric in labels.RUBRICS) == sorted(fields)


def test_every_alert_has_its_words_for_each_audience():
    assert set(alerts.TEXTS) == {rule.code for rule in RULES} | {CONTRADICTION}
    for text in alerts.TEXTS.values():
        assert text.title and text.meaning
        assert all(text.to_do[audience] for audience in Audience)


def test_every_alert_is_told_in_english_too():
    with ENGLISH.open("rb") as compiled:
        english = gettext.GNUTranslations(compiled)
    for text in alerts.TEXTS.values():
        for french in (text.title, text.meaning, *text.to_do.values()):
            assert english.gettext(french) != french


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (labels.ABSENCES, Absence),
        (labels.VERDICTS, MileageVerdict),
        (labels.REASONS, Reason),
        (labels.STICKERS, Sticker),
        (labels.NO_STICKER, Why),
    ],
)
def test_every_outcome_has_its_words(words, table):
    assert set(words) == set(table)


def test_labels_need_no_escaping():
    """They are put into pages as they are."""
    texts = [text for table in TABLES for text in table.values()]
    texts += [rubric.label for rubric in labels.RUBRICS]
    assert not set("".join(texts)) & set("<>&\"'")


@pytest.mark.parametrize(
    ("attribute", "code", "meaning"),
    [
        ("genre", "VP", "voiture particulière"),
        ("energy", "GO", "gazole"),
        ("body", "FG_TD", "fourgon à température dirigée"),
        ("eu_body", "AF", "véhicule à usages multiples"),
        ("approval_type", "CE", "réception européenne"),
        ("eu_category", "M1", "voiture, 9 places au plus"),
        ("eu_category", "M1G", "voiture, 9 places au plus"),
        ("eu_category", "L3e-A2", "motocycle"),
        ("eu_category", "T1a", "tracteur à roues"),
        ("eu_category", "Ra3", "remorque agricole"),
        # No classes, although they begin like some.
        ("eu_category", "SANS", None),
        ("eu_category", "XX", None),
        ("eu_body", "CI", None),
        ("eu_body", "CW", "autobus ou autocar"),
        ("eu_body", "CZ", None),
        ("colour", "GRIS FONCE", "gris foncé"),
        ("colour", "FUCHSIA", None),
        ("genre", "NEW", None),
        ("make", "CE", None),
    ],
)
def test_a_code_means_what_the_register_means_by_it(attribute, code, meaning):
    assert meanings.meaning(attribute, code) == meaning
