"""Property 1: a copy of the database without a key ring names nobody.

The attack hashes what a thief can guess in every usual way and looks for the result
in the dump. It is first shown to find a value that was planted.
"""

import base64
import hashlib
import hmac
import os
import random
import re
import string
import uuid
from collections.abc import Iterable, Iterator

import pytest
from django.db import connection

from tests import dump, extract, vehicles
from tests.publish import publish

DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")
# The shortest thing that is stored of a digest has eight bytes.
SEEN_BYTES = 8


def seen_in(values: Iterable[bytes]) -> set[bytes]:
    """Return the beginnings at which a stored digest could be recognised: of each
    value, and behind the headers that a sealed value has."""
    return {
        value[start : start + SEEN_BYTES]
        for value in values
        for start in (0, 1, 2, 14)
        if len(value) >= start + SEEN_BYTES
    }


def _plain(text: str) -> str:
    return re.sub("[^0-9A-Z]", "", text.upper())


def _folded(text: str) -> str:
    return _plain(text).translate(str.maketrans("OI", "01"))


def _spellings(plate: str, proof: str) -> Iterator[bytes]:
    """Yield what a version of ours or a careless one may have hashed."""
    plain = _plain(plate)
    proofs = [proof, _plain(proof), _folded(proof)] if proof else []
    date = re.fullmatch("([0-9]{2})/([0-9]{2})/([0-9]{4})", proof)
    if date:
        day, month, year = date.groups()
        proofs += [f"{year}-{month}-{day}", f"{year}{month}{day}"]
    proofs = list(dict.fromkeys(proofs))
    for other in proofs:
        yield other.encode()
    for one in {plate, plain, _folded(plate), plate.lower(), plain.lower()}:
        yield one.encode()
        for other in proofs:
            for separator in ("", "-", "|", ":", ";", " "):
                yield f"{one}{separator}{other}".encode()
    if proof:
        # SPEC.md section 2, from its text: envelope.py must not say what to look for.
        canonical = f"{year}-{month}-{day}" if date else _folded(proof)
        yield b"%c%c%c%b%c%b" % (
            1,
            2 if date else 1,
            len(_folded(plate)),
            _folded(plate).encode(),
            len(canonical),
            canonical.encode(),
        )


def _digests(message: bytes, keys: Iterable[bytes]) -> Iterator[bytes]:
    for name in DIGESTS:
        yield hashlib.new(name, message).digest()
    for key in keys:
        yield hmac.digest(key, message, "sha256")
        yield hashlib.sha256(key + message).digest()


def matches(
    identities: Iterable[tuple[str, str]], seen: set[bytes], keys: list[bytes]
) -> int:
    return sum(
        digest[:SEEN_BYTES] in seen
        or base64.b64encode(digest)[:SEEN_BYTES] in seen
        or digest.hex().encode()[:SEEN_BYTES] in seen
        for plate, proof in identities
        for spelling in _spellings(plate, proof)
        for digest in _digests(spelling, keys)
    )


def plates(count: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Of both registers, alone: a thief has no formula number and no date to them."""
    for _ in range(count):
        a, b, c, d = rng.choices(string.ascii_uppercase, k=4)
        yield f"{a}{b}-{rng.randrange(1000):03}-{c}{d}", ""
        yield f"{rng.randrange(1, 10_000)} {a}{b}{c} {rng.randrange(1, 96):02}", ""


@pytest.fixture
def identities(transactional_db, tmp_path):
    """Publish the real extract, or made-up vehicles; return (plate, proof) of each."""
    if "HISTOVET_REAL_EXTRACT" in os.environ:
        publish(extract.folder())
        return [(one.plate, one.proof) for one in extract.printed()]
    vehicles.write_feed(tmp_path, lines := vehicles.siv_lines(500))
    publish(tmp_path)
    return [(line["plaq_immat"], line["numero_formule"]) for line in lines]


def keys_in(values: Iterable[bytes]) -> list[bytes]:
    """What a thief may try as a key: every value of the length of one, whatever it is
    for, but the ids of the records themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_id FROM vault_record")
        ids = {row[0].bytes for row in cursor}
    return [value for value in {*values} - ids if 16 <= len(value) <= 64]


def test_the_attack_finds_a_planted_digest(identities):
    """Planted where a careless version would have it: in a column of a table."""
    plate, proof = identities[0]
    planted = hashlib.sha256(plate.encode()).digest()[:16]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_record SET record_id = %s WHERE ctid = "
            "(SELECT ctid FROM vault_record LIMIT 1)",
            [uuid.UUID(bytes=planted)],
        )
    seen = seen_in(dump.values())
    assert matches([(plate, proof)], seen, []) == 1


