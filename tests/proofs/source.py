"""What the record of a line must hold, restated from SPEC.md section 1 and read with the
standard library: no line of what reads the feed is used here.

The names of holders are those of the second derivation, `confirm_vectors`.
"""

import csv
import datetime as dt
import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.pseudonymizer import confirm_vectors

Json = dict[str, Any]

# The rubrics of the certificate and what stands beside them: key of `v` → field.
TEXTS = {
    "marque": "make", "tvv": "variant", "num_cnit": "cnit", "nom_commercial": "model",
    "vin": "vin", "couleur": "colour", "type_reception": "approval_type",
    "cveh_num_reception": "approval_number",
    "CTEC_RLIB_POLLUTION": "environment_class",
}  # fmt: skip
CODES = {
    "CTEC_RLIB_CATEGORIE": "eu_category", "CTEC_RLIB_GENRE": "genre",
    "CTEC_RLIB_CARROSSERIE_CE": "eu_body", "CTEC_RLIB_CARROSSERIE_NAT": "body",
    "CTEC_RLIB_ENERGIE": "energy",
}  # fmt: skip
NUMBERS = {
    "pt_tech_adm_f1": "max_technical_mass_kg", "ptac_f2": "max_laden_mass_kg",
    "ptra_f3": "max_train_mass_kg", "pt_service_g": "mass_in_service_kg",
    "ptav_g1": "unladen_mass_kg", "CTEC_CYLINDREE": "displacement_cm3",
    "CTEC_PUISSANCE_NETTE": "net_power_kw", "CTEC_PUISS_CV": "fiscal_power_cv",
    "CTEC_RAPPORT_PUIS_MASSE": "power_to_mass", "CTEC_PLACES_ASSISES": "seats",
    "CTEC_PLACES_DEBOUT": "standing_places", "CTEC_NIVEAU_SONORE": "noise_db",
    "CTEC_VITESSE_MOTEUR": "noise_engine_speed", "CTEC_CO2": "co2_g_km",
}  # fmt: skip
WHOLE = {"CTEC_PLACES_ASSISES", "CTEC_PLACES_DEBOUT", "nb_titulaires", "nb_sinistres"}
COUNTS = {"nb_titulaires": "holder_count", "nb_sinistres": "claim_count"}
FLAGS = {
    "pers_locataire": "leased", "annulation_ci": "certificate_cancelled",
    "perte_ci": "certificate_lost", "ci_vole": "certificate_stolen",
    "duplicata": "certificate_duplicate", "vehicule_vole": "vehicle_stolen",
    "import": "imported", "is_incertain": "uncertain_origin",
    "is_apte_a_circuler": "fit_to_drive",
}  # fmt: skip
DATES = {
    "date_annulation_ci": "certificate_cancelled_on",
    "date_premiere_immat": "first_registration", "date_emission_CI": "issue_date",
    "date_premiere_immat_siv": "first_registration_siv",
    "dos_date_conversion_siv": "siv_conversion",
    "dos_date_derniere_modif": "last_change", "date_update": "updated",
    "date_import_france": "import_date",
    "date_premiere_immat_etranger": "first_registration_abroad",
    "date_dernier_sinistre": "last_claim", "date_derniere_resolution":
    "last_resolution",
}  # fmt: skip
OTHER_TEXTS = {
    "adr_code_postal_tit": "postal_code", "imp_imp_pays": "origin_code",
    "pays_import": "origin_name",
}  # fmt: skip
NOT_KEPT = {
    "utac_id", "pers_nom_naissance_tit", "pers_prenom_tit", "pers_raison_soc_tit",
    "pers_siren_tit", "imp_imp_immat", "age_certificat", "logo_genre", "critair",
    "is_fni", "is_fni_converti", "has_pve",
}  # fmt: skip
COLUMNS = {
    "v", "plaq_immat", "numero_formule", "date_emission_CI", "pers_raison_soc_tit",
    "pers_siren_tit", "pers_nom_naissance_tit", "pers_prenom_tit", "utac_ask_ct", "vin",
}  # fmt: skip

_PLACEHOLDERS = {
    "INCONNU", "INCONNUE", "NON DEFINI", "SANS", "NEANT", "0", "00", "000", "-", "."
}  # fmt: skip

