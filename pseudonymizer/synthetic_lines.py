"""The lines of the synthetic feed: a registration as text.

Text pieces are in CSV form: the double quotes of the JSON are doubled.
"""

from binascii import b2a_base64
from collections.abc import Callable
from functools import cache
from random import Random as Generator
from typing import NamedTuple

from pseudonymizer import synthetic_vocabulary as words
from pseudonymizer.synthetic_history import (
    AGE,
    CERTIFICATE_OPERATIONS,
    CONVERSION,
    FIRST_NEW,
    FRENCH,
    ISO,
    LAST_EVENT,
    LEASE,
    MIDNIGHT_HOUR,
    YEAR,
    Life,
    Random,
    Situation,
    day_number,
    render,
)
from pseudonymizer.synthetic_identities import PLATE_LETTERS, Holder, Plate, pick
from pseudonymizer.synthetic_technical import FNI, SIV, Block, weighted

COMPUTED_AT = "2021-10-26T04:00:00.000Z"

_PLATE_LENGTH = 16
_LESSOR_SHARE = (0.40, 0.09)


class Registration(NamedTuple):
    """One vehicle of the register. `formula` is empty in FNI."""

    number: int
    register: int
    plate: Plate
    holder: Holder
    life: Life
    block: Block
    annulled: bool
    formula: str


def _table(size: int, make: Callable[[Generator], str]) -> list[str]:
    rng = Generator("tables")
    return [make(rng) for _ in range(size)]


def _draw_type(rng: Generator) -> str:
    size = rng.choice((2, 3, 3, 4, 4, 5))
    text = "".join(rng.choice("ABCDEFGHJKLMNPRSTVWX0123456789") for _ in range(size))
    return text + " " if rng.random() < 0.0005 else text


_TYPE_ENDS = _table(8192, _draw_type)
_APPROVAL_ENDS = _table(
    4096, lambda r: f"{r.randrange(1000):03}{r.choice(PLATE_LETTERS)}"
)
_FOUR_DIGITS = _table(4096, lambda r: f"{r.randrange(10_000):04}")
_VIN_STARTS = _table(
    512,
    lambda r: (
        r.choice(("VF1", "VF3", "VF7", "WVW", "WF0", "W0L", "ZFA", "WDB", "WBA", "JTD"))
        + r.choice(PLATE_LETTERS.replace("Q", "") + "0123456789")
    ),
)
# No I, O or Q stands in a VIN. A table of pairs, for four look-ups a vehicle.
_VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY0123456789"
_VIN_PAIRS = [a + b for a in _VIN_LETTERS for b in _VIN_LETTERS]
# From 1980 on, and again every thirty years. Source: ISO 3779.
_MODEL_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"
_COLOURS = tuple(
    weighted(
        [(f'""couleur"": ""{c}"", ', w[register]) for c, w in words.COLOURS.items()]
    )
    for register in (SIV, FNI)
)
_COLOURS[SIV].extend([""] * 41)
_POSTAL = weighted(
    [(p[:2], int(p[3:])) for p in words.POSTAL_WEIGHTS.split()]
)  # fmt: skip
_ORIGINS = tuple(
    weighted([(c, (c[4], c[5])[register]) for c in words.COUNTRIES])
    for register in (SIV, FNI)
)
_COLLECTABLE = day_number(1985)
_POSTAL_CODES_FROM = day_number(2004)
_CLAIMS = frozenset(("DEC_VE", "INSCRIRE_OVE"))
_RESOLUTIONS = frozenset(("SEC_RAP_VE", "LEVER_OVE"))

_NOTHING = (
    '""sit_adm"":{""suspensions"": [], ""opposition"": { ""oves"":[], ""oveis"":[], '
    '""otcis"": [], ""otcis_pv"": [] }, ""gages"": [], ""dvs"": []}, ""perte_ci"": ""NON"", '
    '""duplicata"": ""NON"", ""ci_vole"": ""NON"", ""vehicule_vole"": ""NON"", '
)
_FLAGS = (
    "suspensions", "otcis", "perte_ci", "oveis", "gages", "oves", "annulation_ci",
    "ci_vole", "vehicule_vole", "duplicata", "otcis_pv", "dvs",
)  # fmt: skip


