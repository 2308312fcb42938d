"""The tag under which a vehicle is withheld: SPEC.md section 10."""

from pseudonymizer.envelope import WithheldKeys, identity_bytes
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.normalise import siv_identity

SIV = siv_identity("AA-123-AA", "2015AB12345")
RING = KeyRing("site", {1: bytes(range(32)), 2: bytes(range(1, 33))}, 2)


def test_the_tag_is_that_of_the_specification():
    # Computed apart from this code, after SPEC.md sections 2, 4 and 10.
    tags = WithheldKeys(RING).tags(identity_bytes(SIV))
    assert {version: tag.hex() for version, tag in tags.items()} == {
        1: "54d8a803b1bef7eaae47e2127bbb6a59",
        2: "40f876a7c8e683f33e1752671f6fc883",
    }


def test_a_new_tag_is_of_the_active_version():
    assert WithheldKeys(RING).active == 2
