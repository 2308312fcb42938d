"""One line of the extract → a typed Registration, and what could not be read of it.

Pure. The usual line is decoded straight into typed structures; a line with a key or a
type that is not usual is taken apart field by field, so that nothing is lost of it.
Source: SPEC.md section 1.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import re
import typing
from typing import Any

import msgspec
import msgspec.structs
from msgspec import Struct, field

from pseudonymizer import holder
from pseudonymizer.certificate import CertificateColumns, columns_of
from pseudonymizer.errors import Unusable
from pseudonymizer.normalise import feed_day, siren
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

Number = int | float | None
Text = str | None

_PLACEHOLDERS = frozenset(
    ("INCONNU", "INCONNUE", "NON DEFINI", "SANS", "NEANT", "0", "00", "000", "-", ".")
)
# Louder than any engine: the register holds cars at 540 to 893 dB.
_NOISE_MAX_DB = 200
# No rubric and no count comes near, and every reader of JSON holds it exactly.
_NUMBER_MAX = 1_000_000_000
# The longest real name has 75 characters.
_NAME_MAX = 1_000
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
    """Column `v`: the names are the register's own."""

    marque: Text = None
    tvv: Text = None
    nom_commercial: Text = None
    num_cnit: Text = None
    vin: Text = None
    couleur: Text = None
    type_reception: Text = None
    cveh_num_reception: Text = None
    pt_tech_adm_f1: Number = None
    ptac_f2: Number = None
    ptra_f3: Number = None
    pt_service_g: Number = None
    ptav_g1: Number = None
    category: Text = field(default=None, name="CTEC_RLIB_CATEGORIE")
    genre: Text = field(default=None, name="CTEC_RLIB_GENRE")
    eu_body: Text = field(default=None, name="CTEC_RLIB_CARROSSERIE_CE")
    body: Text = field(default=None, name="CTEC_RLIB_CARROSSERIE_NAT")
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
    date_update: Text = None
    issue_date: Text = field(default=None, name="date_emission_CI")
    date_premiere_immat: Text = None
    date_premiere_immat_siv: Text = None
    dos_date_conversion_siv: Text = None
    dos_date_derniere_modif: Text = None
    date_import_france: Text = None
    date_premiere_immat_etranger: Text = None
    annulation_ci: Text = None
    date_annulation_ci: Text = None
    perte_ci: Text = None
    ci_vole: Text = None
    duplicata: Text = None
    vehicule_vole: Text = None
    adr_code_postal_tit: Text = None
    pers_locataire: Text = None
    imported: Text = field(default=None, name="import")
    imp_imp_pays: Text = None
    pays_import: Text = None
    usage: list[str] | None = None
    sit_adm: _Situation | None = None
    historique: list[_Operation] | None = None
    new_historique: list[_Operation] | None = None
    pve: list[_Procedure] | None = None
    nb_titulaires: int | None = None
    is_incertain: Text = None
    nb_sinistres: int | None = None
    date_dernier_sinistre: Text = None
    date_derniere_resolution: Text = None
    is_apte_a_circuler: Text = None
    plaq_immat: Text = None
    # Known and not kept: derivable, wrong (critair, has_pve), of no use to a report
    # (imp_imp_immat), or masked copies of what the columns hold.
    utac_id: Any = None
    pers_nom_naissance_tit: Any = None
    pers_prenom_tit: Any = None
    pers_raison_soc_tit: Any = None
    pers_siren_tit: Any = None
    imp_imp_immat: Any = None
    age_certificat: Any = None
    logo_genre: Any = None
    critair: Any = None
    is_fni: Any = None
    is_fni_converti: Any = None
    has_pve: Any = None


_decode_facts = msgspec.json.Decoder(_Facts).decode
_decode_anything = msgspec.json.Decoder().decode
# A surrogate alone is no character, and nothing that is written can hold one.
_SURROGATE = re.compile("[\ud800-\udfff]")


