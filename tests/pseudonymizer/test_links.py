"""Links: literal bytes, and one refusal for each way to break what is sealed in a row.

The bytes are those of vectors/links.json, following SPEC.md section 11.
"""

import os

import msgspec
import pytest

from pseudonymizer.envelope import SECRET_BYTES, LinkKeys, identity_bytes, link_id
from pseudonymizer.errors import EnvelopeError, KeyRingError
from tests.pseudonymizer import confirm_vectors as spec
from tests.pseudonymizer.vector_files import (
    Json,
    capsule,
    identity,
    link_terms,
    ring,
    with_about,
)

RING = spec.load("links")["ring"]
LINKS = spec.load("links")["links"]
OLD, NEW = RING["keys"]
SITE = LinkKeys(ring(RING))

# What most refusals break: a SIV vehicle's, under version 300, with every term set.
WHOLE = LINKS[1]
TERMS = link_terms(WHOLE)
SECRET, OWNER, NAMED, SEALED, KEPT, LABELLED = (
    bytes.fromhex(WHOLE[name])
    for name in (
        *("secret", "owner_secret", "bytes"),
        *("capsule", "keepsake", "sealed_label"),
    )
)
LABEL = WHOLE["label"]

ERROR = "^the sealed bytes do not open$"


def keys_of(*entries: Json) -> LinkKeys:
    """The keys of a site whose ring has these; the last is active."""
    keys = [{**entry, "active": entry is entries[-1]} for entry in entries]
    return LinkKeys(ring({"purpose": "site", "keys": keys}))


def fixed(nonce: str):
    return lambda size: bytes.fromhex(nonce)[:size]


def changed(value: bytes, place: int, bit: int = 1) -> bytes:
    broken = bytearray(value)
    broken[place] ^= bit
    return bytes(broken)


# What the vectors say


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_a_link_has_the_public_id_of_its_vector(vector):
    assert link_id(bytes.fromhex(vector["secret"])).hex() == vector["public_id"]


def test_the_secrets_of_links_and_of_owners_have_sixteen_bytes():
    assert len(SECRET) == len(OWNER) == SECRET_BYTES == 16


def test_a_label_ends_where_its_owner_ended_it():
    for label in ("", "RELAX", "x" * 160):
        sealed = SITE.seal_label(OWNER, NAMED, TERMS, label)
        assert SITE.open_label(OWNER, NAMED, TERMS, sealed) == label


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_a_capsule_has_the_bytes_of_its_vector(vector):
    sealed = SITE.seal_capsule(
        bytes.fromhex(vector["secret"]),
        link_terms(vector),
        capsule(vector),
        random=fixed(vector["capsule_nonce"]),
    )
    assert sealed.hex() == vector["capsule"]


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_a_capsule_opens_to_the_vehicle_and_holder_tag_of_its_vector(vector):
    opened = SITE.open_capsule(
        bytes.fromhex(vector["secret"]),
        link_terms(vector),
        bytes.fromhex(vector["capsule"]),
    )
    assert opened == capsule(vector)


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_a_keepsake_has_the_bytes_of_its_vector(vector):
    sealed = SITE.seal_keepsake(
        bytes.fromhex(vector["owner_secret"]),
        bytes.fromhex(vector["bytes"]),
        link_terms(vector),
        bytes.fromhex(vector["secret"]),
        random=fixed(vector["keepsake_nonce"]),
    )
    assert sealed.hex() == vector["keepsake"]


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_a_keepsake_opens_to_the_secret_of_its_vector(vector):
    opened = SITE.open_keepsake(
        bytes.fromhex(vector["owner_secret"]),
        bytes.fromhex(vector["bytes"]),
        link_terms(vector),
        bytes.fromhex(vector["keepsake"]),
    )
    assert opened.hex() == vector["secret"]


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_owner_tag_and_proof_are_those_of_the_vector(vector):
    named, version = identity_bytes(identity(vector)), vector["terms"]["key_version"]
    assert named.hex() == vector["bytes"]
    owner_secret = bytes.fromhex(vector["owner_secret"])
    proof = SITE.owner_proof(owner_secret, named, version)
    assert proof.hex() == vector["owner_proof"]
    tags = SITE.owner_tags(named)
    assert tags.keys() == {1, 300}
    assert tags[version].hex() == vector["owner_tag"]


