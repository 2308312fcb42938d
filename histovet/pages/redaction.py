"""What a message must not carry: what names a vehicle or opens its report.

It looks for what stands on a certificate and for codes of this site, as people type them.
It takes away rather too much than too little: an answer can ask again, a mailbox forgets
nothing. Names cannot be told from other words and stay. Pure.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


class Kind(enum.Enum):
    """Values stand in addresses."""

    CODE = "code"
    VIN = "vin"
    FORMULA = "formule"
    PLATE = "plaque"


@dataclass(frozen=True, slots=True)
class Redacted:
    text: str
    kinds: tuple[Kind, ...]


# Between the groups of a plate or a code: spaces, hyphens of every kind, full stops.
_GAP = r"[\s.·_/‐-―−-]"
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"


def _pattern(body: str) -> re.Pattern[str]:
    return re.compile(f"{_START}{body}{_END}", re.IGNORECASE | re.ASCII)


# A link with its secret, in the fragment or not.
_LINK = re.compile(r"(?:https?://)?\S*/r/\S+", re.IGNORECASE)
# A partner's key, whole or cut.
_KEY = re.compile(rf"{_START}hv_[A-Z0-9_-]+", re.IGNORECASE)
# Codes are 27 characters, mostly in groups of three; other secrets are as long.
_CODE = _pattern("[A-Z0-9]{27}")
_GROUPED = _pattern(rf"[A-Z0-9]{{3}}(?:{_GAP}{{1,2}}[A-Z0-9]{{3}}){{6,}}")
_LONG = re.compile(rf"{_START}[A-Z0-9][A-Z0-9_-]{{18,}}[A-Z0-9]{_END}", re.IGNORECASE)
_VIN = _pattern(r"[A-Z0-9]{17}")
# In groups as well: its last four are digits (ISO 3779 leaves that to the maker; all
# but a few do so), which no run of words ends in.
_VIN_GROUPS = re.compile(
    rf"{_START}(?:[A-Z0-9]{_GAP}?){{13}}(?:[0-9]{_GAP}?){{3}}[0-9]{_END}", re.ASCII
)
_FORMULA = _pattern(
    rf"([0-9]{{2,4}}){_GAP}{{0,2}}([A-Z]{{2}}){_GAP}{{0,2}}([0-9]{{5}})"
)
_SIV = _pattern(
    rf"([A-Z]{{1,2}}){_GAP}{{0,2}}([0-9]{{2,4}}){_GAP}{{0,2}}([A-Z]{{1,2}})"
)
_FNI = _pattern(
    rf"([0-9]{{1,4}}){_GAP}{{0,2}}([A-Z]{{1,3}}){_GAP}{{0,2}}(2[AB]|97[1-8]|[0-9]{{2}})"
)

# Between numbers, with spaces, these are words of a sentence and no part of a plate.
_WORDS = frozenset((
    "a", "ai", "ans", "an", "as", "at", "au", "ce", "cc", "ch", "cm", "cv", "de", "di",
    "du", "elle", "en", "es", "est", "et", "eu", "euh", "fin", "g", "h", "ha", "i",
    "il", "in", "is", "it", "j", "je", "jrs", "ka", "kg", "km", "kms", "kw", "l", "la",
    "le", "les", "m", "me", "mi", "min", "mn", "ml", "mm", "mois", "my", "na", "ne",
    "ni", "nm", "no", "of", "oh", "on", "or", "ou", "par", "pas", "pm", "pour", "qu",
    "que", "s", "sa", "se", "si", "sur", "t", "ta", "te", "th", "to", "tu", "un", "up",
    "us", "vu", "we", "x", "y", "jan", "fev", "mar", "avr", "mai", "jui", "jul", "aou",
    "sep", "oct", "nov", "dec", "feb", "apr", "may", "jun", "aug",
))  # fmt: skip


def redacted(text: str) -> Redacted:
    """Return the text with a word in brackets for each thing that was taken away."""
    # Full-width digits, no-break hyphens and joiners hide nothing.
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(
        letter for letter in plain if unicodedata.category(letter) not in ("Cf", "Cs")
    )
    kinds: list[Kind] = []
    for kind, pattern, is_one in _RULES:
        plain = pattern.sub(_replaced(kind, is_one, kinds), plain)
    return Redacted(plain, tuple(kind for kind in Kind if kind in kinds))


def _replaced(
    kind: Kind, is_one: Callable[[re.Match[str]], bool], kinds: list[Kind]
) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        if not is_one(match):
            return match[0]
        kinds.append(kind)
        return f"[{kind.value}]"

    return replace


def _always(match: re.Match[str]) -> bool:
    return True


def _is_mixed(match: re.Match[str]) -> bool:
    """Letters and at least two digits, as no word has."""
    return sum(c.isdigit() for c in match[0]) >= 2 and any(
        c.isalpha() for c in match[0]
    )


def _is_code(match: re.Match[str]) -> bool:
    """Nine groups of three with hyphens, in capitals, or with a digit: no run of words."""
    has_spaces = re.search(r"\s", match[0])
    return not has_spaces or match[0].isupper() or any(c.isdigit() for c in match[0])


def _is_no_sentence(match: re.Match[str]) -> bool:
    """A run with spaces in it is one of words when such a word stands in it, but for
    capitals, which are a plate unless they end in a unit."""
    if not re.search(r"\s", match[0]):
        return True
    groups = [group for group in match.groups() if group.isalpha()]
    if match[0].isupper() and len(groups) == 2:
        return groups[-1] not in ("KM", "CV", "CH", "KW", "CC", "KG", "EU")
    return not any(group.lower() in _WORDS for group in groups)


_RULES: tuple[tuple[Kind, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    (Kind.CODE, _LINK, _always),
    (Kind.CODE, _KEY, _always),
    (Kind.CODE, _CODE, _always),
    (Kind.CODE, _GROUPED, _is_code),
    (Kind.VIN, _VIN, _is_mixed),
    (Kind.VIN, _VIN_GROUPS, _is_mixed),
    (Kind.CODE, _LONG, _is_mixed),
    (Kind.FORMULA, _FORMULA, _is_no_sentence),
    (Kind.PLATE, _SIV, _is_no_sentence),
    (Kind.PLATE, _FNI, _is_no_sentence),
)
