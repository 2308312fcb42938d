"""Are an advert's make and model those of the register? Pure.

The register spells in capitals, cuts names off, runs trim into them (`CLIORTA/RT`) and
names some makes as they were called then; sellers write engine and trim after the model.
Source of the rules: docs/partners.md.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from histovet.partners.model_names import (
    COUNTED,
    CUT_BODIES,
    E_MODELS,
    ENGINES,
    IDLE,
    LETTERED,
    LOOKS_AFTER,
    LOOKS_BEFORE,
    MAKES,
    MODELS_OF,
    OF_MAKE,
    ONE_HOUSE,
    OTHER_BODIES,
    POWERS,
    RANGES,
    ROMAN,
    SPORTY,
    SPORTY_OF,
    TRIMS,
    UNPRETENDING,
    UNSAID,
    VALVES,
    YEARS,
)
from pseudonymizer.normalise import fold


class Likeness(enum.Enum):
    EQUAL = "equal"
    EQUIVALENT = "equivalent"  # another name or spelling of the same
    CONTAINED = "contained"  # one says more than the other, and nothing else
    # What only one of them says makes another model, or each says what the other does not.
    LESS_PRECISE = "less_precise"
    DIFFERENT = "different"
    NOT_COMPARABLE = "not_comparable"  # no word of it names anything


_GENERATION_MAX = 9

# Litres, no generation: 1.5, and 1.9 in A31.9TDI, and 1L3 in FIESTA1L3I.
_LITRES = re.compile(r"\b\d+[.,]\d+|\d[.,]\d+|\dL\d(?!\d)", re.IGNORECASE)
# With the horsepower that follows: 1.2 75.
_SIZES = re.compile(rf"(?:{_LITRES.pattern})(?:\s+\d{{2,3}}\b)?", re.IGNORECASE)

# 320i; 320d is read as 320 and D.
_INJECTED = re.compile(r"\d{3}I")
# What is written before the name: E 208 and E208.
_E_MODEL = re.compile(r"E(?: (?=\S)|(?=\d{3,4}\b|C\d\b))")
# A letter more or less, changed or moved, is a slip in names as long as these.
_SLIPS = ((9, 2), (5, 1))
# How long a name is that the register may have cut off, or run into the trim.
_CUT_MIN = 5
_GLUED_MIN = 3


def compare_makes(claimed: str, recorded: str, model: str | None) -> Likeness:
    """`model` is the register's, which tells the names of one house apart."""
    mine, theirs = _squeezed(claimed), _squeezed(recorded)
    if not mine or not theirs or theirs in UNSAID or mine in UNSAID:
        return Likeness.NOT_COMPARABLE
    if mine == theirs:
        return Likeness.EQUAL
    mine, theirs = _make(mine), _make(theirs)
    if mine == theirs or _is_cut(mine, theirs) or _is_slip(mine, theirs):
        return Likeness.EQUIVALENT
    if frozenset((mine, theirs)) in ONE_HOUSE and _is_of_house(mine, theirs, model):
        return Likeness.EQUIVALENT
    return Likeness.DIFFERENT


def compare_models(claimed: str, recorded: str, make: str | None) -> Likeness:
    """`make` is the register's."""
    mine, theirs = _words(claimed, make), _words(recorded, make)
    if not mine or not theirs or "".join(theirs) in UNSAID:
        return Likeness.NOT_COMPARABLE
    mine_litres, theirs_litres = _litres(claimed), _litres(recorded)
    litres = _are_apart(mine_litres, theirs_litres)
    if sorted(_parts(mine)) == sorted(_parts(theirs)):
        if mine_litres != theirs_litres:
            return Likeness.LESS_PRECISE if litres else Likeness.CONTAINED
        if "".join(mine) == "".join(theirs):
            return Likeness.EQUAL
        # 125 DUKE and DUKE 125.
        return Likeness.EQUIVALENT
    mine_core, theirs_core = _core(mine), _core(theirs)
    if not mine_core or not theirs_core:
        return Likeness.NOT_COMPARABLE
    mine_generation, theirs_generation = _generation(mine), _generation(theirs)
    if mine_generation and theirs_generation and mine_generation != theirs_generation:
        return Likeness.DIFFERENT
    likeness = _compare_names(_named(mine_core), _named(theirs_core))
    if likeness is Likeness.DIFFERENT and _of_one_range(mine, theirs, make):
        likeness = Likeness.EQUIVALENT
    if likeness is Likeness.DIFFERENT:
        return likeness
    doubt = _doubt(_said(mine, make), _said(theirs, make))
    if doubt or litres:
        return doubt or Likeness.LESS_PRECISE
    if likeness in (Likeness.EQUAL, Likeness.CONTAINED):
        return (
            Likeness.CONTAINED
            if _includes(mine, theirs) or _includes(theirs, mine)
            else Likeness.LESS_PRECISE
        )
    return likeness


