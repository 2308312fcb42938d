"""The plate as UTAC writes it. Pure."""

from __future__ import annotations

import re

from pseudonymizer.records import Identity, Register

# In a canonical plate 0 may have been O and 1 may have been I.
_SIV = re.compile("([A-Z01]{2})([0-9]{3})([A-Z01]{2})")
_FNI = re.compile("([0-9]{1,4})([A-Z01]{1,3})(2[AB]|97[0-9]|[0-9]{2})")
_LETTERS = str.maketrans("01", "OI")


def utac_plate(identity: Identity) -> str:
    """Return AA-123-AA for SIV, the plate in one piece for FNI, letters where the layout
    has letters; a plate of another layout as it is in the identity.

    Neither series uses O and I alone in its letters, so that digits without any other
    letter are digits. Source: arrêté du 9 février 2009, annexe VII.
    """
    if identity.register is Register.SIV:
        match = _SIV.fullmatch(identity.plate)
        if match and _has_a_letter(match[1] + match[3]):
            first, number, last = match.groups()
            return f"{_as_letters(first)}-{number}-{_as_letters(last)}"
    else:
        match = _FNI.fullmatch(identity.plate)
        if match and _has_a_letter(match[2]):
            number, letters, department = match.groups()
            return number + _as_letters(letters) + department
    return identity.plate


def _has_a_letter(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _as_letters(text: str) -> str:
    return text.translate(_LETTERS)
