"""Record and holder proof, or inspections ↔ compact, compressed, padded bytes.

Pure. The layout is frozen by SPEC.md section 7: fields are named by their place, so
that a change of order is a new layout version.
"""

from __future__ import annotations

import datetime as dt
import functools
import threading
from collections.abc import Sequence
from importlib import resources
from types import GenericAlias
from typing import Annotated, Any

import msgspec
import zstandard
from msgspec import Meta, Raw

from pseudonymizer.errors import EnvelopeError, Unusable
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Fingerprint,
    HolderKind,
    HolderProof,
    Initials,
    Inspection,
    Inspections,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
    Seizure,
    Suspension,
    Vehicle,
)

LAYOUT_VERSION = 1
# The high bit: no version of a record's layout is one of these.
INSPECTIONS_LAYOUT_VERSION = 0x81
DICTIONARY = 1
# The largest real line has 6,217 bytes; a bomb would be refused at this size.
DECODED_MAX = 64 * 1024
COMPRESSION_LEVEL = 3
LENGTH_BYTES = 2

# Nine real records in ten fall in three classes: the size of a record tells little.
_FINE_STEP, _FINE_UP_TO, _COARSE_STEP = 64, 512, 128

# Days are counted from here, so that all fit in 16 bits until 2029 and in 32 after.
_EPOCH = dt.date(1850, 1, 1).toordinal()

# Appended to, never reordered: a number is in every sealed record.
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
_OPERATION_NUMBER = {code: number for number, code in enumerate(OPERATION_CODES)}

# Appended to, never reordered, as above.
INSPECTION_NATURES = ("VTP", "CV", "VTC", "CVC")
INSPECTION_RESULTS = ("A", "S", "R", "AP", "SP", "RP", "X")
_NATURE_NUMBER = {code: number for number, code in enumerate(INSPECTION_NATURES)}
_RESULT_NUMBER = {code: number for number, code in enumerate(INSPECTION_RESULTS)}

_KINDS = tuple(HolderKind)
_REGISTERS = (Register.SIV, Register.FNI)

_DATES = (
    "issue_date", "first_registration_siv", "siv_conversion", "last_change", "updated",
    "import_date", "first_registration_abroad", "certificate_cancelled_on",
    "last_claim", "last_resolution",
)  # fmt: skip
_FLAGS = (
    "leased", "certificate_cancelled", "certificate_lost", "certificate_stolen",
    "certificate_duplicate", "vehicle_stolen", "imported", "subject_to_inspection",
    "uncertain_origin", "fit_to_drive",
)  # fmt: skip
_VEHICLE = tuple(field.name for field in msgspec.structs.fields(Vehicle))
# Rare parts travel in a map under these numbers, present only when not empty.
_SUSPENSIONS, _OPPOSITIONS, _PLEDGES, _SEIZURES, _PROCEDURES = 1, 2, 3, 4, 5
_USAGES, _QUALITY, _EXTRAS, _ORIGIN, _OPERATION_DETAILS = 6, 7, 8, 9, 10

# The types of the array, place by place: checked while it is read, at no cost.
_Place = Annotated[int, Meta(ge=0)]
_Days = int | None
_Flag = bool | None
_ARRAY_TYPES: tuple[Any, ...] = (
    _Place,
    *[_Flag] * len(_FLAGS),
    # A whole number is stored as an integer and has to come back as one.
    *(
        int | float | None if field.type == float | None else field.type
        for field in msgspec.structs.fields(Vehicle)
    ),
    list[_Place | str],
    dict[int, Raw],
    int | None,
    int | None,
    _Days,
    *[_Days] * len(_DATES),
    list[_Days],
    str,
    tuple[str | None, str | None, str | None, str | None],
    str | None,
    list[tuple[_Place, bytes, bytes, bytes | None]],
    list[tuple[int, bytes]],
)
_Step = tuple[_Days, str | None, _Flag, _Flag] | None
_RARE_TYPES: dict[int, Any] = {
    _SUSPENSIONS: list[tuple[str, _Days, _Flag, _Flag]],
    _OPPOSITIONS: list[tuple[str, _Days]],
    _PLEDGES: list[tuple[_Days, str | None]],
    _SEIZURES: list[tuple[_Days, str | None]],
    _PROCEDURES: list[tuple[str | None, _Flag, _Step, _Step, _Step]],
    _USAGES: list[str],
    _QUALITY: list[str],
    _EXTRAS: dict[str, Any],
    _ORIGIN: tuple[str | None, str | None],
    _OPERATION_DETAILS: dict[int, tuple[bool, _Days, str | None, str | None]],
}

_INSPECTIONS_ARRAY_TYPES: tuple[Any, ...] = (
    _Days,
    list[int],
    list[_Place | str],
    list[_Place | str],
    list[Annotated[int, Meta(ge=1)] | None],
)

