"""Write vectors/*.json: python -m tests.pseudonymizer.make_vectors

Inputs and canonical forms stand here as literals; what is derived from them comes from
confirm_vectors.py. The package gives the compressed frame alone. To be run again only
while the dictionary has not been shipped, or with a new layout version: afterwards the
files are what must not change.
"""

import hashlib
import json
import sys
from typing import Any

import msgspec
import zstandard

from pseudonymizer import codec
from pseudonymizer.records import Fingerprint, HolderProof, Inspections, Record
from tests.pseudonymizer import confirm_vectors as spec

Json = dict[str, Any]

# Ordinary bytes, so that nobody takes them for keys of their own.
RINGS: Json = {
    "register": {
        "purpose": "register",
        "keys": [
            {
                "version": 1,
                "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                "active": False,
            },
            {
                "version": 3,
                "key": "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=",
                "active": True,
            },
        ],
    },
    "site": {
        "purpose": "site",
        "keys": [
            {
                "version": 1,
                "key": "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
                "active": True,
            }
        ],
    },
}
OTHER_RING: Json = {
    "purpose": "register",
    "keys": [
        {
            "version": 1,
            "key": "/v38+/r5+Pf29fTz8vHw7+7t7Ovq6ejn5uXk4+Lh4N8=",
            "active": True,
        }
    ],
}
# Sealed under the older of two keys: the release says which, not the ring.
RELEASE: Json = {
    "number": 7,
    "uuid": "0f1e2d3c-4b5a-4968-8776-655443322110",
    "label": "Extrait de juin 2022 – intégral",
    "as_of": "2022-06-30",
    "key_version": 1,
    "salt": "00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100",
    "manifest_sha256": (
        "f0e1d2c3b4a5968778695a4b3c2d1e0f0123456789abcdef1032547698badcfe"
    ),
}
SALT, MANIFEST = RELEASE["salt"], RELEASE["manifest_sha256"]
DELTA = "5a4b3c2d1e0f0123456789abcdef1032547698badcfef0e1d2c3b4a596877869"


def _siv(about: str, plate: str, number: str, *canonical: str) -> Json:
    typed = {"register": "SIV", "plate": plate, "formula_number": number}
    return {
        "about": about,
        "typed": typed,
        "plate": canonical[0],
        "formula_or_date": canonical[1] if len(canonical) > 1 else "2015AB12345",
    }


def _fni(about: str, plate: str, date: str, canonical: str) -> Json:
    typed = {"register": "FNI", "plate": plate, "issue_date": date}
    return {
        "about": about,
        "typed": typed,
        "plate": canonical,
        "formula_or_date": date,
    }


FORMULA = "2015AB12345"
IDENTITIES: list[Json] = [
    _siv("as printed", "AA-123-BB", FORMULA, "AA123BB"),
    _siv("without separators", "AA123BB", FORMULA, "AA123BB"),
    _siv("lower case and spaces", " aa 123 bb ", "2015 ab 12345", "AA123BB"),
    _siv("tab and line end", "AA\t123\r\nBB", FORMULA, "AA123BB"),
    _siv("no-break hyphen", "AA\u2011123\u2011BB", FORMULA, "AA123BB"),
    _siv("en dash, minus", "AA\u2013123\u2212BB", FORMULA, "AA123BB"),
    _siv("no-break spaces", "AA\u00a0123\u202fBB", FORMULA, "AA123BB"),
    _siv(
        "zero-width characters",
        "\ufeffA\u200bA\u200d-1\u200c2\u20603-B\u00adB",
        FORMULA,
        "AA123BB",
    ),
    _siv("marks of direction", "\u200eAA-123-BB\u200f\u202c", FORMULA, "AA123BB"),
    _siv(
        "full-width letters and digits",
        "\uff21\uff21\uff0d\uff11\uff12\uff13\uff0d\uff22\uff22",
        "\uff12\uff10\uff11\uff15\uff21\uff22\uff11\uff12\uff13\uff14\uff15",
        "AA123BB",
    ),
    _siv("superscript and circled digits", "AA-\u00b9\u2461\u2462-BB", FORMULA, "AA123BB"),
    _siv("variation selector, keycap", "AA-1\ufe0f\u20e323-BB", FORMULA, "AA123BB"),
    _siv("letter O and digit 0", "AO-0O0-OA", "2O15AB1234O", "A00000A", "2015AB12340"),
    _siv("letter I and digit 1", "AI-1I1-IA", "20I5AB12345", "A11111A"),
    _siv("lower-case o, i and l", "ao-i1l-bb", FORMULA, "A011LBB"),
    _siv("accents composed", "\u00c9\u00c0-123-\u00e7\u00ef", FORMULA, "EA123C1"),
    _siv("accents decomposed", "E\u0301A\u0300-123-c\u0327i\u0308", FORMULA, "EA123C1"),
    _siv("ligatures oe and ae", "\u0153\u00c6-12-\u00e6\u0152", FORMULA, "0EAE12AE0E"),
    _siv("sharp s", "\u00df\u1e9e-1", FORMULA, "SSSS1"),
    _siv("o and l with stroke, d with stroke", "\u00d8\u0142\u0111-2", FORMULA, "0LD2"),
    _siv("eth, thorn, h, t, n, kra", "\u00f0\u00de\u0127\u0167\u014b\u0138", FORMULA, "DTHHTNK"),
    _siv("dotless and dotted i", "\u0131\u0130-9", FORMULA, "119"),
    _siv("long s, kelvin, angstrom", "\u017f\u212a\u212b-9", FORMULA, "SKA9"),
    _siv("ligature fi, roman four, ij", "\ufb01-\u2163-\u0133", FORMULA, "F11V1J"),
    _siv("fraction", "AA-\u00bd-BB", FORMULA, "AA12BB"),
    _siv(
        "apostrophes",
        "A'A\u2019A\u2018A\u02bcA`A\u00b4A\u2032A\u201bA\uff07A\u1fefA\u1ffdA",
        FORMULA,
        "AAAAAAAAAAAA",
    ),
    _siv("letters of other scripts are no letters", "AB\u0410\u4e2d\u03b1-7\ud83d\ude97", FORMULA, "AB7"),
    _siv("foreign layouts: no separator", "CPH400", FORMULA, "CPH400"),
    _siv("foreign layouts: letters last", "KB4DDP", FORMULA, "KB4DDP"),
    _siv("foreign layouts: hyphen in place", "SU-WN57", FORMULA, "SUWN57"),
    _siv("foreign layouts: space in place", "DV 4834", FORMULA, "DV4834"),
    _siv("trailing hyphen and point", "AB-404-.", "05CD98765.", "AB404", "05CD98765"),
    _siv("one character", "7", "1", "7", "1"),
    _siv(
        "thirty-two characters",
        "ABCDEFGH-23456789-ABCDEFGH-23456789",
        "23456789ABCDEFGH23456789ABCDEFGH",
        "ABCDEFGH23456789ABCDEFGH23456789",
        "23456789ABCDEFGH23456789ABCDEFGH",
    ),
    _siv("the length parts plate and number", "AA1", "23BB", "AA1", "23BB"),
    _siv("the same letters, parted elsewhere", "AA12", "3BB", "AA12", "3BB"),
    _fni("FNI with spaces", "9999 AA 99", "2001-01-18", "9999AA99"),
    _fni("FNI without spaces", "9999AA99", "2001-01-18", "9999AA99"),
    _fni("FNI of Corsica", "123 ABC 2A", "1975-09-12", "123ABC2A"),
    _fni("FNI, digits alone", "1234567", "1950-12-31", "1234567"),
    _fni("FNI, one digit in the first block", "1 OI 01", "2009-10-12", "10101"),
    _fni("a SIV plate in FNI", "AA-123-BB", "2009-04-15", "AA123BB"),
]  # fmt: skip


