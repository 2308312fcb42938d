"""Technical descriptions of synthetic vehicles, as ready pieces of feed JSON.

Every piece is already in CSV form: the double quotes of the JSON are doubled.
"""

import random
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple, TypeVar

from pseudonymizer.synthetic_vocabulary import BRANDS, GENRES, MODELS, SPELLINGS, TRIMS

T = TypeVar("T")
_Standards = dict[int, tuple[str, ...]]

SIV, FNI = 0, 1

_LETTERS = "ABCDEFGHJKLMNPRSTVWXZ"
# 192 descriptions a year keep the start under half a second; the type, approval and
# reception numbers of each line add about 35 bits of their own.
_BLOCKS_A_YEAR = 192
_BLOCKS_A_YEAR_BEFORE_1980 = 32
_BRANDED = frozenset(("VP", "CTTE"))
_OTHER_BRAND = (5, 5)
_FNI_BRAND_LENGTH, _FNI_NAME_LENGTH, _LONGEST_NAME = 10, 10, 30

_NOT_INSPECTED = frozenset(
    ["CL", "CYCL", "MTL", "MTT1", "MTT2", "TM", "QM", "TRA", "SREA", "MAGA", "MIAR"]
)
_ICONS = {"M1": "VOITURE", "N1": "UTILITAIRE"}
_ICONS |= dict.fromkeys(("L1e", "L3e", "L5e", "L6e", "L7e"), "MOTO")
_ICONS |= dict.fromkeys(("N2", "N3", "M2", "M3"), "CAMION")

# Presence of a field by year of first registration, counted in the real extract: the first
# year from which the percentages hold, SIV then FNI.
_DETAILED = ((0, 4, 0), (1998, 56, 0), (2001, 66, 1), (2004, 86, 76), (2007, 99, 91))
_APPROVED = ((0, 0, 0), (1995, 14, 7), (1998, 74, 70), (2004, 85, 78), (2007, 95, 86))

_ONCE_PETROL = ((0.2, 0.45), (0.0, 0.2))

_NOISE_MEASURED = ((1990, 0.99), (1985, 0.87), (1980, 0.67), (0, 0.3))

_EURO_LIGHT: _Standards = {
    1: ("70/220*93/59EURO1",),
    2: ("70/220*94/12EURO2", "70/220*96/69EURO2"),
    3: ("70/220*98/69EURO3", "70/220*2001/1EURO3", "70/220*2001/100EURO3"),
    4: ("70/220*2002/80EURO4", "70/220*2003/76EURO4"),
    5: ("715/2007*692/2008EURO5", "715/2007*566/2011EURO5", "715/2007*630/2012EURO5"),
    6: ("715/2007*2015/45WEURO6", "715/2007*2016/646EURO6", "715/2007*2018/1832EURO6"),
}
_EURO_HEAVY: _Standards = {
    2: ("88/77*96/1BEURO2",),
    3: ("88/77*2001/27EURO3",),
    4: ("2005/55*2006/51EURO4",),
    5: ("2005/55*2008/74EURO5",),
    6: ("595/2009*627/2014EURO6",),
}
_EURO_TWO_WHEELS: _Standards = {
    2: ("97/24*2002/51EURO2", "97/24*2003/77EURO2"),
    3: ("97/24*2006/120EURO3", "97/24*2009/108EURO3"),
    4: ("168/2013*134/2014EURO4",),
}
_SHORT_STANDARDS = (
    "98/69", "98/69A", "96/69", "94/12", "98/77B", "2003/76B", "2003/76A", "1999/102A",
    "1999/102B", "2001/100A", "2002/80A", "2002/80B", "70/220*2003/7", "70/220*1999/1",
)  # fmt: skip


class Block(NamedTuple):
    """One description; the text between the pieces is drawn for each vehicle.

    `start` + type digits + `middle` + approval digits + `end` + colour clause +
    `reception` + reception digits + `rest`. A hole is left empty when its flag is
    False. From month `clean_switch` of the year on, the badge is `clean_after`.
    """

    brand: str
    start: str
    middle: str
    end: str
    reception: str
    rest: str
    has_type: bool
    has_approval: bool
    has_reception: bool
    genre: str
    category: str
    icon: str
    inspected: str
    clean_before: str
    clean_switch: int
    clean_after: str
    quality: str


