"""A second derivation of every value in vectors/*.json, from SPEC.md alone.

It uses PyCryptodome, unicodedata, zstandard for opening frames, and no line of the
package. `python -m tests.pseudonymizer.confirm_vectors` prints what differs.
"""

import base64
import datetime as dt
import hashlib
import itertools
import json
import re
import struct
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zstandard
from Crypto.Cipher import AES
from Crypto.Hash import HMAC, SHA256
from Crypto.Protocol.KDF import HKDF

VECTORS = Path(__file__).with_name("vectors")
DICTIONARIES = Path(__file__).parents[2] / "pseudonymizer" / "dictionaries"

Json = dict[str, Any]


class Refused(Exception):
    """A value that SPEC.md refuses; `code` is its own, or what is wrong."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# Section 2: identity

APOSTROPHES = {
    0x0027, 0x2019, 0x2018, 0x02BC, 0x0060, 0x00B4, 0x2032, 0x201B, 0xFF07, 0x1FEF,
    0x1FFD,
}  # fmt: skip
LETTERS = {
    "œ": "OE", "Œ": "OE", "æ": "AE", "Æ": "AE", "ß": "SS", "ẞ": "SS", "ø": "O",
    "Ø": "O", "ł": "L", "Ł": "L", "đ": "D", "Đ": "D", "ð": "D", "Ð": "D", "þ": "TH",
    "Þ": "TH", "ı": "I", "ħ": "H", "Ħ": "H", "ŋ": "N", "Ŋ": "N", "ĸ": "K", "ŧ": "T",
    "Ŧ": "T",
}  # fmt: skip


def fold(text: str) -> str:
    kept = "".join(c for c in text if ord(c) not in APOSTROPHES)
    decomposed = unicodedata.normalize("NFKD", kept)
    replaced = "".join(LETTERS.get(c, c) for c in decomposed).upper()
    shown = [c for c in replaced if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    plain = "".join(c if re.match("[A-Z0-9]", c) else " " for c in shown)
    return " ".join(plain.split())


def identifier(text: str, what: str) -> str:
    letters = fold(text).replace(" ", "").replace("O", "0").replace("I", "1")
    if not letters:
        raise Refused(f"{what}_missing")
    if len(letters) > 32:
        raise Refused(f"{what}_too_long")
    return letters


def identity(typed: Json) -> tuple[str, str]:
    """Return plate and formula number or issue date, canonical."""
    plate = identifier(typed["plate"], "plate")
    if typed["register"] == "SIV":
        return plate, identifier(typed["formula_number"], "formula_number")
    return plate, dt.date.fromisoformat(typed["issue_date"]).isoformat()


def identity_bytes(register: str, plate: str, formula_or_date: str) -> bytes:
    return (
        u8(1)
        + u8({"SIV": 1, "FNI": 2}[register])
        + u8(len(plate))
        + plate.encode("ascii")
        + u8(len(formula_or_date))
        + formula_or_date.encode("ascii")
    )


# Section 3: holders

TITLES = {
    "M", "MR", "MM", "MME", "MMES", "MLE", "MLLE", "MONSIEUR", "MADAME",
    "MADEMOISELLE",
}  # fmt: skip
PARTICLES = {
    "D", "DE", "DU", "DES", "LE", "LA", "LES", "L", "DA", "DO", "DOS", "DAS", "DI",
    "DEL", "DELLA", "VAN", "VON", "DER", "DEN", "EL", "AL", "BEN", "AIT", "SAINT",
    "SAINTE", "MC", "MAC", "O",
}  # fmt: skip
LEGAL_FORMS = {
    "SA", "SAS", "SASU", "SARL", "SARLU", "EURL", "EARL", "EIRL", "EI", "GAEC",
    "SCI", "SCP", "SCA", "SCEA", "SCM", "SCOP", "SCS", "SNC", "SELARL", "SELAS",
    "SEM", "GIE", "GFA", "SICA", "CUMA", "ETS", "STE", "SOCIETE", "SAINTE", "ASS",
    "ASSOC", "ASSOCIATION", "ENT", "ENTREPRISE", "GMBH", "LTD", "BV", "NV", "SPRL",
    "AG",
}  # fmt: skip
PREFIXES = (
    "DE", "DU", "DELA", "D", "LE", "LA", "DES", "DA", "DOS", "EL", "BEN",
)  # fmt: skip
CUT = re.compile(r"\s+ET\s+|\s+OU\s+|\s+&\s+|\s*/\s*|\s+-\s+|\.-\s*", re.IGNORECASE)
BORN = re.compile(r"\s+(?:NE|NEE|NÉ|NÉE|NEÉ)\s+", re.IGNORECASE)

Holder = dict[str, Any]


def letters_joined(text: str) -> list[str]:
    """The words of a folded text, runs of words of one character as one word."""
    runs = re.sub(r"(?<![^ ])\w(?: \w(?![^ ]))+", _close_up, fold(text))
    return runs.split()


def _close_up(run: re.Match[str]) -> str:
    return run[0].replace(" ", "")


def words(text: str) -> list[str]:
    spelled = {"ST": "SAINT", "STE": "SAINTE"}
    found = [spelled.get(word, word) for word in letters_joined(text)]
    return [word for word in found if word not in TITLES and not word.isdigit()]


def joined(parts: list[str]) -> list[str]:
    """Each particle as one with the word after it; a last one stands alone."""
    result = []
    open_particle = ""
    for part in parts:
        open_particle += part
        if part not in PARTICLES:
            result.append(open_particle)
            open_particle = ""
    return result + [open_particle] * bool(open_particle)


def composed(text: str) -> str:
    whole = unicodedata.normalize("NFC", text)
    return "".join(c for c in whole if unicodedata.category(c) != "Cf")


def single_field(field: str) -> list[Holder]:
    found: list[list[str]] = []
    for part in CUT.split(composed(field)):
        before, *after = BORN.split(part, maxsplit=1)
        own = joined(words(before))
        if not own:
            continue
        if found and sum(bool(words(part)) for part in before.split()) == 1:
            own = [found[0][0], *own]
        birth = joined(words(after[0])) if after else []
        if birth and len(own) == 1:
            own = own + birth[1:]
        found.append(own)
        if birth:
            found.append([birth[0], *own[1:]])
    return [_holder("single field", "", own[:6]) for own in found[:2]]


def siv_person(family_name: str, given_names: str) -> list[Holder]:
    family = words(family_name)
    given = [word for word in joined(words(given_names)) if word != "OU"]
    if not family:
        return single_field(given_names)
    if not given and len(joined(family)) > 1:
        return single_field(family_name)
    return [_holder("person", "".join(family[:6]), given[:6])]


def company_name(text: str) -> str:
    found = letters_joined(text.replace("&", " ET "))
    return "".join([word for word in found if word not in LEGAL_FORMS] or found)


def siren(text: str) -> str | None:
    number = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())
    if number and not re.fullmatch("[0-9]{9}([0-9]{5})?", number):
        raise Refused("siren_unreadable")
    return None if number[:9] in ("", "000000000") else number[:9]


def holders_of(line: Json) -> list[Holder]:
    """Return the holders in the columns of a line."""
    if line.get("company"):
        family = company_name(line["company"])
        number = siren(line.get("siren", ""))
        return [_holder("company", family, [], number)] if family else []
    if line["register"] == "SIV":
        return siv_person(line["family_name"], line.get("given_names", ""))
    return single_field(line["family_name"])


def _holder(
    kind: str, family: str, given: list[str], number: str | None = None
) -> Holder:
    return {"kind": kind, "family": family, "words": given, "siren": number}


def holder_bytes(holders: list[Holder]) -> bytes:
    result = u8(1)
    for holder in holders:
        parts = [holder["kind"], holder["family"], *holder["words"]]
        parts.append(holder["siren"] or "")
        result += u8(len(parts))
        for part in parts:
            result += u16(len(part)) + part.encode("ascii")
    return result


def filter_bits(text: str, table: bytes, bits: int) -> int:
    def number(letter: str) -> int:
        if "A" <= letter <= "Z":
            return ord(letter) - ord("A") + 1
        return 27 + int(letter)

    letters = [0, *map(number, text), 0]
    result = 0
    for a, b in itertools.pairwise(letters):
        result |= 2 ** (table[37 * a + b] % bits)
    return result


def fingerprint(holder: Holder, keys: "ReleaseKeys") -> Json:
    def stored(text: str, size: int) -> str:
        return filter_bits(text, keys.table, 8 * size).to_bytes(size, "big").hex()

    if holder["kind"] == "company":
        number = holder["siren"]
        return {
            "kind": "company",
            "family": stored(holder["family"], 32),
            "words": [],
            "siren_tag": keys.siren_tag(number).hex() if number else None,
        }
    return {
        "kind": holder["kind"],
        "family": stored(holder["family"], 16) if holder["kind"] == "person" else "",
        "words": [stored(word, 16) for word in holder["words"]],
        "siren_tag": None,
    }


def likeness(x: int, y: int) -> float:
    total = x.bit_count() + y.bit_count()
    return 2 * (x & y).bit_count() / total if total else 0


class Matcher:
    """How well typed names match the holders of one record."""

    def __init__(self, holders: list[Holder], keys: "ReleaseKeys") -> None:
        self.holders = holders
        self.keys = keys

    def person(self, family_name: str, given_names: str) -> bool:
        given = [word for word in joined(words(given_names)) if word != "OU"][:6]
        texts = [composed(family_name)]
        for part in [part for part in CUT.split(texts[0]) if words(part)][:2]:
            texts += [part, *BORN.split(part, maxsplit=1)]
        return any(
            self._person(words(text)[:6], given, holder)
            if holder["kind"] == "person"
            else self._single_field([*joined(words(text)), *given][:6], holder)
            for text in texts
            if words(text)
            for holder in self.holders
            if holder["kind"] != "company"
        )

    def company(self, name: str, number: str | None) -> bool:
        typed = filter_bits(company_name(name), self.keys.table, 256)
        for holder in self.holders:
            if holder["kind"] != "company":
                continue
            known = filter_bits(holder["family"], self.keys.table, 256)
            at_least = 0.80
            if number and holder["siren"]:
                if self.keys.siren_tag(number) != self.keys.siren_tag(holder["siren"]):
                    continue
                at_least = 0.50
            if likeness(typed, known) >= at_least:
                return True
        return False

    def _person(self, family: list[str], given: list[str], holder: Holder) -> bool:
        recorded = holder["words"]
        if given:
            straight = self._family(family, holder) and (
                not recorded or self._given(given, recorded)
            )
            return straight or (
                bool(recorded)
                and self._family(given, holder)
                and self._given(family, recorded)
            )
        strict = bool(recorded) and len(joined(family)) > 1
        if self._family(family, holder, 0.85 if strict else 0.62):
            return True
        cuts = [(family[:n], family[n:]) for n in range(1, len(family))]
        return bool(recorded) and any(
            self._family(one, holder) and self._given(other, recorded)
            for a, b in cuts
            for one, other in ((a, b), (b, a))
        )

    def _family(self, typed: list[str], holder: Holder, at_least: float = 0.62) -> bool:
        recorded = self._filter(holder["family"])
        core = list(typed)
        while len(core) > 1 and core[0] in PARTICLES:
            core.pop(0)
        for text in ("".join(typed), "".join(core)):
            bar = 1.0 if len(text) <= 4 else at_least
            if likeness(self._filter(text), recorded) >= bar:
                return True
        return any(self._filter(p + "".join(core)) == recorded for p in PREFIXES)

    def _given(self, typed: list[str], recorded: list[str]) -> bool:
        if any(self._alike(t, r) >= 0.58 for t in typed for r in recorded):
            return True
        return likeness(self._union(typed), self._union(recorded)) >= 0.60

    def _single_field(self, typed: list[str], holder: Holder) -> bool:
        recorded = holder["words"]
        if likeness(self._union(typed), self._union(recorded)) >= 0.85:
            return True
        return any(
            self._alike(first, recorded[0]) >= 0.66
            and any(
                self._alike(other, known) >= 0.60
                for other in typed[:place] + typed[place + 1 :]
                for known in recorded[1:]
            )
            for place, first in enumerate(typed)
        )

    def _filter(self, text: str) -> int:
        return filter_bits(text, self.keys.table, 128)

    def _alike(self, a: str, b: str) -> float:
        return likeness(self._filter(a), self._filter(b))

    def _union(self, texts: list[str]) -> int:
        result = 0
        for text in texts:
            result |= self._filter(text)
        return result


# Sections 4 to 6: keys, identifiers, release


def u8(number: int) -> bytes:
    return number.to_bytes(1, "big")


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def hmac(key: bytes, message: bytes) -> bytes:
    return HMAC.new(key, message, SHA256).digest()


class Ring:
    """A key ring file, already known to be a good one."""

    def __init__(self, document: Json) -> None:
        self.purpose = document["purpose"]
        self.keys = {k["version"]: base64.b64decode(k["key"]) for k in document["keys"]}
        (self.active,) = (k["version"] for k in document["keys"] if k["active"])

    def subkey(
        self, version: int, label: str, salt: bytes = b"", length: int = 32
    ) -> bytes:
        info = b"histovet/v1/" + self.purpose.encode() + b"/" + label.encode()
        key = HKDF(self.keys[version], length, salt, SHA256, 1, info)
        assert isinstance(key, bytes)
        return key


class ReleaseKeys:
    def __init__(self, ring: Ring, release: Json) -> None:
        version, salt = release["key_version"], bytes.fromhex(release["salt"])
        self.uuid = bytes.fromhex(release["uuid"].replace("-", ""))
        self.lookup = ring.subkey(version, "lookup", salt)
        self.seal = ring.subkey(version, "seal", salt)
        self.siren = ring.subkey(version, "siren", salt)
        self.table = ring.subkey(version, "fingerprint", salt, 1369)
        self.tag_keys = {v: ring.subkey(v, "holder tag") for v in sorted(ring.keys)}

    def record_id(self, identity: bytes) -> bytes:
        return hmac(self.lookup, identity)[:16]

    def record_key(self, identity: bytes) -> bytes:
        return hmac(self.seal, identity)

    def siren_tag(self, number: str) -> bytes:
        return hmac(self.siren, number.encode("ascii"))[:8]

    def holder_tags(self, holders: list[Holder]) -> list[list[Any]]:
        return [
            [version, hmac(key, holder_bytes(holders))[:8].hex()]
            for version, key in self.tag_keys.items()
        ]


class InspectionKeys:
    """What a release has for its inspections, beside what it has for its records."""

    def __init__(self, ring: Ring, release: Json) -> None:
        version, salt = release["key_version"], bytes.fromhex(release["salt"])
        self.uuid = bytes.fromhex(release["uuid"].replace("-", ""))
        self.lookup = ring.subkey(version, "inspections lookup", salt)
        self.seal = ring.subkey(version, "inspections seal", salt)

    def record_id(self, identity: bytes) -> bytes:
        return hmac(self.lookup, identity)[:16]

    def record_key(self, identity: bytes) -> bytes:
        return hmac(self.seal, identity)


def release_mac(ring: Ring, release: Json) -> bytes:
    salt = bytes.fromhex(release["salt"])
    manifest = bytes.fromhex(release["manifest_sha256"])
    inspections = (release.get("inspections_as_of") or "").encode("ascii")
    label = release["label"].encode()
    if release.get("edition"):
        delta = bytes.fromhex(release["delta_sha256"])
        version = 3
        rest = u32(release["edition"]) + u8(len(delta)) + delta
        rest += u8(len(inspections)) + inspections + label
    else:
        version = 2 if inspections else 1
        rest = label + inspections
    message = (
        u8(version)
        + bytes.fromhex(release["uuid"].replace("-", ""))
        + u32(release["key_version"])
        + release["as_of"].encode("ascii")
        + u8(len(salt))
        + salt
        + u8(len(manifest))
        + manifest
        + rest
    )
    return hmac(ring.subkey(release["key_version"], "release mac"), message)


# Section 7: sealed record

OPERATION_CODES = (
    "CHANG_TIT_NORMAL", "DECLARATION_ACHAT", "IMMAT_NORMALE", "DECLARATION_CESSION",
    "CONVERSION_DOSSIER_FNI", "IMMAT_NORMALE_PREM_VO", "INSCRIPTION_GAGE",
    "INSCRIRE_DVS", "FIN_USAGE_DEMO_VENTE", "LEVER_DVS", "MODIF_CARAC_TECH",
    "INSCRIRE_OTCI", "DEC_VE", "RADIATION_GAGE", "PREM_RAP_VE", "REIMMAT_ETRANGER",
    "DECLARATION_PERTE_TITRE", "DUPLICATA", "SEC_RAP_VE", "INSCRIRE_OVE", "CHANG_LOC",
    "LEVER_OTCI", "PROROG_GAGE", "SORTIE_TERRITOIRE", "LEVER_OVE",
    "RETRAIT_VOLONTAIRE", "ATT_NUM_USURPATION", "RETOUR_REIMMAT_ETR",
    "REMISE_CIRC_SORTIE_TERR", "RENOUV_DVS", "CHANG_TIT_NORMAL_CVN", "CHANG_LOC_CVN",
)  # fmt: skip
FLAGS = (
    "leased", "certificate_cancelled", "certificate_lost", "certificate_stolen",
    "certificate_duplicate", "vehicle_stolen", "imported", "subject_to_inspection",
    "uncertain_origin", "fit_to_drive",
)  # fmt: skip
TEXT, WHOLE, NUMBER = (str,), (int,), (int, float)
VEHICLE: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("make", TEXT), ("variant", TEXT), ("cnit", TEXT), ("model", TEXT), ("vin", TEXT),
    ("colour", TEXT), ("approval_type", TEXT), ("approval_number", TEXT),
    ("max_technical_mass_kg", NUMBER), ("max_laden_mass_kg", NUMBER),
    ("max_train_mass_kg", NUMBER), ("mass_in_service_kg", NUMBER),
    ("unladen_mass_kg", NUMBER), ("eu_category", TEXT), ("genre", TEXT),
    ("eu_body", TEXT), ("body", TEXT), ("displacement_cm3", NUMBER),
    ("net_power_kw", NUMBER), ("energy", TEXT), ("fiscal_power_cv", NUMBER),
    ("power_to_mass", NUMBER), ("seats", WHOLE), ("standing_places", WHOLE),
    ("noise_db", NUMBER), ("noise_engine_speed", NUMBER), ("co2_g_km", NUMBER),
    ("environment_class", TEXT),
)  # fmt: skip
DATES = (
    "issue_date", "first_registration_siv", "siv_conversion", "last_change", "updated",
    "import_date", "first_registration_abroad", "certificate_cancelled_on",
    "last_claim", "last_resolution",
)  # fmt: skip
NATURES = ("VTP", "CV", "VTC", "CVC")
RESULTS = ("A", "S", "R", "AP", "SP", "RP", "X")
KINDS = ("person", "single field", "company")
EPOCH = dt.date(1850, 1, 1)
OPENED_MAX = 64 * 1024


def days_between(later: str | None, earlier: dt.date) -> int | None:
    return None if later is None else (dt.date.fromisoformat(later) - earlier).days


def array_of(
    record: Json, fingerprints: list[Json], tags: list[list[Any]]
) -> list[Any]:
    """Return the array of a record; bytes stand in it as bytes."""
    first = record.get("first_registration")
    base = dt.date.fromisoformat(first) if first else EPOCH

    def day(text: str | None) -> int | None:
        return days_between(text, base)

    vehicle = record.get("vehicle", {})
    shown = record.get("initials", {})
    operations = record.get("operations", [])
    return [
        {"SIV": 0, "FNI": 1}[record["register"]],
        *(record.get(flag) for flag in FLAGS),
        *(vehicle.get(name) for name, _ in VEHICLE),
        [
            OPERATION_CODES.index(o["code"])
            if o["code"] in OPERATION_CODES
            else o["code"]
            for o in operations
        ],
        _rare_parts(record, day),
        record.get("holder_count"),
        record.get("claim_count"),
        days_between(first, EPOCH),
        *(day(record.get(name)) for name in DATES),
        _operation_days([o.get("date") for o in operations], base),
        record["masked_plate"],
        [shown.get(k) for k in ("family", "given", "company", "siren_prefix")],
        record.get("postal_code"),
        [
            [
                KINDS.index(f["kind"]),
                bytes.fromhex(f["family"]),
                bytes.fromhex("".join(f["words"])),
                bytes.fromhex(f["siren_tag"]) if f["siren_tag"] else None,
            ]
            for f in fingerprints
        ],
        [[version, bytes.fromhex(tag)] for version, tag in tags],
    ]


def _operation_days(dates: list[str | None], base: dt.date) -> list[int | None]:
    result: list[int | None] = []
    last = base
    for place, text in enumerate(dates):
        if text is None:
            result.append(None)
            continue
        date = dt.date.fromisoformat(text)
        result.append((date - last).days if place == 0 else (last - date).days)
        last = date
    return result


def _rare_parts(
    record: Json, day: Callable[[str | None], int | None]
) -> dict[int, Any]:
    details = {
        place: [
            o.get("cancelled", False),
            day(o.get("cancelled_on")),
            o.get("procedure"),
            o.get("expert"),
        ]
        for place, o in enumerate(record.get("operations", []))
        if {"cancelled", "cancelled_on", "procedure", "expert"} & o.keys()
    }

    def step(raw: Json | None) -> list[Any] | None:
        if raw is None:
            return None
        names = ("expert", "dangerous", "repairable")
        return [day(raw.get("date")), *(raw.get(name) for name in names)]

    parts: dict[int, Any] = {
        1: [
            [
                s["reason"],
                day(s.get("date")),
                s.get("document_surrendered"),
                s.get("document_withdrawn"),
            ]
            for s in record.get("suspensions", [])
        ],
        2: [[o["kind"], day(o.get("date"))] for o in record.get("oppositions", [])],
        3: [[day(p.get("date")), p.get("creditor")] for p in record.get("pledges", [])],
        4: [
            [day(s.get("date")), s.get("authority")] for s in record.get("seizures", [])
        ],
        5: [
            [
                p.get("number"),
                p.get("running"),
                step(p.get("declaration")),
                step(p.get("first_report")),
                step(p.get("second_report")),
            ]
            for p in record.get("procedures", [])
        ],
        6: record.get("usages", []),
        7: record.get("quality", []),
        8: record.get("extras", {}),
        9: [record.get("origin_code"), record.get("origin_name")]
        if record.get("origin_code") or record.get("origin_name")
        else [],
        10: details,
    }
    return {number: part for number, part in parts.items() if part}


def inspections_array_of(inspections: Json) -> list[Any]:
    listed = inspections["inspections"]

    def numbered(name: str, codes: tuple[str, ...]) -> list[Any]:
        return [codes.index(i[name]) if i[name] in codes else i[name] for i in listed]

    return [
        days_between(inspections["updated"], EPOCH),
        _operation_days([i["date"] for i in listed], EPOCH),
        numbered("nature", NATURES),
        numbered("result", RESULTS),
        [i["mileage_km"] for i in listed],
    ]


def pad(compressed: bytes) -> bytes:
    content = u16(len(compressed)) + compressed
    step = 64 if len(content) <= 512 else 128
    while len(content) % step:
        content += b"\x00"
    return content


def associated_data(
    header: bytes, row: Json, keys: ReleaseKeys | InspectionKeys
) -> bytes:
    record_id = bytes.fromhex(row["record_id"])
    return header + record_id + keys.uuid + u32(row["generation"])


def seal(
    keys: ReleaseKeys | InspectionKeys,
    identity: bytes,
    row: Json,
    content: bytes,
    nonce: bytes,
) -> bytes:
    header = u8(1) + u8(row["dictionary"])
    cipher = AES.new(keys.record_key(identity), AES.MODE_GCM, nonce=nonce)
    cipher.update(associated_data(header, row, keys))
    ciphertext, tag = cipher.encrypt_and_digest(content)
    return header + nonce + ciphertext + tag


def open_sealed(
    keys: ReleaseKeys | InspectionKeys, identity: bytes, row: Json
) -> bytes:
    """Return the content; Refused says what was wrong, which the package does not."""
    sealed = bytes.fromhex(row["sealed"])
    if len(sealed) < 2 + 12 + 16:
        raise Refused("length")
    if sealed[0] != 1:
        raise Refused("format")
    cipher = AES.new(keys.record_key(identity), AES.MODE_GCM, nonce=sealed[2:14])
    cipher.update(associated_data(sealed[:2], row, keys))
    try:
        return cipher.decrypt_and_verify(sealed[14:-16], sealed[-16:])
    except ValueError as exc:
        raise Refused("tag") from exc


def open_content(number: int, content: bytes) -> list[Any]:
    """Return the array of a record, every place of the kind that SPEC.md gives it."""
    array = _array_in(number, content, layout=1)
    _check_types(array)
    return array


def open_inspections(number: int, content: bytes) -> list[Any]:
    """Return the array of inspections, checked likewise."""
    array = _array_in(number, content, layout=0x81)
    _check_inspections(array)
    return array


def _array_in(number: int, content: bytes, layout: int) -> Any:
    size = int.from_bytes(content[:2], "big")
    compressed = content[2 : 2 + size]
    if len(compressed) != size or pad(compressed) != content:
        raise Refused("padding")
    packed = _opened_frame(number, compressed)
    if packed[:1] != u8(layout):
        raise Refused("layout")
    return unpacked(packed[1:])


def _opened_frame(number: int, compressed: bytes) -> bytes:
    path = DICTIONARIES / f"records-{number}.zdict"
    if not path.exists():
        raise Refused("dictionary")
    opener = zstandard.ZstdDecompressor(
        dict_data=zstandard.ZstdCompressionDict(path.read_bytes()),
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
    ).decompressobj()
    opened = b""
    try:
        # Piece by piece, so that a bomb is seen before it is whole.
        for byte in compressed:
            opened += opener.decompress(u8(byte))
            if len(opened) > OPENED_MAX:
                raise Refused("size")
    except zstandard.ZstdError as exc:
        raise Refused("frame") from exc
    if not opener.eof or opener.unused_data:
        raise Refused("frame")
    if _content_size(compressed) != len(opened):
        raise Refused("content size")
    return opened


def _content_size(frame: bytes) -> int | None:
    """The content size in a frame header without magic number (RFC 8878, 3.1.1.1)."""
    descriptor = frame[0]
    single_segment = descriptor >> 5 & 1
    start = 1 + (not single_segment) + (0, 1, 2, 4)[descriptor & 3]
    width = (single_segment, 2, 4, 8)[descriptor >> 6]
    number = int.from_bytes(frame[start : start + width], "little")
    return None if not width else number + (256 if width == 2 else 0)


def _check_inspections(array: Any) -> None:
    def whole(value: Any, least: int, most: int) -> bool:
        return type(value) is int and least <= value <= most

    def is_code(value: Any, known: tuple[str, ...]) -> bool:
        return isinstance(value, str) or whole(value, 0, len(known) - 1)

    good = (
        isinstance(array, list)
        and len(array) == 5
        and (array[0] is None or type(array[0]) is int)
        and all(isinstance(column, list) for column in array[1:])
        and len({len(column) for column in array[1:]}) == 1
        and all(type(days) is int for days in array[1])
        and all(is_code(value, NATURES) for value in array[2])
        and all(is_code(value, RESULTS) for value in array[3])
        and all(km is None or whole(km, 1, 2**63 - 1) for km in array[4])
    )
    if not good:
        raise Refused("types")
    day = 0
    for place, days in enumerate(array[1]):
        day = day - days if place else days
        if not 1 <= day + EPOCH.toordinal() <= dt.date.max.toordinal():
            raise Refused("date")
    if array[0] is not None and not 1 <= array[0] + EPOCH.toordinal() <= 3652059:
        raise Refused("date")


def _check_types(array: Any) -> None:
    def number_in(value: Any, top: int) -> bool:
        return type(value) is int and 0 <= value < top

    def day(value: Any) -> bool:
        return value is None or type(value) is int

    good = (
        isinstance(array, list)
        and len(array) == 60
        and number_in(array[0], 2)
        and all(flag in (None, True, False) for flag in array[1:11])
        and all(flag is None or type(flag) is bool for flag in array[1:11])
        and all(
            value is None or type(value) in kinds
            for value, (_, kinds) in zip(array[11:39], VEHICLE, strict=True)
        )
        and isinstance(array[39], list)
        and all(
            isinstance(code, str) or number_in(code, len(OPERATION_CODES))
            for code in array[39]
        )
        and isinstance(array[40], dict)
        and all(number_in(part, 11) and part for part in array[40])
        and all(value is None or type(value) is int for value in array[41:43])
        and all(day(value) for value in array[43:54])
        and isinstance(array[54], list)
        and len(array[54]) == len(array[39])
        and all(day(value) for value in array[54])
        and isinstance(array[55], str)
        and len(array[56]) == 4
        and all(value is None or isinstance(value, str) for value in array[56])
        and (array[57] is None or isinstance(array[57], str))
        and all(number_in(kind, len(KINDS)) for kind, *_ in array[58])
        and all(len(tag) == 8 for _, tag in array[59])
    )
    if not good:
        raise Refused("types")
    if array[43] is not None and not 0 <= array[43] + EPOCH.toordinal() <= 3652059:
        raise Refused("date")


def packed(value: Any) -> bytes:
    """MessagePack, shortest forms."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _packed_integer(value)
    if isinstance(value, str):
        text = value.encode()
        if len(text) < 32:
            return u8(0xA0 | len(text)) + text
        return _sized(len(text), b"\xd9\xda\xdb") + text
    if isinstance(value, bytes):
        return _sized(len(value), b"\xc4\xc5\xc6") + value
    if isinstance(value, list):
        head = _counted(len(value), 0x90, b"\xdc")
        return head + b"".join(packed(inner) for inner in value)
    if isinstance(value, dict):
        head = _counted(len(value), 0x80, b"\xde")
        return head + b"".join(packed(k) + packed(v) for k, v in value.items())
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    raise TypeError(type(value))


