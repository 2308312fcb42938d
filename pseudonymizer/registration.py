"""One line of the extract → a typed Registration, and what could not be read of it.

Pure. The usual line is decoded straight into typed structures; a line with a key or a
type that is not usual is taken apart field by field, so that nothing is lost of it.
Source: SPEC.md section 1.
"""

from __future__ import annotations

import functools
import json
import math
import re
import typing
from collections.abc import Callable
from typing import Annotated, Any, Union

import msgspec
import msgspec.structs
from msgspec import Meta, Struct, field

from pseudonymizer import holder
from pseudonymizer.certificate import CertificateColumns, columns_of
from pseudonymizer.errors import Unusable
from pseudonymizer.normalise import (
    FEED_DAYS,
    Remembered,
    feed_day,
    name_words,
    siren,
    that_repeats,
)
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Holder,
    Initials,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
    Registration,
    Seizure,
    Suspension,
    Vehicle,
)

COLUMNS = (
    "v",
    "pers_raison_soc_tit",
    "pers_siren_tit",
    "pers_nom_naissance_tit",
    "pers_prenom_tit",
)
OPTIONAL_COLUMNS = ("utac_ask_ct", "vin")

Number = int | float | None
Text = str | None
# Known and not kept: derivable, wrong (critair, has_pve), of no use to a report
# (imp_imp_immat), or masked copies of what the columns hold.
Unkept = Any

_PLACEHOLDERS = frozenset(
    ("INCONNU", "INCONNUE", "NON DEFINI", "SANS", "NEANT", "0", "00", "000", "-", ".")
)
# No rubric and no count comes near, and every reader of JSON holds it exactly.
_NUMBER_MAX = 1_000_000_000
# Louder than any engine, in dB: the register holds cars at 540 to 893.
_MAX_OF = {"CTEC_NIVEAU_SONORE": 200}
# The longest real name has 75 characters.
_NAME_MAX = 1_000
# Makes, models and colours that are remembered: about 5 MB.
_TEXTS_MAX = 20_000
# Family and given names that are remembered: about 20 MB.
_NAMES_MAX = 50_000
# The register's own facts nest four deep.
_EXTRA_DEPTH_MAX = 16


class _Operation(Struct, forbid_unknown_fields=True):
    opa_type: Text = None
    opa_date: Text = None
    ope_date_annul: Text = None
    id_pve: Text = None
    num_agree: Text = None


class _Suspension(Struct, forbid_unknown_fields=True):
    date: Text = None
    motif: Text = None
    remise_titre: Text = None
    retrait_titre: Text = None


class _Dated(Struct, forbid_unknown_fields=True):
    date: Text = None


class _Pledge(Struct, forbid_unknown_fields=True):
    date: Text = None
    nom_creancier: Text = None


class _Seizure(Struct, forbid_unknown_fields=True):
    date: Text = None
    dvs_autorite: Text = None


class _Situation(Struct, forbid_unknown_fields=True):
    suspensions: list[_Suspension] | None = None
    opposition: dict[str, list[_Dated]] | None = None
    gages: list[_Pledge] | None = None
    dvs: list[_Seizure] | None = None


class _Step(Struct, forbid_unknown_fields=True):
    date: Text = None
    num_agree: Text = None
    dangereux: Text = None
    tech_reparable: Text = None


class _Procedure(Struct, forbid_unknown_fields=True):
    id_pve: Text = None
    en_cours: Text = None
    decl: _Step | None = None
    prem: _Step | None = None
    deux: _Step | None = None


