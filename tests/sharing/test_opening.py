"""What a secret opens at a moment, and what it leaves behind when it opens nothing."""

import dataclasses
import datetime as dt
import functools
import itertools
import logging
import re
import subprocess
import sys
import threading

import pytest
from django.db import connection

from histovet.local.state import REPOSITORY
from histovet.logs import LineFormatter
from histovet.sharing import links
from histovet.sharing.models import End, Link, OpeningsOfDay, Receipt, Scope
from histovet.sharing.opening import open_link, read_link
from histovet.sharing.receipts import ByPartner, has_asked, new_number
from histovet.vault import keys, reading, releases
from histovet.vault.errors import NoActiveRelease
from histovet.vault.models import Release
from pseudonymizer.envelope import link_id
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.normalise import siv_identity
from tests import dump
from tests.publish import publish
from tests.test_settings import key, write_ring
from tests.vehicles import siv_line, write_file

PLATE, FORMULA = "AA-123-AA", "2015AB12345"
IDENTITY = siv_identity(PLATE, FORMULA)
OTHER_PLATE, OTHER_FORMULA = "BB-456-BB", "2016CD67890"
OTHER = siv_identity(OTHER_PLATE, OTHER_FORMULA)
OWNER = bytes(range(16))
UNKNOWN = bytes(range(100, 116))

# Half past nine in the evening of the 10th, in UTC; half past eleven in Paris.
NOW = dt.datetime(2022, 6, 10, 21, 30, tzinfo=dt.UTC)
LIFE = dt.timedelta(days=7)
DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
INSTANT = dt.timedelta(microseconds=1)


@pytest.fixture
def register(transactional_db, tmp_path):
    """Return a function that makes a register of two vehicles the active release: with
    changes to the line of the first one, or without it."""

    def published(facts=None, *, label="essai", gone=False, **columns):
        other = siv_line(plaq_immat=OTHER_PLATE, numero_formule=OTHER_FORMULA)
        lines = [other] if gone else [siv_line(facts, **columns), other]
        write_file(tmp_path / label, "siv.csv.gz", lines)
        publish(tmp_path / label, label=label)

    return published


def happened(code, day, **more):
    """Return the facts of the usual line with one more operation."""
    first = {"opa_date": "2012-03-06T08:00:00.000Z", "opa_type": "IMMAT_NORMALE"}
    new = {"opa_date": f"{day}T10:00:00.000Z", "opa_type": code, **more}
    return {"historique": [new, first]}


def given(identity=IDENTITY, *, owner=OWNER, life=LIFE, now=NOW, **terms):
    """Return the secret of a new link."""
    opened = reading.read(identity)
    return links.create(identity, opened, owner, life=life, now=now, **terms)


def row(secret):
    return Link.objects.get(pk=link_id(secret))


def remains(secret):
    """Return why the link ended and what is left of its sealed values."""
    found = row(secret)
    return found.why_ended, found.capsule, found.keepsake


def test_a_link_opens_the_report_and_its_opening_is_counted(register):
    register({"couleur": "ROUGE"})
    secret = given(scope=Scope.WITHOUT_ADMINISTRATIVE_DETAILS)
    found = open_link(secret, NOW)
    assert found.opened.record.vehicle.colour == "ROUGE"
    assert found.public_id == link_id(secret)
    assert found.expires_at == NOW + LIFE
    assert found.scope is Scope.WITHOUT_ADMINISTRATIVE_DETAILS
    assert (row(secret).openings, row(secret).last_opened_on) == (1, NOW.date())
    assert open_link(secret, NOW + DAY) is not None
    assert (row(secret).openings, row(secret).last_opened_on) == (
        2,
        (NOW + DAY).date(),
    )


def test_reading_is_not_counted(register):
    register()
    secret = given()
    before = list(dump.values())
    assert read_link(secret, NOW).opened.record.vehicle.make == "RENAULT"
    assert list(dump.values()) == before


