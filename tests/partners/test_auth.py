import datetime as dt
import hashlib

import pytest
from django.db import IntegrityError, connection, transaction

from histovet.partners.auth import (
    KeySuspended,
    Terms,
    active_version,
    authenticate,
    key_digest,
    terms_mac,
)
from histovet.partners.models import KeyChanged, PartnerKey, Scope
from tests.test_settings import key as site_key
from tests.test_settings import write_ring

# Of SPEC.md section 10, worked out with HKDF and HMAC of PyCryptodome.
DIGEST = "dcbe6512813df6d16e558bd482b8b1066f4f086362a35ab07d8306a4918f3a0d"
MAC = "f931a8e383cb6aacf40a2ff309f7050b7cf0370d40a600943162c60a4daa7550"

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
    # Nor what who writes to the database alone could make of one.
    assert hashlib.sha256(key.encode()).hexdigest() not in stored
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
    row.suspend(NOW, "asked for")
    with pytest.raises(KeySuspended, match="suspended") as refused:
        authenticate(key, NOW)
    assert refused.value.why == "asked for"
    row.resume(NOW.date())
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


def write(column: str, value: str) -> None:
    """Change the one row as who has the database and no key ring."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE partners_key SET {column} = {value}")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("digest", "sha256('another')"),
        ("shown", "'hv_AAAAAA'"),
        ("name", "'Autre'"),
        ("folded_name", "'autre'"),
        ("scopes", "ARRAY['report_by_data']"),
        ("scopes", "scopes || ARRAY['report_by_data']::varchar[]"),
        ("rate", "'90000/s'"),
        ("daily_quota", "NULL"),
        ("daily_quota", "1000"),
        ("expires_at", "expires_at + interval '1 microsecond'"),
        ("suspended_at", "created_at"),
        ("key_version", "2"),
        ("mac", "sha256(mac)"),
        ("mac", "'\\x'"),
    ],
)
def test_a_row_that_was_changed_is_refused(made, caplog, column, value):
    row, key = made
    write(column, value)
    assert authenticate(key, NOW) is None
    row.refresh_from_db()
    assert row.state(NOW) == "changed"
    if column != "digest":
        (record,) = caplog.records
        assert record.levelname == "ERROR"
        line = record.getMessage()
        for secret in (key, row.shown, row.name, bytes(row.digest).hex()):
            assert secret not in line


def test_a_key_that_is_suspended_stays_so(made):
    row, key = made
    row.suspend(NOW)
    write("suspended_at", "NULL")
    assert authenticate(key, NOW) is None


@pytest.mark.usefixtures("made")
def test_a_key_is_not_made_by_who_writes_to_the_database():
    own = "hv_" + "A" * 43
    write("digest", f"sha256('{own}')")
    assert authenticate(own, NOW) is None


def test_who_changed_a_row_gets_no_mac_for_it(made):
    row, key = made
    write("daily_quota", "NULL")
    row.refresh_from_db()
    for change in (lambda: row.suspend(NOW), lambda: row.resume(NOW.date())):
        with pytest.raises(KeyChanged):
            change()
    assert authenticate(key, NOW) is None


def test_what_is_counted_and_noted_is_outside_the_mac(made):
    _, key = made
    write("last_used_on", "'2026-11-21'")
    partner = authenticate(key, NOW)
    assert partner is not None


def test_a_key_outlives_the_key_of_the_site_that_it_was_made_under(
    make_key, settings, tmp_path
):
    def site_keys(versions: dict[int, bytes], active: int) -> None:
        path = tmp_path / f"{active} of {len(versions)}"
        settings.SITE_KEYS_PATH = write_ring(path, "site", versions, active)

    def made() -> tuple[PartnerKey, str]:
        return make_key(expires_at=NOW + dt.timedelta(days=1), now=NOW)

    site_keys({1: site_key(1)}, 1)
    old_row, old = made()
    site_keys({1: site_key(1), 2: site_key(2)}, 2)
    new_row, new = made()
    assert (old_row.key_version, new_row.key_version) == (1, 2)
    assert authenticate(old, NOW) and authenticate(new, NOW)
    old_row.suspend(NOW)
    with pytest.raises(KeySuspended):
        authenticate(old, NOW)
    old_row.resume(NOW.date())
    assert authenticate(old, NOW)
    site_keys({2: site_key(2)}, 2)
    assert authenticate(old, NOW) is None
    assert authenticate(new, NOW)
    assert old_row.state(NOW) == "changed"
    assert old_row.state(old_row.expires_at) == "expired"


def test_what_a_mac_covers_is_read_in_one_way():
    """Whatever one value loses the next does not gain."""
    plain = Terms(b"d", "ab", "c", "c", ("x", "y"), "1/s", None, NOW, None)
    others = [
        plain._replace(shown="a", name="bc"),
        plain._replace(name="", folded_name="cc"),
        plain._replace(scopes=("xy",)),
        plain._replace(scopes=("x",)),
        plain._replace(scopes=("x", "y", "")),
        plain._replace(daily_quota=0),
        plain._replace(suspended_at=NOW),
        plain._replace(expires_at=NOW + dt.timedelta(microseconds=1)),
    ]
    macs = {terms_mac(terms, active_version()) for terms in [plain, *others]}
    assert len(macs) == len(others) + 1


def test_the_digest_and_the_mac_to_the_byte(settings, tmp_path):
    settings.SITE_KEYS_PATH = write_ring(
        tmp_path / "ring", "site", {3: bytes(range(32))}, 3
    )
    key = "hv_" + "A" * 43
    assert key_digest(key, 3).hex() == DIGEST
    terms = Terms(
        bytes.fromhex(DIGEST),
        "hv_AAAAAA",
        "Garage du Pont",
        "garage du pont",
        ("report_by_code", "report_by_data"),
        "10/s",
        500,
        dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        None,
    )
    assert terms_mac(terms, 3).hex() == MAC


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
