"""What the seller does with links: make one, see them, end one or all."""

import datetime as dt
import io

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from histovet.sharing import links
from histovet.sharing.links import (
    LINKS_MAX,
    RECEIPTS_LISTED,
    NotShareable,
    TooManyLinks,
)
from histovet.sharing.models import End, Link, OpeningsOfDay, Receipt, Scope
from histovet.sharing.opening import open_link, read_link
from histovet.sharing.receipts import leave_of_advert
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from tests.sharing.test_opening import (
    DAY,
    FORMULA,
    GARAGE,
    IDENTITY,
    INSTANT,
    LIFE,
    NOW,
    OTHER,
    OVER,
    OWNER,
    PLATE,
    SALE,
    SECOND,
    given,
    happened,
    in_parallel,
    register,
    rotate,
    row,
)

__all__ = ["register", "rotate"]

ANOTHER_OWNER = bytes(range(50, 66))


def owned(owner=OWNER, *, identity=IDENTITY, now=NOW):
    return links.owned(identity, reading.read(identity), owner, now)


def test_a_new_link_is_a_row_that_opens_nothing_by_itself(register):
    register()
    secret = given(
        life=30 * DAY,
        scope=Scope.WITHOUT_ADMINISTRATIVE_DETAILS,
        max_openings=3,
        now=NOW + 999 * INSTANT,
    )
    made = row(secret)
    assert (made.created_at, made.expires_at) == (NOW, NOW + 30 * DAY)
    assert (made.scope, made.max_openings) == (1, 3)
    assert (made.openings, made.last_opened_on, made.ended_at) == (0, None, None)
    assert (made.key_version, made.holder_key_version) == (1, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sharing_link::text FROM sharing_link")
        (text,) = cursor.fetchone()
    for value in (
        secret,
        OWNER,
        PLATE.replace("-", "").encode(),
        FORMULA.encode(),
        FORMULA.encode()[-5:],
    ):
        assert value.hex() not in text
        assert repr(value)[2:-1] not in text


def test_every_secret_is_new(register):
    register()
    secrets = {given() for _ in range(10)}
    assert len(secrets) == 10
    assert {len(secret) for secret in secrets} == {16}
    assert Link.objects.count() == 10


def test_the_randomness_of_a_secret_is_what_was_asked_for(register):
    register()
    assert given(random=lambda count: b"r" * count) == b"r" * 16
    with pytest.raises(IntegrityError), transaction.atomic():
        given(random=lambda count: b"r" * count)


@pytest.mark.parametrize(
    "facts",
    [
        {"annulation_ci": "OUI"},
        happened(SALE, "2022-06-10"),
        happened(SALE, "2022-07-01"),
        happened("DECLARATION_ACHAT", "2022-06-10"),
        happened("CHANG_TIT_NORMAL", "2022-06-11"),
    ],
)
def test_a_link_that_would_be_over_at_once_is_not_made(register, facts):
    register(facts)
    with pytest.raises(NotShareable):
        given()
    assert Link.objects.count() == 0


def test_a_record_without_a_holder_is_not_shared(register):
    register(pers_nom_naissance_tit="", pers_prenom_tit="")
    with pytest.raises(NotShareable):
        given()


@pytest.mark.parametrize(
    "facts",
    [
        happened(SALE, "2022-06-09"),
        happened(SALE, "2022-06-10", ope_date_annul="2022-06-10T12:00:00Z"),
        happened("CHANG_TIT_NORMAL", "2022-06-10"),
    ],
)
def test_what_is_past_or_undone_hinders_no_link(register, facts):
    register(facts)
    assert open_link(given(), NOW) is not None


def test_today_is_the_day_in_france(register):
    """Half past midnight there is of the day after the sale."""
    register(happened(SALE, "2022-06-10"))
    with pytest.raises(NotShareable):
        given(now=NOW)
    assert open_link(given(now=NOW + dt.timedelta(hours=1)), NOW) is not None


def test_a_vehicle_has_so_many_links_and_no_more(register):
    register()
    for number in range(LINKS_MAX):
        given(owner=OWNER if number % 2 else ANOTHER_OWNER)
    with pytest.raises(TooManyLinks):
        given()
    assert given(OTHER), "of each vehicle"


def test_an_owner_makes_so_many_links_in_a_day_and_no_more(register):
    register()
    for _ in range(LINKS_MAX):
        given()
    assert links.of_vehicle(IDENTITY).end(End.REVOKED_BY_CERTIFICATE, NOW) == LINKS_MAX
    for later in (NOW, NOW + DAY - SECOND):
        with pytest.raises(TooManyLinks):
            given(now=later)
    # Nobody uses up the day of another who has the same certificate.
    assert given(owner=ANOTHER_OWNER)
    assert given(now=NOW + DAY)


def test_links_whose_time_is_over_are_erased_without_being_opened(register):
    register()
    over, alive = given(life=DAY), given(life=2 * DAY)
    # The command's own clock is later than both.
    call_command("end_links", stdout=(told := io.StringIO()))
    assert told.getvalue() == "ended 2 links, deleted 0\n"
    for secret in (over, alive):
        row = Link.objects.get(pk=link_id(secret))
        assert (row.capsule, row.keepsake, row.end) == (None, None, End.EXPIRED)


def test_a_link_is_over_at_its_second_and_not_before(register):
    register()
    over, alive = given(life=DAY), given(life=DAY + SECOND)
    assert Link.objects.end_expired(NOW + DAY) == 1
    assert Link.objects.get(pk=link_id(over)).end == End.EXPIRED
    assert Link.objects.get(pk=link_id(alive)).end is None


def test_many_at_once_make_no_more_links_than_there_may_be(register):
    register()
    opened = reading.read(IDENTITY)

    def make():
        try:
            links.create(IDENTITY, opened, OWNER, life=LIFE, now=NOW)
        except TooManyLinks:
            return False
        return True

    for _ in range(5):
        for _ in range(LINKS_MAX - 1):
            assert make()
        in_parallel(6, make)
        assert links.of_vehicle(IDENTITY).count() == LINKS_MAX
        links.of_vehicle(IDENTITY).delete()


def test_links_that_are_over_by_the_clock_count_no_more(register):
    register()
    for _ in range(LINKS_MAX):
        given(life=2 * DAY)
    with pytest.raises(TooManyLinks):
        given(now=NOW + 2 * DAY - SECOND)
    assert given(now=NOW + 2 * DAY)


def test_the_owner_sees_links_newest_first_with_their_secrets(register):
    register()
    old = given()
    new = given(now=NOW + SECOND)
    assert open_link(old, NOW) is not None
    first, second = owned(now=NOW + SECOND)
    assert (first.secret, second.secret) == (new, old)
    assert (first.end, second.end) == (None, None)
    assert (first.row.openings, second.row.openings) == (0, 1)


def test_another_owner_of_the_same_certificate_sees_only_how_many(register):
    register()
    given()
    theirs = given(owner=ANOTHER_OWNER)
    assert [one.secret for one in owned(ANOTHER_OWNER)] == [theirs]
    assert links.of_owner(IDENTITY, ANOTHER_OWNER).count() == 1
    assert links.of_vehicle(IDENTITY).live(NOW).count() == 2
    assert owned(bytes(16)) == []


def test_the_links_of_one_vehicle_are_not_those_of_another(register):
    register()
    here, there = given(), given(OTHER)
    assert [one.secret for one in owned()] == [here]
    assert [one.secret for one in owned(identity=OTHER)] == [there]
    assert links.of_vehicle(IDENTITY).end(End.REVOKED_BY_CERTIFICATE, NOW) == 1
    assert read_link(there, NOW) is not None


def test_the_owner_sees_what_is_over_before_anything_says_so(register):
    register()
    secret = given()
    (live,) = owned(now=NOW + LIFE - INSTANT)
    assert (live.secret, live.end) == (secret, None)
    (over,) = owned(now=NOW + LIFE)
    assert (over.secret, over.end) == (None, End.EXPIRED)
    assert row(secret).ended_at is None, "to look writes nothing"
    assert open_link(secret, NOW + LIFE) is None
    (ended,) = owned(now=NOW + 2 * LIFE)
    assert (ended.secret, ended.end) == (None, End.EXPIRED)
    assert ended.row.ended_at == NOW + LIFE


@pytest.mark.parametrize("why", ["a sale of the day", "a new holder of the same name"])
def test_the_owner_sees_what_the_register_ended(register, why):
    change, end = OVER[why]
    register(label="un")
    given()
    register(label="deux", **change)
    (over,) = owned()
    assert (over.secret, over.end) == (None, end)


def test_the_owner_sees_who_ended_a_link(register):
    register()
    mine, also_mine, theirs = given(), given(), given(owner=ANOTHER_OWNER)
    # What seller_views does for "end them all".
    assert links.of_owner(IDENTITY, OWNER).end(End.REVOKED_BY_OWNER, NOW) == 2
    assert links.of_vehicle(IDENTITY).end(End.REVOKED_BY_CERTIFICATE, NOW) == 1
    assert {one.end for one in owned()} == {End.REVOKED_BY_OWNER}
    assert {one.end for one in owned(ANOTHER_OWNER)} == {End.REVOKED_BY_CERTIFICATE}
    for secret in (mine, also_mine, theirs):
        assert open_link(secret, NOW) is None
        assert (row(secret).capsule, row(secret).keepsake) == (None, None)


def test_after_a_rotation_the_owner_sees_links_of_both_keys(register, rotate):
    register()
    old = given()
    rotate((1, 2), active=2)
    new = given(now=NOW + SECOND)
    assert (row(old).key_version, row(new).key_version) == (1, 2)
    assert [one.secret for one in owned(now=NOW + SECOND)] == [new, old]
    assert links.of_owner(IDENTITY, OWNER).count() == 2
    assert links.of_vehicle(IDENTITY).live(NOW).count() == 2
    # One vehicle and one owner, and yet nothing in common.
    one, other = row(old), row(new)
    assert one.owner_tag != other.owner_tag
    assert one.owner_proof != other.owner_proof
    assert links.of_vehicle(IDENTITY).end(End.REVOKED_BY_CERTIFICATE, NOW) == 2


def test_without_the_old_key_its_links_are_not_listed(register, rotate):
    register()
    given()
    rotate((1, 2), active=2)
    new = given()
    rotate((2,), active=2)
    assert [one.secret for one in owned()] == [new]


CHANGED = {
    "capsule": "capsule = set_byte(capsule, 20, get_byte(capsule, 20) # 1)",
    "keepsake": "keepsake = set_byte(keepsake, 20, get_byte(keepsake, 20) # 1)",
    "expiry": "expires_at = expires_at + interval '1 day'",
    "key version": "key_version = 9",
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_row_that_somebody_changed_hides_no_other_from_its_owner(register, change):
    register()
    broken, whole = given(), given()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE sharing_link SET {CHANGED[change]} WHERE public_id = %s",
            [link_id(broken)],
        )
    assert whole in [one.secret for one in owned()]


ENDED = 'ended_at = now(), "end" = 1'
IMPOSSIBLE = [
    "capsule = NULL",
    "keepsake = NULL",
    "capsule = NULL, keepsake = NULL",
    "ended_at = now()",
    '"end" = 3',
    ENDED,
    f"{ENDED}, capsule = NULL",
    f"{ENDED}, keepsake = NULL",
    "ended_at = now(), capsule = NULL, keepsake = NULL",
    '"end" = 1, capsule = NULL, keepsake = NULL',
    "expires_at = created_at",
    "expires_at = created_at - interval '1 second'",
    "openings = 4",
    "max_openings = 3, openings = 5",
    # In the sealed terms 0 stands for no maximum.
    "max_openings = 0",
    "public_id = NULL",
    "owner_tag = NULL",
    "owner_proof = NULL",
    "openings = NULL",
    "created_at = NULL",
]
POSSIBLE = ["openings = 3", f"{ENDED}, capsule = NULL, keepsake = NULL"]


def test_the_database_refuses_a_row_that_cannot_be(register):
    register()
    given(max_openings=3)
    with connection.cursor() as cursor:
        for change in IMPOSSIBLE:
            with pytest.raises(IntegrityError), transaction.atomic():
                cursor.execute(f"UPDATE sharing_link SET {change}")
                pytest.fail(f"the database takes {change}")
        for change in POSSIBLE:
            cursor.execute(f"UPDATE sharing_link SET {change}")
            assert cursor.rowcount == 1


def end_links():
    call_command("end_links", stdout=(told := io.StringIO()))
    return told.getvalue()


def test_a_link_is_deleted_ninety_days_after_its_end(register):
    register()
    live, recent, old = given(), given(), given()
    for secret in (live, recent, old):
        open_link(secret, NOW, partner=GARAGE)
    now = timezone.now()
    # Long since over by the clock, and ended this moment.
    assert end_links() == "ended 3 links, deleted 0\n"
    Link.objects.filter(pk=link_id(live)).delete()
    ages = {recent: 90 * DAY - dt.timedelta(minutes=5), old: 90 * DAY}
    for secret, age in ages.items():
        Link.objects.filter(pk=link_id(secret)).update(ended_at=now - age)
    live = given(now=now)
    open_link(live, now)
    assert end_links() == "ended 0 links, deleted 1\n"
    kept = {link_id(recent), link_id(live)}
    assert {bytes(one.pk) for one in Link.objects.all()} == kept
    assert {bytes(one.link_id) for one in OpeningsOfDay.objects.all()} == kept
    assert [bytes(one.link_id) for one in Receipt.objects.all()] == [link_id(recent)]
    assert open_link(old, now) is None


def test_the_hourly_command_looks_nothing_through(register):
    """Both of its statements have an index of their own."""
    register()
    given()
    with connection.cursor() as cursor:
        # However few there are.
        cursor.execute("SET enable_seqscan = off")
        for condition, index in (
            ("ended_at IS NULL AND expires_at <= now()", "sharing_link_to_end"),
            ("ended_at <= now() - interval '90 days'", "sharing_link_to_purge"),
        ):
            cursor.execute(f"EXPLAIN DELETE FROM sharing_link WHERE {condition}")
            assert index in str(cursor.fetchall())
        cursor.execute("RESET enable_seqscan")


def test_a_label_is_read_by_its_owner_alone_and_after_the_end_too(register):
    register()
    given(label="Acheteuse de jeudi")
    given(owner=ANOTHER_OWNER, label="Pour moi")
    given(owner=ANOTHER_OWNER, now=NOW - DAY)
    (one,) = owned()
    assert one.label == "Acheteuse de jeudi"
    assert [one.label for one in owned(ANOTHER_OWNER)] == ["Pour moi", ""]
    Link.objects.all().end(End.REVOKED_BY_OWNER, NOW)
    (one,) = owned()
    assert (one.secret, one.label) == (None, "Acheteuse de jeudi")


def test_a_label_of_another_link_is_none(register, caplog):
    register()
    first, second = given(label="Un", now=NOW - DAY), given(label="Deux")
    Link.objects.filter(pk=link_id(first)).update(label=row(second).label)
    assert [one.label for one in owned()] == ["Deux", ""]
    assert [one.secret for one in owned()] == [second, first]
    assert "changed by other means" in caplog.text
    assert "Deux" not in caplog.text


def test_the_owner_sees_days_and_receipts_latest_first(register):
    register()
    secret = given()
    number = open_link(secret, NOW, partner=GARAGE).receipt
    for _ in range(2):
        open_link(secret, NOW + DAY)
    given(owner=ANOTHER_OWNER)
    (one,) = owned(now=NOW + DAY)
    days = [(day.day, day.openings) for day in one.row.days.all()]
    assert days == [((NOW + DAY).date(), 2), (NOW.date(), 1)]
    (receipt,) = one.receipts
    assert (receipt.number, receipt.day) == (number, NOW.date())
    for _ in range(RECEIPTS_LISTED + 4):
        leave_of_advert(link_id(secret), GARAGE, NOW + DAY)
    (one,) = owned(now=NOW + DAY)
    assert len(one.receipts) == RECEIPTS_LISTED
    assert (one.receipts_count, one.receipts_before) == (RECEIPTS_LISTED + 5, 5)
    assert all(receipt.of_advert for receipt in one.receipts)


def test_two_links_of_one_id_cannot_be(register):
    register()
    made = row(given())
    with pytest.raises(IntegrityError), transaction.atomic():
        Link.objects.bulk_create([made])


def test_a_link_says_nothing_of_itself(register):
    register()
    made = row(given())
    assert str(made) == "a link"
    assert repr(made) == "<Link: a link>"