_LAYOUT = bytes((LAYOUT_VERSION,))
_INSPECTIONS_LAYOUT = bytes((INSPECTIONS_LAYOUT_VERSION,))
_parts_of = msgspec.structs.astuple
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(GenericAlias(tuple, _ARRAY_TYPES)).decode
_decode_inspections = msgspec.msgpack.Decoder(
    GenericAlias(tuple, _INSPECTIONS_ARRAY_TYPES)
).decode
_decode_rare = {
    number: msgspec.msgpack.Decoder(kind).decode for number, kind in _RARE_TYPES.items()
}


class _Zstandard(threading.local):
    """What zstandard makes is for one thread: two at once end the process by a
    violation of memory."""

    def __init__(self) -> None:
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    @functools.cached_property
    def compressor(self) -> zstandard.ZstdCompressor:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            COMPRESSION_LEVEL,
            format=zstandard.FORMAT_ZSTD1_MAGICLESS,
            write_dict_id=False,
            write_checksum=False,
            write_content_size=True,
        )
        return zstandard.ZstdCompressor(
            dict_data=_dictionary(DICTIONARY), compression_params=parameters
        )

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        made = self._decompressors.get(number)
        if made is None:
            made = self._decompressors[number] = zstandard.ZstdDecompressor(
                dict_data=_dictionary(number), format=zstandard.FORMAT_ZSTD1_MAGICLESS
            )
        return made


_zstandard = _Zstandard()


def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    try:
        name = f"records-{number}.zdict"
        content = resources.files("pseudonymizer").joinpath("dictionaries", name)
        return zstandard.ZstdCompressionDict(content.read_bytes())
    except FileNotFoundError as exc:
        raise EnvelopeError from exc


def encode(record: Record, proof: HolderProof) -> bytes:
    """Return the padded content to seal, compressed with `DICTIONARY`.

    Raises what `pack` does.
    """
    return compress(pack(record, proof))


def decode(dictionary: int, content: bytes) -> tuple[Record, HolderProof]:
    """Raises EnvelopeError for an unknown dictionary or layout, for bytes that are no
    record, and for a record over 64 KiB."""
    return unpack(_packed(dictionary, content))


def decode_inspections(dictionary: int, content: bytes) -> Inspections:
    """Raises EnvelopeError where `decode` does, and for the content of a record."""
    return unpack_inspections(_packed(dictionary, content))


def compress(packed: bytes) -> bytes:
    """Return the padded content to seal of what was packed."""
    return pad(_zstandard.compressor.compress(packed))


def _packed(dictionary: int, content: bytes) -> bytes:
    compressed = unpad(content)
    try:
        # Known before anything is unpacked; -1 is a frame that does not say.
        size = zstandard.frame_content_size(b"\x28\xb5\x2f\xfd" + compressed)
        if not 0 <= size <= DECODED_MAX:
            raise EnvelopeError
        return _zstandard.decompressor(dictionary).decompress(
            compressed, max_output_size=DECODED_MAX, allow_extra_data=False
        )
    except zstandard.ZstdError as exc:
        raise EnvelopeError from exc


def pad(compressed: bytes) -> bytes:
    """Return the length in two bytes, the bytes, and zeros up to a size class.

    Raises OverflowError over 65,535 bytes.
    """
    size = LENGTH_BYTES + len(compressed)
    step = _FINE_STEP if size <= _FINE_UP_TO else _COARSE_STEP
    padding = -size % step
    return len(compressed).to_bytes(LENGTH_BYTES, "big") + compressed + bytes(padding)


def unpad(content: bytes) -> bytes:
    """Raises EnvelopeError when the bytes are not what `pad` made."""
    length = int.from_bytes(content[:LENGTH_BYTES], "big")
    compressed = content[LENGTH_BYTES : LENGTH_BYTES + length]
    if pad(compressed) != content:
        raise EnvelopeError
    return compressed


def pack(record: Record, proof: HolderProof) -> bytes:
    """Return the typed encoding, uncompressed. Source: SPEC.md section 7.

    Raises Unusable `record_too_large` for what could not be opened again.
    """
    try:
        return _of_a_size_that_opens(_LAYOUT + _encode(_values(record, proof)))
    except (OverflowError, RecursionError, UnicodeEncodeError) as exc:
        # MessagePack has no place for it. What reads a line leaves such a value out.
        raise Unusable("record_too_large") from exc


def _of_a_size_that_opens(packed: bytes) -> bytes:
    # A KiB less than what opens: bytes that do not shrink grow a little, and their
    # length has to fit in two bytes.
    if len(packed) > DECODED_MAX - 1024:
        raise Unusable("record_too_large")
    return packed


