"""Properties 1 and 3 for links: a copy of the database opens none of them, alone or
with the id of one, and tells of no two whose they are.

The attack knows how links are sealed (SPEC.md section 11) and tries as a key all that
the database holds, as it is and derived in every usual way. It is first shown to find
what a careless version would have sealed.
"""

import base64
import hashlib
import hmac
import itertools
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from histovet.sharing import addresses, codes, links
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link
from histovet.vault import keys, reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import siv_identity
from tests import dump
from tests.attacks.test_dump import DIGESTS
from tests.publish import publish
from tests.sharing.test_opening import DAY
from tests.vehicles import siv_line, siv_lines, write_file

RUN_BYTES = 8
LABELS = (b"", b"histovet/v1/link capsule", b"histovet/v1/link owner")
VEHICLES = {
    "A": siv_line(plaq_immat="ZQ-987-XW", numero_formule="2019ZQ98761"),
    "B": siv_line(plaq_immat="ZK-654-WX", numero_formule="2018ZK54321"),
}
IDENTITIES = {
    name: siv_identity(line["plaq_immat"], line["numero_formule"])
    for name, line in VEHICLES.items()
}
LABEL = "acheteur Zebulon"
OWNERS = {1: bytes(range(16)), 2: bytes(range(60, 76))}
MADE = [("A", 1), ("A", 1), ("A", 2), ("B", 1), ("B", 2)]


@dataclass(frozen=True)
class Made:
    vehicle: str
    owner: int
    secret: bytes

    @property
    def row(self) -> Link:
        return Link.objects.get(pk=link_id(self.secret))

    @property
    def path(self) -> str:
        return f"/r/{addresses.written(link_id(self.secret))}"

    @property
    def code(self) -> str:
        return codes.encode(self.secret, Kind.LINK)


@pytest.fixture
def made(transactional_db, tmp_path):
    """Make links of two vehicles by two owners, whoever typed which certificate."""
    cache.clear()
    lines = [*siv_lines(20), *VEHICLES.values()]
    write_file(tmp_path, "siv.csv.gz", lines)
    publish(tmp_path)
    now = timezone.now()
    return [
        Made(
            vehicle,
            owner,
            links.create(
                IDENTITIES[vehicle],
                reading.read(IDENTITIES[vehicle]),
                OWNERS[owner],
                life=7 * DAY,
                now=now,
                max_openings=3 if owner == 2 else None,
                label=LABEL,
            ),
        )
        for vehicle, owner in MADE
    ]


def sealed_in_links() -> list[tuple[str, bytes, bytes]]:
    """Return what every link holds that is sealed, with what it is bound to."""
    found = []
    for row in Link.objects.exclude(capsule=None):
        public_id = bytes(row.public_id)
        terms = public_id + struct.pack(
            ">HHQQBI",
            row.key_version,
            row.holder_key_version,
            int(row.created_at.timestamp()),
            int(row.expires_at.timestamp()),
            row.scope,
            row.max_openings or 0,
        )
        found.append(("capsule", bytes(row.capsule), b"\x01" + terms))
        found.append(("keepsake", bytes(row.keepsake), b"\x01" + public_id))
        found.append(("label", bytes(row.label), b"\x01" + public_id))
    return found


def stretched(value: bytes, label: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), 80, salt, label).derive(value)


def _from_one(value: bytes) -> Iterator[bytes]:
    yield value
    yield value.ljust(32, b"\0")
    for name in DIGESTS:
        yield hashlib.new(name, value).digest()
    yield hashlib.pbkdf2_hmac("sha256", value, b"", 1)
    for label in LABELS:
        yield stretched(value, label)


def _from_two(one: bytes, other: bytes) -> Iterator[bytes]:
    yield hmac.digest(one, other, "sha256")
    yield hashlib.sha256(one + other).digest()
    for label in LABELS[1:]:
        yield stretched(one + other, label)
    yield stretched(one, LABELS[2], other)


def tried_keys(values: Iterable[bytes]) -> set[bytes]:
    """Return every key that the values lead to, of each length that AES has."""
    whole = set(values)
    materials = itertools.chain(
        (key for value in whole for key in _from_one(value)),
        (key for pair in itertools.permutations(whole, 2) for key in _from_two(*pair)),
    )
    return {
        part
        for material in materials
        for part in (material[:16], material[:32], material[16:48], material[48:])
        if len(part) in (16, 32)
    }


