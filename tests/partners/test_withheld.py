"""A vehicle that is withheld: a problem of its own, for who has the right data alone."""

import pytest
from django.utils import timezone

from histovet.partners.models import SCOPES
from histovet.vault import withholding
from histovet.vault.withholding import Reason
from tests.partners import demands, register
from tests.partners.demands import NO_LINK, changed
from tests.partners.test_report_by_data import problem


@pytest.fixture
def withheld(published):
    return withholding.withhold(
        register.FULL.identity, Reason.DATA_ERROR, "Ticket 12", now=timezone.now()
    )


def test_right_data_get_the_problem(withheld, ask):
    for path in ("/api/v1/report_by_data", "/histovec/api/v1/report_by_data"):
        answer = ask(demands.FULL, path=path)
        problem(answer, 403, "report-withheld")
        assert "Ticket" not in answer.content.decode()
        assert "WWW-Authenticate" not in answer.headers
    assert ask(demands.FNI).status_code == 200
    withholding.lift(withheld.pk, now=timezone.now())
    assert ask(demands.FULL).status_code == 200


def test_a_right_code_gets_the_problem_and_is_no_opening(make_link, ask_code):
    link = make_link()
    row = withholding.withhold(
        link.identity, Reason.COURT_ORDER, "TJ 12", now=timezone.now()
    )
    for _ in range(3):
        problem(ask_code(link), 403, "report-withheld")
    assert (link.row.openings, link.row.ended_at) == (0, None)
    withholding.lift(row.pk, now=timezone.now())
    assert ask_code(link).status_code == 200
    assert link.row.openings == 1


def test_wrong_data_are_not_found(withheld, ask, ask_code):
    name = "/vehicule/certificat_immatriculation/titulaire/particulier/nom"
    problem(ask(changed(demands.FULL, name, "QUENTIN")), 404, "report-not-found")
    problem(ask_code(NO_LINK), 404, "report-not-found")


def test_it_is_neither_a_failure_nor_a_report(withheld, make_key, ask):
    _, key = make_key(daily_quota=1, scopes=SCOPES)
    # Three failures for a plate, fifty a day.
    for _ in range(4):
        problem(ask(demands.FULL, with_key=key), 403, "report-withheld")
    assert ask(demands.FNI, with_key=key).status_code == 200
