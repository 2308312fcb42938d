"""The lists of SPEC.md's appendix are those of the code."""

import re
from pathlib import Path

import msgspec
import pytest

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
        ("Particles", sorted(normalise.PARTICLES)),
        ("Legal forms", sorted(normalise._LEGAL_FORMS)),
        ("Fields of", [field.name for field in msgspec.structs.fields(Vehicle)]),
        ("Operation codes", list(codec.OPERATION_CODES)),
        ("Natures of inspections", list(codec.INSPECTION_NATURES)),
        ("Results of inspections", list(codec.INSPECTION_RESULTS)),
    ],
)
def test_the_appendix_lists_what_the_code_holds(title, inside):
    assert listed(title) == inside