def opened(keys_: Iterable[bytes]) -> list[tuple[str, bytes]]:
    """Return the kind and content of all that any of the keys opens."""
    found = []
    sealed = sealed_in_links()
    for key in keys_:
        cipher = AESGCM(key)
        for kind, value, bound in sealed:
            try:
                content = cipher.decrypt(value[1:13], value[13:], bound)
            except InvalidTag:
                continue
            found.append((kind, content))
    return found


def what_a_thief_has() -> set[bytes]:
    """Return what the dump holds that may serve as a key, or as a part of one: all of
    the links and releases, and what else is of the length of one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_id FROM vault_record")
        ids = {row[0].bytes for row in cursor}
        cursor.execute("SELECT applied::text FROM django_migrations")
        dates = {row[0].encode() for row in cursor}
    values = {*dump.values()} - ids
    assert len(values) > 60
    return {
        value
        for value in values
        if 8 <= len(value) <= 64 and not value.startswith(b"20") and value not in dates
    }


def ids_of(links_: list[Made]) -> set[bytes]:
    """Return what an address says of a link, without what stands behind its #."""
    written = {one.path.removeprefix("/r/").encode() for one in links_}
    return {one.path.encode() for one in links_} | written


def plant(one: Made, key: bytes) -> None:
    """Seal a capsule as a careless version would: under what is not secret."""
    (bound,) = [
        bound
        for kind, value, bound in sealed_in_links()
        if kind == "capsule" and value == bytes(one.row.capsule)
    ]
    nonce = bytes(range(12))
    sealed = b"\x01" + nonce + AESGCM(key).encrypt(nonce, b"planted", bound)
    Link.objects.filter(pk=link_id(one.secret)).update(capsule=sealed)


def test_the_attack_finds_what_a_careless_version_would_have_sealed(made):
    with connection.cursor() as cursor:
        cursor.execute("SELECT salt FROM vault_release")
        salt = bytes(cursor.fetchone()[0])
    label = b"histovet/v1/link capsule"
    careless = [
        lambda public_id, row: hashlib.sha256(public_id).digest(),
        lambda public_id, row: stretched(public_id, label)[:32],
        lambda public_id, row: hmac.digest(salt, public_id, "sha256"),
        lambda public_id, row: bytes(row.owner_tag),
        lambda public_id, row: stretched(public_id + bytes(row.owner_proof), label)[
            :32
        ],
    ]
    for one, key in zip(made, careless, strict=True):
        plant(one, key(link_id(one.secret), one.row))
    assert opened(tried_keys(what_a_thief_has())) == [("capsule", b"planted")] * 5


def test_the_attack_finds_what_the_secret_alone_would_open(made):
    one = made[0]
    plant(one, stretched(one.secret, b"histovet/v1/link capsule")[:32])
    assert opened(tried_keys(what_a_thief_has())) == []
    found = opened(tried_keys(what_a_thief_has() | {one.secret}))
    assert found == [("capsule", b"planted")]


def subkeys() -> set[bytes]:
    ring = keys.site_ring()
    return {ring.derive(label) for label in ("link", "owner", "owner tag")}


def test_a_dump_opens_no_link(made):
    """Alone; with the public ids; with a secret and an owner's secret but without the
    site; with the keys of the site but without a secret."""
    stolen = what_a_thief_has()
    assert len(stolen) >= 5 * len(made)
    tried = tried_keys(stolen | ids_of(made))
    assert len(tried) > 5_000
    assert opened(tried) == []
    one = made[0]
    theirs = {one.secret, OWNERS[1], one.code.encode()}
    assert opened(tried_keys(stolen | theirs)) == []
    assert opened(tried_keys(stolen | subkeys())) == []


def test_an_owners_label_is_in_clear_nowhere(made):
    assert {bytes(one.row.label) for one in made}.isdisjoint({LABEL.encode()})
    assert not [value for value in dump.values() if b"Zebulon" in value]
    assert len({bytes(one.row.label)[13:] for one in made}) == len(made)
    # What may read it: the owner, who has the certificate.
    (first, *_) = links.owned(
        IDENTITIES["A"], reading.read(IDENTITIES["A"]), OWNERS[1], timezone.now()
    )
    assert first.label == LABEL


def test_a_dump_with_a_secret_and_the_keys_of_the_site_opens_that_link_alone(made):
    """Which the two are kept apart for; and it shows that the attack knows the way."""
    found = opened(tried_keys(what_a_thief_has() | subkeys() | {made[0].secret}))
    ((kind, content),) = found
    assert kind == "capsule"
    assert b"ZQ987XW" in content