@dataclass(frozen=True)
class _Said:
    numbers: frozenset[str]
    powers: frozenset[str]
    fuels: frozenset[str]
    sporty: frozenset[str]


def _doubt(mine: _Said, theirs: _Said) -> Likeness | None:
    """What speaks against two names alike; None if nothing does."""
    fuels = mine.fuels | theirs.fuels if _are_apart(mine.fuels, theirs.fuels) else set()
    if (
        _are_apart(mine.numbers, theirs.numbers)
        or _are_apart(mine.sporty, theirs.sporty)
        # A hybrid burns something too, and may be named after that.
        or (fuels and "hybrid" not in fuels)
    ):
        return Likeness.DIFFERENT
    if (
        fuels
        or (mine.sporty - UNPRETENDING and not theirs.sporty)
        or not (mine.numbers <= theirs.numbers or theirs.numbers <= mine.numbers)
        # Z 1000 CH and Z 125: what is a power and what a name is not certain.
        or _are_apart(mine.numbers | mine.powers, theirs.numbers | theirs.powers)
    ):
        return Likeness.LESS_PRECISE
    return None


def _are_apart(mine: AbstractSet[str], theirs: AbstractSet[str]) -> bool:
    return bool(mine and theirs and not mine & theirs)


def _litres(text: str) -> set[str]:
    """1.6 of FOCUS1.616, which has sixteen valves."""
    found = (re.split("[.,L]", one.upper()) for one in _LITRES.findall(text))
    return {f"{whole}.{part[:1]}" for whole, part in found}


def _said(words: Sequence[str], make: str | None) -> _Said:
    maker = _make(_squeezed(make)) if make else ""
    parts = _parts(words)
    sporty_words = SPORTY | SPORTY_OF.get(maker, frozenset())
    # The first word names the model, but for what is run into it.
    fuels = {fuel for part in parts[1:] if (fuel := ENGINES.get(part))}
    fuels |= {ENGINES[end] for part in parts if (end := _ending(part, ENGINES))}
    if any(_INJECTED.fullmatch(word) for word in words):
        fuels.add("petrol")
    sporty = {end for part in parts if (end := _ending(part, SPORTY))}
    if maker == "BMW" and _is_m(words):
        sporty.add("M")
    for place, named in enumerate(parts[1:], 1):
        before, after = parts[place - 1], "".join(parts[place + 1 : place + 2])
        if (
            named in sporty_words
            and before not in LOOKS_BEFORE
            and after not in LOOKS_AFTER
        ):
            sporty.add(named)
    return _Said(*_numbers(parts), frozenset(fuels), frozenset(sporty))


def _parts(words: Sequence[str]) -> list[str]:
    """C3 and 14H are read as C 3 and 14 H."""
    return re.findall(r"[A-Z]+|\d+", " ".join(words))