def _answer(value: object) -> str:
    return "OUI" if value else "NON"


@cache
def _anomalies(raised: frozenset[str]) -> str:
    return ", ".join(f'""{flag}"": ""{_answer(flag in raised)}""' for flag in _FLAGS)


_NO_ANOMALY = _anomalies(frozenset())


def _situation(situation: Situation) -> tuple[str, str]:
    """Return the administrative situation of `v` and the anomalies column.

    The column never tells oppositions to transfer or irreparable vehicles: so the
    real one.
    """
    s = situation
    raised = {
        "suspensions": s.suspensions, "perte_ci": s.lost_title, "gages": s.pledges,
        "ci_vole": s.stolen_title, "vehicule_vole": s.stolen, "duplicata": s.duplicate,
        "dvs": s.seizures,
    }  # fmt: skip
    text = (
        f'""sit_adm"":{{""suspensions"": [{",".join(s.suspensions)}], '
        f'""opposition"" :{{ ""oves"":[],""oveis"":[{",".join(s.oveis)}],'
        f'""otcis_pv"":[{",".join(s.unpaid_fines)}],""otcis"":[{",".join(s.transfer_blocks)}]}}, '
        f'""gages"": [{",".join(s.pledges)}], ""dvs"": [{",".join(s.seizures)}]}}, '
        f'""perte_ci"": ""{_answer(s.lost_title)}"", ""duplicata"": ""{_answer(s.duplicate)}"", '
        f'""ci_vole"": ""{_answer(s.stolen_title)}"", ""vehicule_vole"": ""{_answer(s.stolen)}"", '
    )
    return text, _anomalies(frozenset(name for name, value in raised.items() if value))


def _claims(life: Life) -> tuple[int, str, bool]:
    """Return the number of claims, their two dates, and whether the vehicle may run."""
    claims = [day for day, operation, _ in life.events if operation in _CLAIMS]
    closed = [day for day, operation, _ in life.events if operation in _RESOLUTIONS]
    text = f'""date_dernier_sinistre"": ""{FRENCH[claims[-1]]}"", ' if claims else ""
    if closed:
        text += f'""date_derniere_resolution"": ""{FRENCH[closed[-1]]}"", '
    resolved = bool(claims and closed and closed[-1] >= claims[-1])
    suspended = life.situation is not None and life.situation.suspensions
    return len(claims), text, resolved or not suspended


def _foreign_plate(rnd: Random, layout: str) -> str:
    draws = {"A": PLATE_LETTERS, "9": "0123456789"}
    return "".join(pick(rnd, draws.get(place, place)) for place in layout)


def _import(rnd: Random, register: int) -> str:
    country, iso3, iso2, layout, _, _ = _ORIGINS[register][
        int(rnd() * len(_ORIGINS[register]))
    ]
    text = ""
    if register == SIV and layout and rnd() < 0.7:
        text += f'""imp_imp_immat"": ""{_foreign_plate(rnd, layout)}"", '
    if register == FNI or rnd() < 0.92:
        code = iso3 if register == SIV and iso3 and rnd() < 0.72 else iso2
        text += f'""imp_imp_pays"": ""{code}"", '
        text += f'""pays_import"": ""{country}"", ' if country else ""
    return text


def _usage(rnd: Random, register: int, genre: str, first: int) -> str:
    if genre == "TRA" and rnd() < (0.4 if register == FNI else 0.06):
        return '""usage"": [""AGR""], '
    if first < _COLLECTABLE and rnd() < (0.3 if register == SIV else 0.03):
        return '""usage"": [""COL""], '
    return '""usage"": [""DEM""], ' if rnd() < 0.0004 else ""


def _encrypted(noise: bytes) -> str:
    return b2a_base64(noise, newline=False).decode("ascii")


