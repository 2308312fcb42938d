"""Does a code still live? Told to a partner that has had an answer with it."""

import datetime as dt

import pytest
from django.utils import timezone

from histovet.partners.models import Scope as KeyScope
from histovet.sharing import links
from histovet.sharing.models import End, Link, Receipt
from histovet.vault import withholding
from histovet.vault.withholding import Reason
from tests.partner import failures
from tests.partners import register
from tests.partners.demands import NO_LINK, by_code
from tests.partners.test_report_by_data import problem

PATH = "/api/v1/link_status"
DAY = dt.timedelta(days=1)


@pytest.fixture
def status(ask):
    """Ask of a link and return the answer's bytes."""

    def send(link, **arguments):
        answer = ask(link.demand, **({"path": PATH} | arguments))
        assert answer.status_code == 200, answer.content
        return answer.content

    return send


LIVE, NOT_LIVE = b'{"live":true}', b'{"live":false}'


def end(link, why=End.REVOKED_BY_OWNER):
    links.of_vehicle(link.identity).end(why, timezone.now())


def test_a_partner_that_has_opened_it_is_told(make_link, ask_code, status):
    link = make_link()
    assert status(link) == NOT_LIVE
    assert ask_code(link).status_code == 200
    assert status(link) == LIVE
    end(link)
    assert status(link) == NOT_LIVE


def test_a_partner_that_has_compared_an_advert_is_told(make_link, ask, status):
    link = make_link()
    body = {**link.demand, "annonce": {"marque": "Renault"}}
    assert ask(body, path="/api/v1/listing_check").status_code == 200
    assert status(link) == LIVE


def test_another_partner_learns_nothing(make_link, make_key, ask_code, status):
    """Live, ended, expired or never made: the same bytes and headers."""
    live, ended = make_link(), make_link(register.PLAIN_FNI)
    expired = make_link(register.COMPANY, days=1, now=timezone.now() - 2 * DAY)
    assert ask_code(live).status_code == ask_code(ended).status_code == 200
    end(ended)
    _, other = make_key(name="Autre")
    answers = {status(link, with_key=other) for link in (live, ended, expired, NO_LINK)}
    assert answers == {NOT_LIVE}


def test_any_key_of_the_partner_may_ask(make_link, make_key, ask_code, status):
    link = make_link()
    assert ask_code(link).status_code == 200
    assert status(link, with_key=make_key(name="ESSAI")[1]) == LIVE


def test_it_counts_neither_as_opening_nor_as_failure(make_link, ask_code, status):
    link = make_link(max_openings=3)
    assert ask_code(link).status_code == 200
    for one in (link, link, link, link, NO_LINK, NO_LINK):
        status(one)
    assert link.row.openings == 1
    assert Receipt.objects.count() == 1
    assert failures() == 0


def test_a_link_that_was_opened_as_often_as_it_may_be_lives_for_nobody_new(
    make_link, ask_code, status
):
    link = make_link(max_openings=3)
    for _ in range(3):
        assert status(link) == (LIVE if link.row.openings else NOT_LIVE)
        assert ask_code(link).status_code == 200
    assert status(link) == NOT_LIVE
    assert link.row.ended_at is None, "its readers read on"


def test_a_link_that_is_over_is_ended_when_it_is_asked_of(make_link, status):
    link = make_link(now=timezone.now() - 8 * DAY)
    assert status(link) == NOT_LIVE
    assert link.row.end == End.EXPIRED
    assert link.row.capsule is None


def test_what_is_withheld_opens_nothing(make_link, ask_code, status):
    link = make_link()
    assert ask_code(link).status_code == 200
    withholding.withhold(
        link.identity, Reason.DATA_ERROR, "Ticket 12", now=timezone.now()
    )
    assert status(link) == NOT_LIVE
    assert Link.objects.get(pk=link.row.pk).ended_at is None


def test_the_scope_is_needed(make_link, ask, make_key):
    others = [scope.value for scope in KeyScope if scope is not KeyScope.LINK_STATUS]
    _, key = make_key(scopes=others)
    answer = ask(make_link().demand, path=PATH, with_key=key)
    problem(answer, 403, "scope-missing")


def test_a_code_that_cannot_be_read_is_refused(published, ask):
    document = problem(ask(by_code("x"), path=PATH), 400, "invalid-request")
    assert document["errors"][0]["code"] == "code_unreadable"