def _values(record: Record, proof: HolderProof) -> list[Any]:
    base = record.first_registration
    origin = base.toordinal() if base else _EPOCH

    def days(date: dt.date | None) -> int | None:
        return None if date is None else date.toordinal() - origin

    rare: dict[int, Any] = {}
    if record.operations:
        codes, dates, details = _pack_operations(record.operations, origin)
        if details:
            rare[_OPERATION_DETAILS] = details
    else:
        codes, dates = [], []
    if record.suspensions:
        rare[_SUSPENSIONS] = [
            (s.reason, days(s.date), s.document_surrendered, s.document_withdrawn)
            for s in record.suspensions
        ]
    if record.oppositions:
        rare[_OPPOSITIONS] = [(o.kind, days(o.date)) for o in record.oppositions]
    if record.pledges:
        rare[_PLEDGES] = [(days(p.date), p.creditor) for p in record.pledges]
    if record.seizures:
        rare[_SEIZURES] = [(days(s.date), s.authority) for s in record.seizures]
    if record.procedures:
        rare[_PROCEDURES] = [
            (
                p.number,
                p.running,
                *(
                    step
                    and (days(step.date), step.expert, step.dangerous, step.repairable)
                    for step in (p.declaration, p.first_report, p.second_report)
                ),
            )
            for p in record.procedures
        ]
    if record.usages:
        rare[_USAGES] = record.usages
    if record.quality:
        rare[_QUALITY] = record.quality
    if record.extras:
        rare[_EXTRAS] = record.extras
    if record.origin_code or record.origin_name:
        rare[_ORIGIN] = (record.origin_code, record.origin_name)
    shown = record.initials
    return [
        _REGISTERS.index(record.register),
        # One by one: by a getter of all, each costs three times as much.
        record.leased,
        record.certificate_cancelled,
        record.certificate_lost,
        record.certificate_stolen,
        record.certificate_duplicate,
        record.vehicle_stolen,
        record.imported,
        record.subject_to_inspection,
        record.uncertain_origin,
        record.fit_to_drive,
        *_parts_of(record.vehicle),
        codes,
        rare,
        record.holder_count,
        record.claim_count,
        base and base.toordinal() - _EPOCH,
        *[
            date and date.toordinal() - origin
            for date in (
                record.issue_date,
                record.first_registration_siv,
                record.siv_conversion,
                record.last_change,
                record.updated,
                record.import_date,
                record.first_registration_abroad,
                record.certificate_cancelled_on,
                record.last_claim,
                record.last_resolution,
            )
        ],
        dates,
        record.masked_plate,
        (shown.family, shown.given, shown.company, shown.siren_prefix),
        record.postal_code,
        [
            (_KINDS.index(f.kind), f.family, b"".join(f.words), f.siren_tag)
            for f in proof.fingerprints
        ],
        proof.tags,
    ]


def unpack(packed: bytes) -> tuple[Record, HolderProof]:
    """Raises EnvelopeError for another layout version or anything malformed."""
    if packed[:1] != _LAYOUT:
        raise EnvelopeError
    try:
        return _unpack(_decode(packed[1:]))
    except (
        msgspec.DecodeError,
        LookupError,
        OverflowError,
        RecursionError,
        ValueError,
    ) as exc:
        raise EnvelopeError from exc


def _unpack(values: tuple[Any, ...]) -> tuple[Record, HolderProof]:
    take = iter(values)
    register = _REGISTERS[next(take)]
    flags = {name: next(take) for name in _FLAGS}
    vehicle = Vehicle(**{name: next(take) for name in _VEHICLE})
    codes, raw, holder_count, claim_count, base = (next(take) for _ in range(5))
    rare = {number: _decode_rare[number](part) for number, part in raw.items()}
    origin = _EPOCH + (base or 0)

    def date(days: int | None) -> dt.date | None:
        return None if days is None else dt.date.fromordinal(origin + days)

    def step(packed: tuple[Any, ...] | None) -> ExpertStep | None:
        return packed and ExpertStep(date(packed[0]), *packed[1:])  # type: ignore[return-value]

    dates: dict[str, Any] = {name: date(next(take)) for name in _DATES}
    operation_days, masked_plate, shown, postal_code, fingerprints, tags = take
    origin_code, origin_name = rare.get(_ORIGIN, (None, None))
    record = Record(
        register=register,
        masked_plate=masked_plate,
        initials=Initials(*shown),
        postal_code=postal_code,
        vehicle=vehicle,
        first_registration=None if base is None else dt.date.fromordinal(origin),
        origin_code=origin_code,
        origin_name=origin_name,
        usages=tuple(rare.get(_USAGES, ())),
        operations=_unpack_operations(
            codes, operation_days, rare.get(_OPERATION_DETAILS, {}), origin
        ),
        suspensions=tuple(
            Suspension(reason, date(day), surrendered, withdrawn)
            for reason, day, surrendered, withdrawn in rare.get(_SUSPENSIONS, ())
        ),
        oppositions=tuple(
            Opposition(kind, date(day)) for kind, day in rare.get(_OPPOSITIONS, ())
        ),
        pledges=tuple(
            Pledge(date(day), creditor) for day, creditor in rare.get(_PLEDGES, ())
        ),
        seizures=tuple(
            Seizure(date(day), authority) for day, authority in rare.get(_SEIZURES, ())
        ),
        procedures=tuple(
            DamageProcedure(number, running, *map(step, steps))
            for number, running, *steps in rare.get(_PROCEDURES, ())
        ),
        holder_count=holder_count,
        claim_count=claim_count,
        quality=tuple(rare.get(_QUALITY, ())),
        extras=rare.get(_EXTRAS, {}),
        **flags,
        **dates,
    )
    proof = HolderProof(
        tuple(
            Fingerprint(_KINDS[kind], family, _words(words), siren_tag)
            for kind, family, words, siren_tag in fingerprints
        ),
        tuple((version, tag) for version, tag in tags),
    )
    return record, proof