def _packed_integer(value: int) -> bytes:
    if 0 <= value < 128:
        return u8(value)
    if -32 <= value < 0:
        return value.to_bytes(1, "big", signed=True)
    codes = b"\xcc\xcd\xce\xcf" if value >= 0 else b"\xd0\xd1\xd2\xd3"
    for code, size in zip(codes, (1, 2, 4, 8), strict=True):
        try:
            return u8(code) + value.to_bytes(size, "big", signed=value < 0)
        except OverflowError:
            continue
    raise Refused("integer")


def _sized(size: int, codes: bytes) -> bytes:
    for code, width in zip(codes, (1, 2, 4), strict=True):
        if size < 256**width:
            return u8(code) + size.to_bytes(width, "big")
    raise Refused("size")


def _counted(count: int, short: int, code: bytes) -> bytes:
    return u8(short | count) if count < 16 else code + u16(count)


def unpacked(content: bytes) -> Any:
    """One MessagePack value and nothing after it; Refused for anything else."""
    try:
        value, end = _unpacked(content, 0)
    except (IndexError, ValueError, RecursionError) as exc:
        raise Refused("messagepack") from exc
    if end != len(content):
        raise Refused("messagepack")
    return value


def _unpacked(content: bytes, at: int) -> tuple[Any, int]:
    code = content[at]
    at += 1

    def take(size: int) -> bytes:
        if at + size > len(content):
            raise IndexError
        return content[at : at + size]

    def number(size: int, signed: bool = False) -> int:
        return int.from_bytes(take(size), "big", signed=signed)

    def items(count: int, start: int) -> tuple[list[Any], int]:
        result = []
        for _ in range(count):
            value, start = _unpacked(content, start)
            result.append(value)
        return result, start

    def mapping(count: int, start: int) -> tuple[dict[Any, Any], int]:
        flat, start = items(2 * count, start)
        return dict(zip(flat[::2], flat[1::2], strict=True)), start

    if code < 0x80:
        return code, at
    if code < 0x90:
        return mapping(code & 15, at)
    if code < 0xA0:
        return items(code & 15, at)
    if code < 0xC0:
        return take(code & 31).decode(), at + (code & 31)
    if code >= 0xE0:
        return code - 256, at
    constants = {0xC0: None, 0xC2: False, 0xC3: True}
    if code in constants:
        return constants[code], at
    if code in (0xCC, 0xCD, 0xCE, 0xCF):
        width = 1 << code - 0xCC
        return number(width), at + width
    if code in (0xD0, 0xD1, 0xD2, 0xD3):
        width = 1 << code - 0xD0
        return number(width, signed=True), at + width
    if code == 0xCB:
        return struct.unpack(">d", take(8))[0], at + 8
    if code in (0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB):
        width = 1 << (code - 0xC4 if code < 0xD0 else code - 0xD9)
        size = number(width)
        at += width
        body = take(size)
        return (body if code < 0xD0 else body.decode()), at + size
    if code in (0xDC, 0xDE):
        count = number(2)
        return (items if code == 0xDC else mapping)(count, at + 2)
    raise ValueError(code)