# What outlives, what differs


def test_links_outlive_a_rotation_of_keys():
    older = [vector for vector in LINKS if vector["terms"]["key_version"] == 1]
    assert len(older) == 2
    for site in (keys_of(OLD), keys_of(OLD, NEW), keys_of(NEW, OLD)):
        for vector in older:
            terms, named = link_terms(vector), bytes.fromhex(vector["bytes"])
            secret, owner_secret, sealed, kept = (
                bytes.fromhex(vector[name])
                for name in ("secret", "owner_secret", "capsule", "keepsake")
            )
            assert site.open_capsule(secret, terms, sealed) == capsule(vector)
            assert site.open_keepsake(owner_secret, named, terms, kept) == secret
            assert site.owner_tags(named)[1].hex() == vector["owner_tag"]


@pytest.mark.parametrize(("entries", "active"), [((OLD, NEW), 300), ((NEW, OLD), 1)])
def test_a_new_link_is_made_under_the_active_key(entries, active):
    assert keys_of(*entries).active == active


def test_two_seals_of_one_value_are_different():
    capsules = [SITE.seal_capsule(SECRET, TERMS, capsule(WHOLE)) for _ in range(20)]
    kept = [SITE.seal_keepsake(OWNER, NAMED, TERMS, SECRET) for _ in range(20)]
    for sealed in (capsules, kept):
        assert len({one[1:13] for one in sealed}) == 20
        assert len({one[13:] for one in sealed}) == 20
        assert len({len(one) for one in sealed}) == 1