class _Facts(Struct, forbid_unknown_fields=True):
    """Column `v`: the names are the register's own, and so is their order, in which the
    decoder finds each where it looks first."""

    date_update: Text = None
    plaq_immat: Text = None
    date_annulation_ci: Text = None
    utac_id: Unkept = None
    issue_date: Text = field(default=None, name="date_emission_CI")
    usage: list[str] | None = None
    marque: Text = None
    tvv: Text = None
    nom_commercial: Text = None
    num_cnit: Text = None
    couleur: Text = None
    type_reception: Text = None
    pt_tech_adm_f1: Number = None
    ptac_f2: Number = None
    ptra_f3: Number = None
    pt_service_g: Number = None
    ptav_g1: Number = None
    category: Text = field(default=None, name="CTEC_RLIB_CATEGORIE")
    genre: Text = field(default=None, name="CTEC_RLIB_GENRE")
    eu_body: Text = field(default=None, name="CTEC_RLIB_CARROSSERIE_CE")
    body: Text = field(default=None, name="CTEC_RLIB_CARROSSERIE_NAT")
    cveh_num_reception: Text = None
    displacement: Number = field(default=None, name="CTEC_CYLINDREE")
    net_power: Number = field(default=None, name="CTEC_PUISSANCE_NETTE")
    energy: Text = field(default=None, name="CTEC_RLIB_ENERGIE")
    fiscal_power: Number = field(default=None, name="CTEC_PUISS_CV")
    power_to_mass: Number = field(default=None, name="CTEC_RAPPORT_PUIS_MASSE")
    seats: int | None = field(default=None, name="CTEC_PLACES_ASSISES")
    standing: int | None = field(default=None, name="CTEC_PLACES_DEBOUT")
    noise: Number = field(default=None, name="CTEC_NIVEAU_SONORE")
    engine_speed: Number = field(default=None, name="CTEC_VITESSE_MOTEUR")
    co2: Number = field(default=None, name="CTEC_CO2")
    pollution: Text = field(default=None, name="CTEC_RLIB_POLLUTION")
    pers_raison_soc_tit: Unkept = None
    pers_siren_tit: Unkept = None
    pers_nom_naissance_tit: Unkept = None
    pers_prenom_tit: Unkept = None
    adr_code_postal_tit: Text = None
    date_premiere_immat: Text = None
    date_premiere_immat_siv: Text = None
    dos_date_derniere_modif: Text = None
    dos_date_conversion_siv: Text = None
    pers_locataire: Text = None
    sit_adm: _Situation | None = None
    perte_ci: Text = None
    duplicata: Text = None
    ci_vole: Text = None
    vehicule_vole: Text = None
    imported: Text = field(default=None, name="import")
    imp_imp_immat: Unkept = None
    imp_imp_pays: Text = None
    pays_import: Text = None
    historique: list[_Operation] | None = None
    new_historique: list[_Operation] | None = None
    pve: list[_Procedure] | None = None
    vin: Text = None
    age_certificat: Unkept = None
    logo_genre: Unkept = None
    critair: Unkept = None
    nb_sinistres: int | None = None
    date_dernier_sinistre: Text = None
    date_derniere_resolution: Text = None
    is_apte_a_circuler: Text = None
    date_import_france: Text = None
    is_incertain: Text = None
    nb_titulaires: int | None = None
    is_fni: Unkept = None
    is_fni_converti: Unkept = None
    date_premiere_immat_etranger: Text = None
    has_pve: Unkept = None
    annulation_ci: Text = None


def _usual(field: msgspec.structs.FieldInfo) -> Any:
    """Return the type of a field's values that need no remark."""
    if field.type not in (Number, int | None):
        return field.type
    within = Meta(ge=0, le=_MAX_OF.get(field.encode_name, _NUMBER_MAX))
    kinds = typing.get_args(field.type)
    return Union[tuple(k if k is type(None) else Annotated[k, within] for k in kinds)]  # noqa: UP007


# A line of which no value is out of its bounds: the decoder itself says so.
_UsualFacts = msgspec.defstruct(
    "_UsualFacts",
    [
        (f.name, _usual(f), field(default=None, name=f.encode_name))
        for f in msgspec.structs.fields(_Facts)
    ],
    forbid_unknown_fields=True,
)
_decode_usual: Callable[[str], _Facts]
_decode_usual = msgspec.json.Decoder(_UsualFacts).decode  # type: ignore[assignment]
_decode_facts = msgspec.json.Decoder(_Facts).decode
_REGISTER_NAME = {f.name: f.encode_name for f in msgspec.structs.fields(_Facts)}
_NO_SITUATION = _Situation()
# What the register writes where it has no date.
_NO_DATE = "01/01/1900"
_decode_anything = msgspec.json.Decoder().decode
# A surrogate alone is no character, and nothing that is written can hold one.
_SURROGATE = re.compile("[\ud800-\udfff]")