# Section 11: links

LETTERS_OF_A_CODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def expanded(material: bytes, salt: bytes, info: str, size: int) -> bytes:
    key = HKDF(material, size, salt, SHA256, 1, info.encode("ascii"))
    assert isinstance(key, bytes)
    return key


def link_id(secret: bytes) -> bytes:
    return expanded(secret, b"", "histovet/v1/link id", 12)


def capsule_key(ring: Ring, version: int, secret: bytes) -> bytes:
    material = secret + ring.subkey(version, "link")
    return expanded(material, b"", "histovet/v1/link capsule", 32)


def owner_key(ring: Ring, version: int, secret: bytes, identity: bytes) -> bytes:
    material = secret + ring.subkey(version, "owner")
    return expanded(material, identity, "histovet/v1/link owner", 80)


def owner_tag(ring: Ring, version: int, identity: bytes) -> bytes:
    return hmac(ring.subkey(version, "owner tag"), identity)[:16]


def terms_bytes(public_id: bytes, terms: Json) -> bytes:
    return (
        public_id
        + u16(terms["key_version"])
        + u16(terms["holder_key_version"])
        + u64(terms["created_at"])
        + u64(terms["expires_at"])
        + u8(terms["scope"])
        + u32(0 if terms["max_openings"] is None else terms["max_openings"])
    )