def test_a_nonce_is_twelve_random_bytes():
    asked = []

    def random(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    SITE.seal_capsule(SECRET, TERMS, capsule(WHOLE), random=random)
    SITE.seal_keepsake(OWNER, NAMED, TERMS, SECRET, random=random)
    assert asked == [12, 12]


def test_owner_tags_are_equal_for_the_same_vehicle_and_key_alone():
    seen = {}
    for vector in LINKS:
        tags = SITE.owner_tags(bytes.fromhex(vector["bytes"]))
        for version, tag in tags.items():
            assert len(tag) == 16
            seen.setdefault((vector["bytes"], version), set()).add(tag)
    # Two links of each vehicle, made by different owners, and two keys.
    assert len(seen) == 4
    assert all(len(tags) == 1 for tags in seen.values())
    assert len({tag for tags in seen.values() for tag in tags}) == 4
    # Neither the other keys of the ring nor which one is active makes a difference.
    for site in (keys_of(OLD), keys_of(NEW, OLD)):
        assert site.owner_tags(NAMED)[1] == SITE.owner_tags(NAMED)[1]
    # The same key under another number is another site's.
    renumbered = keys_of({**OLD, "version": 2})
    assert renumbered.owner_tags(NAMED) == {2: SITE.owner_tags(NAMED)[1]}


def test_owner_tags_of_vehicles_that_differ_in_one_letter_have_nothing_in_common():
    for place in range(len(NAMED)):
        other = SITE.owner_tags(changed(NAMED, place))
        for version, tag in SITE.owner_tags(NAMED).items():
            assert sum(a == b for a, b in zip(tag, other[version], strict=True)) < 4


def test_an_owner_proof_is_of_one_secret_one_vehicle_and_one_key():
    stranger = bytes.fromhex(LINKS[3]["owner_secret"])
    vehicles = [NAMED, bytes.fromhex(LINKS[3]["bytes"])]
    proofs = {
        SITE.owner_proof(owner_secret, named, version)
        for owner_secret in (OWNER, stranger)
        for named in vehicles
        for version in (1, 300)
    }
    assert len(proofs) == 8
    assert all(len(proof) == 16 for proof in proofs)
    tags = {tag for named in vehicles for tag in SITE.owner_tags(named).values()}
    assert not proofs & tags


def test_no_value_of_a_row_shows_what_it_hides():
    row = b"".join(
        bytes.fromhex(WHOLE[name])
        for name in (
            *("public_id", "capsule", "owner_tag", "owner_proof"),
            *("keepsake", "sealed_label"),
        )
    )
    clear = [SECRET, OWNER, NAMED, bytes.fromhex(WHOLE["holder_tag"])]
    clear += [bytes.fromhex(WHOLE["capsule_key"]), b"AA123BB", b"2015AB12345"]
    clear.append(LABEL.encode())
    for value in clear:
        assert value not in row
        assert value[:4] not in row


# Capsules that are refused


def _assert_capsule_refused(
    secret=SECRET, terms=TERMS, sealed=SEALED, site=SITE, **changes
):
    with pytest.raises(EnvelopeError, match=ERROR):
        site.open_capsule(secret, msgspec.structs.replace(terms, **changes), sealed)


def test_the_capsule_that_is_broken_below_is_whole():
    assert SITE.open_capsule(SECRET, TERMS, SEALED) == capsule(WHOLE)
    assert len(SEALED) == 1 + 12 + 8 + len(NAMED) + 16


@pytest.mark.parametrize(
    "secret",
    [
        *(pytest.param(changed(SECRET, n), id=f"byte {n}") for n in range(16)),
        pytest.param(changed(SECRET, 15, 128), id="the highest bit of the last byte"),
        pytest.param(b"", id="empty"),
        pytest.param(SECRET[:-1], id="shorter"),
        pytest.param(SECRET + b"\0", id="longer"),
        pytest.param(SECRET[::-1], id="backwards"),
        pytest.param(OWNER, id="the owner's"),
        pytest.param(bytes.fromhex(LINKS[0]["secret"]), id="another link's"),
    ],
)
def test_a_capsule_is_refused_with_another_secret(secret):
    _assert_capsule_refused(secret)


@pytest.mark.parametrize(
    "changes",
    [
        *({"public_id": changed(TERMS.public_id, n)} for n in range(12)),
        {"public_id": b""},
        {"public_id": TERMS.public_id[:-1]},
        {"public_id": TERMS.public_id + b"\0"},
        {"key_version": 1},
        {"key_version": 299},
        {"key_version": 301},
        {"holder_key_version": TERMS.holder_key_version - 1},
        {"holder_key_version": TERMS.holder_key_version + 1},
        {"created_at": TERMS.created_at - 1},
        {"created_at": TERMS.created_at + 1},
        {"expires_at": TERMS.expires_at - 1},
        {"expires_at": TERMS.expires_at + 1},
        {"scope": 0},
        {"scope": 2},
        {"max_openings": None},
        {"max_openings": 0},
        {"max_openings": 2},
        {"max_openings": 4},
        {"created_at": TERMS.expires_at, "expires_at": TERMS.created_at},
        {"key_version": 3, "holder_key_version": 300},
        # The same bytes, had the numbers no width of their own.
        {"scope": 0, "max_openings": (1 << 24) + 3},
    ],
    ids=str,
)
def test_a_capsule_is_refused_when_any_of_its_terms_is_another(changes):
    _assert_capsule_refused(**changes)


def test_a_capsule_without_a_maximum_is_refused_with_one():
    vector = LINKS[0]
    assert vector["terms"]["max_openings"] is None
    secret, sealed = (bytes.fromhex(vector[name]) for name in ("secret", "capsule"))
    for maximum in (1, 3, 2**32 - 1):
        _assert_capsule_refused(
            secret, link_terms(vector), sealed, max_openings=maximum
        )


@pytest.mark.parametrize(
    "changes",
    [
        {name: number}
        for name, bits in (
            ("key_version", 16),
            ("holder_key_version", 16),
            ("created_at", 64),
            ("expires_at", 64),
            ("scope", 8),
            ("max_openings", 32),
        )
        for number in (-1, 2**bits, 2**bits + getattr(TERMS, name))
    ],
    ids=str,
)
def test_a_capsule_is_refused_when_a_term_has_no_place(changes):
    _assert_capsule_refused(**changes)


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(keys_of(OLD), id="without the version"),
        pytest.param(keys_of(OLD, {**NEW, "version": 301}), id="the key renumbered"),
        pytest.param(
            keys_of(
                {**OLD, "key": NEW["key"]},
                {**NEW, "key": OLD["key"]},
            ),
            id="keys that changed places",
        ),
    ],
)
def test_a_capsule_is_refused_by_another_ring(site):
    _assert_capsule_refused(site=site)


