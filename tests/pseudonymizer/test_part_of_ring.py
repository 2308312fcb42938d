"""A part of a ring: the subkeys of a few uses, and of no other."""

import json
from pathlib import Path

import pytest

from pseudonymizer.envelope import FactorKeys
from pseudonymizer.errors import EnvelopeError, KeyRingError
from pseudonymizer.key_ring import HeldRing, KeyRing, PartOfRing, write_part

FIRST = bytes(range(32))
SECOND = bytes(range(32, 64))
RING = KeyRing("site", {1: FIRST, 4: SECOND}, active=4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "part.json"
    write_part(path, RING, ["partner key", "audit row"])
    return path


def test_a_part_gives_the_subkeys_of_the_whole_and_no_others(path):
    part = KeyRing.read(path, "site")
    assert isinstance(part, PartOfRing)
    assert (part.versions, part.active) == ((1, 4), 4)
    for label in ("partner key", "audit row"):
        assert part.derive(label) == RING.derive(label)
        assert part.derive(label, version=1) == RING.derive(label, version=1)
    for asked in ({"label": "link"}, {"label": "audit row", "version": 2},
                  {"label": "audit row", "salt": b"x"},
                  {"label": "audit row", "length": 16}):  # fmt: skip
        with pytest.raises(KeyRingError, match="make it anew from the whole ring"):
            part.derive(**asked)


def test_a_part_holds_no_key_and_only_its_reader_reads_it(path):
    text = path.read_text()
    for key in (FIRST, SECOND):
        assert json.dumps({"key": key.hex()})[9:-2] not in text
    assert '"key"' not in text and path.stat().st_mode & 0o777 == 0o600


def test_a_part_is_replaced_when_the_ring_changes(path):
    write_part(path, KeyRing("site", {9: FIRST}, 9), ["audit row"])
    part = KeyRing.read(path, "site")
    assert part.versions == (9,)
    with pytest.raises(KeyRingError):
        part.derive("partner key")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one: one.pop("subkeys"), "has no subkeys in version 1"),
        (lambda one: one.update(subkeys={}), "has no subkeys in version 1"),
        (lambda one: one.update(subkeys={"a": "!"}), "no base64 subkey in version 1"),
        (lambda one: one.update(subkeys={"a": "AAAA"}), "has not 32 bytes"),
        (lambda one: one.update(version=4), "has version 4 twice"),
        (lambda one: one.update(active=True), "must have one active key and has 2"),
    ],
)
def test_a_broken_part_is_refused(path, change, why):
    document = json.loads(path.read_text())
    change(document["keys"][0])
    path.write_text(json.dumps(document))
    with pytest.raises(KeyRingError, match=why):
        KeyRing.read(path, "site")


def test_a_part_is_not_rotated_and_a_link_is_not_replaced(path, tmp_path):
    with pytest.raises(KeyRingError, match="is a part of a ring"):
        HeldRing(path, "site")
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with pytest.raises(KeyRingError, match="cannot be written"):
        write_part(link, RING, ["audit row"])


def test_a_second_factor_opens_for_its_operator_and_version_alone():
    keys = FactorKeys(RING)
    sealed = keys.seal("claire", b"secret")
    assert keys.open("claire", sealed, 4) == b"secret"
    flipped = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    for name, content, version in (
        ("denis", sealed, 4),
        ("claire", sealed, 1),
        ("claire", flipped, 4),
        ("claire", b"\2" + sealed[1:], 4),
        ("claire", sealed[:20], 4),
        ("claire", b"", 4),
    ):
        with pytest.raises(EnvelopeError):
            keys.open(name, content, version)
    with pytest.raises(KeyRingError):
        keys.open("claire", sealed, 2)