class Layout:
    """Where the columns of one file stand. Told by the header, never by the name."""

    def __init__(self, columns: dict[str, int]) -> None:
        self._certificate = CertificateColumns(columns)
        self.register = self._certificate.register
        self.width = len(columns)
        self._facts, self._company, self._siren, self._family, self._given = (
            columns[name] for name in COLUMNS
        )
        self._inspection, self._vin = map(columns.get, OPTIONAL_COLUMNS)

    @classmethod
    def of(cls, header: list[str]) -> Layout:
        """Raises FeedRefused `unknown_layout`, naming what is missing."""
        return cls(columns_of(header, COLUMNS))

    def registration(self, row: list[str]) -> Registration:
        """Return one line as types; `row` has `width` cells.

        Raises Unusable when the line has no usable identity, or `facts_unreadable`
        when `v` is no JSON object. Nothing else of a line costs the vehicle its
        report: what cannot be read is None, with a code in `quality`.
        """
        quality: list[str] = []
        certificate = self._certificate
        identity = certificate.identity(row)
        facts, extras, is_usual = _read_facts(row[self._facts], quality)
        if not facts.plaq_immat or "*" not in facts.plaq_immat:
            facts.plaq_immat = mask_plate(row[certificate.plate])
        if self._vin is not None and row[self._vin].strip():
            facts.vin = row[self._vin]
        if self.register is Register.FNI:
            facts.issue_date = row[certificate.proof]
        inspection = row[self._inspection] if self._inspection is not None else None
        holders, shown = self._holders(row, quality)
        if is_usual:
            try:
                record = _record(
                    self.register, facts, shown, inspection, quality, extras
                )
                return Registration(identity, holders, record)
            except Unusable:
                pass  # One value is, and is looked for.
        inspection = _take_out_unreadable(facts, inspection, quality)
        record = _record(self.register, facts, shown, inspection, quality, extras)
        return Registration(identity, holders, record)

    def _holders(
        self, row: list[str], quality: list[str]
    ) -> tuple[tuple[Holder, ...], Initials]:
        company, family = row[self._company].strip(), row[self._family]
        if max(len(company), len(family), len(row[self._given])) > _NAME_MAX:
            quality += ("implausible:holder", "holder_missing")
            return (), Initials()
        if company:
            try:
                number = siren(row[self._siren])
            except Unusable as exc:
                number = None
                quality.append(f"{exc.code}:pers_siren_tit")
            if holders := holder.company(company, number):
                return holders, holder.initials(company=company, siren=number)
        if self.register is Register.SIV:
            given = row[self._given]
            holders = holder.person(family, given, _name_words.__getitem__)
            shown = Initials(_initial_letters[family], _initial_letters[given])
        else:
            holders = holder.single_field(family)
            shown = holder.initials(family=family)
        if not holders:
            quality.append("holder_missing")
        return holders, shown


def mask_plate(plate: str) -> str:
    """Return the plate with every digit but the first as `*`."""
    masked, seen = "", False
    for character in plate.strip().upper():
        masked += "*" if character.isdigit() and seen else character
        seen = seen or character.isdigit()
    return masked


def _read_facts(text: str, quality: list[str]) -> tuple[_Facts, dict[str, Any], bool]:
    """Return the facts, the keys that are not known, and whether the line is usual."""
    try:
        return _decode_usual(text), {}, True
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return *_read_unusual_facts(text, quality), False