# What `v` looks like: a text, a number or a whole one; None is kept as it is nowhere.
_EVENT = dict.fromkeys(
    ("opa_type", "opa_date", "ope_date_annul", "id_pve", "num_agree"), "text"
)
_STEP = dict.fromkeys(("date", "num_agree", "dangereux", "tech_reparable"), "text")
_SHAPE: Json = {
    **dict.fromkeys((*TEXTS, *CODES, *FLAGS, *DATES, *OTHER_TEXTS), "text"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(WHOLE, "whole"),
    "plaq_immat": "text",
    "usage": ["text"],
    "historique": [_EVENT],
    "new_historique": [_EVENT],
    "sit_adm": {
        "suspensions": [
            dict.fromkeys(("date", "motif", "remise_titre", "retrait_titre"), "text")
        ],
        "opposition": {"*": [{"date": "text"}]},
        "gages": [dict.fromkeys(("date", "nom_creancier"), "text")],
        "dvs": [dict.fromkeys(("date", "dvs_autorite"), "text")],
    },
    "pve": [
        {"id_pve": "text", "en_cours": "text"}
        | dict.fromkeys(("decl", "prem", "deux"), _STEP)
    ],
}

# Each of the encodings, and whether its moment is UTC.
_ISO = r"(\d{4}-\d\d-\d\d)"
_TIME = _ISO + r"[T ](\d\d):\d\d:\d\d"
_ENCODINGS = [
    (re.compile(pattern, re.ASCII), is_utc)
    for pattern, is_utc in (
        (_TIME + r"(?:\.\d+)?Z", True),
        (_TIME, True),
        (_TIME + r"\.\d+(?:[+-]\d{0,2})?", False),
        (_TIME + r"[+-]\d\d(?::?\d\d)?", False),
        (_ISO, False),
    )
]
_FRENCH = re.compile(r"(\d\d)/(\d\d)/(\d{4})", re.ASCII)
_PARIS = ZoneInfo("Europe/Paris")


class NoRecord(Exception):
    """The line has to be a reject; `code` is that of SPEC.md."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Unreadable(Exception):
    pass


@dataclass(frozen=True)
class Line:
    """One line of one file: line 1 is the header. Without columns when it has not as
    many cells as the header."""

    file: str
    number: int
    columns: dict[str, str] = field(repr=False)


@dataclass
class Expected:
    """What the line's record must hold; dates as ISO texts, sequences as lists."""

    identity: tuple[str, str, str]  # register, plate, formula number or ISO date
    holders: list[Json]
    document: Json
    quality: list[str] = field(default_factory=list)
    extras: Json = field(default_factory=dict)


def lines(folder: Path) -> Iterator[Line]:
    """Yield the lines of every file of registrations, in the feed's order."""
    csv.field_size_limit(2**24)
    for path in sorted(folder.glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=";")
            header = next(rows)
            if "controles_techniques" in header:
                continue
            for number, row in enumerate(rows, 2):
                is_whole = len(row) == len(header)
                columns = dict(zip(header, row, strict=True)) if is_whole else {}
                yield Line(path.name, number, columns)


def day(text: str) -> str | None:
    """Return the day in France, ISO; None for no date. Raises _Unreadable."""
    if not text:
        return None
    try:
        if match := _FRENCH.fullmatch(text):
            found = dt.date(*map(int, reversed(match.groups())))
        else:
            found = _iso_day(text)
    except ValueError as exc:
        raise _Unreadable from exc
    return None if found == dt.date(1900, 1, 1) else found.isoformat()


def _iso_day(text: str) -> dt.date:
    for pattern, is_utc in _ENCODINGS:
        if match := pattern.fullmatch(text):
            written = dt.date.fromisoformat(match[1])
            if not is_utc:
                return written
            hour = dt.time(int(match[2]), tzinfo=dt.UTC)
            return dt.datetime.combine(written, hour).astimezone(_PARIS).date()
    raise _Unreadable


def expected(line: Line) -> Expected:
    """Raises NoRecord for a line that can have none."""
    columns = line.columns
    if not columns:
        raise NoRecord("ragged_row")
    identity = _identity(columns)
    try:
        facts = json.loads(columns["v"], strict=False)
    except (ValueError, RecursionError) as exc:
        raise NoRecord("facts_unreadable") from exc
    if not isinstance(facts, dict):
        raise NoRecord("facts_unreadable")
    found = Expected(identity, [], {})
    kept = _Shaping(found).shaped(facts, _SHAPE, "")
    if columns.get("vin", "").strip():
        kept["vin"] = columns["vin"]
    if identity[0] == "FNI":
        kept["date_emission_CI"] = columns["date_emission_CI"]
    initials = _holders(columns, found)
    found.document = _Reading(kept, found.quality).document() | {
        "register": identity[0],
        "masked_plate": _masked(kept.get("plaq_immat") or "", columns["plaq_immat"]),
        "initials": initials,
        "extras": found.extras,
    }
    flag = _Reading(columns, found.quality).flag("utac_ask_ct")
    found.document["subject_to_inspection"] = flag
    found.document["quality"] = sorted(found.quality)
    return found


def _identity(columns: dict[str, str]) -> tuple[str, str, str]:
    try:
        plate = confirm_vectors.identifier(columns["plaq_immat"], "plate")
        if "numero_formule" in columns:
            number = columns["numero_formule"]
            number = confirm_vectors.identifier(number, "formula_number")
            return "SIV", plate, number
    except confirm_vectors.Refused as exc:
        raise NoRecord(exc.code) from exc
    try:
        issued = day(columns["date_emission_CI"])
    except _Unreadable as exc:
        raise NoRecord("issue_date_unreadable") from exc
    if issued is None:
        raise NoRecord("issue_date_missing")
    return "FNI", plate, issued


def _masked(in_facts: str, plate: str) -> str:
    if "*" in in_facts:
        return in_facts
    first, *others = re.split(r"(?<=\d)", plate.strip().upper(), maxsplit=1)
    return first + "".join(re.sub(r"\d", "*", rest) for rest in others)


def _holders(columns: dict[str, str], found: Expected) -> Json:
    """Set the holders, and return their initials."""
    company = columns["pers_raison_soc_tit"].strip()
    family = columns["pers_nom_naissance_tit"]
    given = columns["pers_prenom_tit"]
    register = found.identity[0]
    shown = dict.fromkeys(("family", "given", "company", "siren_prefix"))
    if max(map(len, (company, family, given))) > 1000:
        found.quality += ("implausible:holder", "holder_missing")
        return shown
    if company:
        try:
            number = confirm_vectors.siren(columns["pers_siren_tit"])
        except confirm_vectors.Refused:
            number = None
            found.quality.append("siren_unreadable:pers_siren_tit")
        typed = {"register": register, "company": company, "siren": number or ""}
        found.holders = confirm_vectors.holders_of(typed)
        if found.holders:
            prefix = number[:3] if number else None
            return shown | {"company": _initials(company), "siren_prefix": prefix}
    person = {"register": register, "family_name": family, "given_names": given}
    found.holders = confirm_vectors.holders_of(person)
    if register == "SIV":
        found.holders = [h for h in found.holders if h["family"] or h["words"]]
        shown["given"] = _initials(given)
    if not found.holders:
        found.quality.append("holder_missing")
    return shown | {"family": _initials(family)}


def _initials(text: str) -> str | None:
    words = [w for w in confirm_vectors.fold(text).split() if not w.isdigit()]
    return " ".join(word[0] + "." for word in words[:4]) or None


class _Shaping:
    """Parts what has a field from what is unknown (extras) or of another type."""

    def __init__(self, found: Expected) -> None:
        self._found = found

    def shaped(self, value: Any, shape: Any, path: str) -> Any:
        if value is None:
            return None
        if isinstance(shape, dict) and isinstance(value, dict):
            kept = {}
            for key, inner in value.items():
                where = f"{path}.{key}" if path else key
                if "*" in shape and isinstance(inner, list) and _is_text(key):
                    kept[key] = self.shaped(inner, shape["*"], where)
                elif key in shape and "*" not in shape:
                    kept[key] = self.shaped(inner, shape[key], where)
                elif path or key not in NOT_KEPT:
                    self._extra(inner, where)
            return kept
        if isinstance(shape, list) and isinstance(value, list):
            parts = (
                self.shaped(inner, shape[0], f"{path}.{place}")
                for place, inner in enumerate(value)
            )
            return [part for part in parts if part is not None]
        if isinstance(shape, str) and (read := _plain(value, shape)) is not None:
            return read
        self._unreadable(path)
        return None

    def _extra(self, value: Any, path: str) -> None:
        if _is_kept(value) and _is_text(path):
            self._found.extras[path] = value
        else:
            self._unreadable(path)

    def _unreadable(self, path: str) -> None:
        escaped = path.encode("utf-8", "backslashreplace").decode()
        self._found.quality.append(f"type_unreadable:{escaped}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _is_kept(value: Any, depth: int = 16) -> bool:
    if isinstance(value, list):
        return depth > 0 and all(_is_kept(inner, depth - 1) for inner in value)
    if isinstance(value, dict):
        keys = all(map(_is_text, value))
        return (
            keys and depth > 0 and all(_is_kept(v, depth - 1) for v in value.values())
        )
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return value is None or _is_text(value)


def _plain(value: Any, shape: str) -> Any:
    """Return the value as what it should be, None when it is none."""
    is_number = type(value) in (int, float) and math.isfinite(value)
    if shape == "text":
        if is_number:
            return str(value)
        return value if _is_text(value) else None
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        value, is_number = json.loads(value), True
    if not is_number:
        return None
    if shape == "whole":
        return int(value) if value == int(value) else None
    return value


class _Reading:
    """What has a field, read by the rules of section 1."""

    def __init__(self, facts: Json, quality: list[str]) -> None:
        self._facts = facts
        self._quality = quality

    def document(self) -> Json:
        facts = self._facts
        vehicle: Json = {}
        vehicle |= {name: known(facts.get(key)) for key, name in TEXTS.items()}
        vehicle |= {name: code(facts.get(key)) for key, name in CODES.items()}
        vehicle |= {name: self.number(key) for key, name in NUMBERS.items()}
        situation = facts.get("sit_adm") or {}
        return {
            "vehicle": vehicle,
            **{name: known(facts.get(key)) for key, name in OTHER_TEXTS.items()},
            **{name: self.flag(key) for key, name in FLAGS.items()},
            **{name: self.day(facts.get(key), key) for key, name in DATES.items()},
            **{name: self.count(key) for key, name in COUNTS.items()},
            "usages": facts.get("usage") or [],
            "operations": [self._operation(event) for event in self._events()],
            "suspensions": [
                {
                    "reason": one.get("motif") or "",
                    "date": self.day(one.get("date"), f"{_SUSPENSIONS}.date"),
                    "document_surrendered": self.flag(
                        "remise_titre", one, f"{_SUSPENSIONS}."
                    ),
                    "document_withdrawn": self.flag(
                        "retrait_titre", one, f"{_SUSPENSIONS}."
                    ),
                }
                for one in situation.get("suspensions") or ()
            ],
            "oppositions": [
                {
                    "kind": kind,
                    "date": self.day(one.get("date"), f"sit_adm.opposition.{kind}"),
                }
                for kind, dated in (situation.get("opposition") or {}).items()
                for one in dated
            ],
            "pledges": [
                {
                    "date": self.day(one.get("date"), "sit_adm.gages.date"),
                    "creditor": known(one.get("nom_creancier")),
                }
                for one in situation.get("gages") or ()
            ],
            "seizures": [
                {
                    "date": self.day(one.get("date"), "sit_adm.dvs.date"),
                    "authority": known(one.get("dvs_autorite")),
                }
                for one in situation.get("dvs") or ()
            ],
            "procedures": [
                {
                    "number": known(one.get("id_pve")),
                    "running": self.flag("en_cours", one, "pve."),
                    "declaration": self._step(one, "decl"),
                    "first_report": self._step(one, "prem"),
                    "second_report": self._step(one, "deux"),
                }
                for one in facts.get("pve") or ()
            ],
        }

    def day(self, text: str | None, name: str) -> str | None:
        try:
            return day(text or "")
        except _Unreadable:
            self._quality.append(f"date_unreadable:{name}")
            return None

    def flag(
        self, key: str, facts: Json | None = None, within: str = "", as_: str = ""
    ) -> bool | None:
        text = (self._facts if facts is None else facts).get(key)
        if text and text not in ("OUI", "NON"):
            self._quality.append(f"boolean_unreadable:{as_ or within + key}")
        return {"OUI": True, "NON": False}.get(text or "")

    def number(self, key: str) -> int | float | None:
        value = self._facts.get(key)
        if not value:
            return None
        assert isinstance(value, int | float)
        if value < 0:
            self._quality.append(f"negative:{key}")
        elif value > (200 if key == "CTEC_NIVEAU_SONORE" else 10**9):
            self._quality.append(f"implausible:{key}")
        else:
            return value
        return None

    def count(self, key: str) -> int | None:
        return 0 if self._facts.get(key) == 0 else self.number(key)  # type: ignore[return-value]

    def _step(self, procedure: Json, key: str) -> Json | None:
        one = procedure.get(key)
        if one is None:
            return None
        name = f"pve.{key}"
        return {
            "date": self.day(one.get("date"), name),
            "expert": known(one.get("num_agree")),
            "dangerous": self.flag("dangereux", one, as_=name),
            "repairable": self.flag("tech_reparable", one, as_=name),
        }

    def _events(self) -> list[Json]:
        exact = self._facts.get("historique") or []
        other = self._facts.get("new_historique") or []
        if not exact or not other:
            return exact or other
        if [e.get("opa_type") for e in exact] != [e.get("opa_type") for e in other]:
            self._quality.append("histories_differ:new_historique")
            return exact
        experts = [e.get("num_agree") for e in other]
        return [
            event | ({"num_agree": expert} if expert else {})
            for event, expert in zip(exact, experts, strict=True)
        ]

    def _operation(self, event: Json) -> Json:
        cancelled = event.get("ope_date_annul")
        return {
            "code": event.get("opa_type") or "",
            "date": self.day(event.get("opa_date"), "historique.opa_date"),
            "cancelled": bool(cancelled),
            "cancelled_on": self.day(cancelled, "historique.ope_date_annul"),
            "procedure": known(event.get("id_pve")),
            "expert": known(event.get("num_agree")),
        }


_SUSPENSIONS = "sit_adm.suspensions"


def known(text: str | None) -> str | None:
    stripped = (text or "").strip()
    return None if stripped in _PLACEHOLDERS else stripped or None


def code(text: str | None) -> str | None:
    return (text or "").strip() or None


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value that holds no other, with its path; an empty one is one."""
    if value and isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in inside:
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def differences(wanted: Any, held: Any) -> list[str]:
    """Return the path of each value that one has and the other has not, or otherwise.

    1, 1.0 and True are three values here.
    """
    a, b = dict(leaves(wanted)), dict(leaves(held))
    return sorted(
        path
        for path in a.keys() | b.keys()
        if path not in a
        or path not in b
        or type(a[path]) is not type(b[path])
        or a[path] != b[path]
    )


def ledger(line: Line) -> Counter[str]:
    """Count where each value of the line's `v` has to be found."""
    found: Counter[str] = Counter()
    for key, value in json.loads(line.columns["v"], strict=False).items():
        for path, leaf in leaves(value, key):
            found[_place(key, path, leaf)] += 1
    return found


def _place(key: str, path: str, leaf: Any) -> str:
    if key in NOT_KEPT:
        return "not kept"
    shape: Any = _SHAPE
    for part in path.split("."):
        if isinstance(shape, list) and part.isdecimal():
            shape = shape[0]
        elif isinstance(shape, dict):
            shape = shape.get("*") or shape.get(part)
        else:
            shape = None
    if shape is None:
        return "in extras"
    if leaf in ("", [], {}, None):
        return "empty"
    if key == "new_historique" and not path.endswith(".num_agree"):
        return "read where historique has it not"
    if shape == "text" and (path in TEXTS or path in OTHER_TEXTS) and not known(leaf):
        return "unknown by rule: placeholder"
    if shape in ("number", "whole") and not leaf and key not in COUNTS:
        return "unknown by rule: 0"
    if path in DATES and leaf == "01/01/1900":
        return "unknown by rule: 01/01/1900"
    return "kept"


def unsourced(line: Line, held: Json) -> list[str]:
    """Return the path of each text, number and day of the record that its line does
    not hold, whatever the rules say: a day may be one off what is written (UTC)."""
    facts = dict(leaves(json.loads(line.columns["v"], strict=False)))
    values = [*facts.values(), *line.columns.values()]
    texts = {str(value).strip() for value in values}
    keys = {part for path in facts for part in path.split(".")}
    numbers = {value for value in values if type(value) in (int, float)}
    days = set()
    for text in texts:
        if match := _FRENCH.match(text):
            days.add("-".join(reversed(match.groups())))
        elif match := re.match(_ISO, text):
            days.add(match[1])
    strange = []
    for path, value in leaves(held):
        first, last = path.split(".")[0], path.split(".")[-1]
        # Made by a rule, and compared by it: what cannot be in the line as it is.
        if first in ("register", "quality", "initials", "masked_plate", "extras"):
            continue
        if isinstance(value, bool) or value in (None, [], {}):
            continue
        if isinstance(value, int | float):
            is_there = value in numbers or str(value) in texts
        elif re.fullmatch(_ISO, value):
            written = dt.date.fromisoformat(value)
            around = (written - dt.timedelta(1), written)
            is_there = any(one.isoformat() in days for one in around)
        else:
            is_there = value in texts or (last == "kind" and value in keys)
        if not is_there:
            strange.append(path)
    return strange