def test_the_attack_finds_a_digest_under_a_key_that_the_database_holds(identities):
    plate, proof = identities[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT salt FROM vault_release")
        salt = bytes(cursor.fetchone()[0])
        planted = hmac.digest(salt, f"{plate}{proof}".encode(), "sha256")
        cursor.execute("UPDATE vault_release SET mac = %s", [planted])
    values = list(dump.values())
    assert matches([(plate, proof)], seen_in(values), keys_in(values)) >= 1


# What is printed, and the bytes that SPEC.md section 2 makes of it.
_SIV = ("AO-123-AI", "2015OI12345"), b"\x01\x01\x07A0123A1\x0b20150112345"
_FNI = ("123 OBC 75", "06/03/2008"), b"\x01\x02\x081230BC75\x0a2008-03-06"


@pytest.mark.parametrize(
    ("printed", "hashed", "keyed"),
    [
        pytest.param(*_SIV, False, id="digest of the SIV identity"),
        pytest.param(*_SIV, True, id="HMAC of the SIV identity"),
        pytest.param(*_FNI, False, id="digest of the FNI identity"),
        pytest.param(*_FNI, True, id="HMAC of the FNI identity"),
        pytest.param(_FNI[0], b"1230BC752008-03-06", False, id="plate and ISO date"),
        pytest.param(_FNI[0], b"123 OBC 75|20080306", True, id="separated, HMAC"),
        pytest.param(_SIV[0], b"20150112345", False, id="folded formula number"),
        pytest.param(_SIV[0], b"A0123A120150112345", True, id="both folded, HMAC"),
        pytest.param(_SIV[0], b"2015OI12345", False, id="formula number alone"),
    ],
)
def test_the_attack_knows_the_canonical_forms(printed, hashed, keyed):
    """Without a database: where a digest may stand is the matter of the tests above."""
    salt = bytes(range(32))
    digest = hashlib.sha256(hashed).digest()
    if keyed:
        digest = hmac.digest(salt, hashed, "sha256")
    assert matches([printed], seen_in([digest]), [salt]) == 1
    assert matches([("AO-123-AJ", "2015OI12346")], seen_in([digest]), [salt]) == 0


def test_no_identity_and_no_plate_is_found_in_a_dump(identities):
    values = list(dump.values())
    assert sum(len(value) > 100 for value in values) >= len(identities)
    seen, keys = seen_in(values), keys_in(values)
    assert len(keys) >= 3
    assert matches(identities, seen, []) == 0
    assert matches(plates(5_000, random.Random(3)), seen, []) == 0
    # Under keys the search is wide; all of it: make proofs ONLY=dump.
    assert matches(identities[::10], seen, keys) == 0
    assert matches(plates(250, random.Random(4)), seen, keys) == 0


def test_no_text_of_a_certificate_stands_in_a_dump(transactional_db):
    publish(extract.folder())
    whole = b"\n".join(dump.values())
    # Six bytes are enough to mean something, and too many to occur by chance.
    runs = {whole[start : start + 6] for start in range(len(whole) - 5)}
    for one in extract.printed():
        words = [one.plate, one.proof, re.sub("[^0-9A-Z]", "", one.plate), one.company]
        words += one.family_name.split() + one.given_names.split()
        found = [w for w in words if len(w) >= 6 and w.encode()[:6] in runs]
        # Counted, not shown: the message of a failing test is a log too.
        assert len(found) == 0, f"{len(found)} words of one certificate are in the dump"