def test_a_secret_of_no_link_opens_nothing(register):
    register()
    secret = given()
    wrong = [UNKNOWN, bytes(16), secret[::-1], secret[:-1] + bytes([secret[-1] ^ 1])]
    for other in wrong:
        assert read_link(other, NOW) is None
        assert open_link(other, NOW) is None
    assert row(secret).openings == 0


def test_a_link_lives_to_the_second(register):
    register()
    # A moment within a second: the row says until when, to the second.
    secret = given(now=NOW + 999_999 * INSTANT)
    assert row(secret).expires_at == NOW + LIFE
    assert read_link(secret, NOW + LIFE - INSTANT) is not None
    assert open_link(secret, NOW + LIFE - INSTANT) is not None
    assert read_link(secret, NOW + LIFE) is None
    assert remains(secret)[0] is None, "reading ends nothing"
    assert open_link(secret, NOW + LIFE) is None
    assert remains(secret) == (End.EXPIRED, None, None)
    assert row(secret).ended_at == NOW + LIFE
    # A clock that goes back revives nothing.
    assert open_link(secret, NOW) is None


SALE = "DECLARATION_CESSION"
OVER = {
    "another holder": (
        {"pers_nom_naissance_tit": "QUENTIN", "pers_prenom_tit": "ODETTE"},
        End.CHANGED_HANDS,
    ),
    "a sale of the day": ({"facts": happened(SALE, "2022-06-10")}, End.CHANGED_HANDS),
    "a sale of another day": (
        {"facts": happened(SALE, "2022-06-30")},
        End.CHANGED_HANDS,
    ),
    "a purchase of the day": (
        {"facts": happened("DECLARATION_ACHAT", "2022-06-10")},
        End.CHANGED_HANDS,
    ),
    "a new holder of the same name": (
        {"facts": happened("CHANG_TIT_NORMAL", "2022-06-11")},
        End.CHANGED_HANDS,
    ),
    "a cancelled certificate": (
        {"facts": {"annulation_ci": "OUI", "date_annulation_ci": "12/06/2022"}},
        End.CERTIFICATE_GONE,
    ),
    "a new certificate": ({"numero_formule": "2022ZZ00001"}, End.CERTIFICATE_GONE),
    "no record": ({"gone": True}, End.CERTIFICATE_GONE),
}


@pytest.mark.parametrize("why", OVER)
def test_what_ends_a_link_is_written_by_an_opening_and_for_good(register, why):
    change, end = OVER[why]
    register(label="un")
    secret, untouched = given(), given(OTHER)
    assert open_link(secret, NOW) is not None
    register(label="deux", **change)
    before = list(dump.values())
    assert read_link(secret, NOW + DAY) is None
    assert list(dump.values()) == before, "reading writes nothing"
    assert open_link(secret, NOW + DAY) is None
    assert remains(secret) == (end, None, None)
    assert (row(secret).ended_at, row(secret).openings) == (NOW + DAY, 1)
    # The old feed again, as after a rollback.
    register(label="trois")
    assert read_link(secret, NOW + DAY) is None
    assert open_link(secret, NOW + DAY) is None
    assert remains(secret)[0] == end
    assert open_link(untouched, NOW + DAY) is not None


LIVES = {
    "nothing": {},
    "other facts": {"facts": {"couleur": "ROUGE", "vehicule_vole": "OUI"}},
    "the holder's name, written otherwise": {
        "pers_nom_naissance_tit": " Le Moine",
        "pers_prenom_tit": "Cämille",
    },
    "a sale of the day before": {"facts": happened(SALE, "2022-06-09")},
    "a sale that was cancelled": {
        "facts": happened(SALE, "2022-06-20", ope_date_annul="2022-06-21T10:00:00Z")
    },
    # Who is holder since today is who made the link.
    "a new holder of the day": {"facts": happened("CHANG_TIT_NORMAL", "2022-06-10")},
    "a new leaseholder": {"facts": happened("CHANG_LOC", "2022-06-20")},
}


