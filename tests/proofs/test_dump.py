"""Property 1 in full, every identity under every key: make proofs ONLY=dump."""

import random

import pytest

from tests import dump, extract
from tests.attacks.test_dump import keys_in, matches, plates, seen_in
from tests.proofs import figures
from tests.publish import publish

PLATES = 20_000

pytestmark = pytest.mark.proof


def test_dump(transactional_db):
    publish(extract.folder())
    values = list(dump.values())
    seen, keys = seen_in(values), keys_in(values)
    identities = [(one.plate, one.proof) for one in extract.printed()]
    found = {
        "real identities": matches(identities, seen, keys),
        "plates": matches(plates(PLATES // 2, random.Random(5)), seen, keys),
    }
    figures.write(
        "dump",
        {
            "identities": len(identities),
            "plates": PLATES,
            "keys tried": len(keys),
            "matches": found,
        },
    )
    assert not any(found.values())
