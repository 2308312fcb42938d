"""The second factor of an operator: literal bytes, following SPEC.md section 13."""

import pytest

from pseudonymizer.envelope import FactorKeys
from pseudonymizer.key_ring import KeyRing

KEYS = {1: bytes(range(32)), 4: bytes(range(32, 64))}
NONCE = bytes(range(12))
FACTOR = b"what is sealed"
SEALED = {
    1: bytes.fromhex(
        "01000102030405060708090a0b1b5afe0d8c39e87fe2429423b650862b246ce68bf42aa9ae189c"
        "7dbe814c"
    ),
    4: bytes.fromhex(
        "01000102030405060708090a0bd8cf8d89c0678e655ff9875ff2110705179a6df93597885de87b"
        "b785f643"
    ),
}


@pytest.mark.parametrize("active", [1, 4])
def test_a_factor_has_the_bytes_of_the_specification(active):
    keys = FactorKeys(KeyRing("site", KEYS, active))
    sealed = keys.seal("claire", FACTOR, random=lambda count: NONCE[:count])
    assert (keys.active, sealed) == (active, SEALED[active])


@pytest.mark.parametrize("version", [1, 4])
def test_a_factor_opens_whatever_version_is_active_now(version):
    for active in KEYS:
        keys = FactorKeys(KeyRing("site", KEYS, active))
        assert keys.open("claire", SEALED[version], version) == FACTOR
