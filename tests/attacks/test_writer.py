"""What somebody can do who writes to the database and has no key: service is lost, or
old; nothing is changed, moved or forged. THREATS.md lists it.

What each change of a row costs stands where the row is tested: tests/vault/test_reading,
tests/sharing/test_opening, tests/partners/test_auth.
"""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from histovet.limits.counting import count
from histovet.partners.auth import KeySuspended, authenticate
from histovet.partners.models import SCOPES, PartnerKey
from histovet.sharing import links, tries
from histovet.sharing.models import CHECKS_PER_OPENING, End, Link
from histovet.sharing.opening import open_link, read_link
from histovet.sharing.tries import Answer
from histovet.vault import reading, withholding
from histovet.vault.errors import NoActiveRelease
from histovet.vault.withholding import Reason
from pseudonymizer import codec, exit_codes
from pseudonymizer.envelope import ReleaseKeys, identity_bytes, link_id
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.normalise import siv_identity
from tests.publish import ingest, ingest_status
from tests.vehicles import siv_line, write_delta, write_feed

IDENTITY = siv_identity("AA-123-AA", "2015AB12345")
OTHER = siv_identity("BB-456-BB", "2016CD67890")
OTHER_LINE = {"plaq_immat": "BB-456-BB", "numero_formule": "2016CD67890"}
OWNER, OPENING = bytes(range(16)), bytes(range(8))
LIFE = dt.timedelta(days=7)


