"""Small values of the site: literal bytes, and one refusal for each way to break one.

The bytes were computed with PyCryptodome, following SPEC.md section 10.
"""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pseudonymizer.envelope import SiteSeal, identity_bytes, identity_of
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.records import Identity, Register

KEYS = {1: bytes(range(32)), 300: bytes(range(100, 132))}
NONCE = bytes(range(12))
EXPIRES_AT = 1_800_000_000
CONTENT = b"what is sealed"
PURPOSE = "seller cookie"
SEALED = {
    1: bytes.fromhex(
        "010001000102030405060708090a0b80d92158ceb73cf5aa42fe520a36b21eff6e23407a290c"
        "7f542ca2107d995f19bc6770fce5b5"
    ),
    300: bytes.fromhex(
        "01012c000102030405060708090a0b85c91da42d109d00c21a103216763ad22150e04f8ba187"
        "3c61c88fda55ee4eb55b9aed57d7c1"
    ),
}
WHOLE = SEALED[1]


def site_seal(active=1, keys=KEYS, purpose=PURPOSE):
    return SiteSeal(KeyRing("site", keys, active), purpose)


@pytest.mark.parametrize("version", [1, 300])
def test_a_value_has_the_bytes_of_the_specification(version):
    sealed = site_seal(version).seal(
        CONTENT, expires_at=EXPIRES_AT, random=lambda count: NONCE[:count]
    )
    assert sealed == SEALED[version]


@pytest.mark.parametrize("version", [1, 300])
def test_a_value_opens_whatever_key_is_active_now(version):
    for active in (1, 300):
        opened = site_seal(active).open(SEALED[version], now=EXPIRES_AT - 1)
        assert opened == CONTENT


def test_two_seals_of_one_value_are_different():
    first, second = (site_seal().seal(CONTENT, expires_at=EXPIRES_AT) for _ in "12")
    assert first != second
    assert len(first) == len(second)


def changed(place, sealed=WHOLE):
    return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(changed(0), id="format"),
        pytest.param(changed(1), id="a version that the ring lacks"),
        pytest.param(WHOLE[:1] + SEALED[300][1:3] + WHOLE[3:], id="another version"),
        pytest.param(changed(3), id="nonce"),
        pytest.param(changed(15), id="expiry"),
        pytest.param(changed(23), id="content"),
        pytest.param(changed(-1 % len(WHOLE)), id="tag"),
        pytest.param(WHOLE + b"\0", id="longer"),
        pytest.param(WHOLE[:-1], id="shorter"),
        *(
            pytest.param(WHOLE[:length], id=f"{length} bytes")
            for length in (0, 1, 2, 3, 14, 15, 30)
        ),
    ],
)
def test_a_broken_value_is_refused(broken):
    with pytest.raises(EnvelopeError):
        site_seal().open(broken, now=0)


def test_a_value_of_another_format_is_refused_though_its_seal_is_whole():
    header, plain = b"\x02\x00\x01", EXPIRES_AT.to_bytes(8, "big") + CONTENT
    key = KeyRing("site", KEYS, 1).derive(PURPOSE, version=1)
    ciphertext = AESGCM(key).encrypt(NONCE, plain, header + PURPOSE.encode())
    with pytest.raises(EnvelopeError):
        site_seal().open(header + NONCE + ciphertext, now=0)


def test_a_value_for_another_purpose_is_refused():
    with pytest.raises(EnvelopeError):
        site_seal(purpose="another").open(WHOLE, now=0)


def test_a_value_of_another_ring_is_refused():
    with pytest.raises(EnvelopeError):
        site_seal(keys={1: KEYS[300]}).open(WHOLE, now=0)


def test_a_value_is_over_at_the_second_of_its_expiry():
    seal = site_seal()
    assert seal.open(WHOLE, now=EXPIRES_AT - 1) == CONTENT
    for now in (EXPIRES_AT, EXPIRES_AT + 1):
        with pytest.raises(EnvelopeError):
            seal.open(WHOLE, now=now)


IDENTITIES = [
    Identity(Register.SIV, "AA123AA", "2015AB12345"),
    Identity(Register.FNI, "123ABC75", "2008-03-06"),
]


@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_an_identity_is_read_back_from_its_bytes(identity):
    assert identity_of(identity_bytes(identity)) == identity


ENCODED = identity_bytes(IDENTITIES[0])


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x02" + ENCODED[1:], id="version"),
        pytest.param(ENCODED[:1] + b"\x03" + ENCODED[2:], id="register"),
        pytest.param(ENCODED[:2] + b"\x06" + ENCODED[3:], id="length of the plate"),
        pytest.param(ENCODED[:2] + b"\xff" + ENCODED[3:], id="plate beyond the end"),
        pytest.param(ENCODED + b"0", id="longer"),
        pytest.param(ENCODED[:-1], id="shorter"),
        pytest.param(ENCODED + bytes(256), id="proof of more than 255 bytes"),
        pytest.param(ENCODED[:-1] + b"\xe9", id="not ASCII"),
    ],
)
def test_other_bytes_are_no_identity(encoded):
    with pytest.raises(EnvelopeError):
        identity_of(encoded)
