"""Raw text → canonical plates, formula numbers, dates and name words.

Pure. The job and the site use these same functions: a difference of one character
between the two would hide a vehicle. Source: SPEC.md sections 2 and 3.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from pseudonymizer.errors import Unusable
from pseudonymizer.records import Identity, Register

K = TypeVar("K", bound=str | None)
T = TypeVar("T")
# No word, day or code of the register is as long.
REMEMBERED_LENGTH = 40

PARIS = ZoneInfo("Europe/Paris")

# The longest plate of the register has 10 characters, the longest formula number 11.
IDENTIFIER_MAX = 32
# The date that the register writes where it has none.
NO_DATE = dt.date(1900, 1, 1)
EARLIEST_DATE = dt.date(1893, 1, 1)  # the first French plates

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {
        "œ": "OE", "Œ": "OE", "æ": "AE", "Æ": "AE", "ß": "SS", "ẞ": "SS",
        "ø": "O", "Ø": "O", "ł": "L", "Ł": "L", "đ": "D", "Đ": "D",
        "ð": "D", "Ð": "D", "þ": "TH", "Þ": "TH", "ı": "I", "ħ": "H", "Ħ": "H",
        "ŋ": "N", "Ŋ": "N", "ĸ": "K", "ŧ": "T", "Ŧ": "T",
    }
)  # fmt: skip
# Removed before decomposition: U+00B4 would become a space and a mark.
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´′‛＇\u1fef\u1ffd")
_LOOKALIKES = str.maketrans("OI", "01")
_NOT_ALPHANUMERIC = re.compile("[^A-Z0-9]+")

# The same for ASCII, byte by byte.
_FOLDED = bytes(
    ord(chr(byte).upper() if byte < 128 and chr(byte).isalnum() else " ")
    for byte in range(256)
)
_FOLDED_LOOKALIKES = _FOLDED.translate(bytes.maketrans(b"OI", b"01"))
_DROPPED = b"'`"
_DROPPED_WITH_SPACES = _DROPPED + bytes(
    byte for byte in range(128) if _FOLDED[byte : byte + 1] == b" "
)

_TITLES = frozenset(
    ("M", "MR", "MM", "MME", "MMES", "MLE", "MLLE", "MONSIEUR", "MADAME",
     "MADEMOISELLE")
)  # fmt: skip
_SPELLED = {"ST": "SAINT", "STE": "SAINTE"}
PARTICLES = frozenset(
    ("D", "DE", "DU", "DES", "LE", "LA", "LES", "L", "DA", "DO", "DOS", "DAS", "DI",
     "DEL", "DELLA", "VAN", "VON", "DER", "DEN", "EL", "AL", "BEN", "AIT", "SAINT",
     "SAINTE", "MC", "MAC", "O")
)  # fmt: skip
_LEGAL_FORMS = frozenset(
    ("SA", "SAS", "SASU", "SARL", "SARLU", "EURL", "EARL", "EIRL", "EI", "GAEC", "SCI",
     "SCP", "SCA", "SCEA", "SCM", "SCOP", "SCS", "SNC", "SELARL", "SELAS", "SEM", "GIE",
     "GFA", "SICA", "CUMA", "ETS", "STE", "SOCIETE", "SAINTE", "ASS", "ASSOC",
     "ASSOCIATION", "ENT", "ENTREPRISE", "GMBH", "LTD", "BV", "NV", "SPRL", "AG")
)  # fmt: skip

# NFKC makes a non-breaking hyphen U+2010; word processors put U+2013.
_TYPED_DATE = re.compile(
    r"(\d{1,2})[\s./\u2010-\u2014-]+(\d{1,2}|[a-zéèûôà]+)\.?"
    r"[\s./\u2010-\u2014-]+(\d{4})",
    re.IGNORECASE,
)
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_COMPACT_DATE = re.compile(r"(\d{2})(\d{2})(\d{4})")
_MONTHS = {
    "JANVIER": 1, "JANV": 1, "JAN": 1, "FEVRIER": 2, "FEVR": 2, "FEV": 2, "MARS": 3,
    "MAR": 3, "AVRIL": 4, "AVR": 4, "MAI": 5, "JUIN": 6, "JUILLET": 7, "JUIL": 7,
    "AOUT": 8, "AOU": 8, "SEPTEMBRE": 9, "SEPT": 9, "SEP": 9, "OCTOBRE": 10, "OCT": 10,
    "NOVEMBRE": 11, "NOV": 11, "DECEMBRE": 12, "DEC": 12,
}  # fmt: skip

_FEED_DAY = re.compile(r"(\d\d)/(\d\d)/(\d{4})", re.ASCII)
_FEED_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<hour>\d\d):\d\d:\d\d(?P<rest>\.\d+Z|Z|\.\d+(?:[+-]\d{0,2})?|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def fold(text: str) -> str:
    """Return upper-case A–Z and 0–9 in words one space apart.

    Accents, ligatures, apostrophes and invisible characters vanish; every other
    character parts two words.
    """
    return " ".join(folded_words(text))


def folded_words(text: str) -> list[str]:
    """Return the words of `fold`."""
    if text.isascii():
        return _of_ascii(text, _FOLDED, _DROPPED).split()
    plain = text.translate(_APOSTROPHES)
    plain = unicodedata.normalize("NFKD", plain).translate(_LETTERS).upper()
    visible = "".join(
        c
        for c in plain
        if c.isascii() or unicodedata.category(c) not in ("Mn", "Cf", "Me")
    )
    return _NOT_ALPHANUMERIC.sub(" ", visible).split()


def _of_ascii(text: str, table: bytes, dropped: bytes) -> str:
    return text.encode("ascii").translate(table, dropped).decode("ascii")


def visible(text: str) -> str:
    """Return the text composed, without invisible characters, for what looks for
    separators before it folds."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if unicodedata.category(c) != "Cf")