def seal_of_link(key: bytes, nonce: bytes, content: bytes, bound: bytes) -> bytes:
    """Return a capsule (bound to its terms), or a keepsake or label (to its link)."""
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    cipher.update(u8(1) + bound)
    ciphertext, tag = cipher.encrypt_and_digest(content)
    return u8(1) + nonce + ciphertext + tag


def product(a: int, b: int) -> int:
    """Multiply in GF(2⁵) with x⁵ + x² + 1."""
    whole = 0
    for place in range(5):
        if b >> place & 1:
            whole ^= a << place
    for place in range(8, 4, -1):
        if whole >> place & 1:
            whole ^= 0b100101 << place - 5
    return whole


def code(secret: bytes, start: int) -> str:
    """Return 26 letters and the check, which is a sum of powers of x: start·x²⁶ + c₁·x²⁶
    + c₂·x²⁵ … + c₂₆·x."""
    bits = "".join(f"{byte:08b}" for byte in secret) + "00"
    values = [int(bits[at : at + 5], 2) for at in range(0, 130, 5)]
    powers = [1]
    while len(powers) < 27:
        powers.append(product(powers[-1], 2))
    check = product(start, powers[26])
    for value, power in zip(values, powers[:0:-1], strict=True):
        check ^= product(value, power)
    return "".join(LETTERS_OF_A_CODE[value] for value in [*values, check])