def _numbers(parts: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the numbers above 9 that name a model, and those that are a power; valves,
    seats and years are neither."""
    numbers: set[str] = set()
    powers: set[str] = set()
    powered = False
    for place, (part, after) in enumerate(zip(parts, [*parts[1:], ""], strict=True)):
        if not part.isdigit():
            named = _ending(part, ENGINES) or (place and part in TRIMS | ENGINES.keys())
            powered = powered or bool(named)
            continue
        number = int(part)
        is_count = after in COUNTED or (number in VALVES and after == "S")
        is_year = place > 0 and number in YEARS
        if number <= _GENERATION_MAX or is_count or is_year:
            continue
        (powers if powered or after in POWERS else numbers).add(str(number))
    return frozenset(numbers), frozenset(powers)


def _ending(part: str, known: Iterable[str]) -> str:
    """HDI of XANTIAHDI; empty if there is none."""
    endings = (one for one in known if len(one) >= _GLUED_MIN and part.endswith(one))
    found = max(endings, key=len, default="")
    return found if len(part) >= len(found) + _GLUED_MIN else ""


def _includes(long: Sequence[str], short: Sequence[str]) -> bool:
    """Tell whether `long` says all that `short` says, run together or not."""
    joined = "".join(long)
    left = Counter(_telling(short)) - Counter(_telling(long))
    return all(
        (len(part) > 1 and part in joined)
        or any(_is_slip(part, other) for other in _parts(long))
        for part in left
    )


def _telling(words: Sequence[str]) -> list[str]:
    """Leave out what tells nothing; engines are told by what they burn, once."""
    generation = _generation(words)
    parts = _parts([word for word in words if word != generation])
    numbers, _powers = _numbers(parts)
    fuels = {ENGINES[part] for part in parts[1:] if part in ENGINES}
    return [
        _body_of(part)
        for place, part in enumerate(parts)
        if part not in IDLE | COUNTED | POWERS
        and not (place and part in ENGINES)
        and not (part.isdigit() and int(part) > _GENERATION_MAX and part not in numbers)
    ] + sorted(fuels)


def _compare_names(mine: Sequence[str], theirs: Sequence[str]) -> Likeness:
    """Compare what is left when engine, trim and generation are taken out."""
    bodies_of_mine, bodies_of_theirs = _bodies(mine), _bodies(theirs)
    mine_plain = [word for word in mine if word not in bodies_of_mine]
    theirs_plain = [word for word in theirs if word not in bodies_of_theirs]
    if not mine_plain or not theirs_plain:
        # SCENIC for MEGANE SCENIC.
        shared = bodies_of_mine & bodies_of_theirs
        return Likeness.CONTAINED if shared else Likeness.DIFFERENT
    likeness, glued = _compare_plain("".join(mine_plain), "".join(theirs_plain))
    if likeness is Likeness.DIFFERENT:
        likeness, glued = _compare_plain(mine_plain[0], theirs_plain[0])
        if likeness in (Likeness.EQUAL, Likeness.EQUIVALENT):
            likeness = Likeness.CONTAINED
    if likeness is Likeness.DIFFERENT:
        return likeness
    bodies_of_mine, bodies_of_theirs = (
        {_body_of(word) for word in bodies_of_mine},
        {_body_of(word) for word in bodies_of_theirs},
    )
    if glued:
        (bodies_of_theirs if glued > 0 else bodies_of_mine).update(
            _glued_body("".join(mine_plain), "".join(theirs_plain))
        )
    if bodies_of_mine == bodies_of_theirs:
        return likeness
    if bodies_of_mine and bodies_of_theirs:
        return Likeness.DIFFERENT
    return Likeness.LESS_PRECISE


def _compare_plain(mine: str, theirs: str) -> tuple[Likeness, int]:
    """Return how alike two words are, and 1 or -1 when theirs or mine goes on."""
    if mine == theirs:
        return Likeness.EQUAL, 0
    if _goes_on(mine, theirs):
        return Likeness.CONTAINED, 1
    if _goes_on(theirs, mine):
        return Likeness.CONTAINED, -1
    if _is_slip(mine, theirs):
        return Likeness.EQUIVALENT, 0
    return Likeness.DIFFERENT, 0


def _goes_on(short: str, long: str) -> bool:
    """CLIO in CLIORTA and 405 in 405GLD; neither C3 in C30 nor KA in KADJAR."""
    if not long.startswith(short):
        return False
    if short.isalpha() and short.startswith(LETTERED) and short not in RANGES:
        # CLASSE GL and CLASSE GLA.
        return not long[len(short)].isalpha()
    following = long[len(short)]
    if short[-1].isdigit() or following.isdigit():
        return short[-1].isdigit() != following.isdigit()
    return len(short) >= _GLUED_MIN


def _glued_body(mine: str, theirs: str) -> set[str]:
    longer, shorter = max(mine, theirs, key=len), min(mine, theirs, key=len)
    rest = longer[len(shorter) :]
    # The register cuts after ten letters.
    found = (body for body in OTHER_BODIES if rest[:4] == body[:4] and len(rest) > 3)
    return {_body_of(body) for body in found}


def _body_of(word: str) -> str:
    return next((body for body in CUT_BODIES if word.startswith(body)), word)


def _bodies(words: Sequence[str]) -> set[str]:
    return {word for word in words if word in OTHER_BODIES}


def _make(squeezed: str) -> str:
    # For the market it was approved for: FORD CEE.
    plain = squeezed.removesuffix("CEE") if len(squeezed) > 5 else squeezed
    return MAKES.get(plain, plain)


def _is_cut(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= _CUT_MIN and long.startswith(short)


def _is_of_house(one: str, other: str, model: str | None) -> bool:
    young = one if one in MODELS_OF else other
    # The register says the younger name itself, or nothing that speaks against it.
    if young == other or young not in MODELS_OF or model is None:
        return True
    squeezed = _squeezed(model)
    return squeezed.startswith(MODELS_OF[young]) or squeezed in UNSAID


def _squeezed(text: str) -> str:
    return fold(text).replace(" ", "")


def _words(text: str, make: str | None) -> list[str]:
    folded = fold(_SIZES.sub(" ", text))
    make = _make(_squeezed(make)) if make else ""
    if rule := OF_MAKE.get(make):
        folded = rule.sub("", folded)
    words = folded.replace("ELECTRIQUE", "ELECTRIC").split()
    # RENAULT CLIO for CLIO, and ALFA ROMEO 145.
    for length in (3, 2, 1, 1):
        if len(words) > length and _make("".join(words[:length])) == make:
            words = words[length:]
    if make in E_MODELS and _E_MODEL.match(" ".join(words)):
        words = [*_E_MODEL.sub("", " ".join(words), count=1).split(), "ELECTRIC"]
    # N.PANDA and G.PUNTO, new and big.
    if len(words) > 1 and words[0] in ("N", "G") and words[1].isalpha():
        words = words[1:]
    # A letter alone after these names the model: MODEL X, CLASSE V.
    if words and words[0] in RANGES and len(words) > 1:
        words = [words[0] + words[1], *words[2:]]
    return [
        str(ROMAN[word]) if place and word in ROMAN else word
        for place, word in enumerate(words)
    ]


def _core(words: Sequence[str]) -> list[str]:
    """Leave out engine and trim; what comes first names the model all the same."""
    kept = [
        word
        for place, word in enumerate(words)
        if word not in TRIMS and not (place and word.isdigit() and int(word) > 9)
    ]
    return kept


def _generation(words: Sequence[str]) -> str | None:
    """The 4 of CLIO 4: one digit after a name of letters; that of C 4 is its name."""
    for before, word in pairwise(words):
        if (
            word.isdigit()
            and 0 < int(word) <= _GENERATION_MAX
            and before.isalpha()
            and len(before) > 2
            and before not in RANGES
        ):
            return word
    return None


def _named(core: Sequence[str]) -> list[str]:
    """Put C 4 together, and take out a generation."""
    named: list[str] = []
    for place, word in enumerate(core):
        if place and word.isdigit():
            if place == 1 and len(core[0]) <= 2:
                named[-1] += word
            continue
        named.append(word)
    return named


# Its motorcycles have a letter before their number, or four digits.
_BMW = re.compile(r"([1-8])\d\d(?!\d)")
_BMW_LETTERED = re.compile(r"([XZ])\d(?!\d)")
# M3 is the sporty one of its series, and so is M340I.
_BMW_M = re.compile(r"M([1-8])(?:\d\d)?(?!\d)")
_MERCEDES = re.compile(r"(GLA|GLB|GLC|GLE|GLK|GLS|CLA|CLK|CLS|SLK|[ABCEGSVRX])\d{2,3}")


def _of_one_range(mine: Sequence[str], theirs: Sequence[str], make: str | None) -> bool:
    """SERIE 3 and 320D; SERIE 3 and M3; SERIE X and X5; CLASSE B and B 180."""
    maker = _make(_squeezed(make)) if make else ""
    if maker not in ("BMW", "MERCEDES"):
        return False
    ranges = [_range_of("".join(words), maker) for words in (mine, theirs)]
    if maker == "BMW" and _is_m(mine) is not _is_m(theirs):
        # No 320D is an M3.
        plain = theirs if _is_m(mine) else mine
        if plain[0][:5] != "SERIE" or _numbers(_parts(plain))[0]:
            return False
    return ranges[0] is not None and ranges[0] == ranges[1]


def _is_m(words: Sequence[str]) -> bool:
    return _BMW_M.match("".join(words)) is not None


def _range_of(squeezed: str, maker: str) -> str | None:
    if maker == "BMW":
        if squeezed.startswith("SERIE"):
            return squeezed[5:6] or None
        found = (
            _BMW.match(squeezed)
            or _BMW_LETTERED.match(squeezed)
            or _BMW_M.match(squeezed)
        )
        return found[1] if found else None
    if squeezed.startswith("CLASSE"):
        return re.sub(r"\d.*", "", squeezed[6:]) or None
    found = _MERCEDES.match(squeezed)
    return found[1] if found else None


def _is_slip(one: str, other: str) -> bool:
    """Letters alone: a digit more or less is another model, and so is the letter of a
    range."""
    if not (one.isalpha() and other.isalpha()):
        return False
    if any(one.startswith(name) and other.startswith(name) for name in RANGES):
        return False
    shorter = min(len(one), len(other))
    for length, most in _SLIPS:
        if shorter >= length:
            return _distance(one, other, most) <= most
    return False


def _distance(one: str, other: str, most: int) -> int:
    """Return the edits between two words (a swap of neighbours is one), or more than
    `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, theirs in enumerate(other, 1):
            cost = min(
                before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != theirs)
            )
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