class _Model(NamedTuple):
    brand: str
    name: str
    genre: str
    body: str
    eu_body: str
    category: str
    since: int
    until: int
    empty_kg: int
    maximum_kg: int
    seats: int
    engines: tuple[str, ...]


@lru_cache(maxsize=1)
def _models() -> list[_Model]:
    models = []
    for line in MODELS.split("\n"):
        if line:
            (
                brand,
                name,
                genre,
                body,
                eu,
                category,
                years,
                empty,
                full,
                seats,
                engines,
            ) = line.split("|")
            since, until = years.split("-")
            models.append(
                _Model(
                    brand, name, genre, body, eu, category, int(since), int(until),
                    int(empty), int(full), int(seats), tuple(engines.split(",")),
                )
            )  # fmt: skip
    return models


def weighted(pairs: Sequence[tuple[T, int]]) -> list[T]:
    """Return a list to index at random: each value repeated by its weight."""
    return [value for value, weight in pairs for _ in range(weight)]


@cache
def blocks(register: int, year: int) -> list[Block]:
    """Return the descriptions of vehicles first registered in `year`.

    They are the same for every seed, as models are the same in every register.
    """
    rng = random.Random(f"technical/{register}/{year}")
    on_sale: dict[str, list[_Model]] = {}
    for model in _models():
        if model.since <= year <= model.until + 1 or (
            year < 1960 and model.since < 1966
        ):
            on_sale.setdefault(model.genre, []).append(model)
    genres = weighted([(g, GENRES[g][register]) for g in on_sale])
    if not genres:
        genres = list(on_sale)
    shares = {g: _shares(models, register) for g, models in on_sale.items()}
    size = _BLOCKS_A_YEAR if year >= 1980 else _BLOCKS_A_YEAR_BEFORE_1980
    drawn = [rng.choice(genres) for _ in range(size)]
    return [
        _block(rng, rng.choices(on_sale[g], cum_weights=shares[g])[0], register, year)
        for g in drawn
    ]


def _shares(models: list[_Model], register: int) -> list[float]:
    """Return the running sums of the models' weights; a brand's models share its own."""
    if models[0].genre not in _BRANDED:
        return [float(n + 1) for n in range(len(models))]
    count = Counter(model.brand for model in models)
    return list(
        accumulate(
            BRANDS.get(model.brand, _OTHER_BRAND)[register] / count[model.brand]
            for model in models
        )
    )


def _present(rng: random.Random, table: tuple[tuple[int, int, int], ...],
             register: int, year: int) -> bool:  # fmt: skip
    row = next(row for row in reversed(table) if year >= row[0])
    return rng.random() * 100 < row[1 + register]


