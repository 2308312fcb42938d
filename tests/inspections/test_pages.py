"""What a seller reads while UTAC is asked: the report in its time, whatever it does."""

import time

import pytest
from django.core.cache import cache
from django.test import Client

from histovet.local.utac import Behaviour
from tests.history.showcase import publish_showcase, typed
from tests.inspections.conftest import TIMEOUT_SECONDS

# A page of its own beside what it waits for.
PAGE_SECONDS = 1.0

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shown(transactional_db, tmp_path):
    cache.clear()
    return publish_showcase(tmp_path)


def read(vehicle) -> str:
    client = Client()
    assert client.post("/vendeur", typed(vehicle)).status_code == 303
    before = time.monotonic()
    page = client.get("/rapport")
    assert time.monotonic() - before < TIMEOUT_SECONDS + PAGE_SECONDS
    assert page.status_code == 200
    return page.content.decode()


def test_inspections_of_utac_stand_in_the_report(connected, shown):
    page = read(shown["clean"])
    assert "Contrôles techniques, UTAC, au" in page
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert "Pas disponible pour l’instant" not in page


@pytest.mark.parametrize(
    "behaviour",
    [
        *(Behaviour.SLOW, Behaviour.DOWN, Behaviour.LYING, Behaviour.MALFORMED),
        *(Behaviour.UNAUTHORISED, Behaviour.TOO_MANY, Behaviour.BROKEN),
    ],
)
def test_a_report_says_that_the_source_failed_and_the_next_one_has_it_again(
    connected, shown, behaviour
):
    connected.behaviour = behaviour
    page = read(shown["clean"])
    assert page.count("Pas disponible pour l’instant") >= 2
    assert "La source des contrôles n’a pas répondu" in page
    assert "Rien à signaler" in page
    connected.behaviour = Behaviour.OK
    if behaviour is Behaviour.TOO_MANY:
        # It asked to be left alone for a while, and is.
        assert "Pas disponible pour l’instant" in read(shown["company"])
    else:
        assert "Contrôles techniques, UTAC, au" in read(shown["company"])