def test_a_link_outlives_a_release_in_which_nobody_sold(register):
    register(label="first")
    secret = given()
    for number, (what, change) in enumerate(LIVES.items()):
        register(label=f"release-{number}", **change)
        assert read_link(secret, NOW + DAY) is not None, what
        assert open_link(secret, NOW + DAY) is not None, what
    assert row(secret).openings == len(LIVES)


def test_the_day_of_creation_is_that_of_france(register):
    """A link of half past midnight in Paris is of the next day there."""
    register(label="un")
    late = given(now=NOW + dt.timedelta(hours=1))
    register(happened(SALE, "2022-06-10"), label="deux")
    assert open_link(late, NOW + DAY) is not None
    register(happened(SALE, "2022-06-11"), label="trois")
    assert open_link(late, NOW + DAY) is None


def test_who_ends_a_link_erases_it(register):
    register()
    secret = given()
    assert links.of_vehicle(IDENTITY).end(End.REVOKED_BY_OWNER, NOW) == 1
    assert remains(secret) == (End.REVOKED_BY_OWNER, None, None)
    assert read_link(secret, NOW) is None
    assert open_link(secret, NOW) is None


def test_three_openings_are_three(register):
    register()
    secret, free = given(max_openings=3), given()
    for _ in range(3):
        assert open_link(secret, NOW) is not None
    assert read_link(secret, NOW) is not None, "who opened it reads on"
    assert remains(secret)[0] is None
    assert open_link(secret, NOW) is None
    assert remains(secret) == (End.EXHAUSTED, None, None)
    assert row(secret).openings == 3
    assert read_link(secret, NOW) is None
    for _ in range(5):
        assert open_link(free, NOW) is not None


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (End.EXPIRED, End.REVOKED_BY_OWNER),
        (End.EXHAUSTED, End.EXPIRED),
        (End.REVOKED_BY_CERTIFICATE, End.REVOKED_BY_OWNER),
    ],
)
def test_the_first_end_is_the_one_that_stays(register, first, then):
    register()
    secret = given()
    found = Link.objects.filter(pk=link_id(secret))
    assert found.end(first, NOW) == 1
    assert found.end(then, NOW + DAY) == 0
    assert open_link(secret, NOW + 30 * DAY) is None
    assert (row(secret).end, row(secret).ended_at) == (first, NOW)


DECODED_AT_ONCE = """
import random
import string
import threading
import msgspec
from histovet.vault import decoy
from pseudonymizer import codec

def different(letter):
    # Long enough to unpack that two threads are at it together.
    text = "".join(random.Random(letter).choices(string.ascii_letters, k=40_000))
    vehicle = msgspec.structs.replace(decoy.RECORD.vehicle, variant=text)
    return msgspec.structs.replace(decoy.RECORD, vehicle=vehicle)

def decode(letter):
    record = different(letter)
    content = codec.encode(record, decoy.PROOF)
    for _ in range(3_000):
        assert codec.decode(codec.DICTIONARY, content)[0] == record
    right.append(letter)

right = []
threads = [threading.Thread(target=decode, args=(letter,)) for letter in "ABCD"]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(right) == 4
"""


def test_threads_decode_records_at_once():
    """gunicorn serves with four threads. In a process of its own: what the threads
    share ends it by a violation of memory."""
    command = [sys.executable, "-c", DECODED_AT_ONCE]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def in_parallel(count, act):
    """Return what each of `count` threads got, each on a connection of its own."""
    ready, results = threading.Barrier(count, timeout=20), []

    def run():
        try:
            connection.ensure_connection()
            ready.wait()
            results.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == count, "a thread failed"
    return results