@pytest.mark.parametrize("bit", [1, 128])
@pytest.mark.parametrize(
    ("region", "start", "end"),
    [
        ("format", 0, 1),
        ("nonce", 1, 13),
        ("holder tag", 13, 21),
        ("vehicle", 21, -16),
        ("tag", -16, 0),
    ],
)
def test_a_capsule_is_refused_when_a_byte_is_another(region, start, end, bit):
    places = range(len(SEALED))[start : end or None]
    assert places, region
    for place in places:
        _assert_capsule_refused(sealed=changed(SEALED, place, bit))


@pytest.mark.parametrize(
    "sealed",
    [
        *(pytest.param(SEALED[:n], id=f"{n} bytes") for n in range(len(SEALED))),
        *(
            pytest.param(SEALED[n:], id=f"the last {len(SEALED) - n} bytes")
            for n in (1, 2, 13, 21)
        ),
        pytest.param(SEALED[:1] + SEALED[13:], id="without a nonce"),
        pytest.param(SEALED + b"\0", id="a byte more"),
        pytest.param(b"\0" + SEALED, id="a byte before"),
        pytest.param(SEALED + SEALED, id="twice"),
        pytest.param(KEPT, id="the keepsake"),
    ],
)
def test_a_capsule_is_refused_when_its_length_is_another(sealed):
    _assert_capsule_refused(sealed=sealed)


@pytest.mark.parametrize("other", **with_about([v for v in LINKS if v is not WHOLE]))
def test_a_capsule_is_refused_in_the_row_of_another_link(other):
    secret, sealed = (bytes.fromhex(other[name]) for name in ("secret", "capsule"))
    terms = link_terms(other)
    _assert_capsule_refused(sealed=sealed)
    _assert_capsule_refused(secret, terms)
    # With its own secret too, and with the public id or all the rest of the other's.
    _assert_capsule_refused(terms=terms)
    _assert_capsule_refused(public_id=terms.public_id)
    _assert_capsule_refused(terms=terms, public_id=TERMS.public_id)
    _assert_capsule_refused(secret, sealed=sealed)


HOLDER_TAG = bytes.fromhex(WHOLE["holder_tag"])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HOLDER_TAG[:7], id="a holder tag cut short"),
        pytest.param(HOLDER_TAG, id="no vehicle"),
        pytest.param(NAMED, id="no holder tag"),
        pytest.param(HOLDER_TAG + b"\x02" + NAMED[1:], id="version of the vehicle"),
        pytest.param(HOLDER_TAG + b"\x01\x03" + NAMED[2:], id="register"),
        pytest.param(HOLDER_TAG + NAMED[:-1], id="a vehicle cut short"),
        pytest.param(HOLDER_TAG + NAMED + b"0", id="a vehicle that is longer"),
        pytest.param(HOLDER_TAG + NAMED[:-1] + b"\xe9", id="not ASCII"),
    ],
)
def test_a_capsule_is_refused_when_it_was_sealed_around_something_else(content):
    key, nonce = (
        bytes.fromhex(WHOLE[name]) for name in ("capsule_key", "capsule_nonce")
    )
    bound = spec.terms_bytes(TERMS.public_id, WHOLE["terms"])
    assert spec.seal_of_link(key, nonce, HOLDER_TAG + NAMED, bound) == SEALED
    _assert_capsule_refused(sealed=spec.seal_of_link(key, nonce, content, bound))


