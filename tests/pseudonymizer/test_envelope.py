"""Identifiers, sealing and opening: SPEC.md sections 2 and 4 to 8."""

import datetime as dt
import os
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pseudonymizer import codec, envelope
from pseudonymizer.envelope import (
    ReleaseKeys,
    check_release,
    identity_bytes,
    release_mac,
)
from pseudonymizer.errors import EnvelopeError, KeyRingError
from pseudonymizer.holder import holder_bytes
from pseudonymizer.records import (
    Identity,
    Record,
    Register,
    Release,
    SealedRow,
)
from tests.pseudonymizer.confirm_vectors import load
from tests.pseudonymizer.vector_files import (
    Json,
    holders,
    identity,
    keys,
    proof,
    release,
    release_keys,
    ring,
    row,
    with_about,
)

KEYS = keys()
SEALED = load("sealed")["records"]
REFUSALS = load("refusals")
RELEASE = release(load("release")["release"])
CANONICAL = load("identities")["canonical"]

ERROR = "^the sealed bytes do not open$"


def named(typed: Json) -> bytes:
    """The identity of a vector's certificate, without the canonicaliser's help."""
    plate = typed["plate"].replace("-", "").replace(" ", "")
    proof = typed.get("formula_number") or typed["issue_date"]
    return identity_bytes(Identity(Register(typed["register"]), plate, proof))


@pytest.mark.parametrize("vector", **with_about(CANONICAL))
def test_an_identity_has_the_bytes_and_the_record_id_of_its_vector(
    vector: Json,
) -> None:
    encoded = identity_bytes(identity(vector))
    assert encoded.hex() == vector["bytes"]
    assert KEYS.record_id(encoded).hex() == vector["record_id"]


def test_different_certificates_have_different_record_ids() -> None:
    of_identity = {vector["bytes"]: vector["record_id"] for vector in CANONICAL}
    assert len(set(of_identity.values())) == len(of_identity)


@pytest.mark.parametrize(
    "vector",
    load("keys")["subkeys"],
    ids=lambda v: f"{v['ring']} {v['version']} {v['label']} {v['salt'][:2]}",
)
def test_each_use_has_the_subkey_of_its_vector(vector: Json) -> None:
    whole = ring(load("keys")["rings"][vector["ring"]])
    subkey = whole.derive(
        vector["label"],
        version=vector["version"],
        salt=bytes.fromhex(vector["salt"]),
        length=vector["length"],
    )
    assert subkey.hex() == vector["subkey"]
    if vector["version"] == whole.active:
        assert subkey == whole.derive(
            vector["label"],
            salt=bytes.fromhex(vector["salt"]),
            length=vector["length"],
        )


def test_no_two_uses_share_a_subkey() -> None:
    subkeys = [vector["subkey"][:64] for vector in load("keys")["subkeys"]]
    assert len(set(subkeys)) == len(subkeys)
    document = load("keys")["rings"]["register"]
    same_key = ring({**document, "purpose": "site"})
    assert same_key.derive("lookup") != ring(document).derive("lookup")


@pytest.mark.parametrize(
    "vector",
    [v for v in load("keys")["subkeys"] if v["label"] == "key check"],
    ids=lambda v: f"{v['ring']} {v['version']}",
)
def test_each_key_has_the_check_value_of_its_vector(vector: Json) -> None:
    whole = ring(load("keys")["rings"][vector["ring"]])
    assert whole.check_value(vector["version"]).hex() == vector["subkey"]


def test_a_version_that_the_ring_lacks_is_told() -> None:
    with pytest.raises(KeyRingError, match="register key ring has no version 2; put"):
        ring().derive("lookup", version=2)
    with pytest.raises(KeyRingError, match="no version 2"):
        ReleaseKeys(ring(), version=2, salt=RELEASE.salt, release=RELEASE.uuid)


def test_the_release_row_has_the_mac_of_its_vector() -> None:
    assert release_mac(ring(), RELEASE) == RELEASE.mac
    assert RELEASE.inspections_as_of is None
    check_release(ring(), RELEASE)
    # The number is the database's own.
    check_release(ring(), msgspec.structs.replace(RELEASE, number=8))
    opened = envelope.release_keys(ring(), RELEASE)
    assert opened.bigram_table == KEYS.bigram_table