def test_of_many_at_once_one_has_the_last_permitted_opening(register):
    """And of as many at the first of three, three."""
    register()
    # The pool has eight connections: this thread holds one, and one that looks whether
    # the site is closed takes another.
    for permitted in (1, 3) * 5:
        secret = given(max_openings=3)
        for _ in range(3 - permitted):
            assert open_link(secret, NOW) is not None
        opened = in_parallel(6, functools.partial(open_link, secret, NOW))
        assert sum(one is not None for one in opened) == permitted
        assert remains(secret) == (End.EXHAUSTED, None, None)
        assert row(secret).openings == 3
        links.of_vehicle(IDENTITY).delete()


def test_no_opening_is_lost(register):
    register()
    secret = given()
    for _ in range(5):
        opened = in_parallel(6, functools.partial(open_link, secret, NOW))
        assert None not in opened
    assert row(secret).openings == 30
    assert by_day(secret) == {dt.date(2022, 6, 10): 30}


def by_day(secret):
    return dict(row(secret).days.values_list("day", "openings"))


def test_openings_are_counted_by_the_day_in_france(register):
    register()
    secret = given()
    midnight = NOW + dt.timedelta(minutes=30)
    for now in (NOW, midnight - INSTANT, midnight, midnight + DAY, midnight + DAY):
        assert open_link(secret, now) is not None
    assert by_day(secret) == {
        dt.date(2022, 6, 10): 2,
        dt.date(2022, 6, 11): 1,
        dt.date(2022, 6, 12): 2,
    }
    assert sum(by_day(secret).values()) == row(secret).openings


def test_what_is_not_an_opening_is_counted_on_no_day(register):
    register()
    secret = given(max_openings=1)
    open_link(secret, NOW, again=True)
    read_link(secret, NOW)
    assert by_day(secret) == {}
    assert open_link(secret, NOW) is not None
    # One more than permitted, and one of a link that is over.
    assert open_link(secret, NOW, partner=GARAGE) is None
    assert open_link(secret, NOW + DAY, partner=GARAGE) is None
    assert by_day(secret) == {NOW.date(): 1}
    assert not row(secret).receipts.exists()


def test_parallel_openings_of_a_new_day_are_one_row(register):
    register()
    for _ in range(5):
        secret = given()
        in_parallel(6, functools.partial(open_link, secret, NOW, partner=GARAGE))
        assert by_day(secret) == {NOW.date(): 6}
        assert row(secret).receipts.count() == 6


GARAGE = ByPartner("Garage du Lac", "garage du lac")
DEALER = ByPartner("Concession", "concession")


def test_an_opening_by_a_partner_has_a_receipt(register):
    register()
    secret, other = given(), given()
    found = [open_link(secret, NOW, partner=GARAGE) for _ in range(3)]
    numbers = {one.receipt for one in found}
    assert len(numbers) == 3
    assert all(re.fullmatch("[A-Z2-7]{5}-[A-Z2-7]{5}", number) for number in numbers)
    stored = row(secret).receipts.values_list("number", "day", "partner")
    assert set(stored) == {(n, NOW.date(), "Garage du Lac") for n in numbers}
    assert open_link(secret, NOW).receipt is None
    assert row(secret).openings == 4
    assert has_asked(link_id(secret), GARAGE)
    respelled = dataclasses.replace(GARAGE, name="GARAGE DU LAC")
    assert has_asked(link_id(secret), respelled)
    assert not has_asked(link_id(secret), DEALER)
    assert not has_asked(link_id(other), GARAGE)


def test_a_receipt_number_is_drawn_at_random():
    assert new_number(lambda size: bytes(size)) == "AAAAA-AAAAA"
    assert new_number(lambda size: b"\xff" * size) == "77777-77777"
    assert len({new_number() for _ in range(500)}) == 500


