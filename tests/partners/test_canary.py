"""What a partner sends is repeated nowhere: no answer, log or table holds it."""

import base64
import io
import logging

import pytest
from django.db import connection
from django.utils import timezone

from histovet.logs import LineFormatter
from histovet.sharing import codes
from tests.partners import demands, register
from tests.partners.conftest import CODE_PATH, PATH
from tests.partners.demands import CERTIFICATE, NO_LINK, by_code, changed

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


def test_a_code_leaves_no_trace(make_link, ask, key, log):
    live, over = make_link(), make_link(max_openings=1)
    whole = f"https://histovet.example/r/AAAAAAAAAAAAAAAA#{live.code}"
    tried = [
        *(one.demand for one in (live, over, over, NO_LINK)),
        by_code(codes.grouped(live.code).lower()),
        by_code(whole),
        by_code(live.code + "A"),
        {"vehicule": {live.code: live.code}},
        {"vehicule": live.code},
        f'{{"{live.code}',
    ]
    answers = [ask(demand, path=CODE_PATH) for demand in tried]
    assert [a.status_code for a in answers] == [200] * 2 + [404] * 2 + [200] * 2 + (
        [400] * 4
    )
    answers += [
        ask(live.demand, path=CODE_PATH, with_key=key[:-1] + "-"),
        ask(live.demand, path=f"{CODE_PATH}/{live.code}?{live.code}"),
        ask(live.demand, path=CODE_PATH, method="put"),
    ]
    stored = everything_stored()
    register.break_reading("XX000", f"{live.code} {key}")
    answers.append(ask(live.demand, path=CODE_PATH))
    assert answers[-1].status_code == 500
    seen = "".join(str(a.headers) + a.content.decode() for a in answers)
    seen = (seen + log.getvalue() + stored).lower()
    for one in (live, over, NO_LINK):
        for form in (
            one.code,
            codes.grouped(one.code),
            one.code.encode().hex(),
            one.secret.hex(),
            base64.b64encode(one.secret).decode(),
            base64.urlsafe_b64encode(one.secret).decode(),
        ):
            # Not the last characters, which may be padding, a check or none.
            assert form[:20].lower() not in seen
    assert "status=500" in log.getvalue()


def test_the_failures_of_a_vehicle_name_it_for_one_day_at_most(published, ask):
    with connection.cursor() as cursor:
        for _ in range(2):
            assert ask(CANARY).status_code == 404
        cursor.execute("SELECT max(expires_at) FROM limits_counter WHERE value >= 2")
        (latest,) = cursor.fetchone()
    assert (latest - timezone.now()).total_seconds() <= 24 * 3600 + 1