@pytest.mark.parametrize(
    "vector",
    load("release")["changed"],
    ids=[f"{n} {v['changed']}" for n, v in enumerate(load("release")["changed"])],
)
def test_a_changed_release_row_is_refused(vector: Json) -> None:
    for refuse in (check_release, envelope.release_keys):
        with pytest.raises(EnvelopeError, match=ERROR):
            refuse(ring(), release(vector["release"]))


@pytest.mark.parametrize(
    "changes",
    [
        {"uuid": UUID(int=RELEASE.uuid.int ^ 1)},
        {"label": RELEASE.label + " "},
        {"label": ""},
        {"as_of": RELEASE.as_of + dt.timedelta(days=1)},
        {"as_of": dt.date.min},
        {"inspections_as_of": RELEASE.as_of},
        {"key_version": 3},
        {"key_version": -1},
        {"key_version": 2**32},
        {"salt": bytes(32)},
        {"salt": RELEASE.salt + RELEASE.label.encode()},
        {"salt": bytes(256)},
        {"salt": b""},
        {"manifest_sha256": bytes(32)},
        {"manifest_sha256": RELEASE.manifest_sha256[:-1]},
        {"manifest_sha256": RELEASE.manifest_sha256 + RELEASE.label.encode()},
        {"manifest_sha256": bytes(256)},
        {"manifest_sha256": b""},
        *(
            {
                "mac": bytes(
                    [*RELEASE.mac[:n], RELEASE.mac[n] ^ 1, *RELEASE.mac[n + 1 :]]
                )
            }
            for n in range(32)
        ),
        {"mac": RELEASE.mac + b"\x00"},
    ],
)
def test_any_changed_field_of_a_release_row_is_refused(changes: Json) -> None:
    with pytest.raises(EnvelopeError, match=ERROR):
        check_release(ring(), msgspec.structs.replace(RELEASE, **changes))


def test_a_release_of_a_key_that_the_ring_lacks_asks_for_the_ring() -> None:
    with pytest.raises(KeyRingError, match="put the ring that made this data back"):
        check_release(ring(), msgspec.structs.replace(RELEASE, key_version=2))


def test_a_release_of_another_ring_is_refused() -> None:
    other = ring(next(v["ring"] for v in REFUSALS if "ring" in v))
    with pytest.raises(EnvelopeError, match=ERROR):
        check_release(other, RELEASE)


@pytest.mark.parametrize("vector", **with_about(SEALED))
def test_a_record_is_sealed_to_the_bytes_of_its_vector(vector: Json) -> None:
    sealed = KEYS.seal(
        named(vector["typed"]),
        bytes.fromhex(vector["content"]),
        vector["row"]["dictionary"],
        generation=vector["generation"],
        random=lambda size: bytes.fromhex(vector["nonce"])[:size],
    )
    assert sealed == row(vector["row"])


@pytest.mark.parametrize("vector", **with_about(SEALED))
def test_the_sealed_bytes_of_a_vector_open_to_its_content(vector: Json) -> None:
    number, content = KEYS.open(named(vector["typed"]), row(vector["row"]))
    assert number == vector["row"]["dictionary"]
    assert content.hex() == vector["content"]
    record, found = codec.decode(number, content)
    assert record == msgspec.convert(vector["record"], Record)
    assert found == proof(vector)


@pytest.mark.parametrize("vector", **with_about(REFUSALS))
def test_broken_sealed_bytes_are_refused_with_the_one_error(vector: Json) -> None:
    opener = release_keys(vector["release"], vector.get("ring"))
    with pytest.raises(EnvelopeError, match=ERROR):
        codec.decode(*opener.open(named(vector["typed"]), row(vector["row"])))


def test_every_changed_byte_is_refused() -> None:
    whole = row(SEALED[0]["row"])
    owner = named(SEALED[0]["typed"])
    KEYS.open(owner, whole)
    for place in range(len(whole.sealed)):
        for bit in (1, 128):
            broken = bytearray(whole.sealed)
            broken[place] ^= bit
            _assert_refused(owner, whole, sealed=bytes(broken))


def test_sealed_bytes_cut_at_every_length_are_refused() -> None:
    whole = row(SEALED[0]["row"])
    owner = named(SEALED[0]["typed"])
    for size in range(len(whole.sealed)):
        _assert_refused(owner, whole, sealed=whole.sealed[:size])
        _assert_refused(owner, whole, sealed=whole.sealed[size + 1 :])