def identifier(text: str, what: str) -> str:
    """Return the canonical plate or formula number: alphanumerics, O as 0, I as 1.

    No layout is refused for its look. Raises Unusable `<what>_missing` or
    `<what>_too_long`.
    """
    if text.isascii():
        canonical = _of_ascii(text, _FOLDED_LOOKALIKES, _DROPPED_WITH_SPACES)
    else:
        canonical = "".join(folded_words(text)).translate(_LOOKALIKES)
    if not canonical:
        raise Unusable(f"{what}_missing")
    if len(canonical) > IDENTIFIER_MAX:
        raise Unusable(f"{what}_too_long")
    return canonical


def siv_identity(plate: str, formula_number: str) -> Identity:
    """Raises Unusable naming the part that has no canonical form."""
    return Identity(
        Register.SIV,
        identifier(plate, "plate"),
        identifier(formula_number, "formula_number"),
    )


def fni_identity(plate: str, issue_date: dt.date) -> Identity:
    """Raises Unusable naming the part that has no canonical form."""
    return Identity(Register.FNI, identifier(plate, "plate"), issue_date.isoformat())


def typed_date(text: str) -> dt.date:
    """Return the date that a person typed in any usual French form, or ISO.

    Raises Unusable `date_missing`, `date_unreadable` or `date_impossible`.
    """
    words = unicodedata.normalize("NFKC", visible(text)).strip()
    if not words:
        raise Unusable("date_missing")
    words = re.sub(r"^(?:le\s+)?(\d+)\s*er\b", r"\1", words, flags=re.IGNORECASE)
    words = re.sub(r"^le\s+", "", words, flags=re.IGNORECASE)
    if match := _TYPED_DATE.fullmatch(words) or _COMPACT_DATE.fullmatch(words):
        day, month, year = match.groups()
        number = int(month) if month.isdigit() else _MONTHS.get(fold(month))
    elif match := _ISO_DATE.fullmatch(words):
        year, month, day = match.groups()
        number = int(month)
    else:
        raise Unusable("date_unreadable")
    if number is None:
        raise Unusable("date_unreadable")
    try:
        date = dt.date(int(year), number, int(day))
    except ValueError as exc:
        raise Unusable("date_impossible") from exc
    if date < EARLIEST_DATE:
        raise Unusable("date_impossible")
    return date


class Remembered(dict[K, T]):
    """What a rule makes of texts, remembered of those that repeat: `[text]` is the rule.

    What is over the limit is made again, so that a hostile feed cannot grow the memory.
    """

    def __init__(self, rule: Callable[[K], T], *, limit: int) -> None:
        self._rule = rule
        self._limit = limit

    def __missing__(self, text: K) -> T:
        made = self._rule(text)
        if len(self) < self._limit and (text is None or len(text) <= REMEMBERED_LENGTH):
            self[text] = made
        return made


