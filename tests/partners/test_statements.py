"""What a request costs the database: each statement takes the site as long as building
the whole document. And what it asks before it may."""

import contextlib
import datetime as dt

import psycopg
import pytest
from django.utils import timezone

from histovet.partners.auth import KeySuspended, authenticate
from histovet.partners.models import PartnerKey, PartnerUse, Scope
from histovet.statements import one_row
from histovet.vault import reading
from histovet.vault.reading import SEARCH
from tests.partners import demands, register

NAME = "/vehicule/certificat_immatriculation/titulaire/particulier/nom"

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def executed(monkeypatch):
    """Give what is sent to PostgreSQL."""
    sent = []
    execute = psycopg.Cursor.execute

    def told(self, query, *arguments, **options):
        sent.append(query)
        return execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", told)
    return sent


@pytest.fixture
def ask_again(ask, make_key, executed):
    """Ask with a key whose day has begun; give the answer and what was executed."""
    _, key = make_key()
    # The first of the day begins the day.
    assert ask(demands.FULL, with_key=key).status_code == 200

    def again(body):
        executed.clear()
        return ask(body, with_key=key).status_code, list(executed)

    return again


def test_a_report_by_data_takes_one_statement(ask_again):
    status, (admitted,) = ask_again(demands.FULL)
    assert status == 200
    assert "partners_use" in admitted and "vault_read_record" in admitted


def test_after_a_failure_budgets_are_asked_before_the_vehicle(ask_again):
    assert ask_again(demands.changed(demands.FULL, NAME, "AUTRE"))[0] == 404
    status, (_, plate, read) = ask_again(demands.FULL)
    assert status == 200
    assert "limits_counter" in plate and "vault_read_record" not in plate
    assert read == SEARCH


def suspended(now):
    PartnerKey.objects.get().suspend(now, "essai")


def failed(now):
    PartnerUse.objects.update(failures=1)


def deleted(now):
    PartnerKey.objects.all().delete()


def nothing(now):
    pass


@pytest.mark.parametrize(
    ("terms", "before", "later", "is_sought"),
    [
        ({}, nothing, dt.timedelta(0), True),
        ({}, failed, dt.timedelta(0), False),
        ({}, suspended, dt.timedelta(0), False),
        ({}, nothing, dt.timedelta(days=2), False),
        ({"daily_quota": 1}, nothing, dt.timedelta(0), False),
        ({}, deleted, dt.timedelta(0), False),
        ({"rate": "1/h"}, nothing, dt.timedelta(0), False),
        ({"scopes": [Scope.REPORT_BY_CODE]}, nothing, dt.timedelta(0), False),
    ],
    ids=[
        "allowed",
        "failed",
        "suspended",
        "expired",
        "quota",
        "unknown",
        "rate",
        "scope",
    ],
)
def test_a_vehicle_is_looked_for_only_where_nothing_could_refuse(
    make_key, terms, before, later, is_sought
):
    now = timezone.now()
    _, key = make_key(**terms)
    asked = {"scope": Scope.REPORT_BY_DATA, "wants_report": True}
    authenticate(key, now, **asked)
    before(now)
    search = reading.search(register.FULL.identity, b"")
    one_row("SELECT set_config('track_functions', 'pl', true)", ())
    already = searches()
    with contextlib.suppress(KeySuspended):
        authenticate(key, now + later, search=search, **asked)
    assert searches() - already == is_sought
    assert (search.row is not None) is is_sought


def searches():
    """Return how often this transaction has looked for a vehicle."""
    (count,) = one_row(
        "SELECT coalesce(pg_stat_get_xact_function_calls("
        "'vault_read_record'::regproc), 0)",
        (),
    )
    return count


def test_a_key_that_its_row_does_not_hold_is_told_nothing(make_key):
    now = timezone.now()
    _, key = make_key()
    asked = {"scope": Scope.REPORT_BY_DATA, "wants_report": True}
    assert authenticate(key, now, **asked)
    PartnerKey.objects.update(mac=bytes(32))
    search = reading.search(register.FULL.identity, b"")
    assert authenticate(key, now, search=search, **asked) is None
    assert search.row is None


def test_who_may_not_ask_is_told_so_whatever_was_asked(ask):
    for body in (b"{", demands.FULL):
        assert ask(body, with_key="hv_" + "A" * 43).status_code == 401
