"""schemathesis finds nothing to say, in a few cases of each call; the proof `contract`
asks thousands."""

import os

import pytest

from tests.attacks.serving import site
from tests.partner import new_key
from tests.partners import register
from tests.partners.contract import ask, forgiven
from tests.publish import database_url


@pytest.fixture
def published(transactional_db):
    return register.publish_records(*register.EVERYTHING)


def test_a_few_cases_of_each_call(published, tmp_path):
    key = new_key()
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with site(environment) as served, forgiven():
        told = ask(
            served.port,
            key,
            tmp_path,
            examples=2,
            seconds=300,
            seed=1,
            paths="^/api/v1/",
        )
        log = served.log.read_text()
    assert told.holds, told.text[-8000:]
    assert told.cases > 50
    assert key not in log
