"""Kept answers: literal bytes, and one refusal for each way to break one.

The bytes were computed with PyCryptodome, following SPEC.md section 12.
"""

import datetime as dt
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pseudonymizer.envelope import AnswerKeys, identity_bytes
from pseudonymizer.errors import EnvelopeError, KeyRingError
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.normalise import siv_identity
from pseudonymizer.records import Release

KEYS = {1: bytes(range(32)), 300: bytes(range(100, 132))}
NONCE = bytes(range(12))
EXPIRES_AT = 1_800_000_000
CONTENT = b"what is sealed"
VEHICLE = identity_bytes(siv_identity("AB-123-CD", "2015AB12345"))
OTHER = identity_bytes(siv_identity("AB-123-CD", "2015AB12346"))
IDS = {
    1: bytes.fromhex("3bc816c1708e067ed55a85eef4b2a793"),
    300: bytes.fromhex("fe45294bce8ea22cb44e54dd16568317"),
}
SEALED = {
    1: bytes.fromhex(
        "01000102030405060708090a0bf38a2e58d937dd9e79ddae1377c9e83741ffe71a651b3045e2"
        "034a852718"
    ),
    300: bytes.fromhex(
        "01000102030405060708090a0b4361095556c5cdf860914516c1f34fd6b0c76faf404299e053"
        "2eb31bb75d"
    ),
}
WHOLE = SEALED[1]


def answer_keys(version=1, keys=KEYS, **changes) -> AnswerKeys:
    row = {
        "number": 1,
        "uuid": UUID(int=7),
        "label": "essai",
        "as_of": dt.date(2022, 6, 1),
        "key_version": version,
        "salt": bytes(range(32)),
        "manifest_sha256": bytes(32),
        "mac": bytes(32),
    }
    return AnswerKeys(KeyRing("register", keys, 1), Release(**(row | changes)))


@pytest.mark.parametrize("version", [1, 300])
def test_an_answer_has_the_bytes_of_the_specification(version):
    keys = answer_keys(version)
    sealed = keys.seal(
        VEHICLE, CONTENT, expires_at=EXPIRES_AT, random=lambda count: NONCE[:count]
    )
    assert keys.answer_id(VEHICLE) == IDS[version]
    assert sealed == SEALED[version]


@pytest.mark.parametrize("version", [1, 300])
def test_an_answer_opens_for_its_vehicle(version):
    opened = answer_keys(version).open(VEHICLE, SEALED[version], expires_at=EXPIRES_AT)
    assert opened == CONTENT


def test_an_empty_answer_opens():
    keys = answer_keys()
    sealed = keys.seal(VEHICLE, b"", expires_at=EXPIRES_AT)
    assert keys.open(VEHICLE, sealed, expires_at=EXPIRES_AT) == b""


def test_an_answer_of_another_format_is_refused_though_its_seal_is_whole():
    keys = answer_keys()
    bound = keys.answer_id(VEHICLE) + UUID(int=7).bytes + EXPIRES_AT.to_bytes(8, "big")
    cipher = AESGCM(keys._seal.digest(VEHICLE))
    sealed = b"\x02" + NONCE + cipher.encrypt(NONCE, CONTENT, b"\x02" + bound)
    with pytest.raises(EnvelopeError):
        keys.open(VEHICLE, sealed, expires_at=EXPIRES_AT)


def test_two_seals_of_one_answer_are_different():
    first, second = (
        answer_keys().seal(VEHICLE, CONTENT, expires_at=EXPIRES_AT) for _ in "12"
    )
    assert first != second
    assert len(first) == len(second)


def test_two_releases_share_no_id():
    other = answer_keys(salt=bytes(range(1, 33))).answer_id(VEHICLE)
    assert other != answer_keys().answer_id(VEHICLE)


def changed(place: int) -> bytes:
    return WHOLE[:place] + bytes([WHOLE[place] ^ 1]) + WHOLE[place + 1 :]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(changed(0), id="format"),
        pytest.param(changed(1), id="nonce"),
        pytest.param(changed(13), id="content"),
        pytest.param(changed(len(WHOLE) - 1), id="tag"),
        pytest.param(WHOLE + b"\0", id="longer"),
        pytest.param(WHOLE[:-1], id="shorter"),
        pytest.param(SEALED[300], id="of another key"),
        *(pytest.param(WHOLE[:n], id=f"{n} bytes") for n in (0, 1, 12, 13, 28)),
    ],
)
def test_a_broken_answer_is_refused(broken):
    with pytest.raises(EnvelopeError):
        answer_keys().open(VEHICLE, broken, expires_at=EXPIRES_AT)


@pytest.mark.parametrize("expires_at", [0, EXPIRES_AT - 1, EXPIRES_AT + 1])
def test_an_answer_whose_expiry_was_changed_is_refused(expires_at):
    with pytest.raises(EnvelopeError):
        answer_keys().open(VEHICLE, WHOLE, expires_at=expires_at)


def test_an_answer_on_another_vehicle_is_refused():
    with pytest.raises(EnvelopeError):
        answer_keys().open(OTHER, WHOLE, expires_at=EXPIRES_AT)


@pytest.mark.parametrize(
    "changes", [{"uuid": UUID(int=8)}, {"salt": bytes(range(1, 33))}]
)
def test_an_answer_of_another_release_is_refused(changes):
    with pytest.raises(EnvelopeError):
        answer_keys(**changes).open(VEHICLE, WHOLE, expires_at=EXPIRES_AT)


def test_a_version_that_the_ring_lacks_is_told_apart():
    with pytest.raises(KeyRingError):
        answer_keys(2)