class Layout:
    """Where the columns of one file stand. Told by the header, never by the name."""

    def __init__(self, columns: dict[str, int]) -> None:
        self._certificate = CertificateColumns(columns)
        self.register = self._certificate.register
        self.width = len(columns)
        self._facts = columns["v"]
        self._company = columns["pers_raison_soc_tit"]
        self._siren = columns["pers_siren_tit"]
        self._family = columns["pers_nom_naissance_tit"]
        self._given = columns["pers_prenom_tit"]
        self._inspection = columns.get("utac_ask_ct")
        self._vin = columns.get("vin")

    @classmethod
    def of(cls, header: list[str]) -> Layout:
        """Raises FeedRefused `unknown_layout`, naming what is missing."""
        needed = (
            "v",
            "pers_raison_soc_tit",
            "pers_siren_tit",
            "pers_nom_naissance_tit",
            "pers_prenom_tit",
        )
        return cls(columns_of(header, needed))

    def registration(self, row: list[str]) -> Registration:
        """Return one line as types; `row` has `width` cells.

        Raises Unusable when the line has no usable identity, or `facts_unreadable`
        when `v` is no JSON object. Nothing else of a line costs the vehicle its
        report: what cannot be read is None, with a code in `quality`.
        """
        quality: list[str] = []
        certificate = self._certificate
        identity = certificate.identity(row)
        facts, extras = _read_facts(row[self._facts], quality)
        if not facts.plaq_immat or "*" not in facts.plaq_immat:
            facts.plaq_immat = mask_plate(row[certificate.plate])
        if self._vin is not None and row[self._vin].strip():
            facts.vin = row[self._vin]
        if self.register is Register.FNI:
            facts.issue_date = row[certificate.proof]
        holders, shown = self._holders(row, quality)
        record = _record(
            self.register,
            facts,
            shown,
            row[self._inspection] if self._inspection is not None else None,
            quality,
            extras,
        )
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
            holders = holder.person(family, row[self._given])
            shown = holder.initials(family=family, given=row[self._given])
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


def _read_facts(text: str, quality: list[str]) -> tuple[_Facts, dict[str, Any]]:
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