def test_the_days_and_receipts_of_a_link_go_with_it(register):
    register()
    gone, stays = given(), given()
    for secret in (gone, stays):
        open_link(secret, NOW, partner=GARAGE)
    Link.objects.filter(pk=link_id(gone)).delete()
    for model in (OpeningsOfDay, Receipt):
        assert [bytes(one.link_id) for one in model.objects.all()] == [link_id(stays)]


def test_an_opening_and_an_end_at_once_leave_an_ended_link(register):
    register()
    for _ in range(8):
        secret = given()
        turn = itertools.count()

        def act(secret=secret, turn=turn):
            if next(turn) == 3:
                return links.of_vehicle(IDENTITY).end(End.REVOKED_BY_OWNER, NOW) - 1
            return open_link(secret, NOW) is not None

        opened = sum(in_parallel(6, act))
        assert remains(secret) == (End.REVOKED_BY_OWNER, None, None)
        assert row(secret).openings == opened
        assert open_link(secret, NOW) is None
        links.of_vehicle(IDENTITY).delete()


def test_without_a_release_nothing_opens_and_nothing_ends(register):
    register()
    secret = given()
    Release.objects.update(state="failed")
    for act in (read_link, open_link):
        for tried in (secret, UNKNOWN):
            with pytest.raises(NoActiveRelease):
                act(tried, NOW)
    assert remains(secret)[0] is None
    assert row(secret).openings == 0


# What somebody who writes to the database may do to the row of a link with a maximum.
CHANGED = [
    "capsule = set_byte(capsule, 0, 2)",
    "capsule = set_byte(capsule, 1, get_byte(capsule, 1) # 1)",
    "capsule = set_byte(capsule, 13, get_byte(capsule, 13) # 1)",
    "capsule = set_byte(capsule, 30, get_byte(capsule, 30) # 128)",
    "capsule = set_byte(capsule, 58, get_byte(capsule, 58) # 1)",
    "capsule = substr(capsule, 1, length(capsule) - 1)",
    "capsule = substr(capsule, 1, 20)",
    "capsule = capsule || '\\x00'",
    "capsule = ''",
    "capsule = keepsake",
    "capsule = (SELECT capsule FROM sharing_link WHERE public_id <> %s LIMIT 1)",
    "expires_at = expires_at + interval '1 second'",
    "expires_at = expires_at + interval '1 year'",
    "expires_at = expires_at - interval '1 day'",
    "expires_at = '9999-12-31'",
    "created_at = created_at - interval '1 day'",
    "created_at = created_at + interval '1 day'",
    "created_at = '1950-01-01'",
    "max_openings = 4",
    "max_openings = NULL",
    "scope = 1",
    "scope = -1",
    "scope = 300",
    "key_version = 2",
    "key_version = 0",
    "key_version = -1",
    "holder_key_version = 2",
    "holder_key_version = -1",
]


def check_refused(secret, log, where=""):
    """The link opens nothing, says so in one line without data, and is not ended."""
    before = list(dump.values())
    for act in (read_link, open_link):
        log.clear()
        assert act(secret, NOW + DAY) is None, where
        (line,) = [LineFormatter().format(made) for made in log.records]
        assert line.endswith(
            " ERROR histovet.sharing.opening the row of a link was changed by other "
            "means than the site"
        ), where
    assert list(dump.values()) == before, where


def test_a_row_that_somebody_changed_opens_nothing_and_stays(register, caplog):
    caplog.set_level(logging.INFO)
    register()
    secret, other = given(max_openings=3), given(max_openings=3)
    for change in CHANGED:
        values = [link_id(secret)] * (1 + change.count("%s"))
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE kept AS TABLE sharing_link")
            cursor.execute(
                f"UPDATE sharing_link SET {change} WHERE public_id = %s", values
            )
            assert cursor.rowcount == 1
        check_refused(secret, caplog, change)
        assert read_link(other, NOW) is not None, change
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sharing_link")
            cursor.execute("INSERT INTO sharing_link TABLE kept")
            cursor.execute("DROP TABLE kept")
        caplog.clear()
        assert read_link(secret, NOW) is not None, "as it was, it opens"
        assert caplog.records == []


