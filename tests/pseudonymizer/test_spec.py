"""What SPEC.md lists is what the code holds."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from pseudonymizer import codec, normalise
from pseudonymizer.records import Vehicle

SPEC = (Path(codec.__file__).parent / "SPEC.md").read_text(encoding="utf-8")


def listed(title):
    (words,) = re.findall(
        rf"^{re.escape(title)}[^:]*:(.*?)\.$", SPEC, re.MULTILINE | re.DOTALL
    )
    return words.replace("·", " ").split()


@pytest.mark.parametrize(
    ("title", "inside"),
    [
        ("Particles", lambda: sorted(normalise.PARTICLES)),
        ("Legal forms", lambda: sorted(normalise._LEGAL_FORMS)),
        ("Fields of", lambda: [field.name for field in fields(Vehicle)]),
        ("Operation codes", lambda: list(codec.OPERATION_CODES)),
        ("Natures of inspections", lambda: list(codec.INSPECTION_NATURES)),
        ("Results of inspections", lambda: list(codec.INSPECTION_RESULTS)),
    ],
)
def test_the_appendix_lists_what_the_code_holds(title, inside):
    assert listed(title) == inside()


def said(start, end):
    (words,) = re.findall(
        rf"{re.escape(start)}(.*?){re.escape(end)}", SPEC.replace("\n", " ")
    )
    return [one.strip() for one in words.split(",")]


def test_each_title_that_the_specification_names_is_dropped():
    titles = said("drop the titles (", ")")
    assert len(titles) == 10
    for title in titles:
        assert normalise.name_words(f"{title} MARTEAU") == ("MARTEAU",), title


def test_each_apostrophe_that_the_specification_names_is_removed():
    codes = [
        code
        for one in said("remove the apostrophes U+", "; decompose")
        for code in one.split(" and ")
    ]
    assert len(codes) == 11
    for code in codes:
        assert normalise.fold(f"D{chr(int(code, 16))}ORME") == "DORME", code


def test_each_letter_that_does_not_decompose_is_replaced_as_specified():
    replaced = said(
        "replace the letters that do not decompose (", ", and their capitals)"
    )
    assert len(replaced) == 12
    for one in replaced:
        *letters, plain = one.split()
        for letter in letters:
            assert normalise.fold(f"A{letter}B") == f"A{plain}B", letter
            assert normalise.fold(f"A{letter.upper()}B") == f"A{plain}B", letter
    # str.upper makes SS of its small letter.
    assert normalise.fold("AẞB") == "ASSB"