def _record(
    register: Register,
    facts: _Facts,
    initials: Initials,
    inspection: str | None,
    quality: list[str],
    extras: dict[str, Any],
) -> Record:
    def day(text: str | None, name: str) -> dt.date | None:
        if not text:
            return None
        try:
            return feed_day(text)
        except Unusable as exc:
            quality.append(f"{exc.code}:{name}")
            return None

    def yes(text: str | None, name: str) -> bool | None:
        if text == "NON":
            return False
        if text == "OUI":
            return True
        if text:
            quality.append(f"boolean_unreadable:{name}")
        return None

    def number(value: Number, name: str) -> Number:
        # The register writes 0 where it does not know.
        if not value:
            return None
        if 0 < value <= _NUMBER_MAX:
            return value
        quality.append(f"{'negative' if value < 0 else 'implausible'}:{name}")
        return None

    def count(value: int | None, name: str) -> int | None:
        return 0 if value == 0 else _whole(number(value, name))

    def step(raw: _Step | None, name: str) -> ExpertStep | None:
        if raw is None:
            return None
        return ExpertStep(
            day(raw.date, name),
            _text(raw.num_agree),
            yes(raw.dangereux, name),
            yes(raw.tech_reparable, name),
        )

    noise = number(facts.noise, "CTEC_NIVEAU_SONORE")
    if noise is not None and noise > _NOISE_MAX_DB:
        quality.append("implausible:CTEC_NIVEAU_SONORE")
        noise = None
    vehicle = Vehicle(
        make=_text(facts.marque),
        variant=_text(facts.tvv),
        cnit=_text(facts.num_cnit),
        model=_text(facts.nom_commercial),
        vin=_text(facts.vin),
        colour=_text(facts.couleur),
        approval_type=_text(facts.type_reception),
        approval_number=_text(facts.cveh_num_reception),
        max_technical_mass_kg=number(facts.pt_tech_adm_f1, "pt_tech_adm_f1"),
        max_laden_mass_kg=number(facts.ptac_f2, "ptac_f2"),
        max_train_mass_kg=number(facts.ptra_f3, "ptra_f3"),
        mass_in_service_kg=number(facts.pt_service_g, "pt_service_g"),
        unladen_mass_kg=number(facts.ptav_g1, "ptav_g1"),
        eu_category=_code(facts.category),
        genre=_code(facts.genre),
        eu_body=_code(facts.eu_body),
        body=_code(facts.body),
        displacement_cm3=number(facts.displacement, "CTEC_CYLINDREE"),
        net_power_kw=number(facts.net_power, "CTEC_PUISSANCE_NETTE"),
        energy=_code(facts.energy),
        fiscal_power_cv=number(facts.fiscal_power, "CTEC_PUISS_CV"),
        power_to_mass=number(facts.power_to_mass, "CTEC_RAPPORT_PUIS_MASSE"),
        seats=_whole(number(facts.seats, "CTEC_PLACES_ASSISES")),
        standing_places=_whole(number(facts.standing, "CTEC_PLACES_DEBOUT")),
        noise_db=noise,
        noise_engine_speed=number(facts.engine_speed, "CTEC_VITESSE_MOTEUR"),
        co2_g_km=number(facts.co2, "CTEC_CO2"),
        environment_class=_text(facts.pollution),
    )
    operations: tuple[Operation, ...] = ()
    if events := _events(facts, quality):
        operations = tuple(
            Operation(
                raw.opa_type or "",
                day(raw.opa_date, "historique.opa_date"),
                bool(raw.ope_date_annul),
                day(raw.ope_date_annul, "historique.ope_date_annul"),
                _text(raw.id_pve),
                _text(raw.num_agree),
            )
            for raw in events
        )
    situation = facts.sit_adm or _Situation()
    return Record(
        register=register,
        masked_plate=facts.plaq_immat or "",
        initials=initials,
        postal_code=_text(facts.adr_code_postal_tit),
        leased=yes(facts.pers_locataire, "pers_locataire"),
        vehicle=vehicle,
        certificate_cancelled=yes(facts.annulation_ci, "annulation_ci"),
        certificate_cancelled_on=day(facts.date_annulation_ci, "date_annulation_ci"),
        certificate_lost=yes(facts.perte_ci, "perte_ci"),
        certificate_stolen=yes(facts.ci_vole, "ci_vole"),
        certificate_duplicate=yes(facts.duplicata, "duplicata"),
        vehicle_stolen=yes(facts.vehicule_vole, "vehicule_vole"),
        first_registration=day(facts.date_premiere_immat, "date_premiere_immat"),
        issue_date=day(facts.issue_date, "date_emission_CI"),
        first_registration_siv=day(
            facts.date_premiere_immat_siv, "date_premiere_immat_siv"
        ),
        siv_conversion=day(facts.dos_date_conversion_siv, "dos_date_conversion_siv"),
        last_change=day(facts.dos_date_derniere_modif, "dos_date_derniere_modif"),
        updated=day(facts.date_update, "date_update"),
        import_date=day(facts.date_import_france, "date_import_france"),
        imported=yes(facts.imported, "import"),
        first_registration_abroad=day(
            facts.date_premiere_immat_etranger, "date_premiere_immat_etranger"
        ),
        origin_code=_text(facts.imp_imp_pays),
        origin_name=_text(facts.pays_import),
        usages=tuple(facts.usage or ()),
        subject_to_inspection=yes(inspection, "utac_ask_ct"),
        operations=operations,
        suspensions=tuple(
            Suspension(
                raw.motif or "",
                day(raw.date, "sit_adm.suspensions.date"),
                yes(raw.remise_titre, "sit_adm.suspensions.remise_titre"),
                yes(raw.retrait_titre, "sit_adm.suspensions.retrait_titre"),
            )
            for raw in situation.suspensions or ()
        ),
        oppositions=tuple(
            Opposition(kind, day(raw.date, f"sit_adm.opposition.{kind}"))
            for kind, dated in (situation.opposition or {}).items()
            for raw in dated
        ),
        pledges=tuple(
            Pledge(day(raw.date, "sit_adm.gages.date"), _text(raw.nom_creancier))
            for raw in situation.gages or ()
        ),
        seizures=tuple(
            Seizure(day(raw.date, "sit_adm.dvs.date"), _text(raw.dvs_autorite))
            for raw in situation.dvs or ()
        ),
        procedures=tuple(
            DamageProcedure(
                _text(raw.id_pve),
                yes(raw.en_cours, "pve.en_cours"),
                step(raw.decl, "pve.decl"),
                step(raw.prem, "pve.prem"),
                step(raw.deux, "pve.deux"),
            )
            for raw in facts.pve or ()
        ),
        holder_count=count(facts.nb_titulaires, "nb_titulaires"),
        uncertain_origin=yes(facts.is_incertain, "is_incertain"),
        claim_count=count(facts.nb_sinistres, "nb_sinistres"),
        last_claim=day(facts.date_dernier_sinistre, "date_dernier_sinistre"),
        last_resolution=day(facts.date_derniere_resolution, "date_derniere_resolution"),
        fit_to_drive=yes(facts.is_apte_a_circuler, "is_apte_a_circuler"),
        quality=tuple(quality),
        extras=extras,
    )


def _events(facts: _Facts, quality: list[str]) -> list[_Operation]:
    """The two histories hold the same events: `historique` has the moment in UTC,
    `new_historique` a day counted with a wrong offset, and the expert's number."""
    old, new = facts.historique, facts.new_historique
    if not old or not new:
        return old or new or []
    if len(old) != len(new) or any(
        a.opa_type != b.opa_type for a, b in zip(old, new, strict=True)
    ):
        quality.append("histories_differ:new_historique")
        return old
    for a, b in zip(old, new, strict=True):
        if b.num_agree:
            a.num_agree = b.num_agree
    return old


def _text(text: str | None) -> str | None:
    if text is None:
        return None
    text = text.strip()
    return text if text and text not in _PLACEHOLDERS else None


def _code(text: str | None) -> str | None:
    return (text.strip() or None) if text else None


def _whole(value: Number) -> int | None:
    return None if value is None else int(value)