def test_a_maximum_given_to_a_link_that_has_none_is_a_changed_row(register, caplog):
    caplog.set_level(logging.INFO)
    register()
    secret = given()
    Link.objects.update(max_openings=3)
    check_refused(secret, caplog)


def test_a_row_moved_to_the_id_of_another_link_opens_nothing(register, caplog):
    caplog.set_level(logging.INFO)
    register()
    secret, other = given(), given(OTHER)
    Link.objects.filter(pk=link_id(other)).delete()
    Link.objects.filter(pk=link_id(secret)).update(public_id=link_id(other))
    check_refused(other, caplog)
    caplog.clear()
    assert open_link(secret, NOW) is None
    assert caplog.records == [], "there is no such link any more"


def test_an_ended_row_given_back_what_another_link_has_opens_nothing(register, caplog):
    caplog.set_level(logging.INFO)
    register()
    secret, other = given(), given(OTHER)
    Link.objects.filter(pk=link_id(secret)).end(End.REVOKED_BY_OWNER, NOW)
    alive = row(other)
    Link.objects.filter(pk=link_id(secret)).update(
        ended_at=None, end=None, capsule=alive.capsule, keepsake=alive.keepsake
    )
    check_refused(secret, caplog)


def site_ring_in(folder, ring_settings, versions, active):
    """Put another site ring in place, of the key in force and of further ones."""
    old = keys.site_ring()
    assert old.versions == (1,)
    ours = {1: old._keys[1], 2: key(5), 3: key(6)}
    path = folder / f"site-{active}-{len(versions)}.json"
    write_ring(path, "site", {v: ours[v] for v in versions}, active)
    ring_settings.SITE_KEYS_PATH = path


@pytest.fixture
def rotate(settings, tmp_path):
    first = settings.SITE_KEYS_PATH

    def rotated(versions, active):
        settings.SITE_KEYS_PATH = first
        site_ring_in(tmp_path, settings, versions, active)

    yield rotated
    settings.SITE_KEYS_PATH = first


def test_links_outlive_a_rotation_of_the_site_key(register, rotate):
    register()
    old = given()
    rotate((1, 2), active=2)
    new = given()
    assert (row(old).key_version, row(new).key_version) == (1, 2)
    for secret in (old, new):
        assert open_link(secret, NOW) is not None
    rotate((1, 2, 3), active=3)
    for secret in (old, new):
        assert open_link(secret, NOW) is not None


def test_without_its_key_a_link_opens_nothing_and_is_not_ended(register, rotate):
    register()
    secret = given()
    rotate((2,), active=2)
    assert open_link(secret, NOW) is None
    assert remains(secret)[0] is None
    rotate((1, 2), active=2)
    assert open_link(secret, NOW) is not None, "the key is back in place"


def test_links_outlive_a_rotation_of_the_register_key(
    register, settings, tmp_path, monkeypatch
):
    """The record then has a tag of its holder under both keys."""
    register(label="un")
    old = given()
    ring = KeyRing.read(settings.REGISTER_KEYS_PATH, "register")
    both = {1: ring._keys[1], 2: key(7)}
    path = write_ring(tmp_path / "register.json", "register", both, 2)
    settings.REGISTER_KEYS_PATH = path
    monkeypatch.setenv("HISTOVET_REGISTER_KEYS", str(path))
    monkeypatch.setattr(releases, "_ready", None)
    register(label="deux")
    new = given()
    assert (row(old).holder_key_version, row(new).holder_key_version) == (1, 2)
    for secret in (old, new):
        assert open_link(secret, NOW) is not None
    register(label="trois", pers_nom_naissance_tit="QUENTIN")
    for secret in (old, new):
        assert open_link(secret, NOW) is None
        assert remains(secret) == (End.CHANGED_HANDS, None, None)