def link(ring: Ring, vector: Json) -> Json:
    """Return all that follows from secrets, identity, terms and nonces."""
    typed, terms = vector["typed"], vector["terms"]
    version = terms["key_version"]
    secret = bytes.fromhex(vector["secret"])
    owner_secret = bytes.fromhex(vector["owner_secret"])
    plate, formula_or_date = identity(typed)
    named = identity_bytes(typed["register"], plate, formula_or_date)
    public_id = link_id(secret)
    of_capsule = capsule_key(ring, version, secret)
    of_owner = owner_key(ring, version, owner_secret, named)
    return {
        "plate": plate,
        "formula_or_date": formula_or_date,
        "bytes": named.hex(),
        "public_id": public_id.hex(),
        "capsule_key": of_capsule.hex(),
        "capsule": seal_of_link(
            of_capsule,
            bytes.fromhex(vector["capsule_nonce"]),
            bytes.fromhex(vector["holder_tag"]) + named,
            terms_bytes(public_id, terms),
        ).hex(),
        "owner_tag": owner_tag(ring, version, named).hex(),
        "owner_proof": of_owner[:16].hex(),
        "keepsake": seal_of_link(
            of_owner[16:48], bytes.fromhex(vector["keepsake_nonce"]), secret, public_id
        ).hex(),
        "sealed_label": seal_of_link(
            of_owner[48:],
            bytes.fromhex(vector["label_nonce"]),
            vector["label"].encode() + bytes(160 - len(vector["label"].encode())),
            public_id,
        ).hex(),
        "code": code(secret, 1),
        "owner_code": code(owner_secret, 2),
    }


