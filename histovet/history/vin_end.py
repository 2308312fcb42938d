"""The last characters of the VIN: the third datum of a certificate. Pure."""

from __future__ import annotations

from pseudonymizer import normalise

CHARACTERS = 4
_MASK = "*"
# ISO 3779 has none of these letters, so that nobody reads one for a digit.
_NO_LETTERS_OF_A_VIN = str.maketrans("IOQ", "100")


def typed_vin(text: str) -> str:
    """Return upper-case A–Z and 0–9 without separators, I as 1, O and Q as 0."""
    return normalise.fold(text).replace(" ", "").translate(_NO_LETTERS_OF_A_VIN)


def typed_vin_end(text: str) -> str:
    """Return the last characters of what was typed, which may be the whole VIN; empty
    when it has none."""
    return typed_vin(text)[-CHARACTERS:]


def is_vin_end(typed: str, recorded: str | None) -> bool:
    """Compare what `typed_vin_end` made with the VIN of a record.

    A VIN that is shorter, or masked among its last characters, is compared as far as it
    shows; where nothing shows any text is taken (docs/adr/0010).
    """
    shown = (recorded or "").rpartition(_MASK)[2]
    return typed.endswith(typed_vin_end(shown))