def _unusable(about: str, code: str, plate: str, number: str = FORMULA) -> Json:
    typed = {"register": "SIV", "plate": plate, "formula_number": number}
    return {"about": about, "typed": typed, "code": code}


UNUSABLE = [
    _unusable("empty plate", "plate_missing", ""),
    _unusable("separators alone", "plate_missing", " -./ "),
    _unusable("zero-width characters alone", "plate_missing", "\u200b\ufeff"),
    _unusable("another script alone", "plate_missing", "\u0430\u0431-\u0664"),
    _unusable("plate of 33", "plate_too_long", "A" * 33),
    _unusable("plate of 32 that unfolds to 33", "plate_too_long", "A" * 31 + "\u00df"),
    _unusable("empty formula number", "formula_number_missing", "AA-123-BB", ""),
    _unusable("a point for a number", "formula_number_missing", "AA-123-BB", "."),
    _unusable("number of 33", "formula_number_too_long", "AA-123-BB", "2" * 33),
    _unusable("both missing: the plate is named", "plate_missing", "", ""),
]


def _person(family: str, *words: str) -> Json:
    return {"kind": "person", "family": family, "words": [*words], "siren": None}


def _one_field(*words: str) -> Json:
    return {"kind": "single field", "family": "", "words": [*words], "siren": None}


def _company(family: str, siren: str | None) -> Json:
    return {"kind": "company", "family": family, "words": [], "siren": siren}


def _siv_line(about: str, family: str, given: str, *holders: Json) -> Json:
    line = {"register": "SIV", "family_name": family, "given_names": given}
    return {"about": about, "line": line, "holders": [*holders]}


def _fni_line(about: str, field: str, *holders: Json) -> Json:
    line = {"register": "FNI", "family_name": field}
    return {"about": about, "line": line, "holders": [*holders]}


def _company_line(about: str, name: str, siren: str, *holders: Json) -> Json:
    line = {"register": "SIV", "company": name, "siren": siren}
    return {"about": about, "line": line, "holders": [*holders]}