# The files


def load(name: str, folder: Path = VECTORS) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def with_hex(value: Any) -> Any:
    """Return an array as the files write it: bytes as {"hex": …}, keys as text."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [with_hex(inner) for inner in value]
    if isinstance(value, dict):
        return {str(key): with_hex(inner) for key, inner in value.items()}
    return value


def differences(folder: Path = VECTORS) -> Iterator[str]:
    """Yield a line for each value in the files that is not what SPEC.md gives."""
    keys_file = load("keys", folder)
    rings = {name: Ring(document) for name, document in keys_file["rings"].items()}
    release = load("release", folder)
    keys = ReleaseKeys(rings["register"], release["release"])
    yield from _differences_in_identities(load("identities", folder), keys)
    yield from _differences_in_holders(load("holders", folder), keys)
    yield from _differences_in_keys(keys_file, rings)
    yield from _differences_in_release(release, rings["register"])
    yield from _differences_in_delta(load("delta", folder), rings["register"])
    sealed = load("sealed", folder)
    yield from _differences_in_sealed(sealed, keys)
    yield from _differences_in_refusals(load("refusals", folder), sealed, rings)
    yield from _differences_in_links(load("links", folder))
    yield from _differences_in_inspections(
        load("inspections", folder), rings["register"]
    )


def _compare(where: str, found: Any, expected: Any) -> Iterator[str]:
    if found != expected:
        yield f"{where}: the file has {expected!r}, SPEC.md gives {found!r}"


def _refusal(derive: Callable[[], Any]) -> str | None:
    try:
        derive()
    except Refused as refused:
        return refused.code
    return None


def _differences_in_identities(vectors: Json, keys: ReleaseKeys) -> Iterator[str]:
    for place, vector in enumerate(vectors["canonical"]):
        where = f"identities {place} ({vector['about']})"
        plate, formula_or_date = identity(vector["typed"])
        yield from _compare(where, plate, vector["plate"])
        yield from _compare(where, formula_or_date, vector["formula_or_date"])
        encoded = identity_bytes(vector["typed"]["register"], plate, formula_or_date)
        yield from _compare(where, encoded.hex(), vector["bytes"])
        yield from _compare(where, keys.record_id(encoded).hex(), vector["record_id"])
        yield from _compare(where, keys.record_key(encoded).hex(), vector["record_key"])
    for vector in vectors["unusable"]:
        code = _refusal(lambda typed=vector["typed"]: identity(typed))  # type: ignore[misc]
        yield from _compare(f"identities ({vector['about']})", code, vector["code"])


def _differences_in_holders(vectors: Json, keys: ReleaseKeys) -> Iterator[str]:
    for vector in vectors["holders"]:
        where = f"holders ({vector['about']})"
        holders = holders_of(vector["line"])
        yield from _compare(where, holders, vector["holders"])
        yield from _compare(where, holder_bytes(holders).hex(), vector["bytes"])
        prints = [fingerprint(holder, keys) for holder in holders]
        yield from _compare(where, prints, vector["fingerprints"])
        yield from _compare(where, keys.holder_tags(holders), vector["tags"])
    for vector in vectors["typed"]:
        where = f"typed ({vector['about']})"
        matcher = Matcher(holders_of(vector["line"]), keys)
        typed = vector["typed"]
        if "company" in typed:
            found = matcher.company(typed["company"], typed["siren"])
        else:
            found = matcher.person(typed["family_name"], typed["given_names"])
        yield from _compare(where, found, vector["matches"])


def _differences_in_keys(vectors: Json, rings: dict[str, Ring]) -> Iterator[str]:
    for vector in vectors["subkeys"]:
        ring = rings[vector["ring"]]
        salt = bytes.fromhex(vector["salt"])
        found = ring.subkey(vector["version"], vector["label"], salt, vector["length"])
        where = f"subkey {vector['label']} of {vector['ring']} {vector['version']}"
        yield from _compare(where, found.hex(), vector["subkey"])


def _differences_in_release(vectors: Json, ring: Ring) -> Iterator[str]:
    found = release_mac(ring, vectors["release"]).hex()
    yield from _compare("release MAC", found, vectors["release"]["mac"])
    for vector in vectors["changed"]:
        if release_mac(ring, vector["release"]).hex() == vector["release"]["mac"]:
            yield f"release changed in {vector['changed']} has a MAC that is its own"


def _differences_in_delta(vectors: Json, ring: Ring) -> Iterator[str]:
    for vector in vectors["releases"]:
        where = f"delta ({vector['about']})"
        release = vector["release"]
        yield from _compare(where, release_mac(ring, release).hex(), release["mac"])
    for vector in vectors["changed"]:
        if release_mac(ring, vector["release"]).hex() == vector["release"]["mac"]:
            yield f"delta: {vector['changed']} has a MAC that is its own"


def _differences_in_sealed(vectors: Json, keys: ReleaseKeys) -> Iterator[str]:
    dictionary = vectors["dictionary"]
    path = DICTIONARIES / f"records-{dictionary['number']}.zdict"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != dictionary["sha256"]:
        yield (
            "sealed: the dictionary is another than the one these were made with; run "
            "python -m tests.pseudonymizer.make_vectors"
        )
        return
    for vector in vectors["records"]:
        where = f"sealed ({vector['about']})"
        plate, formula_or_date = identity(vector["typed"])
        named = identity_bytes(vector["typed"]["register"], plate, formula_or_date)
        holders = holders_of(vector["holder"])
        prints = [fingerprint(holder, keys) for holder in holders]
        tags = keys.holder_tags(holders)
        yield from _compare(where, prints, vector["fingerprints"])
        yield from _compare(where, tags, vector["tags"])
        array = array_of(vector["record"], prints, tags)
        yield from _compare(where, with_hex(array), vector["array"])
        row = vector["row"]
        yield from _compare(where, keys.record_id(named).hex(), row["record_id"])
        content = bytes.fromhex(vector["content"])
        frame = bytes.fromhex(vector["frame"])
        yield from _compare(where, pad(frame).hex(), vector["content"])
        opened = open_content(row["dictionary"], content)
        yield from _compare(f"{where}: frame", with_hex(opened), vector["array"])
        sealed = seal(keys, named, row, content, bytes.fromhex(vector["nonce"]))
        yield from _compare(f"{where}: sealed", sealed.hex(), row["sealed"])
        yield from _compare(where, open_sealed(keys, named, row).hex(), content.hex())


def _differences_in_refusals(
    vectors: list[Json], sealed: Json, rings: dict[str, Ring]
) -> Iterator[str]:
    for vector in vectors:
        ring = Ring(vector["ring"]) if "ring" in vector else rings["register"]
        keys = ReleaseKeys(ring, vector["release"])
        typed = vector["typed"]
        named = identity_bytes(typed["register"], *identity(typed))

        def opened(
            vector: Json = vector, keys: Any = keys, named: bytes = named
        ) -> None:
            content = open_sealed(keys, named, vector["row"])
            open_content(int(vector["row"]["sealed"][2:4], 16), content)

        found = _refusal(opened)
        yield from _compare(f"refusal ({vector['about']})", found, vector["code"])


def _differences_in_inspections(vectors: Json, ring: Ring) -> Iterator[str]:
    release = vectors["release"]
    yield from _compare(
        "inspections: MAC", release_mac(ring, release).hex(), release["mac"]
    )
    for vector in vectors["changed"]:
        if release_mac(ring, vector["release"]).hex() == vector["release"]["mac"]:
            yield f"inspections: {vector['changed']} has a MAC that is its own"
    keys = InspectionKeys(ring, release)
    for vector in vectors["inspections"]:
        where = f"inspections ({vector['about']})"
        plate, formula_or_date = identity(vector["typed"])
        named = identity_bytes(vector["typed"]["register"], plate, formula_or_date)
        row = vector["row"]
        yield from _compare(where, plate, vector["plate"])
        yield from _compare(where, formula_or_date, vector["formula_or_date"])
        yield from _compare(where, keys.record_id(named).hex(), row["record_id"])
        yield from _compare(where, keys.record_key(named).hex(), vector["record_key"])
        array = inspections_array_of(vector["inspections"])
        yield from _compare(where, array, vector["array"])
        content = bytes.fromhex(vector["content"])
        frame = bytes.fromhex(vector["frame"])
        yield from _compare(where, pad(frame).hex(), vector["content"])
        opened = open_inspections(row["dictionary"], content)
        yield from _compare(f"{where}: frame", opened, vector["array"])
        sealed = seal(keys, named, row, content, bytes.fromhex(vector["nonce"]))
        yield from _compare(f"{where}: sealed", sealed.hex(), row["sealed"])
        yield from _compare(where, open_sealed(keys, named, row).hex(), content.hex())
    for vector in vectors["refusals"]:

        def opened_content(vector: Json = vector) -> None:
            open_inspections(vector["dictionary"], bytes.fromhex(vector["content"]))

        found = _refusal(opened_content)
        yield from _compare(f"inspections ({vector['about']})", found, vector["code"])


def _differences_in_links(vectors: Json) -> Iterator[str]:
    ring = Ring(vectors["ring"])
    for vector in vectors["links"]:
        for name, value in link(ring, vector).items():
            where = f"links ({vector['about']}): {name}"
            yield from _compare(where, value, vector[name])


def main() -> int:
    found = list(differences())
    for line in found:
        print(line)
    print(f"{len(found)} differences between the vectors and SPEC.md")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