def test_through_the_site_a_link_opens_its_own_report_alone(made):
    """Whoever has the dump knows all the ids; that helps nobody to another report."""
    one, *others = made
    thief = Client()
    for other in others:
        answer = thief.post(other.path, {"code": one.code})
        assert (answer.status_code, answer.cookies) == (404, {})
    assert thief.post(one.path, {"code": one.code}).status_code == 303
    page = thief.get(one.path).content.decode()
    assert "ZQ-9" in page
    for text in ("ZK-6", "ZQ-987-XW", "987", "2019ZQ98761", "ZQ98761", "ZK54321"):
        assert text not in page
    for other in others:
        assert "ZQ-9" not in thief.get(other.path).content.decode()
        assert "ZK-6" not in thief.get(other.path).content.decode()


def test_a_dump_after_the_end_holds_nothing_that_was_sealed(made):
    rows = [one.row for one in made if one.vehicle == "A"]
    gone = [bytes(row.capsule) for row in rows] + [bytes(row.keepsake) for row in rows]
    assert set(gone) <= set(dump.values())
    runs = runs_of(gone)
    assert links.of_vehicle(IDENTITIES["A"]).end(
        End.REVOKED_BY_CERTIFICATE, timezone.now()
    ) == len(rows)
    assert {len(sealed) for _, sealed, _ in sealed_in_links()} == {59, 45, 189}
    assert len(sealed_in_links()) == 3 * 2
    assert not runs & runs_of(dump.values())
    # With every key there is: what is not there is not opened.
    everything = subkeys() | {one.secret for one in made} | {*OWNERS.values()}
    assert {
        content[-11:] for kind, content in opened(tried_keys(everything))
        if kind == "capsule"
    } == {b"2018ZK54321"}  # fmt: skip


def runs_of(values: Iterable[bytes]) -> set[bytes]:
    """Return every run of bytes that two copies could be matched by."""
    return {
        value[start : start + RUN_BYTES]
        for value in values
        for start in range(len(value) - RUN_BYTES + 1)
    }


def columns(row: Link) -> dict[str, bytes]:
    names = ("public_id", "owner_tag", "owner_proof", "capsule", "keepsake")
    return {name: bytes(getattr(row, name)) for name in names}


def test_owner_tags_are_equal_among_one_vehicles_links_alone(made):
    tags = {one.secret: columns(one.row)["owner_tag"] for one in made}
    proofs = {one.secret: columns(one.row)["owner_proof"] for one in made}
    for one, other in itertools.combinations(made, 2):
        same_vehicle = one.vehicle == other.vehicle
        same_owner = one.owner == other.owner
        assert (tags[one.secret] == tags[other.secret]) is same_vehicle
        assert (proofs[one.secret] == proofs[other.secret]) is (
            same_vehicle and same_owner
        )


def test_two_links_share_no_value_but_what_an_owner_finds_them_by(made):
    for one, other in itertools.permutations(made, 2):
        ours, theirs = columns(one.row), columns(other.row)
        if one.vehicle == other.vehicle:
            del ours["owner_tag"]
            if one.owner == other.owner:
                del ours["owner_proof"]
        assert not runs_of(ours.values()) & runs_of(theirs.values())
    # Nor does one value of a row hold another of it.
    for one in made:
        values = columns(one.row).values()
        assert len(runs_of(values)) == sum(len(runs_of([value])) for value in values)


def test_no_value_of_a_link_stands_elsewhere_in_the_database(made):
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_id, sealed FROM vault_record")
        records = [value for row in cursor for value in (row[0].bytes, bytes(row[1]))]
        cursor.execute("SELECT uuid, salt, manifest_sha256, mac FROM vault_release")
        for uuid, *values in cursor:
            records += [uuid.bytes, *(bytes(value) for value in values)]
    of_links = [value for one in made for value in columns(one.row).values()]
    assert not runs_of(of_links) & runs_of(records)


def test_ids_of_links_are_never_equal():
    ids = {link_id(number.to_bytes(16, "big")) for number in range(20_000)}
    assert len(ids) == 20_000
    assert {len(one) for one in ids} == {12}
    # No beginning of the secret, and nothing that two near secrets share.
    assert len({one[:6] for one in ids}) == 20_000
    assert base64.urlsafe_b64encode(next(iter(ids)))[-1:] != b"="