def test_a_row_moved_elsewhere_is_refused() -> None:
    whole, other = (row(vector["row"]) for vector in SEALED)
    owner, stranger = (named(vector["typed"]) for vector in SEALED)
    _assert_refused(owner, other)
    _assert_refused(stranger, whole)
    _assert_refused(owner, whole, record_id=other.record_id)
    _assert_refused(stranger, whole, record_id=other.record_id)
    for generation in (1, 2**15 - 1, 2**15, 2**32 - 1, 2**32, -1):
        _assert_refused(owner, whole, generation=generation)
    for size in (0, 15, 17):
        _assert_refused(owner, whole, record_id=(whole.record_id + b"\x00")[:size])


def _assert_refused(owner: bytes, whole: SealedRow, **changes: object) -> None:
    with pytest.raises(EnvelopeError, match=ERROR):
        KEYS.open(owner, msgspec.structs.replace(whole, **changes))


def _other_release(**changes: object) -> ReleaseKeys:
    other = msgspec.structs.replace(RELEASE, **changes)
    return ReleaseKeys(
        ring(), version=other.key_version, salt=other.salt, release=other.uuid
    )


def test_a_siren_has_the_tag_of_its_vector() -> None:
    tags = [
        (holder.siren, stored.siren_tag)
        for vector in load("holders")["holders"]
        for holder, stored in zip(
            holders(vector["holders"]), proof(vector).fingerprints, strict=True
        )
        if holder.siren
    ]
    assert tags
    for number, tag in tags:
        assert KEYS.siren_tag(number) == tag


def test_two_releases_share_no_identifier() -> None:
    other = _other_release(salt=bytes(32))
    owner = named(SEALED[0]["typed"])
    assert other.record_id(owner) != KEYS.record_id(owner)
    assert other.siren_tag("123456789") != KEYS.siren_tag("123456789")
    assert other.bigram_table != KEYS.bigram_table
    with pytest.raises(EnvelopeError):
        other.open(owner, row(SEALED[0]["row"]))


def test_a_row_of_another_release_with_the_same_salt_is_refused() -> None:
    other = _other_release(uuid=UUID(int=1))
    with pytest.raises(EnvelopeError):
        other.open(named(SEALED[0]["typed"]), row(SEALED[0]["row"]))


def test_holder_tags_are_of_every_version_and_of_no_release() -> None:
    bytes_of = holder_bytes(holders(load("holders")["holders"][0]["holders"]))
    tags = KEYS.holder_tags(bytes_of)
    assert [version for version, _ in tags] == [1, 3]
    assert len({tag for _, tag in tags}) == 2
    assert _other_release(salt=bytes(32), key_version=3).holder_tags(bytes_of) == tags