def line(
    rng: Generator, registration: Registration, computed_at: str = COMPUTED_AT
) -> str:
    """Return one line of the feed. Source of every rule: the real extract, counted.

    What is drawn does not depend on the events, but for their times, which are drawn
    last and oldest first: with one more event, a vehicle keeps all else.
    """
    rnd = rng.random
    number, register, plate, holder, life, block, annulled, formula = registration
    french = FRENCH[life.issued]
    credential = formula or french.replace("/", "")
    key = plate.joined + credential.lower()
    vin = f"{_VIN_STARTS[int(rnd() * 512)]}********{int(rnd() * 100_000):05}"
    if register == FNI and number % 1270 == 77:
        vin = "96"
    # As many bytes whatever the plate, so that another one changes nothing else.
    noise = rng.randbytes(27 + _PLATE_LENGTH)
    hidden_plate = _encrypted(noise[27 : 27 + len(plate.text)])
    hidden_vin = _encrypted(noise[10:27])
    quality = block.quality if register == SIV else "KO_LEN_V9"
    category = block.category
    if annulled:
        v, anomalies = _annulled(rnd, registration, vin)
        inspected, missing = "NON", False
        if register == SIV and rnd() < 0.3:
            category = ""
    else:
        # Nine bytes in SIV, ten in FNI.
        hidden = _encrypted(noise[: 9 + register])
        v, anomalies, missing = _live(rnd, registration, vin, hidden)
        inspected = block.inspected
    if missing:
        flaws = [f'""v9"": ""{quality}""'] if quality else []
        flaws.append('""age_certificat"": ""MISSING_OP_AGE_CERTIFICAT""')
        flaws.append('""nb_titulaires"": ""MISSING_OP_NB_TITULAIRES""')
        checks = f'"{{{", ".join(flaws)}}}"'
    else:
        checks = f'"{{""v9"": ""{quality}""}}"' if quality else "{}"
    row = 10_000_000_000 + number * 41 if register == SIV else 31_000 + number * 17
    last = f";{_whole(vin, number, life.first)}" if register == SIV else ""
    return (
        f'{row};{holder.joined}{key};{key};"{{{v}}}";'
        f"{holder.company};{holder.siren};{holder.surname};{holder.given_names};{plate.text};"
        f"{formula or french};{inspected};{hidden_plate};"
        f'{hidden_vin};{checks};{category};"{{{anomalies}}}";{computed_at}{last}\n'
    )


def _whole(vin: str, number: int, first: int) -> str:
    """Return the VIN with what is masked in it; empty for what is no VIN.

    Of the vehicle alone, so that it draws nothing from the line's generator.
    Multiplying by an odd constant scatters the numbers. The tenth place is the model
    year, that of the first registration.
    """
    if len(vin) != 17:
        return ""
    draw = (number + 1) * 0x9E3779B97F4A7C15
    before, between, single, after = (
        _VIN_PAIRS[draw >> 24 & 1023], _VIN_PAIRS[draw >> 34 & 1023],
        _VIN_LETTERS[draw >> 44 & 31], _VIN_PAIRS[draw >> 49 & 1023],
    )  # fmt: skip
    year = _MODEL_YEARS[(YEAR[first] - 1980) % 30]
    return f"{vin[:4]}{before}{between}{single}{year}{after}{vin[12:]}"


def _annulled(rnd: Random, registration: Registration, vin: str) -> tuple[str, str]:
    """Return `v` of a cancelled certificate, which tells seven things, and anomalies."""
    life, register = registration.life, registration.register
    low = max(life.issued, day_number(2011, 3))
    if register == FNI and rnd() < 0.9:
        low = day_number(2019)
    day = low + int(rnd() * (LAST_EVENT - low))
    raised = {"annulation_ci"}
    if rnd() < (0.158 if register == SIV else 0.086):
        raised.add("suspensions")
    if register == FNI and rnd() < 0.02:
        raised.add("duplicata")
    v = (
        f'""date_update"": ""01/01/1900"", ""plaq_immat"": ""{registration.plate.masked}"", '
        f'""date_annulation_ci"": ""{FRENCH[day]}"", '
        f'""date_premiere_immat"": ""{FRENCH[life.first]}"", ""vin"": ""{vin}"", '
        f'""marque"": ""{registration.block.brand}"", ""annulation_ci"": ""OUI""'
    )
    return v, _anomalies(frozenset(raised))


