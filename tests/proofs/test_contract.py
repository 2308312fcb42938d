"""The running site is asked thousands of times what its OpenAPI document permits and
forbids, with every check of schemathesis on: make proofs ONLY=contract."""

import os
import re
import secrets

import pytest

from histovet.partners.models import PartnerKey
from tests.attacks.serving import site
from tests.partner import new_key
from tests.partners import register
from tests.partners.contract import ask, forgiven
from tests.proofs import figures
from tests.publish import database_url

pytestmark = pytest.mark.proof

CASES_MIN = 5_000
# Of each of the ten operations, besides what its schemas make of themselves.
EXAMPLES = 700


def test_contract(transactional_db, tmp_path):
    register.publish_records(*register.EVERYTHING)
    key = new_key()
    environment = {**os.environ, "DATABASE_URL": database_url()}
    # Other cases each time; a failure tells the seed of its own.
    seed = secrets.randbelow(2**32)
    with site(environment, workers=2) as served, forgiven():
        told = ask(
            served.port, key, tmp_path, examples=EXAMPLES, seconds=3_000, seed=seed
        )
        log = served.log.read_text()
    figures.write(
        "contract",
        {
            "seed": seed,
            "cases": told.cases,
            "holds": told.holds,
            "answers of 500 and above": len(re.findall(r"status=5\d\d", log)),
        },
    )
    assert told.holds, told.text[-20_000:]
    assert told.cases >= CASES_MIN
    assert not re.search(r"status=5\d\d", log)
    assert key not in log
    # Nothing was refused because of what went before.
    assert PartnerKey.objects.get().suspended_at is None