def feed_day(text: str | None) -> dt.date | None:
    """Return the calendar day in France of a date in any of the feed's encodings.

    None for the empty text and the register's "no date". Raises Unusable
    `date_unreadable`.
    """
    return FEED_DAYS[that_repeats(text)]


def that_repeats(text: str | None) -> str | None:
    """Return what of a date decides its day: its key in `FEED_DAYS`."""
    # Up to 21:59:59 UTC the day in France is the UTC one, and after that it depends
    # on the hour alone: a moment with milliseconds would never be found again. What
    # is parsed is what is remembered, or the answer would depend on what came before.
    if text and text[23:] == "Z" and text[10] == "T":
        return text[:10] if text[11:13] < "22" else text[:13] + ":00:00Z"
    return text


def _parse_feed_day(text: str | None) -> dt.date | None:
    if not text:
        return None
    try:
        if match := _FEED_DAY.fullmatch(text):
            day, month, year = match.groups()
            date = dt.date(int(year), int(month), int(day))
        elif match := _FEED_MOMENT.fullmatch(text):
            date = dt.date.fromisoformat(match["day"])
            # A moment with Z, or to the second without any zone, is UTC. The others
            # (fraction without zone, cut zone, zone in hours) are French time.
            if match["hour"] and (match["rest"] or "Z").endswith("Z"):
                moment = dt.datetime.fromisoformat(text[:19])
                date = moment.replace(tzinfo=dt.UTC).astimezone(PARIS).date()
        else:
            raise Unusable("date_unreadable")
    except (ValueError, OverflowError) as exc:
        raise Unusable("date_unreadable") from exc
    return None if date == NO_DATE else date


class _FeedDays(Remembered[str | None, dt.date | None]):
    def __missing__(self, text: str | None) -> dt.date | None:
        key = that_repeats(text)
        return super().__missing__(text) if key == text else self[key]


# `FEED_DAYS[text]` is `feed_day(text)`, the sooner for a day that was read before. About
# forty years of days in each of the encodings that repeat.
FEED_DAYS = _FeedDays(_parse_feed_day, limit=200_000)


def name_words(text: str) -> tuple[str, ...]:
    """Return the words of a person's name: titles and numbers out, letters set apart
    joined, ST and STE spelled out."""
    return words_of_name(folded_words(text))


def words_of_name(folded: list[str]) -> tuple[str, ...]:
    """Return `name_words` of what was folded."""
    spelled = _SPELLED.get
    return tuple(
        [
            spelled(word, word)
            for word in _joined_letters(folded)
            if word not in _TITLES and not word.isdigit()
        ]
    )


def join_particles(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words, each particle as one with the word that follows it."""
    if PARTICLES.isdisjoint(words):
        return tuple(words)
    joined: list[str] = []
    pending = ""
    for word in words:
        if word in PARTICLES:
            pending += word
        else:
            joined.append(pending + word)
            pending = ""
    if pending:
        joined.append(pending)
    return tuple(joined)


def without_particles(words: Sequence[str]) -> str:
    """Return the family name without its leading particles, in one piece."""
    start = 0
    while start < len(words) - 1 and words[start] in PARTICLES:
        start += 1
    return "".join(words[start:])


def company_name(text: str) -> str:
    """Return the company's name without separators and legal form."""
    words = _joined_letters(folded_words(text.replace("&", " ET ")))
    plain = [word for word in words if word not in _LEGAL_FORMS]
    return "".join(plain or words)


def siren(text: str) -> str | None:
    """Return the nine digits of a SIREN, or of the SIRET that begins with it.

    None when there is none: empty, or the zeros that the register writes instead.
    Raises Unusable `siren_unreadable`.
    """
    digits = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) in (9, 14)):
        raise Unusable("siren_unreadable")
    number = digits[:9]
    return None if number == "000000000" else number


def _joined_letters(words: list[str]) -> list[str]:
    """`V I N C E N T DIDIER` and `S A S` are words written letter by letter."""
    if 1 not in map(len, words):
        return words
    joined: list[str] = []
    run = ""
    for word in [*words, ""]:
        if len(word) == 1:
            run += word
            continue
        if run:
            joined.append(run)
            run = ""
        if word:
            joined.append(word)
    return joined
