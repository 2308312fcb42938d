"""Plates, certificates' formula numbers and holders of synthetic vehicles."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import product
from math import gcd
from random import Random as Generator
from typing import NamedTuple, TypeVar

from pseudonymizer import synthetic_vocabulary as words
from pseudonymizer.synthetic_history import YEAR, Random, day_number
from pseudonymizer.synthetic_technical import FNI, SIV

T = TypeVar("T")

PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"
_PAIRS = [a + b for a, b in product(PLATE_LETTERS, repeat=2) if a + b != "SS"]
_RUNS = re.compile(r"9+|A+|D+|C+|M+")
_HIDDEN_DIGITS = str.maketrans("0123456789", "*" * 10)
_HIDDEN_LETTER = re.compile(r"(?<=\w)[A-Z]")
_NOT_KEPT = re.compile(r"[^0-9a-z]")
_SLOTS = 512
# FNI pairs of fifteen that share a plate, and the slot whose plates end in a dot.
_TWICE = (1, 4, 8, 11)
_DOTTED = 7
_SIV_SERIES = "AA999AA"
# SIV plates had come to FQ at the end of 2020.
_PAIRS_IN_USE = 131
_FIRST_FORMULA = day_number(2009, 4)
_NEW_YEARS = {year: day_number(year) for year in range(2009, 2022)}


@cache
def _places(layout: str) -> tuple[tuple[bool, list[str]], ...]:
    """Return the values of each place of a layout, and whether a block begins there."""
    if layout == _SIV_SERIES:
        numbers = [f"{n:03}" for n in range(1, 1000)]
        return (True, _PAIRS[:_PAIRS_IN_USE]), (True, numbers), (True, _PAIRS)
    places: list[tuple[bool, list[str]]] = []
    for run in _RUNS.findall(layout):
        if run[0] == "9":
            # Blocks of five digits and more are two places, to keep the lists small.
            head = len(run) if len(run) < 5 else len(run) - 3
            places.append((True, [str(n) for n in range(10 ** (head - 1), 10**head)]))
            if head < len(run):
                places.append((False, [f"{n:03}" for n in range(1000)]))
        elif run[0] == "A":
            pairs, rest = divmod(len(run), 2)
            lists = [_PAIRS] * pairs + [list(PLATE_LETTERS)] * rest
            places += [(n == 0, values) for n, values in enumerate(lists)]
        elif run[0] == "D":
            places.append((True, words.FNI_DEPARTMENTS))
        else:
            places.append(
                (True, list(words.CORSICA if run[0] == "C" else words.OVERSEAS))
            )
    return tuple(places)


def coprime(near: int, size: int) -> int:
    """Return the first number from `near` on that shares no factor with `size`.

    Multiples of it modulo `size` run through all numbers below `size`.
    """
    step = max(near, 1)
    while gcd(step, size) != 1:
        step += 1
    return step


class _Layout:
    """Numbers the plates one layout has room for, neighbours far apart."""

    def __init__(self, layout: str, share: int, seed: int) -> None:
        places = _places(layout)
        self.share = share
        self.series = layout == _SIV_SERIES
        self.size = 1
        for _, values in places:
            self.size *= len(values)
        self._step = coprime(int(self.size * 0.6180339887), self.size)
        self._offset = Generator(f"{seed}/plates/{layout}").randrange(self.size)
        self._reversed = [
            (begins, values, len(values)) for begins, values in places[::-1]
        ]
        self._places_begin = all(begins for begins, _ in places)

    def plate(self, ordinal: int) -> tuple[float, list[str]]:
        """Return how far in the series this plate stands, in [0, 1), and its blocks."""
        number = (ordinal * self._step + self._offset) % self.size
        progress = number / self.size
        blocks: list[str] = []
        if self._places_begin:
            for _, values, count in self._reversed:
                blocks.append(values[number % count])
                number //= count
        else:
            tail = ""
            for begins, values, count in self._reversed:
                number, place = divmod(number, count)
                if begins:
                    blocks.append(values[place] + tail)
                    tail = ""
                else:
                    tail = values[place] + tail
        blocks.reverse()
        return progress, blocks


class Plate(NamedTuple):
    """A plate as written; `joined` is its lower-case form without separators.

    `progress`, in [0, 1), is how far the series had come. `twice`: another vehicle
    has the same plate.
    """

    text: str
    joined: str
    masked: str
    progress: float
    twice: bool


class Plates:
    """Gives each vehicle of a register its plate; no two alike without separators.

    Except that four FNI vehicles in fifteen share theirs with their neighbour, written
    with and without spaces, as in the real extract.
    """

    def __init__(self, register: int, seed: int) -> None:
        self.register = register
        self.seed = seed
        self._slots = []
        for text, share in (words.SIV_LAYOUTS, words.FNI_LAYOUTS)[register]:
            layout = _Layout(text, share, seed)
            self._slots += [(layout, rank) for rank in range(share)]

    def capacity(self) -> int:
        """Return how many vehicles can have plates of their own."""
        return min(layout.size * _SLOTS // layout.share for layout, _ in self._slots)

    def plate(self, index: int, rnd: Random) -> Plate:
        twice = self.register == FNI and index // 2 % 15 in _TWICE
        number = index & ~1 if twice else index
        slot, place = number // _SLOTS, number % _SLOTS
        layout, rank = self._slots[place]
        progress, blocks = layout.plate(slot * layout.share + rank)
        ending = ""
        if self.register == FNI:
            draw = rnd()
            separator = " " if (index & 1 if twice else draw < 0.39) else ""
            if draw > 0.988 and not twice and len(blocks) > 1:
                separator, blocks[:2] = " ", [blocks[0] + blocks[1]]
            if place == _DOTTED:
                ending = "."
        elif layout.series:
            separator = "-" if rnd() < 0.984 else ""
        else:
            draw = rnd()
            separator = "" if draw < 0.84 else "-" if draw < 0.91 else " "
            if draw > 0.98:
                separator, ending = ".", "." if draw < 0.985 else "-"
        joined = "".join(blocks)
        if not separator:
            text = joined + ending
            masked = joined[0] + text[1:].translate(_HIDDEN_DIGITS)
            return Plate(text, joined.lower(), masked, progress, twice)
        text = separator.join(blocks) + ending
        hidden = [b[0] + b[1:].translate(_HIDDEN_DIGITS) for b in blocks]
        masked = ("-" if separator == " " else separator).join(hidden) + ending
        return Plate(text, joined.lower(), masked, progress, twice)


def formula_number(rnd: Random, issued: int) -> str:
    """Return a formula number whose letters follow the calendar, as the real ones."""
    year = YEAR[issued]
    number = int(rnd() * 100_000)
    if issued < _FIRST_FORMULA:
        return f"{year % 100:02}V{'BGVX'[int(rnd() * 4)]}{number:05}"
    pair = _PAIRS[int((issued - _NEW_YEARS[year]) * 0.35 + rnd() * 3)]
    return f"{year}{pair}{number:05}"


class Holder(NamedTuple):
    """A person, or a company with its SIREN; what does not apply is empty.

    `json` is the holder's masked part of `v`, in CSV form. `joined` is the holder in
    the clear identity column: lower case, without accents and separators.
    """

    company: str
    siren: str
    surname: str
    given_names: str
    json: str
    joined: str


_SURNAMES = words.SURNAMES.split() * 6 + [
    "".join(parts)
    for parts in product(words.SURNAME_STARTS.split(), words.SURNAME_ENDS.split())
]
_SPACED = [name.strip() for name in words.SPACED_SURNAMES.split(",")]
_GIVEN = words.GIVEN_NAMES.split()
_HYPHENED = words.HYPHENED_GIVEN_NAMES.split()
_ACCENTED_SURNAMES = words.ACCENTED_SURNAMES.split()
_ACCENTED_GIVEN = words.ACCENTED_GIVEN_NAMES.split()
_APOSTROPHES = words.APOSTROPHE_SURNAMES.split()
_COMPANY_NAMES = words.COMPANY_NAMES.split()
_COMPANY_FORMS = words.COMPANY_FORMS.split()
_COMPANY_TRADES = words.COMPANY_TRADES.split()
_COMPANY_PLACES = words.COMPANY_PLACES.replace("\n", "|").split("|")
_BODIES = words.PUBLIC_BODIES.replace("\n", "|").split("|")
_COMPANIES = 600_000
# Name, trade, form, place, a family name, initials.
_COMPANY_PATTERNS = (
    "{1} {0}", "{1} {0}", "{0}", "{0}", "{0}", "{0}", "{2} {0}", "{2} {0}", "{2} {4}",
    "{2} {4}", "{4} {1}", "{4} {1}", "{4} ET FILS", "{0} {1}", "{0} {1}", "{0} {2}",
    "{2} {1} {0}", "{0} {3}", "{1} {3}", "STE {1} {3}", "{2} {0} {1}", "{0} LOCATION",
    "{0} FRANCE", "{0} SERVICES", "{4} AUTO", "{2} {4} {1}", "{5}. {1}", "{1} {4}",
    "{2} {1} {4} ET ASSOCIES", "{2} {1} {0} {3} {4}",
)  # fmt: skip
_NUMBERED_COMPANIES = 67
_DOUBLED = {str(n): sum(divmod(n * 2, 10)) for n in range(10)}


def _masked(text: str) -> str:
    # The extract masks unaccented letters only.
    return _HIDDEN_LETTER.sub("*", text)


@lru_cache(maxsize=1 << 16)
def _joined(text: str) -> str:
    return _NOT_KEPT.sub("", unicodedata.normalize("NFD", text.lower()))


class _Name(NamedTuple):
    """A name as written, masked, and in the clear identity column."""

    text: str
    masked: str
    joined: str


def _name(text: str) -> _Name:
    return _Name(text, _masked(text), _joined(text))


_SURNAME_FORMS = [_name(text) for text in _SURNAMES]
_GIVEN_FORMS = [_name(text) for text in _GIVEN]


def pick(rnd: Random, values: Sequence[T]) -> T:
    return values[int(rnd() * len(values))]


def _odd_surname(rnd: Random, draw: float) -> str:
    if draw < 0.952:
        return pick(rnd, _SPACED)
    if draw < 0.962:
        return f"{pick(rnd, _SPACED)} {pick(rnd, _SURNAMES)}"
    if draw < 0.985:
        return f"{pick(rnd, _SURNAMES)} {pick(rnd, _SURNAMES)}"
    if draw < 0.9945:
        return f"{pick(rnd, _SURNAMES)}-{pick(rnd, _SURNAMES)}"
    if draw < 0.9962:
        return pick(rnd, _APOSTROPHES)
    return pick(rnd, _ACCENTED_SURNAMES)


def _odd_given_names(rnd: Random, draw: float) -> str:
    if draw < 0.929:
        return pick(rnd, _HYPHENED)
    if draw < 0.985:
        names = [pick(rnd, _GIVEN) for _ in range(2 + (draw > 0.981))]
        return " ".join(dict.fromkeys(names))
    return pick(rnd, _ACCENTED_GIVEN) if draw < 0.994 else ""


def _fni_oddity(rnd: Random, surname: str, given: str) -> str:
    """Return the name column as its typists also filled it; weights in thousandths."""
    other, second = pick(rnd, _SURNAMES), pick(rnd, _GIVEN)
    draw = int(rnd() * 200)
    steps = (
        (50, f"{surname} {pick(rnd, _HYPHENED)}"),
        (95, f"{pick(rnd, _SPACED)} {given}"),
        (125, f"{surname} {given} {second}"),
        (140, f"{surname} {other} {given} {second}"),
        (153, f"{surname}-{other} {given}"),
        (164, f"{surname} {given} ET {second}"),
        (170, f"{surname} {given} OU {second}"),
        (176, f"{surname} {given} OU {other} {second}"),
        (179, f"{surname} {given} / {other} {second}"),
        (180, f"{surname} {given}/{other} {second}"),
        (182, f"{surname} {given} - {other} {second}"),
        (186, f"{surname}.{given}"),
        (188, f"{surname}. {given}"),
        (190, f"{surname} {given}*"),
        (191, f"{surname} {given} **"),
        (194, f"{surname} NEE {other} {given}"),
        (195, f"M. {surname} {given}"),
        (196, f"MME {surname} {given}"),
        (197, f"{surname} {given} {int(rnd() * 90) + 10}"),
        (200, f"{pick(rnd, _APOSTROPHES)} {given}"),
    )
    return next(name for bound, name in steps if draw < bound)


@lru_cache(maxsize=1 << 16)
def _company(number: int) -> tuple[str, str]:
    """Return the name and SIREN of an invented company; the SIREN passes Luhn."""
    # Multiplying by an odd constant modulo a power of two scatters the numbers;
    # seeding a generator for each company took five times as long.
    draw = number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    digits = str(30_000_000 + draw % 70_000_000)
    draw >>= 28
    parts = []
    for values in (
        _COMPANY_NAMES,
        _COMPANY_TRADES,
        _COMPANY_FORMS,
        _COMPANY_PLACES,
        _SURNAMES,
    ):
        draw, place = divmod(draw, len(values))
        parts.append(values[place])
    pattern = _COMPANY_PATTERNS[draw % len(_COMPANY_PATTERNS)]
    name = pattern.format(*parts, ".".join(parts[0][:3]))
    if number % _NUMBERED_COMPANIES == 40:
        name += f" {10 + number % 86}"
    # Luhn: with the key in place, every second digit from the right is doubled.
    total = sum(_DOUBLED[d] if n % 2 else int(d) for n, d in enumerate(digits))
    return name, digits + str(-total % 10)


def company_holder(rnd: Random, register: int) -> Holder:
    if rnd() < (0.028 if register == SIV else 0.37):
        text, siren = f"{pick(rnd, _BODIES)} {pick(rnd, _COMPANY_NAMES)}", "0" * 9
        if rnd() < 0.5:
            text += f" {pick(rnd, _COMPANY_PLACES)}"
    else:
        # The fourth power makes a few companies hold many vehicles, as lessors do.
        near = rnd()
        near *= near
        text, siren = _company(int(near * near * _COMPANIES))
    json = (
        f'""pers_raison_soc_tit"": ""{_masked(text)}"", '
        f'""pers_siren_tit"": ""{siren[:3]}****{siren[7:]}"", '
    )
    return Holder(text, siren, "", "", json, _joined(text) + siren)


def person_holder(rnd: Random, register: int) -> Holder:
    draw, surname, given = rnd(), pick(rnd, _SURNAME_FORMS), pick(rnd, _GIVEN_FORMS)
    if register == FNI:
        if draw < 0.77:
            name = f"{surname.text} {given.text}"
            masked = f"{surname.masked} {given.masked}"
            joined = surname.joined + given.joined
        else:
            name = _fni_oddity(rnd, surname.text, given.text)
            masked, joined = _masked(name), _NOT_KEPT.sub("", name.lower())
        json = f'""pers_nom_naissance_tit"": ""{masked}"", '
        return Holder("", "", name, "", json, joined)
    if draw > 0.93:
        surname = _name(_odd_surname(rnd, draw))
    draw = rnd()
    if draw > 0.887:
        given = _name(_odd_given_names(rnd, draw))
    json = f'""pers_nom_naissance_tit"": ""{surname.masked}"", '
    if given.text:
        json += f'""pers_prenom_tit"": ""{given.masked}"", '
    return Holder("", "", surname.text, given.text, json, surname.joined + given.joined)