def test_a_nonce_is_twelve_random_bytes_of_its_own() -> None:
    asked = []

    def random(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    rows = [KEYS.seal(b"owner", bytes(64), 1, random=random).sealed for _ in range(20)]
    assert asked == [12] * 20
    assert len({sealed[2:14] for sealed in rows}) == 20
    assert len({sealed[14:] for sealed in rows}) == 20
    assert KEYS.seal(b"owner", b"", 1).sealed != KEYS.seal(b"owner", b"", 1).sealed


def test_a_row_opens_to_its_dictionary_and_content_though_it_be_empty() -> None:
    for dictionary, content in ((1, b""), (2, bytes(64)), (255, b"x")):
        sealed = KEYS.seal(b"owner", content, dictionary)
        assert KEYS.open(b"owner", sealed) == (dictionary, content)


def test_a_row_of_another_format_is_refused_though_its_seal_is_whole() -> None:
    header, nonce, record_id = b"\x02\x01", bytes(12), KEYS.record_id(b"owner")
    cipher = AESGCM(KEYS._seal.digest(b"owner"))
    bound = header + record_id + RELEASE.uuid.bytes + bytes(4)
    sealed = header + nonce + cipher.encrypt(nonce, bytes(64), bound)
    with pytest.raises(EnvelopeError, match=ERROR):
        KEYS.open(b"owner", SealedRow(record_id, 0, sealed))


def test_a_row_has_generations_up_to_the_last_and_no_further() -> None:
    last = 2**15 - 1
    assert KEYS.seal(b"owner", b"", 1, generation=last).generation == last
    for generation in (-1, last + 1):
        with pytest.raises(ValueError, match="all its generations; build a new rel"):
            KEYS.seal(b"owner", b"", 1, generation=generation)


def test_sealed_bytes_hold_nothing_in_clear() -> None:
    whole = row(SEALED[0]["row"])
    for clear in (b"MARTEAU", b"AA123BB", b"2015AB12345", b"MEGALO", b"02100"):
        assert clear not in whole.sealed
    # The same content twice, or for two vehicles, has nothing in common.
    content = bytes.fromhex(SEALED[0]["content"])
    fixed = [KEYS.seal(b"a" * n, content, 1, random=bytes).sealed for n in (1, 2)]
    same = sum(a == b for a, b in zip(*(sealed[14:] for sealed in fixed), strict=True))
    assert same < len(content) / 8


def test_the_lengths_are_those_of_the_specification() -> None:
    owner = named(SEALED[0]["typed"])
    sealed = KEYS.seal(owner, bytes(320), 1)
    assert len(sealed.record_id) == 16
    assert len(sealed.sealed) == 2 + 12 + 320 + 16
    assert sealed.generation == 0
    assert len(KEYS.siren_tag("123456789")) == 8
    assert len(KEYS.bigram_table) == 1369


def test_a_release_without_its_row_checked_is_never_opened() -> None:
    changed: Release = msgspec.structs.replace(RELEASE, label="autre")
    with pytest.raises(EnvelopeError):
        envelope.release_keys(ring(), changed)


# Deltas

DELTA = load("delta")


@pytest.mark.parametrize("vector", **with_about(DELTA["releases"]))
def test_a_release_with_deltas_has_the_mac_of_its_vector(vector) -> None:
    row = release(vector["release"])
    assert row.edition == 3
    assert release_mac(ring(), row) == row.mac
    check_release(ring(), row)


@pytest.mark.parametrize("vector", DELTA["changed"], ids=lambda v: v["changed"])
def test_a_release_with_deltas_that_was_changed_is_refused(vector) -> None:
    with pytest.raises(EnvelopeError):
        check_release(ring(), release(vector["release"]))


@pytest.mark.parametrize("change", [{"edition": 1}, {"delta_sha256": b"d" * 32}])
def test_a_release_cannot_be_given_half_of_a_delta(change) -> None:
    """The MAC of a release without deltas covers neither."""
    with pytest.raises(EnvelopeError):
        check_release(ring(), msgspec.structs.replace(RELEASE, **change))


# Inspections

INSPECTED = load("inspections")
INSPECTED_RELEASE = release(INSPECTED["release"])
INSPECTION_KEYS = envelope.inspection_keys(ring(), INSPECTED_RELEASE)


def test_a_release_with_inspections_has_the_mac_of_its_vector() -> None:
    row = INSPECTED_RELEASE
    assert row.inspections_as_of == dt.date(2022, 6, 28)
    assert release_mac(ring(), row) == row.mac != RELEASE.mac
    check_release(ring(), row)


@pytest.mark.parametrize(
    "vector",
    INSPECTED["changed"],
    ids=[vector["changed"] for vector in INSPECTED["changed"]],
)
def test_a_changed_day_of_inspections_is_refused(vector: Json) -> None:
    for refuse in (check_release, envelope.release_keys, envelope.inspection_keys):
        with pytest.raises(EnvelopeError, match=ERROR):
            refuse(ring(), release(vector["release"]))


@pytest.mark.parametrize("vector", **with_about(INSPECTED["inspections"]))
def test_inspections_are_sealed_to_the_bytes_of_their_vector(vector: Json) -> None:
    encoded, nonce = identity_bytes(identity(vector)), bytes.fromhex(vector["nonce"])
    content, sealed = bytes.fromhex(vector["content"]), row(vector["row"])
    assert INSPECTION_KEYS.record_id(encoded) == sealed.record_id
    found = INSPECTION_KEYS.seal(
        encoded,
        content,
        vector["row"]["dictionary"],
        generation=sealed.generation,
        random=lambda size: nonce,
    )
    assert found == sealed
    assert INSPECTION_KEYS.open(encoded, sealed) == (1, content)


def test_neither_kind_of_row_is_found_or_opened_by_the_keys_of_the_other() -> None:
    vector = INSPECTED["inspections"][0]
    encoded, sealed = identity_bytes(identity(vector)), row(vector["row"])
    keys = envelope.release_keys(ring(), INSPECTED_RELEASE)
    assert keys.record_id(encoded) != INSPECTION_KEYS.record_id(encoded)
    with pytest.raises(EnvelopeError, match=ERROR):
        keys.open(encoded, sealed)
    record = keys.seal(encoded, bytes(64), 1)
    with pytest.raises(EnvelopeError, match=ERROR):
        INSPECTION_KEYS.open(encoded, record)
