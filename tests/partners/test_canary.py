"""What a partner sends is repeated nowhere: no answer, log or table holds it."""

import io
import logging

import pytest
from django.db import connection
from django.utils import timezone

from histovet.logs import LineFormatter
from tests.partners import demands, register
from tests.partners.conftest import PATH
from tests.partners.demands import CERTIFICATE, changed

NAME = "KANARINOM"
PLATE = "QX-777-QX"
PROOF = "2077QX77777"
SECRETS = (NAME, PLATE, PLATE.replace("-", ""), PROOF)

CANARY = changed(demands.FULL, f"{CERTIFICATE}/titulaire/particulier/nom", NAME)
CANARY = changed(CANARY, f"{CERTIFICATE}/numero_immatriculation", PLATE)
CANARY = changed(CANARY, f"{CERTIFICATE}/numero_formule", PROOF)


@pytest.fixture
def log():
    """Everything that is logged, as a line of the site's log."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def everything_stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor]
        texts = []
        for name in tables:
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            texts += [text for (text,) in cursor]
    return "\n".join(texts)


@pytest.mark.parametrize(
    "demand",
    [
        CANARY,
        changed(CANARY, f"{CERTIFICATE}/titulaire", {NAME: PLATE}),
        changed(CANARY, f"{CERTIFICATE}/titulaire/particulier/prenoms", NAME),
        changed(CANARY, "/options", PROOF),
        changed(
            CANARY, f"{CERTIFICATE}/date_emission_certificat_immatriculation", PROOF
        ),
        f'{{"{NAME}": "{PLATE}',
    ],
)
def test_a_demand_leaves_no_trace(published, ask, key, log, demand):
    answers = [ask(demand), ask(demand, with_key=key[:-1] + "-")]
    answers += [ask(demand, path=f"{PATH}/{NAME}?{PLATE}"), ask(demand, method="put")]

    stored = everything_stored()
    register.break_reading("XX000", f"{NAME} {PLATE} {key}")
    broken = ask(CANARY)
    assert broken.status_code == 500
    seen = "".join(str(a.headers) + a.content.decode() for a in [*answers, broken])
    seen += log.getvalue() + stored
    for secret in (*SECRETS, key):
        assert secret not in seen
        assert secret.encode().hex() not in seen
    assert "status=500" in log.getvalue()


def test_the_failures_of_a_vehicle_name_it_for_one_day_at_most(published, ask):
    with connection.cursor() as cursor:
        for _ in range(2):
            assert ask(CANARY).status_code == 404
        cursor.execute("SELECT max(expires_at) FROM limits_counter WHERE value >= 2")
        (latest,) = cursor.fetchone()
    assert (latest - timezone.now()).total_seconds() <= 24 * 3600 + 1