@pytest.fixture
def writer(transactional_db):
    """Statements as who has the database alone gives them."""

    def execute(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    cache.clear()
    return execute


@pytest.fixture
def register(writer, tmp_path):
    """Publish a red car and another one; return the folder of the feed."""
    lines = [siv_line({"couleur": "ROUGE"}), siv_line(**OTHER_LINE)]
    folder = write_feed(tmp_path / "un", lines, "un")
    ingest(folder)
    return folder


def colour():
    found = reading.read(IDENTITY)
    return None if found is None else found.record.vehicle.colour


def record_id(release, identity=IDENTITY):
    return release.keys.record_id(identity_bytes(identity)).hex()


def given(**terms):
    now = timezone.now()
    opened = reading.read(IDENTITY)
    return links.create(IDENTITY, opened, OWNER, life=LIFE, now=now, **terms)


# Can: service is lost.


def test_deleted_rows_are_reports_that_nobody_finds(register, writer):
    assert colour() == "ROUGE"
    assert writer("DELETE FROM vault_record") == 2
    assert colour() is None


def test_without_an_active_release_there_is_no_report(register, writer):
    writer("UPDATE vault_release SET state = 'retired'")
    with pytest.raises(NoActiveRelease):
        reading.read(IDENTITY)


def test_deleted_links_and_keys_are_gone(register, writer):
    now = timezone.now()
    secret = given()
    terms = {"name": "Essai", "scopes": SCOPES, "rate": "9/s", "daily_quota": None}
    _, key = PartnerKey.issue(**terms, expires_at=now + LIFE, now=now)
    assert read_link(secret, now) and authenticate(key, now)
    writer("DELETE FROM sharing_link")
    writer("DELETE FROM partners_key")
    assert read_link(secret, now) is None
    assert authenticate(key, now) is None


# Can: what was before comes back, whole, from a copy.


def test_an_older_release_can_be_made_active_again(register, writer, tmp_path):
    lines = [siv_line({"couleur": "VERT"}), siv_line(**OTHER_LINE)]
    ingest(write_feed(tmp_path / "deux", lines, "deux"))
    assert colour() == "VERT"
    writer(
        "UPDATE vault_release SET state ="
        " CASE label WHEN 'un' THEN 'active' ELSE 'previous' END"
    )
    assert colour() == "ROUGE"


@pytest.fixture
def changed(register, writer, tmp_path):
    """Keep a copy of the rows, and apply a delta in which the red car is green and the
    other one has another certificate."""
    writer("CREATE TEMP TABLE kept AS TABLE vault_record")
    writer("CREATE TEMP TABLE kept_release AS TABLE vault_release")
    delta = write_delta(
        tmp_path / "deux",
        register,
        remove=[siv_line(**OTHER_LINE)],
        upsert=[siv_line({"couleur": "VERT"})],
    )
    ingest(delta)
    yield delta
    writer("DROP TABLE kept, kept_release")


def test_an_older_generation_of_a_row_can_be_put_back(changed, writer):
    assert colour() == "VERT"
    back = (
        "UPDATE vault_record AS now SET {} FROM kept"
        " WHERE now.record_id = kept.record_id"
    )
    # Both columns, or it is a changed row.
    writer(back.format("sealed = kept.sealed"))
    with pytest.raises(EnvelopeError):
        colour()
    writer(back.format("sealed = kept.sealed, generation = kept.generation"))
    assert colour() == "ROUGE"


def test_a_row_that_a_delta_removed_can_be_put_back(changed, writer):
    """The certificate of before the sale opens again, for who has it."""
    assert reading.read(OTHER) is None
    writer(
        "INSERT INTO vault_record SELECT * FROM kept WHERE NOT EXISTS"
        " (SELECT FROM vault_record WHERE record_id = kept.record_id)"
    )
    assert reading.read(OTHER) is not None


def test_the_row_of_a_release_can_be_put_back_with_its_edition(changed, writer):
    reading.read(IDENTITY)
    columns = "edition, delta_sha256, as_of, inspections_as_of, mac"
    back = "UPDATE vault_release SET ({0}) = (SELECT {0} FROM kept_release)"
    writer(back.format("edition, delta_sha256"))
    with pytest.raises(EnvelopeError):
        colour()
    writer(back.format(columns))
    # The rows are not: they are those of the delta.
    assert colour() == "VERT"
    assert reading.read(IDENTITY).release.row.edition == 0


def test_a_link_that_ended_can_be_put_back(register, writer):
    now = timezone.now()
    secret = given(max_openings=3)
    writer("CREATE TEMP TABLE kept_link AS TABLE sharing_link")
    for _ in range(3):
        assert open_link(secret, now) is not None
    assert open_link(secret, now) is None
    Link.objects.filter(pk=link_id(secret)).end(End.REVOKED_BY_OWNER, now)
    writer("DELETE FROM sharing_link")
    writer("INSERT INTO sharing_link TABLE kept_link")
    writer("DROP TABLE kept_link")
    assert open_link(secret, now) is not None
    # Its own end stands in its terms.
    assert read_link(secret, now + LIFE) is None


def test_a_key_can_be_put_back_as_it_was_before_its_suspension(writer):
    now = timezone.now()
    terms = {"name": "Essai", "scopes": SCOPES, "rate": "9/s", "daily_quota": None}
    row, key = PartnerKey.issue(**terms, expires_at=now + LIFE, now=now)
    writer("CREATE TEMP TABLE kept_key AS TABLE partners_key")
    row.suspend(now)
    with pytest.raises(KeySuspended):
        authenticate(key, now)
    writer("UPDATE partners_key SET suspended_at = NULL")
    assert authenticate(key, now) is None
    writer("DELETE FROM partners_key")
    writer("INSERT INTO partners_key TABLE kept_key")
    writer("DROP TABLE kept_key")
    assert authenticate(key, now) is not None
    assert authenticate(key, now + LIFE) is None


def test_what_is_withheld_can_be_shown_again(register, writer):
    withholding.withhold(IDENTITY, Reason.COURT_ORDER, "essai", now=timezone.now())
    assert reading.read(IDENTITY).is_withheld
    writer("DELETE FROM vault_withheld")
    assert not reading.read(IDENTITY).is_withheld


# Can: what was counted begins again.


def test_counters_and_budgets_can_be_reset(register, writer):
    now = timezone.now()
    for number in (1, 2, 3):
        assert count("essai", 60) == number
    writer("DELETE FROM limits_counter")
    # This thread knows it to exist; another one asks.
    cache._known.clear()
    assert count("essai", 60) == 1

    terms = {"name": "Essai", "scopes": SCOPES, "rate": "9/s", "daily_quota": None}
    _, key = PartnerKey.issue(**terms, expires_at=now + LIFE, now=now)
    assert authenticate(key, now).failures_today == 0
    for failures in (50, 0):
        writer(f"UPDATE partners_use SET failures = {failures}")
        assert authenticate(key, now).failures_today == failures

    secret = given()
    for _ in range(CHECKS_PER_OPENING):
        tries.judge(link_id(secret), OPENING, lambda: False, now)
    assert tries.judge(link_id(secret), OPENING, lambda: True, now) is Answer.USED_UP
    writer("DELETE FROM sharing_check")
    writer("UPDATE sharing_link SET checks_failed = 0")
    assert tries.judge(link_id(secret), OPENING, lambda: True, now) is Answer.YES


# Cannot: forge, change, move.


def test_a_row_is_not_forged_without_the_keys(register, writer):
    """Sealed in the right format, under the right id, by another ring."""
    opened = reading.read(IDENTITY)
    row = opened.release.row
    own = KeyRing("register", {1: bytes(range(1, 33))}, 1)
    forging = ReleaseKeys(own, version=1, salt=row.salt, release=row.uuid)
    content = codec.encode(opened.record, opened.proof)
    forged = forging.seal(identity_bytes(IDENTITY), content, codec.DICTIONARY)
    writer(
        "UPDATE vault_record SET sealed = %s WHERE record_id = %s::uuid",
        forged.sealed,
        record_id(opened.release),
    )
    with pytest.raises(EnvelopeError):
        reading.read(IDENTITY)


def test_rows_are_not_exchanged(register, writer):
    reading.read(IDENTITY)
    writer(
        "UPDATE vault_record AS a SET (sealed, generation) = (b.sealed, b.generation)"
        " FROM vault_record AS b WHERE a.record_id <> b.record_id"
    )
    for identity in (IDENTITY, OTHER):
        with pytest.raises(EnvelopeError):
            reading.read(identity)


@pytest.mark.parametrize(
    "statement",
    [
        # So that the next one is taken for applied, and the gap is never seen.
        "UPDATE vault_delta SET manifest_sha256 = decode(repeat('ab', 32), 'hex')",
        # So that an older one is new again.
        "DELETE FROM vault_delta",
        (
            "INSERT INTO vault_delta SELECT 2, decode(repeat('ab', 32), 'hex'), label,"
            " as_of, lines, rejects, applied_at, release_number FROM vault_delta"
        ),
    ],
)
def test_a_delta_is_not_taken_for_applied(changed, writer, tmp_path, statement):
    writer(statement)
    following = write_delta(tmp_path / "d2", changed, upsert=[siv_line()])
    for folder in (changed, following):
        assert ingest_status(folder) == exit_codes.RELEASE["release_changed"].number
    assert colour() == "VERT"


def test_a_release_is_not_made(register, writer):
    """Of the row of another release, under an id of its own."""
    reading.read(IDENTITY)
    writer("UPDATE vault_release SET uuid = gen_random_uuid()")
    writer("UPDATE vault_release SET edition = 1, delta_sha256 = manifest_sha256")
    with pytest.raises(EnvelopeError):
        reading.read(IDENTITY)


def test_who_writes_withholds_no_vehicle_of_their_choice(register, writer):
    """Its tag is none of the values that the database holds of the vehicle."""
    release, now = reading.read(IDENTITY).release, timezone.now()
    writer(
        "INSERT INTO vault_withheld (tag, key_version, reason, reference, since)"
        " SELECT decode(%s, 'hex'), 1, 'court_order', 'essai', %s",
        record_id(release),
        now,
    )
    secret = given()
    writer(
        "INSERT INTO vault_withheld (tag, key_version, reason, reference, since)"
        " SELECT owner_tag, 1, 'court_order', 'essai', %s FROM sharing_link",
        now,
    )
    assert not reading.read(IDENTITY).is_withheld
    assert read_link(secret, now) is not None