def _read_unusual_facts(text: str, quality: list[str]) -> tuple[_Facts, dict[str, Any]]:
    try:
        try:
            return _decode_facts(text), {}
        except msgspec.ValidationError:
            anything = _decode_anything(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        anything = _decode_whatever_it_holds(text)
    except RecursionError as exc:
        raise Unusable("facts_unreadable") from exc
    if not isinstance(anything, dict):
        raise Unusable("facts_unreadable")
    extras: dict[str, Any] = {}
    return _pick(anything, _Facts, "", quality, extras), extras


def _decode_whatever_it_holds(text: str) -> Any:
    """Return JSON of which msgspec refuses the whole for one value: half a character, a
    number out of range, NaN, a raw control character. `_is_readable` tells which.

    Raises Unusable `facts_unreadable` for what is no JSON.
    """
    try:
        return _lenient.decode(text)
    except (ValueError, RecursionError) as exc:
        raise Unusable("facts_unreadable") from exc


def _number_of(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        # More digits than Python reads (4,300).
        return math.inf


_lenient = json.JSONDecoder(parse_int=_number_of, strict=False)


def _pick(
    value: Any, kind: Any, path: str, quality: list[str], extras: dict[str, Any]
) -> Any:
    """Return as much of `value` as is of this kind, None for nothing.

    What has no place goes to `extras` under its path, what is of a wrong type is
    named in `quality`.
    """
    options = [k for k in typing.get_args(kind) if k is not type(None)]
    if typing.get_origin(kind) in (list, dict):
        options = [kind]
    (kind,) = options if len(options) == 1 else (kind,)
    origin = typing.get_origin(kind)
    if value is None:
        return None
    if kind is Any:
        return value
    if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, dict):
        known = _fields(kind)
        picked = {}
        for key, inner in value.items():
            inner_path = f"{path}.{key}" if path else key
            if key in known:
                picked[known[key].name] = _pick(
                    inner, known[key].type, inner_path, quality, extras
                )
            else:
                _keep(inner, inner_path, quality, extras)
        return kind(**picked)
    if origin is list and isinstance(value, list):
        (inner_kind,) = typing.get_args(kind)
        found = (
            _pick(inner, inner_kind, f"{path}.{place}", quality, extras)
            for place, inner in enumerate(value)
        )
        return [inner for inner in found if inner is not None]
    if origin is dict and isinstance(value, dict):
        inner_kind = typing.get_args(kind)[1]
        picked = {}
        for key, inner in value.items():
            inner_path = f"{path}.{key}"
            if isinstance(inner, list) and _is_readable(key):
                picked[key] = _pick(inner, inner_kind, inner_path, quality, extras)
            else:
                _keep(inner, inner_path, quality, extras)
        return picked
    if not _is_readable(value):
        quality.append(f"type_unreadable:{_escaped(path)}")
        return None
    if kind is str and type(value) in (int, float):
        return str(value)
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        quality.append(f"type_unreadable:{path}")
        return None


def _keep(value: Any, path: str, quality: list[str], extras: dict[str, Any]) -> None:
    if _can_be_kept(value) and _is_readable(path):
        extras[path] = value
    else:
        quality.append(f"type_unreadable:{_escaped(path)}")


def _can_be_kept(value: Any, depth: int = _EXTRA_DEPTH_MAX) -> bool:
    """MessagePack has no integer over 64 bits, and what nests too deep for the reader
    depends on how deep the reader stands."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    if isinstance(value, dict | list):
        inner = value
        if isinstance(value, dict):
            if not all(map(_is_readable, value)):
                return False
            inner = list(value.values())
        return depth > 0 and all(_can_be_kept(v, depth - 1) for v in inner)
    return _is_readable(value)


def _is_readable(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() or not _SURROGATE.search(value)
    return not isinstance(value, float) or math.isfinite(value)


def _escaped(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()


@functools.cache
def _fields(kind: type[Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {f.encode_name: f for f in msgspec.structs.fields(kind)}


class _Answers(dict[Text, bool | None]):
    """OUI and NON → true and false. Raises Unusable `boolean_unreadable`."""

    def __missing__(self, text: Text) -> bool | None:
        raise Unusable("boolean_unreadable")


_yes = _Answers({"OUI": True, "NON": False, "": None, None: None})


def _number(value: Number, maximum: int) -> Number:
    """Raises Unusable `negative` or `implausible`. The same bounds as `_usual`."""
    if value is not None and not 0 <= value <= maximum:
        raise Unusable("negative" if value < 0 else "implausible")
    return value


def _text(text: Text) -> Text:
    if not text:
        return None
    text = text.strip()
    return text if text and text not in _PLACEHOLDERS else None


def _code(text: Text) -> Text:
    return (text.strip() or None) if text else None


# What the register writes in every second line: makes, colours, genres.
_texts = Remembered(_text, limit=_TEXTS_MAX)
_codes = Remembered(_code, limit=_TEXTS_MAX)
# What stands in the name fields of SIV. Those of FNI hold whole names, which do not
# repeat.
_name_words = Remembered(name_words, limit=_NAMES_MAX)
_initial_letters = Remembered(holder.initial_letters, limit=_NAMES_MAX)


def _record(
    register: Register,
    facts: _Facts,
    initials: Initials,
    inspection: Text,
    quality: list[str],
    extras: dict[str, Any],
) -> Record:
    """Raises Unusable when one of the facts cannot be read; which one is for
    `_take_out_unreadable` to say. Numbers have been found within their bounds.

    Each line of the register passes here: what is usual is one look into a table.
    """
    day, yes, texts = FEED_DAYS, _yes, _texts
    masked_plate = facts.plaq_immat or ""
    postal_code = texts[facts.adr_code_postal_tit]
    leased = yes[facts.pers_locataire]
    vehicle = _vehicle(facts)
    certificate_cancelled = yes[facts.annulation_ci]
    certificate_cancelled_on = day[facts.date_annulation_ci]
    certificate_lost = yes[facts.perte_ci]
    certificate_stolen = yes[facts.ci_vole]
    certificate_duplicate = yes[facts.duplicata]
    vehicle_stolen = yes[facts.vehicule_vole]
    first_registration = day[facts.date_premiere_immat]
    issue_date = day[facts.issue_date]
    first_registration_siv = day[facts.date_premiere_immat_siv]
    siv_conversion = day[facts.dos_date_conversion_siv]
    last_change = day[facts.dos_date_derniere_modif]
    updated = day[facts.date_update]
    import_date = day[facts.date_import_france]
    imported = yes[facts.imported]
    first_registration_abroad = day[facts.date_premiere_immat_etranger]
    origin_code = texts[facts.imp_imp_pays]
    origin_name = texts[facts.pays_import]
    usages = tuple(facts.usage) if facts.usage else ()
    subject_to_inspection = yes[inspection]
    operations = tuple(
        [
            _operation(raw)
            if raw.ope_date_annul or raw.id_pve or raw.num_agree
            else Operation(raw.opa_type or "", day[that_repeats(raw.opa_date)])
            for raw in _events(facts)
        ]
    )
    situation = facts.sit_adm or _NO_SITUATION
    suspensions = (
        tuple(map(_suspension, situation.suspensions)) if situation.suspensions else ()
    )
    oppositions = (
        _oppositions(situation.opposition)
        if situation.opposition and any(situation.opposition.values())
        else ()
    )
    pledges = tuple(map(_pledge, situation.gages)) if situation.gages else ()
    seizures = tuple(map(_seizure, situation.dvs)) if situation.dvs else ()
    procedures = tuple(map(_procedure, facts.pve)) if facts.pve else ()
    holder_count = facts.nb_titulaires
    uncertain_origin = yes[facts.is_incertain]
    claim_count = facts.nb_sinistres
    last_claim = day[facts.date_dernier_sinistre]
    last_resolution = day[facts.date_derniere_resolution]
    fit_to_drive = yes[facts.is_apte_a_circuler]
    # By place: by name, each of the forty is looked for among all of them, at 1.5 µs.
    # A test compares with the order of the fields, here and in `_vehicle`.
    return Record(
        register, masked_plate, initials, postal_code, leased, vehicle,
        certificate_cancelled, certificate_cancelled_on, certificate_lost,
        certificate_stolen, certificate_duplicate, vehicle_stolen, first_registration,
        issue_date, first_registration_siv, siv_conversion, last_change, updated,
        import_date, imported, first_registration_abroad, origin_code, origin_name,
        usages, subject_to_inspection, operations, suspensions, oppositions, pledges,
        seizures, procedures, holder_count, uncertain_origin, claim_count, last_claim,
        last_resolution, fit_to_drive, tuple(quality), extras,
    )  # fmt: skip


def _vehicle(facts: _Facts) -> Vehicle:
    texts, codes = _texts, _codes
    make = texts[facts.marque]
    variant = _text(facts.tvv)
    cnit = _text(facts.num_cnit)
    model = texts[facts.nom_commercial]
    vin = _text(facts.vin)
    colour = texts[facts.couleur]
    approval_type = texts[facts.type_reception]
    approval_number = _text(facts.cveh_num_reception)
    # The register writes 0 where it does not know a number: `or None`.
    max_technical_mass_kg = facts.pt_tech_adm_f1 or None
    max_laden_mass_kg = facts.ptac_f2 or None
    max_train_mass_kg = facts.ptra_f3 or None
    mass_in_service_kg = facts.pt_service_g or None
    unladen_mass_kg = facts.ptav_g1 or None
    eu_category = codes[facts.category]
    genre = codes[facts.genre]
    eu_body = codes[facts.eu_body]
    body = codes[facts.body]
    displacement_cm3 = facts.displacement or None
    net_power_kw = facts.net_power or None
    energy = codes[facts.energy]
    fiscal_power_cv = facts.fiscal_power or None
    power_to_mass = facts.power_to_mass or None
    seats = facts.seats or None
    standing_places = facts.standing or None
    noise_db = facts.noise or None
    noise_engine_speed = facts.engine_speed or None
    co2_g_km = facts.co2 or None
    environment_class = texts[facts.pollution]
    return Vehicle(
        make, variant, cnit, model, vin, colour, approval_type, approval_number,
        max_technical_mass_kg, max_laden_mass_kg, max_train_mass_kg,
        mass_in_service_kg, unladen_mass_kg, eu_category, genre, eu_body, body,
        displacement_cm3, net_power_kw, energy, fiscal_power_cv, power_to_mass, seats,
        standing_places, noise_db, noise_engine_speed, co2_g_km, environment_class,
    )  # fmt: skip


def _operation(raw: _Operation) -> Operation:
    return Operation(
        raw.opa_type or "",
        feed_day(raw.opa_date),
        bool(raw.ope_date_annul),
        feed_day(raw.ope_date_annul),
        _text(raw.id_pve),
        _text(raw.num_agree),
    )


def _suspension(raw: _Suspension) -> Suspension:
    return Suspension(
        raw.motif or "",
        feed_day(raw.date),
        _yes[raw.remise_titre],
        _yes[raw.retrait_titre],
    )


def _oppositions(raw: dict[str, list[_Dated]]) -> tuple[Opposition, ...]:
    return tuple(
        Opposition(kind, feed_day(one.date))
        for kind, dated in raw.items()
        for one in dated
    )


def _pledge(raw: _Pledge) -> Pledge:
    return Pledge(feed_day(raw.date), _text(raw.nom_creancier))


def _seizure(raw: _Seizure) -> Seizure:
    return Seizure(feed_day(raw.date), _text(raw.dvs_autorite))


def _procedure(raw: _Procedure) -> DamageProcedure:
    return DamageProcedure(
        _text(raw.id_pve),
        _yes[raw.en_cours],
        _step(raw.decl),
        _step(raw.prem),
        _step(raw.deux),
    )


def _step(raw: _Step | None) -> ExpertStep | None:
    if raw is None:
        return None
    return ExpertStep(
        feed_day(raw.date),
        _text(raw.num_agree),
        _yes[raw.dangereux],
        _yes[raw.tech_reparable],
    )


def _events(facts: _Facts) -> list[_Operation]:
    """The two histories hold the same events: `historique` has the moment in UTC,
    `new_historique` a day counted with a wrong offset, and the expert's number.

    Raises Unusable `histories_differ`.
    """
    old, new = facts.historique, facts.new_historique
    if not old or not new:
        return old or new or []
    if len(old) != len(new):
        raise Unusable("histories_differ")
    experts = False
    for event, again in zip(old, new, strict=True):
        if event.opa_type != again.opa_type:
            raise Unusable("histories_differ")
        if again.num_agree:
            experts = True
    if experts:
        for event, again in zip(old, new, strict=True):
            if again.num_agree:
                event.num_agree = again.num_agree
    return old


def _take_out_unreadable(facts: _Facts, inspection: Text, quality: list[str]) -> Text:
    """Make None of each value that cannot be read, name it in `quality`, and return
    `inspection`, that of the column, likewise."""

    def check(
        owner: Struct,
        name: str,
        read: Callable[[Any], Any],
        of: str,
        instead: Text = None,
    ) -> None:
        try:
            read(getattr(owner, name))
        except Unusable as exc:
            quality.append(f"{exc.code}:{of}")
            setattr(owner, name, instead)

    def check_facts(read: Callable[[Any], Any], *names: str) -> None:
        for name in names:
            check(facts, name, read, _REGISTER_NAME[name])

    def check_numbers(*names: str) -> None:
        for name in names:
            of = _REGISTER_NAME[name]
            maximum = _MAX_OF.get(of, _NUMBER_MAX)
            check(facts, name, lambda value: _number(value, maximum), of)  # noqa: B023

    yes = _yes.__getitem__
    check_numbers(
        "noise", "pt_tech_adm_f1", "ptac_f2", "ptra_f3", "pt_service_g", "ptav_g1",
        "displacement", "net_power", "fiscal_power", "power_to_mass", "seats",
        "standing", "engine_speed", "co2",
    )  # fmt: skip
    try:
        events = _events(facts)
    except Unusable as exc:
        quality.append(f"{exc.code}:new_historique")
        facts.new_historique = None
        events = _events(facts)
    for event in events:
        check(event, "opa_date", feed_day, "historique.opa_date")
        # Still cancelled, if nobody knows when.
        check(event, "ope_date_annul", feed_day, "historique.ope_date_annul", _NO_DATE)
    check_facts(yes, "pers_locataire", "annulation_ci")
    check_facts(feed_day, "date_annulation_ci")
    check_facts(yes, "perte_ci", "ci_vole", "duplicata", "vehicule_vole")
    check_facts(
        feed_day,
        "date_premiere_immat", "issue_date", "date_premiere_immat_siv",
        "dos_date_conversion_siv", "dos_date_derniere_modif", "date_update",
        "date_import_france",
    )  # fmt: skip
    check_facts(yes, "imported")
    check_facts(feed_day, "date_premiere_immat_etranger")
    if inspection not in _yes:
        quality.append("boolean_unreadable:utac_ask_ct")
        inspection = None
    situation = facts.sit_adm or _NO_SITUATION
    for suspension in situation.suspensions or ():
        check(suspension, "date", feed_day, "sit_adm.suspensions.date")
        check(suspension, "remise_titre", yes, "sit_adm.suspensions.remise_titre")
        check(suspension, "retrait_titre", yes, "sit_adm.suspensions.retrait_titre")
    for kind, dated in (situation.opposition or {}).items():
        for opposition in dated:
            check(opposition, "date", feed_day, f"sit_adm.opposition.{kind}")
    for pledge in situation.gages or ():
        check(pledge, "date", feed_day, "sit_adm.gages.date")
    for seizure in situation.dvs or ():
        check(seizure, "date", feed_day, "sit_adm.dvs.date")
    for procedure in facts.pve or ():
        check(procedure, "en_cours", yes, "pve.en_cours")
        for name in ("decl", "prem", "deux"):
            if step := getattr(procedure, name):
                check(step, "date", feed_day, f"pve.{name}")
                check(step, "dangereux", yes, f"pve.{name}")
                check(step, "tech_reparable", yes, f"pve.{name}")
    check_numbers("nb_titulaires")
    check_facts(yes, "is_incertain")
    check_numbers("nb_sinistres")
    check_facts(feed_day, "date_dernier_sinistre", "date_derniere_resolution")
    check_facts(yes, "is_apte_a_circuler")
    return inspection