def test_no_capsule_is_sealed_under_a_key_that_the_ring_lacks():
    terms = msgspec.structs.replace(TERMS, key_version=2)
    with pytest.raises(KeyRingError, match="site key ring has no version 2; put"):
        SITE.seal_capsule(SECRET, terms, capsule(WHOLE))


# Keepsakes that are refused


def _assert_keepsake_refused(
    owner=OWNER, named=NAMED, terms=TERMS, sealed=KEPT, site=SITE, **changes
):
    with pytest.raises(EnvelopeError, match=ERROR):
        site.open_keepsake(
            owner, named, msgspec.structs.replace(terms, **changes), sealed
        )


def test_the_keepsake_that_is_broken_below_is_whole():
    assert SITE.open_keepsake(OWNER, NAMED, TERMS, KEPT) == SECRET
    assert len(KEPT) == 1 + 12 + 16 + 16


@pytest.mark.parametrize(
    "owner",
    [
        *(pytest.param(changed(OWNER, n), id=f"byte {n}") for n in range(16)),
        pytest.param(b"", id="empty"),
        pytest.param(OWNER[:-1], id="shorter"),
        pytest.param(OWNER + b"\0", id="longer"),
        pytest.param(SECRET, id="the link's"),
        pytest.param(bytes.fromhex(LINKS[3]["owner_secret"]), id="another owner's"),
    ],
)
def test_a_keepsake_is_refused_with_another_secret(owner):
    _assert_keepsake_refused(owner)


def test_a_keepsake_is_refused_for_another_vehicle():
    for place in range(len(NAMED)):
        _assert_keepsake_refused(named=changed(NAMED, place))
    for named in (b"", NAMED[:-1], NAMED + b"\1", bytes.fromhex(LINKS[3]["bytes"])):
        _assert_keepsake_refused(named=named)


@pytest.mark.parametrize(
    "public_id",
    [
        *(changed(TERMS.public_id, n) for n in range(12)),
        b"",
        TERMS.public_id[:-1],
        TERMS.public_id + b"\0",
    ],
    ids=bytes.hex,
)
def test_a_keepsake_is_refused_for_another_public_id(public_id):
    _assert_keepsake_refused(public_id=public_id)


def test_a_keepsake_is_refused_under_another_key():
    _assert_keepsake_refused(key_version=1)


@pytest.mark.parametrize("version", [-1, 2, 301, 2**16, 2**16 + 300])
def test_a_keepsake_is_refused_under_a_key_that_the_ring_lacks(version):
    _assert_keepsake_refused(key_version=version)


def test_a_keepsake_is_refused_by_another_ring():
    _assert_keepsake_refused(
        site=keys_of({**OLD, "key": NEW["key"]}, {**NEW, "key": OLD["key"]})
    )


@pytest.mark.parametrize("bit", [1, 128])
@pytest.mark.parametrize(
    ("region", "start", "end"),
    [("format", 0, 1), ("nonce", 1, 13), ("secret", 13, -16), ("tag", -16, 0)],
)
def test_a_keepsake_is_refused_when_a_byte_is_another(region, start, end, bit):
    places = range(len(KEPT))[start : end or None]
    assert places, region
    for place in places:
        _assert_keepsake_refused(sealed=changed(KEPT, place, bit))


@pytest.mark.parametrize(
    "sealed",
    [
        *(pytest.param(KEPT[:n], id=f"{n} bytes") for n in range(len(KEPT))),
        *(
            pytest.param(KEPT[n:], id=f"the last {len(KEPT) - n} bytes")
            for n in (1, 2, 13)
        ),
        pytest.param(KEPT[:1] + KEPT[13:], id="without a nonce"),
        pytest.param(KEPT + b"\0", id="a byte more"),
        pytest.param(b"\0" + KEPT, id="a byte before"),
        pytest.param(SEALED, id="the capsule"),
        pytest.param(LABELLED, id="the label"),
    ],
)
def test_a_keepsake_is_refused_when_its_length_is_another(sealed):
    _assert_keepsake_refused(sealed=sealed)