def _pack_operations(
    operations: Sequence[Operation], origin: int
) -> tuple[list[int | str], list[int | None], dict[int, Any]]:
    """Columns: codes; days, each back from the one before; the rare details by place."""
    number = _OPERATION_NUMBER.get
    codes: list[int | str] = []
    dates: list[int | None] = []
    details: dict[int, Any] = {}
    previous = origin
    for operation in operations:
        code, date, cancelled, cancelled_on, procedure, expert = _parts_of(operation)
        if cancelled or cancelled_on or procedure or expert:
            details[len(codes)] = (
                cancelled,
                cancelled_on and cancelled_on.toordinal() - origin,
                procedure,
                expert,
            )
        codes.append(number(code, code))
        if date is None:
            dates.append(None)
        else:
            day = date.toordinal()
            dates.append(previous - day if dates else day - previous)
            previous = day
    return codes, dates, details


def _unpack_operations(
    codes: list[int | str],
    dates: list[int | None],
    details: dict[int, Any],
    origin: int,
) -> tuple[Operation, ...]:
    operations = []
    previous = origin
    for place, (code, days) in enumerate(zip(codes, dates, strict=True)):
        day = None
        if days is not None:
            previous = previous - days if place else previous + days
            day = dt.date.fromordinal(previous)
        cancelled, cancelled_on, procedure, expert = details.get(
            place, (False, None, None, None)
        )
        operations.append(
            Operation(
                code if isinstance(code, str) else OPERATION_CODES[code],
                day,
                cancelled,
                None
                if cancelled_on is None
                else dt.date.fromordinal(origin + cancelled_on),
                procedure,
                expert,
            )
        )
    return tuple(operations)


def _words(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[start : start + 16] for start in range(0, len(joined), 16))


def pack_inspections(inspections: Inspections) -> bytes:
    """Return the typed encoding, uncompressed. Source: SPEC.md section 7.

    Raises Unusable `record_too_large` for what could not be opened again.
    """
    listed, updated = inspections.inspections, inspections.updated
    days: list[int] = []
    previous = 0
    for inspection in listed:
        day = inspection.date.toordinal() - _EPOCH
        days.append(previous - day if days else day)
        previous = day
    values = (
        None if updated is None else updated.toordinal() - _EPOCH,
        days,
        [_NATURE_NUMBER.get(i.nature, i.nature) for i in listed],
        [_RESULT_NUMBER.get(i.result, i.result) for i in listed],
        [i.mileage_km for i in listed],
    )
    return _of_a_size_that_opens(_INSPECTIONS_LAYOUT + _encode(values))


def unpack_inspections(packed: bytes) -> Inspections:
    """Raises EnvelopeError for another layout version or anything malformed."""
    if packed[:1] != _INSPECTIONS_LAYOUT:
        raise EnvelopeError
    try:
        updated, days, *columns = _decode_inspections(packed[1:])
        listed: list[Inspection] = []
        day = 0
        for days_back, nature, result, mileage in zip(days, *columns, strict=True):
            day = day - days_back if listed else days_back
            listed.append(
                Inspection(
                    dt.date.fromordinal(_EPOCH + day),
                    nature if isinstance(nature, str) else INSPECTION_NATURES[nature],
                    result if isinstance(result, str) else INSPECTION_RESULTS[result],
                    mileage,
                )
            )
        last_change = None if updated is None else dt.date.fromordinal(_EPOCH + updated)
        return Inspections(tuple(listed), last_change)
    except (msgspec.DecodeError, LookupError, OverflowError, ValueError) as exc:
        raise EnvelopeError from exc
