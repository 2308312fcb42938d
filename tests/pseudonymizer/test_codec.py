"""Record ↔ compact padded bytes: SPEC.md section 7."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudonymizer import codec
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
from tests.pseudonymizer import confirm_vectors as spec
from tests.pseudonymizer.confirm_vectors import load
from tests.pseudonymizer.vector_files import Json, proof, with_about

SEALED = load("sealed")["records"]
SMALL = Record(register=Register.SIV, masked_plate="AA-1**-BB")
NO_PROOF = HolderProof()


def opened(content: bytes) -> tuple[Record, HolderProof]:
    return codec.decode(codec.DICTIONARY, content)


@pytest.mark.parametrize("vector", **with_about(SEALED))
def test_a_record_is_packed_as_the_vector_says(vector: Json) -> None:
    record = msgspec.convert(vector["record"], Record)
    packed = codec.pack(record, proof(vector))
    assert packed[:1] == b"\x01"
    assert spec.with_hex(spec.unpacked(packed[1:])) == vector["array"]


@pytest.mark.parametrize("vector", **with_about(SEALED))
def test_the_content_of_the_vector_opens_to_its_record(vector: Json) -> None:
    content = bytes.fromhex(vector["content"])
    record, found = codec.decode(vector["row"]["dictionary"], content)
    assert record == msgspec.convert(vector["record"], Record)
    assert found == proof(vector)


def test_a_record_packed_by_another_program_opens_too() -> None:
    """The order in a map, and how long an integer is written, are free."""
    vector = SEALED[0]
    array = spec.array_of(vector["record"], vector["fingerprints"], vector["tags"])
    array[40] = dict(reversed(array[40].items()))
    packed = spec.packed(array).replace(b"\xcd\x07\x3a", b"\xce\x00\x00\x07\x3a")
    assert len(packed) == len(spec.packed(array)) + 4
    record, _ = codec.unpack(b"\x01" + packed)
    assert record == msgspec.convert(vector["record"], Record)


def test_whole_numbers_stay_whole_and_others_stay_as_they_are() -> None:
    vehicle = Vehicle(max_laden_mass_kg=1850, displacement_cm3=49.9, net_power_kw=5.0)
    record = msgspec.structs.replace(SMALL, vehicle=vehicle)
    found = opened(codec.encode(record, NO_PROOF))[0].vehicle
    assert repr(found.max_laden_mass_kg) == "1850"
    assert repr(found.displacement_cm3) == "49.9"
    assert repr(found.net_power_kw) == "5.0"


days = st.none() | st.dates()
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
some_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
flags = st.none() | st.booleans()
numbers = st.none() | st.integers(0, 10**9) | st.floats(0, 1e9)
counts = st.none() | st.integers(0, 10**9)
steps = st.none() | st.builds(ExpertStep, days, texts, flags, flags)
codes = st.sampled_from(codec.OPERATION_CODES) | some_text
# "" for a procedure or an expert is None once it was stored, and is never read.
named = st.none() | some_text
extras = st.dictionaries(
    some_text,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False)
        | some_text,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(some_text, inner, max_size=3)
        ),
        max_leaves=4,
    ),
    max_size=2,
)


def several(one: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(one, max_size=most).map(tuple)


vehicles = st.builds(
    Vehicle,
    **{
        field.name: texts
        if field.type == str | None
        else counts
        if field.type == int | None
        else numbers
        for field in msgspec.structs.fields(Vehicle)
    },
)
records = st.builds(
    Record,
    register=st.sampled_from(list(Register)),
    masked_plate=st.text(max_size=8),
    initials=st.builds(Initials, texts, texts, texts, texts),
    vehicle=vehicles,
    operations=several(
        st.builds(Operation, codes, days, st.booleans(), days, named, named), 5
    ),
    suspensions=several(st.builds(Suspension, some_text, days, flags, flags)),
    oppositions=several(st.builds(Opposition, some_text, days)),
    pledges=several(st.builds(Pledge, days, texts)),
    seizures=several(st.builds(Seizure, days, texts)),
    procedures=several(st.builds(DamageProcedure, texts, flags, steps, steps, steps)),
    usages=several(some_text),
    quality=several(some_text),
    extras=extras,
    origin_code=named,
    origin_name=named,
    postal_code=texts,
    holder_count=counts,
    claim_count=counts,
    **{
        field.name: days
        for field in msgspec.structs.fields(Record)
        if field.type == dt.date | None
    },
    **{
        field.name: flags
        for field in msgspec.structs.fields(Record)
        if field.type == bool | None
    },
)
words = st.binary(min_size=16, max_size=16)
tags = st.binary(min_size=8, max_size=8)
fingerprints = st.one_of(
    st.builds(
        Fingerprint, st.just(HolderKind.PERSON), words, several(words), st.none()
    ),
    st.builds(
        Fingerprint,
        st.just(HolderKind.SINGLE_FIELD),
        st.just(b""),
        several(words, 6),
        st.none(),
    ),
    st.builds(
        Fingerprint,
        st.just(HolderKind.COMPANY),
        st.binary(min_size=32, max_size=32),
        st.just(()),
        st.none() | tags,
    ),
)
proofs = st.builds(
    HolderProof,
    several(fingerprints, 2),
    several(st.tuples(st.integers(1, 2**15 - 1), tags)),
)


@given(records, proofs)
def test_every_record_opens_to_itself(record: Record, found: HolderProof) -> None:
    assert codec.unpack(codec.pack(record, found)) == (record, found)
    content = codec.encode(record, found)
    assert opened(content) == (record, found)
    assert len(content) % (64 if len(content) <= 512 else 128) == 0


@given(records, proofs)
def test_every_record_is_packed_as_the_specification_says(
    record: Record, found: HolderProof
) -> None:
    packed = codec.pack(record, found)
    array = spec.unpacked(packed[1:])
    assert len(array) == 60
    assert [spec.FLAGS[n] for n in range(10) if array[1 + n]] == [
        flag for flag in spec.FLAGS if getattr(record, flag)
    ]
    assert array[11:39] == [getattr(record.vehicle, name) for name, _ in spec.VEHICLE]
    base = record.first_registration
    origin = base.toordinal() if base else spec.EPOCH.toordinal()
    assert [origin + d if d is not None else None for d in array[44:54]] == [
        date and date.toordinal()
        for date in (getattr(record, name) for name in spec.DATES)
    ]
    assert all(part for part in array[40].values())


# 62 and 510 bytes with their length fill a class; one more opens the next.
@pytest.mark.parametrize(
    ("size", "padded"),
    [(0, 64), (1, 64), (62, 64), (63, 128), (126, 128), (127, 192), (510, 512),
     (511, 640), (638, 640), (639, 768), (65_535, 65_664)],
)  # fmt: skip
def test_content_is_padded_to_its_size_class(size: int, padded: int) -> None:
    content = codec.pad(b"\xff" * size)
    assert len(content) == padded
    assert content == size.to_bytes(2, "big") + b"\xff" * size + bytes(
        padded - size - 2
    )
    assert codec.unpad(content) == b"\xff" * size


def test_what_no_length_can_tell_is_not_padded() -> None:
    with pytest.raises(OverflowError):
        codec.pad(bytes(65_536))


@pytest.mark.parametrize("size", [0, 40, 62, 300, 600])
def test_padding_that_is_another_is_refused(size: int) -> None:
    content = codec.pad(b"\xff" * size)
    broken = [
        content + bytes(64),
        content + bytes(128),
        content + b"\x00",
        content[:-1],
        content[:-64],
        b"\xff\xff" + content[2:],
        *(content[:n] for n in range(2)),
    ]
    broken += [
        content[:place] + b"\x01" + content[place + 1 :]
        for place in range(size + 2, len(content))
    ]
    for one in broken:
        with pytest.raises(EnvelopeError):
            codec.unpad(one)


@pytest.mark.parametrize(
    "vector",
    **with_about([v for v in load("refusals") if v["about"].startswith("sealed as")]),
)
def test_content_that_is_no_record_is_refused(vector: Json) -> None:
    """The sealer alone could have made these: nothing but the codec is asked."""
    keys = spec.ReleaseKeys(
        spec.Ring(load("keys")["rings"]["register"]), vector["release"]
    )
    named = spec.identity_bytes("SIV", *spec.identity(vector["typed"]))
    content = spec.open_sealed(keys, named, vector["row"])
    with pytest.raises(EnvelopeError) as refused:
        codec.decode(vector["row"]["dictionary"], content)
    assert str(refused.value) == "the sealed bytes do not open"


def test_content_cut_anywhere_is_refused() -> None:
    content = bytes.fromhex(SEALED[0]["content"])
    for size in range(len(content)):
        with pytest.raises(EnvelopeError):
            opened(content[:size])


def test_a_packed_record_cut_anywhere_is_refused() -> None:
    record = msgspec.convert(SEALED[0]["record"], Record)
    packed = codec.pack(record, proof(SEALED[0]))
    for size in range(len(packed)):
        with pytest.raises(EnvelopeError):
            codec.unpack(packed[:size])
    with pytest.raises(EnvelopeError):
        codec.unpack(packed + b"\xc0")


@given(st.binary(max_size=80))
def test_bytes_that_are_no_record_are_refused(content: bytes) -> None:
    for attempt in (
        lambda: codec.unpack(content),
        lambda: codec.unpack(b"\x01" + content),
        lambda: opened(content),
        lambda: opened(codec.pad(content)),
    ):
        with pytest.raises(EnvelopeError):
            attempt()


_WRONG = (None, True, -1, 2**63, 1.5, "texte", b"octets", [None], {1: 2}, {"a": []})


@pytest.mark.parametrize("place", range(60))
def test_a_value_of_another_type_is_refused_in_every_place(place: int) -> None:
    array = spec.unpacked(codec.pack(SMALL, NO_PROOF)[1:])
    refused = 0
    for wrong in _WRONG:
        broken = [*array[:place], wrong, *array[place + 1 :]]
        try:
            codec.unpack(b"\x01" + spec.packed(broken))
        except EnvelopeError:
            refused += 1
    # At most nil, a number, another number and a flag are of the place's own type.
    assert refused >= len(_WRONG) - 4


@pytest.mark.parametrize("number", range(12))
def test_a_rare_part_of_another_type_is_refused(number: int) -> None:
    array = spec.unpacked(codec.pack(SMALL, NO_PROOF)[1:])
    for wrong in (None, 5, "texte", [[]], [5], [[1, 2, 3, 4, 5, 6]], {0: 1}, [{}]):
        array[40] = {number: wrong}
        with pytest.raises(EnvelopeError):
            codec.unpack(b"\x01" + spec.packed(array))


@pytest.mark.parametrize("deep", [b"\x91" * 5_000, b"\x81\xa0" * 5_000])
def test_deep_nesting_is_refused(deep: bytes) -> None:
    with pytest.raises(EnvelopeError):
        codec.unpack(b"\x01" + deep + b"\xc0")


def test_what_encodes_also_decodes_up_to_the_limit() -> None:
    def sized(letters: int) -> Record:
        # No two pieces are alike, so that nothing of it can be compressed.
        text = "".join(f"{n * 2654435761 % 2**32:08x}" for n in range(letters // 8))
        return msgspec.structs.replace(SMALL, extras={"clef": text})

    largest = sized(codec.DECODED_MAX - 2_048)
    assert opened(codec.encode(largest, NO_PROOF))[0] == largest
    with pytest.raises(Unusable, match="^record_too_large$"):
        codec.encode(sized(codec.DECODED_MAX - 512), NO_PROOF)


def _nested(depth: int) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [2**64, [-(2**70)], _nested(5_000), "\ud800"])
def test_what_cannot_be_packed_costs_its_line_alone(value: Any) -> None:
    record = msgspec.structs.replace(SMALL, extras={"clef": value})
    with pytest.raises(Unusable, match="^record_too_large$"):
        codec.encode(record, NO_PROOF)


def test_an_unknown_dictionary_is_refused() -> None:
    content = codec.encode(SMALL, NO_PROOF)
    for number in (0, 2, 200, 255):
        with pytest.raises(EnvelopeError):
            codec.decode(number, content)


def test_operation_codes_are_those_of_the_specification() -> None:
    assert codec.OPERATION_CODES[: len(spec.OPERATION_CODES)] == spec.OPERATION_CODES
    assert len(set(codec.OPERATION_CODES)) == len(codec.OPERATION_CODES)


# Inspections

INSPECTED = load("inspections")


@pytest.mark.parametrize("vector", **with_about(INSPECTED["inspections"]))
def test_inspections_are_packed_as_the_vector_says(vector: Json) -> None:
    inspections = msgspec.convert(vector["inspections"], Inspections)
    packed = codec.pack_inspections(inspections)
    assert packed[:1] == b"\x81"
    assert spec.unpacked(packed[1:]) == vector["array"]
    content = bytes.fromhex(vector["content"])
    assert codec.decode_inspections(1, content) == inspections
    assert codec.decode_inspections(
        1, codec.compress(codec.pack_inspections(inspections))
    ) == (inspections)


@pytest.mark.parametrize("vector", **with_about(INSPECTED["refusals"]))
def test_content_that_is_no_inspections_is_refused(vector: Json) -> None:
    content = bytes.fromhex(vector["content"])
    with pytest.raises(EnvelopeError) as refused:
        codec.decode_inspections(vector["dictionary"], content)
    assert str(refused.value) == "the sealed bytes do not open"


@pytest.mark.parametrize("vector", **with_about(INSPECTED["inspections"]))
def test_inspections_do_not_decode_as_a_record(vector: Json) -> None:
    with pytest.raises(EnvelopeError):
        opened(bytes.fromhex(vector["content"]))


def test_inspections_under_a_dictionary_that_is_none_are_refused() -> None:
    content = bytes.fromhex(INSPECTED["inspections"][0]["content"])
    with pytest.raises(EnvelopeError):
        codec.decode_inspections(200, content)


inspection_lists = st.builds(
    Inspections,
    several(
        st.builds(
            Inspection,
            st.dates(),
            st.sampled_from(codec.INSPECTION_NATURES) | some_text,
            st.sampled_from(codec.INSPECTION_RESULTS) | some_text,
            st.none() | st.integers(1, 9_999_999),
        ),
        12,
    ),
    days,
)


@given(inspection_lists)
def test_all_inspections_open_to_themselves(inspections: Inspections) -> None:
    content = codec.compress(codec.pack_inspections(inspections))
    assert codec.decode_inspections(codec.DICTIONARY, content) == inspections
    with pytest.raises(EnvelopeError):
        opened(content)


@given(records, proofs)
def test_no_record_decodes_as_inspections(record: Record, found: HolderProof) -> None:
    with pytest.raises(EnvelopeError):
        codec.decode_inspections(codec.DICTIONARY, codec.encode(record, found))


def test_packed_inspections_cut_anywhere_are_refused() -> None:
    inspections = msgspec.convert(
        INSPECTED["inspections"][1]["inspections"], Inspections
    )
    packed = codec.pack_inspections(inspections)
    for size in range(len(packed)):
        with pytest.raises(EnvelopeError):
            codec.unpack_inspections(packed[:size])


@pytest.mark.parametrize("deep", [b"\x91" * 5_000, b"\x81\xa0" * 5_000])
def test_inspections_that_nest_deep_are_refused(deep: bytes) -> None:
    with pytest.raises(EnvelopeError):
        codec.unpack_inspections(b"\x81" + deep + b"\xc0")


def test_more_inspections_than_open_again_are_refused() -> None:
    many = Inspections((Inspection(dt.date(2020, 1, 1), "VTP", "A", 70_000),) * 9_000)
    with pytest.raises(Unusable, match="record_too_large"):
        codec.compress(codec.pack_inspections(many))


def test_five_usual_inspections_fit_in_the_smallest_class() -> None:
    usual = Inspections(
        tuple(
            Inspection(
                dt.date(2022 - 2 * n, 3, 2 + n), "VTP", "A", 180_123 - 23_456 * n
            )
            for n in range(5)
        ),
        dt.date(2022, 3, 3),
    )
    assert len(codec.compress(codec.pack_inspections(usual))) == 64