def _block(rng: random.Random, model: _Model, register: int, year: int) -> Block:
    detailed = _present(rng, _DETAILED, register, year)
    approved = _present(rng, _APPROVED, register, year)
    motorised = bool(model.engines[0])
    energy, cm3, kw, horsepower, co2 = "", "0", "0", 0, 0
    if motorised:
        energy, cm3, kw, horsepower, co2 = _engine(
            _drawn_engine(rng, model, register, year)
        )
    category = model.category if detailed else ""
    if category in ("M1", "N1") and energy != "EL":
        co2 = co2 or rng.randrange(110, 240)
        # Engines burnt less as their makers were made to count it.
        co2 = co2 * 88 // 100 if year >= 2011 else co2
    pollution = _pollution(rng, category, register, year) if motorised else ""
    if energy in ("EL", "") or rng.random() < 0.05:
        pollution = ""
    empty = _round(rng, model.empty_kg + rng.randrange(0, 1 + model.empty_kg // 10))
    full = _round(rng, model.maximum_kg + rng.randrange(0, 1 + model.maximum_kg // 40))
    towed = full + rng.choice((600, 750, 900, 1100, 1300, 1500))
    if model.genre == "TRR":
        towed = rng.choice((40000, 44000, 44000))
    two_wheels = model.genre in ("MTL", "MTT1", "MTT2", "CL", "QM", "TM", "CYCL")
    if two_wheels or (not motorised) or rng.random() < 0.1:
        towed = 0
    noise, revolutions = 0, 0
    heard = next(share for since, share in _NOISE_MEASURED if year >= since)
    heard -= 0.04 * register
    if motorised and energy != "EL" and rng.random() < heard:
        noise = rng.randrange(70, 78) if detailed else rng.randrange(76, 92)
        revolutions = rng.choice(
            (3000, 2813, 2625, 2700, 3000)
            if energy == "GO"
            else (3750, 4125, 4500, 3938)
        )
        if rng.random() < 0.25:
            revolutions = rng.randrange(40, 76 if energy == "GO" else 232) * 25
        # The real extract holds three such cars; nobody would drive them.
        if register == FNI and rng.random() < 0.0015:
            noise = rng.choice((540, 610, 893))
    seats = model.seats
    if model.genre == "VASP" and rng.random() < 0.02:
        seats = 200
    if rng.random() < 0.008:
        seats = 0
    if rng.random() < (0.025 if register == SIV else 0.008):
        horsepower = 0
    untyped = 0.03 if register == SIV else 0.9 if approved and year < 2004 else 0.05
    has_type = rng.random() >= untyped
    named = rng.random() < (
        (0.92 if year >= 1995 else 0.65)
        if register == SIV
        else (0.8 if year >= 1995 else 0.61)
    )
    cnit = approved and (register == SIV or year < 2010) and rng.random() < 0.95

    brand = _spelled(rng, model.brand, register)
    start = f'""marque"": ""{brand}"", '
    start += f'""tvv"": ""{_type_start(rng, register, year)}' if has_type else ""
    middle = '"", ' if has_type else ""
    middle += (
        f'""nom_commercial"": ""{_name(rng, model, register)}"", ' if named else ""
    )
    middle += f'""num_cnit"": ""{_approval_start(rng, model, year)}' if cnit else ""
    end = '"", ' if cnit else ""
    kind = rng.choices(("CE", "IS", "CY"), ((96, 3, 1), (91, 9, 0))[register])[0]
    reception = f'""type_reception"": ""{kind}"", ' if approved else ""
    service = empty + 75 if detailed and rng.random() < 0.95 else 0
    unweighed = rng.random()
    if unweighed < (0.008, 0.068)[register]:
        full = empty = 0
    elif unweighed < (0.015, 0.077)[register]:
        full, empty = (0, empty) if rng.random() < 0.5 else (full, 0)
    reception += (
        f'""pt_tech_adm_f1"": {full if detailed else 0}, ""ptac_f2"": {full}, '
        f'""ptra_f3"": {towed}, ""pt_service_g"": {service}, ""ptav_g1"": {empty}, '
    )
    reception += f'""CTEC_RLIB_CATEGORIE"": ""{category}"", ' if category else ""
    reception += f'""CTEC_RLIB_GENRE"": ""{model.genre}"", '
    if category and model.eu_body and year >= 2000 and rng.random() < 0.88:
        reception += f'""CTEC_RLIB_CARROSSERIE_CE"": ""{model.eu_body}"", '
    reception += f'""CTEC_RLIB_CARROSSERIE_NAT"": ""{model.body}"", '
    has_reception, rest = False, ""
    if approved or (detailed and rng.random() < 0.5):
        place_holder = rng.random() < 0.012
        has_reception = not place_holder
        number, rest = _reception(rng, kind, register, year)
        if place_holder:
            number, rest = rng.choice(("00", "000", "INCONNU", "SANS")), '"", '
        reception += f'""cveh_num_reception"": ""{number}'
    rest += (
        f'""CTEC_CYLINDREE"": {cm3 if detailed else 0}, '
        f'""CTEC_PUISSANCE_NETTE"": {kw if detailed else 0}, '
    )
    rest += f'""CTEC_RLIB_ENERGIE"": ""{energy}"", ' if energy else ""
    ratio: float = 0
    if detailed and empty and model.genre[:2] == "MT":
        ratio = round(float(kw) / empty, 2)
    rest += (
        f'""CTEC_PUISS_CV"": {horsepower}, ""CTEC_RAPPORT_PUIS_MASSE"": {ratio}, '
        f'""CTEC_PLACES_ASSISES"": {seats}, ""CTEC_PLACES_DEBOUT"": 0, '
        f'""CTEC_NIVEAU_SONORE"": {noise}, ""CTEC_VITESSE_MOTEUR"": {revolutions}, '
        f'""CTEC_CO2"": {co2 + rng.randrange(-6, 7) if detailed and co2 else 0}, '
    )
    rest += f'""CTEC_RLIB_POLLUTION"": ""{pollution}"", ' if pollution else ""

    before = _badge(category, energy, pollution, year, 1)
    after = _badge(category, energy, pollution, year, 12)
    switch = 1
    while _badge(category, energy, pollution, year, switch) != after:
        switch += 1
    return Block(
        brand, start, middle, end, reception, rest,
        has_type, cnit, has_reception, model.genre, category,
        _ICONS.get(category, "AUTRE"),
        "NON" if model.genre in _NOT_INSPECTED else "OUI",
        before, switch, after, _quality(pollution),
    )  # fmt: skip


def _engine(text: str) -> tuple[str, str, str, int, int]:
    cm3, kw, horsepower, co2 = text[2:].split("/")
    return text[:2], cm3, kw, int(horsepower), int(co2)


def _drawn_engine(rng: random.Random, model: _Model, register: int, year: int) -> str:
    engine = rng.choice(model.engines)
    share = _ONCE_PETROL[year >= 1990][register]
    petrol = [text for text in model.engines if text[:2] != "GO"]
    # Diesel became the rule in the nineties.
    if petrol and engine[:2] == "GO" and rng.random() < share:
        return rng.choice(petrol) if year < 2000 else engine
    return engine


def _round(rng: random.Random, mass: int) -> int:
    return mass if rng.random() < 0.2 else mass // 5 * 5


def _spelled(rng: random.Random, brand: str, register: int) -> str:
    if brand in SPELLINGS:
        brand = rng.choice(weighted(SPELLINGS[brand][register]))
    return brand if register == SIV else brand[:_FNI_BRAND_LENGTH].rstrip()


def _name(rng: random.Random, model: _Model, register: int) -> str:
    """Return the commercial name; FNI has a place for ten characters, mostly kept to."""
    draw = rng.random()
    trim = rng.choice(TRIMS)
    if draw < 0.02:
        litres = f"{rng.choice((1, 1, 2))}.{rng.randrange(10)}"
        parts = [model.name, trim, litres, rng.choice(TRIMS), f"{rng.choice((3, 5))}P"]
        return " ".join(parts + [rng.choice(TRIMS)] * (register == FNI))[:_LONGEST_NAME]
    if register == SIV:
        return model.name if draw < 0.75 else f"{model.name} {trim}"
    if draw < 0.25:
        return model.name[:_FNI_NAME_LENGTH].rstrip()
    text = f"{model.name}{rng.choice((' ', ' ', '/', ''))}{trim}"
    if draw > 0.5:
        text += f"{rng.choice((' ', '/', '.'))}{rng.choice(TRIMS)}"
    return text[:_FNI_NAME_LENGTH].rstrip(" /.")


def _type_start(rng: random.Random, register: int, year: int) -> str:
    def text(size: int) -> str:
        return "".join(rng.choice(_LETTERS + "0123456789") for _ in range(size))

    if register == FNI or year < 1998:
        draw = rng.random()
        if draw < 0.02:
            # Several variants, one after the other.
            return f"{text(3)} {text(2)} {text(rng.randrange(14, 20))}"
        first = text(rng.choice((1, 2, 2, 3, 4)))
        return first + (rng.choice((" ", " ", "/", "-")) if draw < 0.13 else "")
    first = text(rng.choice((2, 3, 3, 4, 4, 5, 6, 9, 15, 24)))
    if len(first) <= 5:
        return first
    second = text(rng.randrange(3, 9))
    return first + rng.choice(("", "", "", "", "/", " ", "-", "; " + second))


def _approval_start(rng: random.Random, model: _Model, year: int) -> str:
    brand = (model.brand.replace(" ", "") + "XX")[:3]
    if year >= 2009:
        genre = (model.genre + "XX")[:2]
        return f"M{rng.randrange(10, 16)}{brand}{genre}{rng.randrange(100, 1000)}"
    return f"M{brand[:2]}{rng.randrange(1000, 10000)}{rng.choice(_LETTERS)}"


def _reception(
    rng: random.Random, kind: str, register: int, year: int
) -> tuple[str, str]:
    if kind == "IS":
        return f"I-{max(year, 1998)}.", f'.{rng.randrange(10, 100)}"", '
    early = 2002 if register == SIV else 2005
    base = "98/14" if year < early else "2001/116" if year < 2010 else "2007/46"
    letter = "E" if rng.random() < 0.06 else "e"
    country = rng.choice((1, 2, 2, 2, 3, 4, 9, 11, 13))
    return f"{letter}{country}*{base}*", f'*{rng.randrange(60):02}"", '


def _pollution(rng: random.Random, category: str, register: int, year: int) -> str:
    if not category or year < 1993:
        return ""
    if register == FNI or rng.random() < 0.06:
        return rng.choice(_SHORT_STANDARDS)
    if category[0] == "L":
        table = _EURO_TWO_WHEELS
        digit = 2 if year < 2007 else 3 if year < 2017 else 4
    elif category in ("M1", "N1", "M1G", "N1G"):
        table = _EURO_LIGHT
        digit = next(
            d for d, y in ((6, 2015), (5, 2011), (4, 2006), (3, 2001), (2, 1997), (1, 0))
            if year >= y
        )  # fmt: skip
    elif category[0] in "MN":
        table = _EURO_HEAVY
        digit = next(
            d
            for d, y in ((6, 2014), (5, 2009), (4, 2006), (3, 2001), (2, 0))
            if year >= y
        )
    else:
        return ""
    text = rng.choice(table[digit])
    if rng.random() < 0.3 and "WEURO" not in text:
        text = text.replace("EURO", f"{rng.choice('ABW')}EURO")
    return text.replace("EURO4", "euro4") if rng.random() < 0.01 else text


def _quality(pollution: str) -> str:
    if not 14 <= len(pollution) <= 25:
        return "KO_LEN_V9"
    return "" if "EURO" in pollution.upper() else "KO_REGEX_V9"


def _badge(category: str, energy: str, pollution: str, year: int, month: int) -> str:
    """Return the clean-air class as the extract stores it, its known error included.

    The error: a diesel car without a Euro digit is classed by the petrol dates.
    Source: the register's code list, section 11.
    """
    if energy in ("EL", "H2", "AC"):
        return "ELECTRIQUE"
    if energy in ("EG", "GP", "EE", "GN", "EN"):
        return "1"
    when = year * 100 + month
    upper = pollution.upper()
    digit = int(upper[-1]) if "EURO" in upper else 0
    diesel = energy in ("GO", "GH")
    steps: tuple[tuple[int, int, str], ...] = ()
    if category in ("M1", "N1"):
        if not diesel or (category == "M1" and not digit):
            steps = ((5, 201101, "1"), (4, 200601, "2"), (2, 199701, "3"))
        else:
            steps = (
                (5, 201101, "2"),
                (4, 200601, "3"),
                (3, 200101, "4"),
                (2, 199701, "5"),
            )
    elif category in ("M2", "M3", "N2", "N3"):
        steps = (
            (6, 201401, "2"), (5, 200910, "3"), (4, 200610, "4"), (3, 200110, "5"),
        )  # fmt: skip
    elif category in ("L1e", "L3e", "L5e", "L6e", "L7e"):
        first = 201801 if category == "L1e" else 201701
        steps = ((4, first, "1"), (3, 200701, "2"), (2, 200407, "3"), (1, 200006, "4"))
    for at_least, since, badge in steps:
        if (digit >= at_least) if digit else (when >= since):
            return badge
    return "NON_CLASSE"