HOLDERS = [
    _siv_line("family and given name", "MARTEAU", "PAULINE", _person("MARTEAU", "PAULINE")),
    _siv_line("two given names", "MARTEAU", "PAULINE ODILE", _person("MARTEAU", "PAULINE", "ODILE")),
    _siv_line("hyphen in a given name", "MARTEAU", "ANNE-LISE", _person("MARTEAU", "ANNE", "LISE")),
    _siv_line("accents composed", "Mart\u00e9\u00e4u", "Z\u00e9lie", _person("MARTEAU", "ZELIE")),
    _siv_line("accents decomposed", "Marte\u0301a\u0308u", "Ze\u0301lie", _person("MARTEAU", "ZELIE")),
    _siv_line("ligature", "B\u0152UFL\u00c6R", "ZELIE", _person("BOEUFLAER", "ZELIE")),
    _siv_line("apostrophes", "D'ARTOL", "L\u2019IA", _person("DARTOL", "LIA")),
    _siv_line("grave accent for apostrophe", "D`ARTOL", "LIA", _person("DARTOL", "LIA")),
    _siv_line("particles", "DE LA TOURNELLE", "MARIE DE LA CRUZ", _person("DELATOURNELLE", "MARIE", "DELACRUZ")),
    _siv_line("a particle at the end", "MARTEAU DE", "PAULINE LE", _person("MARTEAUDE", "PAULINE", "LE")),
    _siv_line("saint", "ST-OURS", "STE MARINE", _person("SAINTOURS", "SAINTEMARINE")),
    _siv_line("title", "MME MARTEAU", "M. PAULIN", _person("MARTEAU", "PAULIN")),
    _siv_line("or between given names", "MARTEAU", "PAULINE OU ODILE", _person("MARTEAU", "PAULINE", "ODILE")),
    _siv_line("letters set apart", "M A R T E A U", "P A U L", _person("MARTEAU", "PAUL")),
    _siv_line("digits", "MARTEAU 2", "PAULINE 75", _person("MARTEAU", "PAULINE")),
    _siv_line("six given names are kept", "MARTEAU", "UNA BEA CLEA DORA EVE FLO GIA", _person("MARTEAU", "UNA", "BEA", "CLEA", "DORA", "EVE", "FLO")),
    _siv_line("six words of a family name are kept", "VAZ DE LA VEGA DA CUNHA REIS", "PAULINE", _person("VAZDELAVEGADACUNHA", "PAULINE")),
    _siv_line("no given name", "MARTEAU", "", _person("MARTEAU")),
    _siv_line("no given name, particle", "DE MARTEAU", "", _person("DEMARTEAU")),
    _siv_line("both names in the first field", "MARTEAU PAULINE", "", _one_field("MARTEAU", "PAULINE")),
    _siv_line("co-holders in the first field", "MARTEAU PAULINE ET FERRIOL JULES", "", _one_field("MARTEAU", "PAULINE"), _one_field("FERRIOL", "JULES")),
    _siv_line("no family name", "", "PAULINE", _one_field("PAULINE")),
    _siv_line("no name", "", ""),
    _siv_line("no letter", "***", "-.-"),
    _fni_line("names in one field", "MARTEAU PAULINE", _one_field("MARTEAU", "PAULINE")),
    _fni_line("particle in one field", "DE LA TOURNELLE PAUL", _one_field("DELATOURNELLE", "PAUL")),
    _fni_line("asterisk at the end", "MARTEAU PAULINE*", _one_field("MARTEAU", "PAULINE")),
    _fni_line("point between", "MARTEAU.PAULINE", _one_field("MARTEAU", "PAULINE")),
    _fni_line("ET between holders", "MARTEAU PAUL ET FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("lower case", "marteau paul et ferriol odile", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("OU between holders", "MARTEAU PAUL OU FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("ampersand between holders", "MARTEAU PAUL & FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("slash between holders", "MARTEAU PAUL/FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("hyphen between spaces", "MARTEAU PAUL - FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("hyphen without spaces parts words alone", "MARTEAU PAUL-EMILE", _one_field("MARTEAU", "PAUL", "EMILE")),
    _fni_line("point and hyphen", "MARTEAU PAUL.-FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("no-break spaces around ET", "MARTEAU PAUL\u00a0ET\u00a0FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("zero-width character beside ET", "MARTEAU PAUL \u200bET\u200b FERRIOL ODILE", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("a name that begins with ET", "ETIENNET PAUL", _one_field("ETIENNET", "PAUL")),
    _fni_line("a second holder of one word", "MARTEAU PAUL ET ODILE", _one_field("MARTEAU", "PAUL"), _one_field("MARTEAU", "ODILE")),
    _fni_line("three holders", "MARTEAU PAUL ET FERRIOL ODILE ET GRANDIN LEO", _one_field("MARTEAU", "PAUL"), _one_field("FERRIOL", "ODILE")),
    _fni_line("titles before holders", "M. OU MME MARTEAU PAUL", _one_field("MARTEAU", "PAUL")),
    _fni_line("birth name", "MARTEAU ODILE NEE FERRIOL", _one_field("MARTEAU", "ODILE"), _one_field("FERRIOL", "ODILE")),
    _fni_line("birth name, composed accent", "MARTEAU ODILE N\u00c9E FERRIOL", _one_field("MARTEAU", "ODILE"), _one_field("FERRIOL", "ODILE")),
    _fni_line("birth name, decomposed accent", "MARTEAU ODILE NE\u0301E FERRIOL", _one_field("MARTEAU", "ODILE"), _one_field("FERRIOL", "ODILE")),
    _fni_line("birth name of a man", "MARTEAU LEO NE FERRIOL", _one_field("MARTEAU", "LEO"), _one_field("FERRIOL", "LEO")),
    _fni_line("birth name before the given names", "MARTEAU NEE FERRIOL ODILE", _one_field("MARTEAU", "ODILE"), _one_field("FERRIOL", "ODILE")),
    _fni_line("one word", "MARTEAU", _one_field("MARTEAU")),
    _fni_line("no letter", "/ & -"),
    _company_line("company", "GARAGE DU LAC", "123456789", _company("GARAGEDULAC", "123456789")),
    _company_line("legal form before", "SARL GARAGE DU LAC", "123456789", _company("GARAGEDULAC", "123456789")),
    _company_line("legal form behind", "GARAGE DU LAC S.A.S.", "123456789", _company("GARAGEDULAC", "123456789")),
    _company_line("ampersand", "Marteau & Fils", "123 456 789", _company("MARTEAUETFILS", "123456789")),
    _company_line("SIRET", "MARTEAU ET FILS", "123 456 789 00012", _company("MARTEAUETFILS", "123456789")),
    _company_line("no SIREN", "MARTEAU ET FILS", "000000000", _company("MARTEAUETFILS", None)),
    _company_line("empty SIREN", "MARTEAU ET FILS", "", _company("MARTEAUETFILS", None)),
    _company_line("nothing but a legal form", "SOCIETE", "123456789", _company("SOCIETE", "123456789")),
    _company_line("digits", "ATELIER 2000", "123456789", _company("ATELIER2000", "123456789")),
    _company_line("letters set apart", "A.B.C. LOCATION", "123456789", _company("ABCLOCATION", "123456789")),
    _company_line("accents and apostrophe", "L'\u00c9TABLI", "123456789", _company("LETABLI", "123456789")),
]  # fmt: skip

WOMAN = {"register": "SIV", "family_name": "MARTEAU", "given_names": "PAULINE ODILE"}
NOBLE = {"register": "SIV", "family_name": "DE LA TOURNELLE", "given_names": "JULES"}
SHORT = {"register": "SIV", "family_name": "ROY", "given_names": "ANNE-LISE"}
NAMELESS = {"register": "SIV", "family_name": "MARTEAU", "given_names": ""}
COUPLE = {"register": "FNI", "family_name": "MARTEAU PAUL ET FERRIOL ODILE"}
LONE = {"register": "FNI", "family_name": "MARTEAU"}
FIRM = {"register": "SIV", "company": "SARL GARAGE DU LAC", "siren": "123456789"}
FIRM_WITHOUT = {"register": "SIV", "company": "SARL GARAGE DU LAC", "siren": ""}


def _typed(about: str, matches: bool, line: Json, family: str, given: str = "") -> Json:
    typed = {"family_name": family, "given_names": given}
    return {"about": about, "line": line, "typed": typed, "matches": matches}


def _typed_company(
    about: str, matches: bool, line: Json, company: str, siren: str | None = None
) -> Json:
    typed = {"company": company, "siren": siren}
    return {"about": about, "line": line, "typed": typed, "matches": matches}


TYPED = [
    _typed("as printed", True, WOMAN, "MARTEAU", "PAULINE ODILE"),
    _typed("one given name", True, WOMAN, "MARTEAU", "PAULINE"),
    _typed("the other given name", True, WOMAN, "MARTEAU", "ODILE"),
    _typed("family name alone", True, WOMAN, "MARTEAU"),
    _typed("one letter wrong", True, WOMAN, "MARTAAU", "PAULINE"),
    _typed("a letter missing in each", True, WOMAN, "MARTEU", "PAULIN"),
    _typed("fields swapped", True, WOMAN, "PAULINE ODILE", "MARTEAU"),
    _typed("all in one field", True, WOMAN, "MARTEAU PAULINE"),
    _typed("all in one field, given name first", True, WOMAN, "PAULINE MARTEAU"),
    _typed("given names in one piece", True, WOMAN, "MARTEAU", "PAULINEODILE"),
    _typed("title", True, WOMAN, "MME MARTEAU", "PAULINE"),
    _typed("two holders typed", True, WOMAN, "GRANDIN ET MARTEAU", "PAULINE"),
    _typed("six words in one field", True, WOMAN, "PAULINE BEA CLEA DORA EVE MARTEAU"),
    _typed("the seventh word", False, WOMAN, "PAULINE BEA CLEA DORA EVE FLO MARTEAU"),
    _typed("another family name", False, WOMAN, "FERRIOL", "PAULINE"),
    _typed("another given name", False, WOMAN, "MARTEAU", "GERARD"),
    _typed("another given name in one field", False, WOMAN, "MARTEAU GERARD"),
    _typed("a given name alone", False, WOMAN, "PAULINE"),
    _typed("nothing", False, WOMAN, "", ""),
    _typed("nothing but a title", False, WOMAN, "MME", "PAULINE"),
    _typed("a letter", False, WOMAN, "M", "P"),
    _typed("without particles", True, NOBLE, "TOURNELLE", "JULES"),
    _typed("with its particles", True, NOBLE, "DE LA TOURNELLE", "JULES"),
    _typed("particles in one piece", True, NOBLE, "DELATOURNELLE", "JULES"),
    _typed("a short name", True, SHORT, "ROY", "ANNE"),
    _typed("a short name, one letter wrong", False, SHORT, "ROI", "ANNE"),
    _typed("any given name where none is recorded", True, NAMELESS, "MARTEAU", "LEO"),
    _typed("another name where no given name is", False, NAMELESS, "FERRIOL", "LEO"),
    _typed("one field, first holder", True, COUPLE, "MARTEAU", "PAUL"),
    _typed("one field, second holder", True, COUPLE, "FERRIOL", "ODILE"),
    _typed("one field, as printed", True, COUPLE, "MARTEAU PAUL ET FERRIOL ODILE"),
    _typed("one field, names in one field", True, COUPLE, "FERRIOL ODILE"),
    _typed("one field, given name first", True, COUPLE, "PAUL MARTEAU"),
    _typed("one field, one letter wrong", True, COUPLE, "MARTAAU", "PAUL"),
    _typed("one field, family name alone", False, COUPLE, "MARTEAU"),
    _typed("one field, given name alone", False, COUPLE, "PAUL"),
    _typed("one field, names of two holders mixed", False, COUPLE, "MARTEAU", "ODILE"),
    _typed("one field, a stranger", False, COUPLE, "GRANDIN", "LEO"),
    _typed("one word recorded, typed so", True, LONE, "MARTEAU"),
    _typed("one word recorded, another typed", False, LONE, "FERRIOL"),
    _typed("a person for a company", False, FIRM, "GARAGE DU LAC"),
    _typed_company("as printed", True, FIRM, "SARL GARAGE DU LAC", "123456789"),
    _typed_company("another legal form", True, FIRM, "GARAGE DU LAC SAS", "123456789"),
    _typed_company("no SIREN typed", True, FIRM, "GARAGE DU LAC"),
    _typed_company("half the name and the SIREN", True, FIRM, "GARAGE", "123456789"),
    _typed_company("half the name alone", False, FIRM, "GARAGE"),
    _typed_company("another SIREN", False, FIRM, "GARAGE DU LAC", "987654321"),
    _typed_company("the SIREN and another name", False, FIRM, "ZINC", "123456789"),
    _typed_company("a SIREN that is not recorded", True, FIRM_WITHOUT, "GARAGE DU LAC", "987654321"),
    _typed_company("a name that is not recorded, with SIREN", False, FIRM_WITHOUT, "ZINC", "123456789"),
    _typed_company("a company for a person", False, WOMAN, "MARTEAU"),
    _typed_company("no name", False, FIRM, "", "123456789"),
]  # fmt: skip

SUBKEYS = [
    ("register", 1, "lookup", SALT, 32),
    ("register", 1, "seal", SALT, 32),
    ("register", 1, "fingerprint", SALT, 1369),
    ("register", 1, "siren", SALT, 32),
    ("register", 1, "holder tag", "", 32),
    ("register", 3, "holder tag", "", 32),
    ("register", 1, "release mac", "", 32),
    ("register", 3, "lookup", SALT, 32),
    ("register", 3, "lookup", "ff" * 32, 32),
    ("site", 1, "django secret key", "", 32),
    ("site", 1, "throttle", "", 32),
    ("register", 1, "key check", "", 4),
    ("register", 3, "key check", "", 4),
    ("site", 1, "key check", "", 4),
]

PERSON_RECORD: Json = {
    "register": "SIV",
    "masked_plate": "AA-1**-BB",
    "initials": {"family": "M.", "given": "P. O."},
    "postal_code": "02100",
    "leased": False,
    "vehicle": {
        "make": "MEGALO",
        "variant": "MX5T01 ",
        "cnit": "M10MGLVP000X123",
        "model": "BERLINE \u00c9T\u00c9 \u20ac",
        "vin": "VF1A********12345",
        "colour": "GRIS CLAIR",
        "approval_type": "CE",
        "approval_number": "e2*2001/116*0333*42",
        "max_technical_mass_kg": 1850,
        "max_laden_mass_kg": 1850,
        "max_train_mass_kg": 3050,
        "mass_in_service_kg": 1304,
        "unladen_mass_kg": 1229,
        "eu_category": "M1",
        "genre": "VP",
        "eu_body": "AB",
        "body": "CI",
        "displacement_cm3": 1461,
        "net_power_kw": 66.5,
        "energy": "GO",
        "fiscal_power_cv": 5,
        "power_to_mass": 0.051,
        "seats": 5,
        "noise_db": 76,
        "noise_engine_speed": 2750,
        "co2_g_km": 114,
        "environment_class": "70/220*2001/100EURO4",
    },
    "certificate_cancelled": False,
    "certificate_lost": True,
    "certificate_stolen": False,
    "certificate_duplicate": True,
    "vehicle_stolen": False,
    "first_registration": "2006-02-28",
    "issue_date": "2015-03-02",
    "first_registration_siv": "2010-07-14",
    "siv_conversion": "2010-07-14",
    "last_change": "2015-03-02",
    "imported": True,
    "import_date": "2006-03-01",
    "first_registration_abroad": "1999-12-31",
    "origin_code": "D",
    "origin_name": "ALLEMAGNE",
    "usages": ["COL", "AUTRE USAGE"],
    "subject_to_inspection": True,
    "operations": [
        {"code": "CHANG_TIT_NORMAL", "date": "2015-03-02"},
        {
            "code": "DECLARATION_CESSION",
            "date": "2015-02-20",
            "cancelled": True,
            "cancelled_on": "2015-02-21",
        },
        {"code": "CODE_INCONNU_2030"},
        {
            "code": "SEC_RAP_VE",
            "date": "2013-05-06",
            "procedure": "4567",
            "expert": "001234",
        },
        {"code": "DEC_VE", "date": "2013-01-02", "procedure": "4567"},
        {"code": "INSCRIRE_OTCI", "cancelled": True},
        {"code": "IMMAT_NORMALE", "date": "2006-02-28"},
        {"code": "IMMAT_NORMALE_PREM_VO", "date": "2006-03-01"},
    ],
    "suspensions": [
        {
            "reason": "PVE",
            "date": "2013-01-02",
            "document_surrendered": True,
            "document_withdrawn": False,
        },
        {"reason": "AUTRE"},
    ],
    "oppositions": [
        {"kind": "otcis_pv", "date": "2014-06-01"},
        {"kind": "nouvelle", "date": "2014-06-02"},
        {"kind": "oveis"},
    ],
    "pledges": [{"date": "2012-12-12", "creditor": "BANQUE DU LAC"}, {}],
    "seizures": [{"date": "2012-11-11", "authority": "TR\u00c9SORERIE"}],
    "procedures": [
        {
            "number": "4567",
            "running": False,
            "declaration": {"date": "2013-01-02", "dangerous": True},
            "first_report": {
                "date": "2013-02-03",
                "expert": "001234",
                "dangerous": True,
                "repairable": True,
            },
            "second_report": {"expert": "001234"},
        },
        {"running": True, "declaration": {}},
    ],
    "holder_count": 0,
    "uncertain_origin": False,
    "claim_count": 2,
    "last_claim": "2013-01-02",
    "last_resolution": "2013-05-06",
    "fit_to_drive": True,
    "quality": ["date_unreadable:date_update", "holder_missing"],
    "extras": {
        "nouveau": {"liste": [1, -2, 3.5, "\u00e9", True, None]},
        "grand": 18446744073709551615,
        "petit": -9223372036854775808,
        "historique.0.ope_lieu": "AISNE",
    },
}
COMPANY_RECORD: Json = {
    "register": "FNI",
    "masked_plate": "9***AA**",
    "initials": {"company": "G. D. L.", "siren_prefix": "123"},
    "vehicle": {"make": "ROULLON", "genre": "REM", "max_laden_mass_kg": 500},
    "certificate_cancelled": True,
    "certificate_cancelled_on": "2019-11-21",
    "issue_date": "1849-12-31",
    "updated": "2019-11-22",
    "operations": [
        {"code": "RETRAIT_VOLONTAIRE"},
        {"code": "INSCRIPTION_GAGE", "date": "1990-01-01"},
    ],
    "holder_count": 3,
}

SEALED = [
    {
        "about": "a person's, with every part",
        "typed": {
            "register": "SIV",
            "plate": "AA-123-BB",
            "formula_number": "2015AB12345",
        },
        "holder": WOMAN,
        "record": PERSON_RECORD,
        "nonce": "000102030405060708090a0b",
        "generation": 0,
    },
    {
        "about": "a company's, without a first registration",
        "typed": {"register": "FNI", "plate": "9999 AA 99", "issue_date": "2001-01-18"},
        "holder": {"register": "FNI", **{k: FIRM[k] for k in ("company", "siren")}},
        "record": COMPANY_RECORD,
        "nonce": "f0f1f2f3f4f5f6f7f8f9fafb",
        "generation": 32767,
    },
]

# Two versions, one of which has no place in a byte, and the active one is not the first.
LINK_RING: Json = {
    "purpose": "site",
    "keys": [
        {
            "version": 1,
            "key": "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
            "active": False,
        },
        {
            "version": 300,
            "key": "YGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn8=",
            "active": True,
        },
    ],
}
SHARED_SIV = {"register": "SIV", "plate": "AA-123-BB", "formula_number": FORMULA}
SHARED_FNI = {"register": "FNI", "plate": "1234 AB 75", "issue_date": "2008-03-06"}


def _link(
    about: str, typed: Json, secret: str, owner_secret: str, **terms: int | None
) -> Json:
    return {
        "about": about,
        "typed": typed,
        "secret": secret,
        "owner_secret": owner_secret,
        "holder_tag": "a1b2c3d4e5f60718",
        "terms": terms,
        "capsule_nonce": "000102030405060708090a0b",
        "keepsake_nonce": "f0f1f2f3f4f5f6f7f8f9fafb",
        "label": "Pour l’acheteuse de jeudi",
        "label_nonce": "a0a1a2a3a4a5a6a7a8a9aaab",
    }


LINKS = [
    _link(
        "a SIV vehicle's, under the first key",
        SHARED_SIV,
        "00112233445566778899aabbccddeeff",
        "fedcba98765432100123456789abcdef",
        key_version=1,
        holder_key_version=1,
        created_at=1_793_000_000,
        expires_at=1_793_086_400,
        scope=0,
        max_openings=None,
    ),
    _link(
        "the same vehicle's, under the second key",
        SHARED_SIV,
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "fedcba98765432100123456789abcdef",
        key_version=300,
        holder_key_version=3,
        created_at=1_793_000_001,
        expires_at=1_795_592_001,
        scope=1,
        max_openings=3,
    ),
    _link(
        "an FNI vehicle's, under the first key",
        SHARED_FNI,
        "ffffffffffffffffffffffffffffffff",
        "80000000000000000000000000000001",
        key_version=1,
        holder_key_version=32767,
        created_at=4_294_967_296,
        expires_at=4_295_572_096,
        scope=1,
        max_openings=2_147_483_647,
    ),
    _link(
        "an FNI vehicle's, under the second key",
        SHARED_FNI,
        "00000000000000000000000000000000",
        "00112233445566778899aabbccddeeff",
        key_version=300,
        holder_key_version=3,
        created_at=1_793_000_000,
        expires_at=1_793_604_800,
        scope=0,
        max_openings=256,
    ),
]

RING = spec.Ring(RINGS["register"])
KEYS = spec.ReleaseKeys(RING, RELEASE)


INSPECTED_RELEASE: Json = {**RELEASE, "inspections_as_of": "2022-06-28"}


def _inspection(date: str, nature: str, result: str, mileage_km: int | None) -> Json:
    return {"date": date, "nature": nature, "result": result, "mileage_km": mileage_km}


INSPECTIONS: list[Json] = [
    {
        "about": "a failed test and the second visit, an old one",
        "typed": {"register": "SIV", "plate": "AA-123-BB", "formula_number": FORMULA},
        "inspections": {
            "inspections": [
                _inspection("2021-03-30", "CV", "A", 123_470),
                _inspection("2021-03-02", "VTP", "S", 123_456),
                _inspection("2019-03-05", "VTP", "A", 98_765),
                _inspection("2017-03-01", "VTP", "AP", None),
            ],
            "updated": "2021-03-31",
        },
        "generation": 0,
        "nonce": "c0c1c2c3c4c5c6c7c8c9cacb",
    },
    {
        "about": "every code, new ones, one day twice, before 1850",
        "typed": {"register": "FNI", "plate": "9999 AA 99", "issue_date": "2001-01-18"},
        "inspections": {
            "inspections": [
                _inspection("2022-01-10", "CVC", "X", 9_999_999),
                _inspection("2022-01-10", "VTC", "RP", 1),
                _inspection("2022-01-09", "Visite \u00e9tendue", "R", 200_000),
                _inspection("2012-12-31", "VTP", "SP", 150_000),
                _inspection("1849-12-31", "CV", "AB", None),
            ],
            "updated": None,
        },
        "generation": 3,
        "nonce": "d0d1d2d3d4d5d6d7d8d9dadb",
    },
    {
        "about": "none recorded",
        "typed": {"register": "SIV", "plate": "AB-404-CD", "formula_number": "05CD98765"},
        "inspections": {"inspections": [], "updated": "2022-06-28"},
        "generation": 0,
        "nonce": "e0e1e2e3e4e5e6e7e8e9eaeb",
    },
]  # fmt: skip


def identities() -> Json:
    for vector in IDENTITIES:
        encoded = spec.identity_bytes(
            vector["typed"]["register"], vector["plate"], vector["formula_or_date"]
        )
        vector["bytes"] = encoded.hex()
        vector["record_id"] = KEYS.record_id(encoded).hex()
        vector["record_key"] = KEYS.record_key(encoded).hex()
    return {"canonical": IDENTITIES, "unusable": UNUSABLE}


def holders() -> Json:
    for vector in HOLDERS:
        found = vector["holders"]
        vector["bytes"] = spec.holder_bytes(found).hex()
        vector["fingerprints"] = [spec.fingerprint(holder, KEYS) for holder in found]
        vector["tags"] = KEYS.holder_tags(found)
    return {"holders": HOLDERS, "typed": TYPED}


def keys() -> Json:
    rings = {name: spec.Ring(document) for name, document in RINGS.items()}
    subkeys = [
        {
            "ring": ring,
            "version": version,
            "label": label,
            "salt": salt,
            "length": length,
            "subkey": rings[ring]
            .subkey(version, label, bytes.fromhex(salt), length)
            .hex(),
        }
        for ring, version, label, salt, length in SUBKEYS
    ]
    return {"rings": RINGS, "subkeys": subkeys}


def release() -> Json:
    whole = {**RELEASE, "mac": spec.release_mac(RING, RELEASE).hex()}
    changes = [
        ("uuid", "0f1e2d3c-4b5a-4968-8776-655443322111"),
        ("label", "Extrait de juin 2022 – partiel"),
        ("as_of", "2022-07-01"),
        ("key_version", 3),
        ("salt", "01" + SALT[2:]),
        ("salt", SALT[:-2]),
        ("salt", SALT + "00"),
        ("salt", ""),
        ("manifest_sha256", MANIFEST[:-2] + "ff"),
        ("manifest_sha256", MANIFEST[:-2]),
        ("manifest_sha256", MANIFEST + "00"),
        ("manifest_sha256", ""),
        ("mac", "00" * 32),
        ("mac", whole["mac"][:-2]),
        ("mac", ""),
    ]
    changed = [
        {"changed": name, "release": {**whole, name: value}} for name, value in changes
    ]
    # One byte from the end of a value to the beginning of the next.
    for name, row, moved in (
        (
            "salt and manifest",
            {"salt": SALT},
            {"salt": SALT[:62], "manifest_sha256": SALT[62:] + MANIFEST},
        ),
        (
            "manifest and label",
            {"manifest_sha256": MANIFEST[:62] + "41", "label": "A"},
            {"manifest_sha256": MANIFEST[:62], "label": "AA"},
        ),
    ):
        tied = {**whole, **row}
        tied = {**tied, "mac": spec.release_mac(RING, tied).hex(), **moved}
        changed.append({"changed": name, "release": tied})
    return {"release": whole, "changed": changed}


def delta() -> Json:
    """Releases that deltas were applied to, with inspections and without."""
    third = {**RELEASE, "as_of": "2022-07-03", "edition": 3, "delta_sha256": DELTA}
    inspected = {**third, "inspections_as_of": "2022-07-02"}
    whole = _with_mac(inspected)
    changes = [
        ("as_of", "2022-07-02"),
        ("edition", 2),
        ("edition", 259),
        ("delta_sha256", DELTA[:-2] + "00"),
        ("delta_sha256", DELTA[:-2]),
        ("delta_sha256", MANIFEST),
        ("inspections_as_of", "2022-07-03"),
        ("inspections_as_of", None),
        ("label", RELEASE["label"] + "."),
    ]
    changed = [
        {"changed": name, "release": {**whole, name: value}} for name, value in changes
    ]
    # The day of inspections as the beginning of the label, and the reverse.
    joined = {
        **whole,
        "inspections_as_of": None,
        "label": "2022-07-02" + whole["label"],
    }
    before = _with_mac({**third, "label": "2022-07-02" + whole["label"]})
    parted = {**before, "inspections_as_of": "2022-07-02", "label": whole["label"]}
    undone = {k: v for k, v in whole.items() if k not in ("edition", "delta_sha256")}
    changed += [
        {"changed": "the day of inspections into the label", "release": joined},
        {"changed": "the label's beginning into the day", "release": parted},
        {"changed": "the deltas taken away", "release": undone},
    ]
    return {
        "releases": [
            {"about": "three deltas, with inspections", "release": whole},
            {"about": "three deltas, without", "release": _with_mac(third)},
        ],
        "changed": changed,
    }


def sealed() -> Json:
    number = codec.DICTIONARY
    content = (spec.DICTIONARIES / f"records-{number}.zdict").read_bytes()
    records = []
    for vector in SEALED:
        named = _identity(vector["typed"])
        found = spec.holders_of(vector["holder"])
        prints = [spec.fingerprint(holder, KEYS) for holder in found]
        tags = KEYS.holder_tags(found)
        frame = spec_frame(vector["record"], prints, tags)
        row = {
            "record_id": KEYS.record_id(named).hex(),
            "generation": vector["generation"],
            "dictionary": number,
        }
        nonce = bytes.fromhex(vector["nonce"])
        row["sealed"] = spec.seal(KEYS, named, row, spec.pad(frame), nonce).hex()
        records.append(
            {
                **vector,
                "fingerprints": prints,
                "tags": tags,
                "array": spec.with_hex(spec.array_of(vector["record"], prints, tags)),
                "frame": frame.hex(),
                "content": spec.pad(frame).hex(),
                "row": row,
            }
        )
    digest = hashlib.sha256(content).hexdigest()
    return {"dictionary": {"number": number, "sha256": digest}, "records": records}


def spec_frame(record: Json, prints: list[Json], tags: list[list[Any]]) -> bytes:
    """Return the compressed frame: the one thing that the package is asked for."""
    proof = HolderProof(
        tuple(msgspec.convert(_with_bytes(one), Fingerprint) for one in prints),
        tuple((version, bytes.fromhex(tag)) for version, tag in tags),
    )
    content = codec.encode(msgspec.convert(record, Record), proof)
    return codec.unpad(content)


def _with_bytes(fingerprint: Json) -> Json:
    return {
        "kind": fingerprint["kind"],
        "family": bytes.fromhex(fingerprint["family"]),
        "words": [bytes.fromhex(word) for word in fingerprint["words"]],
        "siren_tag": fingerprint["siren_tag"]
        and bytes.fromhex(fingerprint["siren_tag"]),
    }


def refusals(good: Json) -> list[Json]:
    vector = good["records"][0]
    row = vector["row"]
    whole = bytes.fromhex(row["sealed"])

    def refused(about: str, code: str, **changes: Any) -> Json:
        return {
            "about": about,
            "code": code,
            "typed": vector["typed"],
            "release": RELEASE,
            "row": row,
            **changes,
        }

    def flipped(place: int) -> Json:
        broken = bytearray(whole)
        broken[place] ^= 1
        return {**row, "sealed": broken.hex()}

    def cut(size: int) -> Json:
        return {**row, "sealed": whole[:size].hex()}

    found = [
        refused("format", "format", row=flipped(0)),
        refused("dictionary", "tag", row=flipped(1)),
        refused("nonce, first byte", "tag", row=flipped(2)),
        refused("nonce, last byte", "tag", row=flipped(13)),
        refused("ciphertext, first byte", "tag", row=flipped(14)),
        refused("ciphertext, last byte", "tag", row=flipped(-17)),
        refused("tag, first byte", "tag", row=flipped(-16)),
        refused("tag, last byte", "tag", row=flipped(-1)),
        *(
            refused(f"cut to {size} bytes", "length", row=cut(size))
            for size in (0, 1, 2, 14, 29)
        ),
        *(
            refused(f"cut to {size} bytes", "tag", row=cut(size))
            for size in (30, 31, len(whole) - 64, len(whole) - 1)
        ),
        refused("a byte more", "tag", row={**row, "sealed": row["sealed"] + "00"}),
        refused("another record id", "tag", row={**row, "record_id": "00" * 16}),
        refused("a shorter record id", "tag", row={**row, "record_id": "00" * 15}),
        refused("another generation", "tag", row={**row, "generation": 1}),
        refused("another release", "tag", release=_changed("uuid", "ff" * 16)),
        refused("another salt", "tag", release=_changed("salt", "ff" * 32)),
        refused("another key version", "tag", release=_changed("key_version", 3)),
        refused("another ring", "tag", ring=OTHER_RING),
        *(
            refused(f"another {name}", "tag", typed={**vector["typed"], name: value})
            for name, value in (
                ("plate", "AA-123-BC"),
                ("formula_number", "2015AB12346"),
            )
        ),
        refused(
            "another register",
            "tag",
            typed={"register": "FNI", "plate": "AA-123-BB", "issue_date": "2015-03-02"},
        ),
        refused("the row of another vehicle", "tag", row=good["records"][1]["row"]),
    ]
    named = _identity(vector["typed"])
    nonce = bytes.fromhex(vector["nonce"])
    for about, code, number, content in _broken_contents(vector):
        broken = {**row, "dictionary": number}
        broken["sealed"] = spec.seal(KEYS, named, broken, content, nonce).hex()
        found.append(refused(f"sealed as it should be: {about}", code, row=broken))
    return found


def _broken_contents(vector: Json) -> list[tuple[str, str, int, bytes]]:
    number = vector["row"]["dictionary"]
    frame = bytes.fromhex(vector["frame"])
    content = bytes.fromhex(vector["content"])
    array = spec.array_of(vector["record"], vector["fingerprints"], vector["tags"])
    other_size = spec.u16(len(frame) + 1) + content[2:]

    def placed(place: int, value: Any) -> bytes:
        return _framed(
            number,
            spec.u8(1) + spec.packed([*array[:place], value, *array[place + 1 :]]),
        )

    layout = _framed(number, spec.u8(2) + spec.packed(array))
    good = spec.u8(1) + spec.packed(array)
    bomb = spec.u8(1) + bytes(spec.OPENED_MAX)
    parts = [
        ("nothing inside", "padding", b""),
        ("one byte", "padding", b"\x00"),
        ("a length over the content", "padding", b"\xff\xff" + content[2:]),
        ("a length of one more", "frame", other_size),
        ("a length of one less", "padding", spec.u16(len(frame) - 1) + content[2:]),
        ("a byte in the padding", "padding", content[:-1] + b"\x01"),
        ("64 bytes of padding more", "padding", content + bytes(64)),
        ("no padding", "padding", spec.u16(len(frame)) + frame),
        ("no frame", "frame", spec.pad(b"")),
        ("a frame cut short", "frame", spec.pad(frame[:-1])),
        ("two frames", "frame", spec.pad(frame + frame)),
        ("bytes that are no frame", "frame", spec.pad(b"\xff" * 40)),
        ("a frame with its magic number", "frame", spec.pad(b"\x28\xb5\x2f\xfd" + frame)),
        ("a frame without size", "content size", _framed(number, good, size=False)),
        ("a frame of 64 KiB and a byte", "size", _framed(number, bomb)),
        ("the same without its size", "size", _framed(number, bomb, size=False)),
        ("a frame of 16 MiB", "size", _framed(number, bytes(2**24))),
        ("an empty frame", "layout", _framed(number, b"")),
        ("layout version 2", "layout", layout),
        ("layout version alone", "messagepack", _framed(number, b"\x01")),
        ("an array cut short", "messagepack", _framed(number, good[:-1])),
        ("a byte after the array", "messagepack", _framed(number, good + b"\xc0")),
        ("a code that MessagePack lacks", "messagepack", _framed(number, b"\x01\xc1")),
        ("59 places", "types", _framed(number, b"\x01" + spec.packed(array[:-1]))),
        ("61 places", "types", _framed(number, b"\x01" + spec.packed([*array, None]))),
        ("a map for the array", "types", _framed(number, b"\x01\x80")),
        ("a number for the array", "types", _framed(number, b"\x01\x05")),
        ("a register that is none", "types", placed(0, 2)),
        ("a register below zero", "types", placed(0, -1)),
        ("text for a flag", "types", placed(1, "OUI")),
        ("a number for text", "types", placed(11, 5)),
        ("text for a number", "types", placed(19, "1850")),
        ("an operation that is none", "types", placed(39, [9999])),
        ("an operation below zero", "types", placed(39, [-1])),
        ("nil for the rare parts", "types", placed(40, None)),
        ("a rare part that is none", "types", placed(40, {99: [1]})),
        ("a date out of the calendar", "date", placed(43, 2**40)),
        ("text for a date", "types", placed(44, "2015-03-02")),
        ("more days than operations", "types", placed(54, [1])),
        ("nil for the plate", "types", placed(55, None)),
        ("a holder that is none", "types", placed(58, [[3, b"", b"", None]])),
    ]  # fmt: skip
    found = [(about, code, number, broken) for about, code, broken in parts]
    # Out of reach of the associated data: the sealer itself named it.
    found.append(("a dictionary that is none", "dictionary", 200, content))
    return found


def _framed(number: int, opened: bytes, size: bool = True) -> bytes:
    """Return content whose frame opens to these bytes."""
    path = spec.DICTIONARIES / f"records-{number}.zdict"
    parameters = zstandard.ZstdCompressionParameters.from_level(
        3,
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_dict_id=False,
        write_content_size=size,
    )
    compressor = zstandard.ZstdCompressor(
        dict_data=zstandard.ZstdCompressionDict(path.read_bytes()),
        compression_params=parameters,
    )
    return spec.pad(compressor.compress(opened))


def links() -> Json:
    ring = spec.Ring(LINK_RING)
    return {
        "ring": LINK_RING,
        "links": [{**vector, **spec.link(ring, vector)} for vector in LINKS],
    }


def inspections(record_content: str) -> Json:
    number = codec.DICTIONARY
    whole = _with_mac(INSPECTED_RELEASE)
    keys = spec.InspectionKeys(RING, whole)
    vectors = []
    for vector in INSPECTIONS:
        plate, formula_or_date = spec.identity(vector["typed"])
        named = _identity(vector["typed"])
        frame = codec.unpad(
            codec.compress(
                codec.pack_inspections(
                    msgspec.convert(vector["inspections"], Inspections)
                )
            )
        )
        row = {
            "record_id": keys.record_id(named).hex(),
            "generation": vector["generation"],
            "dictionary": number,
        }
        nonce = bytes.fromhex(vector["nonce"])
        row["sealed"] = spec.seal(keys, named, row, spec.pad(frame), nonce).hex()
        vectors.append(
            {
                **vector,
                "plate": plate,
                "formula_or_date": formula_or_date,
                "record_key": keys.record_key(named).hex(),
                "array": spec.inspections_array_of(vector["inspections"]),
                "frame": frame.hex(),
                "content": spec.pad(frame).hex(),
                "row": row,
            }
        )
    return {
        "release": whole,
        "changed": _changed_dates(whole),
        "inspections": vectors,
        "refusals": _broken_inspections(vectors[0]["array"], record_content),
    }


def _with_mac(row: Json) -> Json:
    return {**row, "mac": spec.release_mac(RING, row).hex()}


def _changed_dates(whole: Json) -> list[Json]:
    without = {**whole, "inspections_as_of": None}
    ends_alike = _with_mac({**without, "label": whole["label"] + "2022-06-28"})
    rows = [
        ("the day of inspections", {**whole, "inspections_as_of": "2022-06-29"}),
        ("the day taken away", without),
        ("a day where there was none", {**_with_mac(without), "inspections_as_of": "2022-06-28"}),
        (
            "the end of the label as the day",
            {**ends_alike, "label": whole["label"], "inspections_as_of": "2022-06-28"},
        ),
        (
            "the day as the end of the label",
            {**without, "label": whole["label"] + "2022-06-28"},
        ),
    ]  # fmt: skip
    return [{"changed": changed, "release": row} for changed, row in rows]


def _broken_inspections(array: list[Any], record_content: str) -> list[Json]:
    number = codec.DICTIONARY

    def placed(place: int, value: Any) -> bytes:
        changed = [*array[:place], value, *array[place + 1 :]]
        return _framed(number, b"\x81" + spec.packed(changed))

    good = b"\x81" + spec.packed(array)
    parts = [
        ("a record", "layout", bytes.fromhex(record_content)),
        ("layout version 1 of records", "layout", _framed(number, b"\x01" + good[1:])),
        ("layout version 2 of inspections", "layout", _framed(number, b"\x82" + good[1:])),
        ("nothing inside", "padding", b""),
        ("no frame", "frame", spec.pad(b"")),
        ("an empty frame", "layout", _framed(number, b"")),
        ("a frame of 64 KiB and a byte", "size", _framed(number, b"\x81" + bytes(2**16))),
        ("layout version alone", "messagepack", _framed(number, b"\x81")),
        ("an array cut short", "messagepack", _framed(number, good[:-1])),
        ("a byte after the array", "messagepack", _framed(number, good + b"\xc0")),
        ("four places", "types", _framed(number, b"\x81" + spec.packed(array[:-1]))),
        ("six places", "types", _framed(number, b"\x81" + spec.packed([*array, None]))),
        ("a map for the array", "types", _framed(number, b"\x81\x80")),
        ("text for the day of the source", "types", placed(0, "2021-03-31")),
        ("fewer days than inspections", "types", placed(1, array[1][:-1])),
        ("more days than inspections", "types", placed(1, [*array[1], 1])),
        ("nil for a day", "types", placed(1, [*array[1][:-1], None])),
        ("a day out of the calendar", "date", placed(1, [2**40, *array[1][1:]])),
        ("days back out of the calendar", "date", placed(1, [*array[1][:-1], 10**6])),
        ("the source's day out of the calendar", "date", placed(0, 2**40)),
        ("a nature that is none", "types", placed(2, [4, 0, 0, 0])),
        ("a nature below zero", "types", placed(2, [-1, 0, 0, 0])),
        ("nil for a nature", "types", placed(2, [None, 0, 0, 0])),
        ("a result that is none", "types", placed(3, [7, 0, 0, 0])),
        ("bytes for a result", "types", placed(3, [b"A", 0, 0, 0])),
        ("a mileage of zero", "types", placed(4, [0, 1, 1, 1])),
        ("text for a mileage", "types", placed(4, ["1", 1, 1, 1])),
        ("a mileage too few", "types", placed(4, array[4][:2])),
    ]  # fmt: skip
    return [
        {"about": about, "dictionary": number, "content": content.hex(), "code": code}
        for about, code, content in parts
    ]


def _changed(name: str, value: Any) -> Json:
    return {**RELEASE, name: value}


def _identity(typed: Json) -> bytes:
    return spec.identity_bytes(typed["register"], *spec.identity(typed))


def main() -> int:
    good = sealed()
    files: dict[str, Any] = {
        "identities": identities(),
        "holders": holders(),
        "keys": keys(),
        "release": release(),
        "delta": delta(),
        "sealed": good,
        "refusals": refusals(good),
        "links": links(),
        "inspections": inspections(good["records"][0]["content"]),
    }
    spec.VECTORS.mkdir(exist_ok=True)
    for name, content in files.items():
        path = spec.VECTORS / f"{name}.json"
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
        print(f"{path.name}: {path.stat().st_size} bytes")
    return spec.main()


if __name__ == "__main__":
    sys.exit(main())
