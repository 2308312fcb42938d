"""A vehicle that is withheld: what its holder is told, and nobody else."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from histovet.vault import withholding
from histovet.vault.withholding import Reason
from pseudonymizer.normalise import siv_identity
from tests.history.showcase import publish_showcase, typed


@pytest.fixture
def shown(transactional_db, tmp_path):
    cache.clear()
    return publish_showcase(tmp_path / "register")


def withhold(vehicle):
    identity = siv_identity(vehicle.plate, vehicle.formula_number)
    now = timezone.now()
    return withholding.withhold(identity, Reason.OTHER, "Dossier 12", now=now)


def test_its_holder_is_told_that_it_is_withheld_and_may_leave(client, shown):
    row = withhold(shown["clean"])
    answer = client.post("/vendeur", typed(shown["clean"]))
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    text = page.content.decode()
    assert page.status_code == 200
    assert "ce rapport est suspendu" in text
    for absent in ("verdict", "Dossier 12", '/liens"', shown["clean"].plate):
        assert absent not in text
    assert "no-store" in page.headers["Cache-Control"]
    assert client.post("/terminer").status_code == 303
    withholding.lift(row.pk, now=timezone.now())
    client.post("/vendeur", typed(shown["clean"]))
    assert 'id="verdict"' in client.get("/rapport").content.decode()


def test_a_reader_loses_the_report_at_once(client, shown):
    client.post("/vendeur", typed(shown["clean"]))
    assert 'id="verdict"' in client.get("/rapport").content.decode()
    withhold(shown["clean"])
    assert 'id="verdict"' not in client.get("/rapport").content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"family_name": "QUENTIN"},
        {"formula_number": "2021ZZ90909"},
        {"plate": "ZZ-999-ZZ"},
    ],
)
def test_wrong_data_get_the_answer_that_they_always_get(client, shown, changes):
    wrong = typed(shown["clean"], **changes)
    before = client.post("/vendeur", wrong)
    withhold(shown["clean"])
    after = client.post("/vendeur", wrong)
    assert (before.status_code, after.status_code) == (200, 200)
    assert "retenu" not in after.content.decode()
    token = "csrfmiddlewaretoken"
    lines = [
        [line for line in answer.content.decode().splitlines() if token not in line]
        for answer in (before, after)
    ]
    assert lines[0] == lines[1]
