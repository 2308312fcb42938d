import datetime as dt
import hashlib

import pytest
from django.db import IntegrityError, connection, transaction

from histovet.partners.auth import authenticate
from histovet.partners.models import PartnerKey, Scope

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(make_key):
    return make_key(
        scopes=[Scope.REPORT_BY_CODE.value, Scope.REPORT_BY_DATA.value],
        daily_quota=100,
        expires_at=NOW + dt.timedelta(days=1),
        now=NOW,
    )


def test_a_key_says_who_asks_for_what_and_how_often(made):
    row, key = made
    partner = authenticate(key, NOW)
    assert partner is not None
    assert partner.name == "Essai"
    assert (partner.key_id, partner.rate, partner.daily_quota) == (
        row.pk,
        "1000/s",
        100,
    )
    assert partner.scopes == ("report_by_code", "report_by_data")
    assert partner.failures_today == 0


def test_the_key_is_stored_nowhere(made):
    row, key = made
    with connection.cursor() as cursor:
        cursor.execute("SELECT partners_key::text FROM partners_key")
        ((stored,),) = cursor.fetchall()
    assert key not in stored
    assert hashlib.sha256(key.encode()).hexdigest() in stored
    assert len(key) == 46
    assert row.shown == key[:9]


def test_two_keys_differ(make_key):
    assert make_key()[1] != make_key()[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key[:-1] + ("B" if key[-1] == "A" else "A"),
        lambda key: key.lower(),
        lambda key: "hv_" + "é" * 43,
        lambda key: "",
        lambda key: " " + key,
    ],
)
def test_a_wrong_key_is_nobodys(made, change):
    assert authenticate(change(made[1]), NOW) is None


def test_a_key_ends_to_the_microsecond(made):
    row, key = made
    last = row.expires_at - dt.timedelta(microseconds=1)
    assert authenticate(key, last)
    assert authenticate(key, row.expires_at) is None


def test_a_suspended_key_is_refused_until_it_is_resumed(made):
    row, key = made
    row.suspend(NOW)
    assert authenticate(key, NOW) is None
    row.resume()
    assert authenticate(key, NOW)


def test_the_last_use_is_a_day_and_written_once_a_day(made):
    row, key = made
    versions = set()
    for hours in (0, 1, 6):
        authenticate(key, NOW + dt.timedelta(hours=hours))
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid FROM partners_key WHERE id = %s", [row.pk])
            versions.add(cursor.fetchone())
    assert len(versions) == 1
    row.refresh_from_db()
    assert row.last_used_on == NOW.date()
    authenticate(key, NOW + dt.timedelta(hours=12))
    row.refresh_from_db()
    assert row.last_used_on == NOW.date() + dt.timedelta(days=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"rate": "0/s"},
        {"rate": "10"},
        {"rate": "10/d"},
        {"daily_quota": 0},
        {"expires_at": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_the_database_refuses_a_key_that_makes_no_sense(wrong):
    good = {
        "name": "Essai",
        "scopes": ["report_by_data"],
        "rate": "10/s",
        "daily_quota": None,
        "expires_at": NOW + dt.timedelta(days=1),
        "now": NOW,
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        PartnerKey.issue(**(good | wrong))