def test_a_keepsake_is_refused_in_the_row_of_another_link_of_its_owner():
    # The same owner and vehicle under one key: the public id alone tells them apart.
    other_id = bytes.fromhex(LINKS[0]["public_id"])
    other = msgspec.structs.replace(TERMS, public_id=other_id)
    kept = SITE.seal_keepsake(OWNER, NAMED, other, SECRET)
    assert SITE.open_keepsake(OWNER, NAMED, other, kept) == SECRET
    _assert_keepsake_refused(sealed=kept)
    for vector in LINKS:
        if vector is not WHOLE:
            _assert_keepsake_refused(sealed=bytes.fromhex(vector["keepsake"]))


# Labels


@pytest.mark.parametrize("vector", **with_about(LINKS))
def test_a_label_has_the_bytes_of_its_vector_and_opens(vector):
    owner_secret, named = (
        bytes.fromhex(vector[name]) for name in ("owner_secret", "bytes")
    )
    terms = link_terms(vector)
    sealed = SITE.seal_label(
        owner_secret, named, terms, vector["label"], random=fixed(vector["label_nonce"])
    )
    assert sealed.hex() == vector["sealed_label"]
    assert SITE.open_label(owner_secret, named, terms, sealed) == vector["label"]


@pytest.mark.parametrize("label", ["a", "Jeudi", "é" * 80, "x" * 160])
def test_no_label_is_longer_than_another_when_sealed(label):
    sealed = SITE.seal_label(OWNER, NAMED, TERMS, label)
    assert len(sealed) == 1 + 12 + 160 + 16
    assert SITE.open_label(OWNER, NAMED, TERMS, sealed) == label


@pytest.mark.parametrize("label", ["x" * 161, "é" * 81])
def test_a_label_that_is_too_long_is_not_sealed(label):
    with pytest.raises(ValueError, match="too long"):
        SITE.seal_label(OWNER, NAMED, TERMS, label)


def _assert_label_refused(
    owner=OWNER, named=NAMED, sealed=LABELLED, site=SITE, **changes
):
    terms = msgspec.structs.replace(TERMS, **changes)
    with pytest.raises(EnvelopeError, match=ERROR):
        site.open_label(owner, named, terms, sealed)


def test_a_label_is_refused_but_for_its_owner_vehicle_link_and_key():
    assert SITE.open_label(OWNER, NAMED, TERMS, LABELLED) == LABEL
    for place in range(16):
        _assert_label_refused(owner=changed(OWNER, place))
    _assert_label_refused(owner=SECRET)
    for place in range(len(NAMED)):
        _assert_label_refused(named=changed(NAMED, place))
    for place in range(12):
        _assert_label_refused(public_id=changed(TERMS.public_id, place))
    for version in (-1, 1, 2, 301, 2**16):
        _assert_label_refused(key_version=version)
    swapped = keys_of({**OLD, "key": NEW["key"]}, {**NEW, "key": OLD["key"]})
    _assert_label_refused(site=swapped)


@pytest.mark.parametrize("bit", [1, 128])
def test_a_label_is_refused_when_a_byte_is_another(bit):
    for place in range(len(LABELLED)):
        _assert_label_refused(sealed=changed(LABELLED, place, bit))


def test_a_label_is_refused_when_it_is_something_else():
    for size in range(len(LABELLED)):
        _assert_label_refused(sealed=LABELLED[:size])
    for sealed in (LABELLED + b"\0", b"\0" + LABELLED, KEPT, SEALED):
        _assert_label_refused(sealed=sealed)


def test_there_is_no_owner_proof_under_a_key_that_the_ring_lacks():
    with pytest.raises(KeyRingError, match="site key ring has no version 2; put"):
        SITE.owner_proof(OWNER, NAMED, 2)