def _live(
    rnd: Random, registration: Registration, vin: str, hidden: str
) -> tuple[str, str, bool]:
    """Return `v`, the anomalies, and whether no operation dates the certificate."""
    register, holder, life, block = (
        registration.register, registration.holder, registration.life, registration.block
    )  # fmt: skip
    french = FRENCH[life.first]
    holders, last, converted = 0, 0, False
    for day, operation, _ in life.events:
        if operation in CERTIFICATE_OPERATIONS:
            holders += 1
            last = day
        elif operation == LEASE:
            holders += 1
        elif operation == CONVERSION:
            converted = True
    uncertain = (
        not life.imported
        and life.entry != life.first
        and not (life.events and life.events[0][1] == FIRST_NEW)
    )
    if life.situation is None:
        situation, anomalies, procedures = _NOTHING, _NO_ANOMALY, ""
        claims, claim_dates, fit = 0, "", True
    else:
        situation, anomalies = _situation(life.situation)
        procedures = ",".join(life.situation.procedures)
        claims, claim_dates, fit = _claims(life)
    badge = block.clean_before
    if block.clean_switch > 1 and int(french[3:5]) >= block.clean_switch:
        badge = block.clean_after
    colours = _COLOURS[register]
    type_end = _TYPE_ENDS[int(rnd() * 8192)] if block.has_type else ""
    approval = _APPROVAL_ENDS[int(rnd() * 4096)] if block.has_approval else ""
    reception = _FOUR_DIGITS[int(rnd() * 4096)] if block.has_reception else ""
    colour = colours[int(rnd() * len(colours))]
    usage = _usage(rnd, register, block.genre, life.first)
    entry = postal = abroad = origin = ""
    if register == SIV:
        entry = f'""date_premiere_immat_siv"": ""{FRENCH[life.entry]}"", '
    if register == SIV or rnd() < (0.62 if life.first > _POSTAL_CODES_FROM else 0.03):
        postal = f'""adr_code_postal_tit"": ""{pick(rnd, _POSTAL)}{int(rnd() * 99) * 10:03}"", '
    conversion = (
        f'""dos_date_conversion_siv"": ""{FRENCH[life.conversion]}"", '
        if life.conversion
        else ""
    )
    if life.imported:
        abroad = f'""date_premiere_immat_etranger"": ""{ISO[life.first - 1]}{MIDNIGHT_HOUR[life.first]}"", '
        origin = _import(rnd, register)
        arrival = ""
    else:
        arrival = f'""date_import_france"": ""{french}"", '
    leased = holder.company and rnd() < _LESSOR_SHARE[register]
    raw, local = render(life.events, rnd)
    v = (
        f'""date_update"": ""01/01/1900"", ""plaq_immat"": ""{registration.plate.masked}"", '
        f'""utac_id"": ""{hidden}"", ""date_emission_CI"": ""{FRENCH[life.issued]}"", {usage}'
        f"{block.start}{type_end}{block.middle}{approval}{block.end}{colour}"
        f"{block.reception}{reception}{block.rest}{holder.json}{postal}"
        f'""date_premiere_immat"": ""{french}"", {entry}'
        f'""dos_date_derniere_modif"": ""{FRENCH[life.modified]}"", {conversion}'
        f'""pers_locataire"": ""{"OUI" if leased else "NON"}"", {situation}'
        f'""import"": ""{"OUI" if life.imported else "NON"}"", {origin}'
        f'""historique"": [{raw}], ""new_historique"": [{local}], ""pve"": [{procedures}], '
        f'""vin"": ""{vin}"", ""age_certificat"": ""{AGE[last] if last else "KO"}"", '
        f'""logo_genre"": ""{block.icon}"", ""critair"": ""{badge}"", '
        f'""nb_sinistres"": {claims}, {claim_dates}'
        f'""is_apte_a_circuler"": ""{"OUI" if fit else "NON"}"", {arrival}'
        f'""is_incertain"": ""{"OUI" if uncertain else "NON"}"", '
        f'""nb_titulaires"": {holders + uncertain}, '
        f'""is_fni"": ""{"OUI" if register == FNI and not life.conversion else "NON"}"", '
        f'""is_fni_converti"": ""{"OUI" if converted else "NON"}"", {abroad}'
        f'""has_pve"": ""NON"", ""annulation_ci"": ""NON""'
    )
    return v, anomalies, not last
