"""What a report is told, against the stand-in and a real database."""

import datetime as dt
import logging
import socket
import threading
import time

import pytest
from django.core.management import call_command
from django.db import connection

from histovet.inspections.inspected import Absence, Inspected, Source
from histovet.inspections.models import Answer
from histovet.inspections.retrieve import MAY_WAIT, inspected
from histovet.local.utac import PASSWORD, USER, Behaviour
from pseudonymizer.normalise import fni_identity, siv_identity
from tests.inspections.conftest import IN_TIME_SECONDS, TIMEOUT_SECONDS
from tests.inspections.vehicles import NOW, SIV, VIN, opened, release

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "POST /immat/search"
NOT_AVAILABLE = Inspected(source=Source.UTAC, absence=Absence.NOT_AVAILABLE)
OTHER = siv_identity("AB-123-CD", "2015AB99999")


def test_without_any_source_none_is_connected(stand_in):
    assert inspected(opened(), NOW) == Inspected(absence=Absence.NOT_CONNECTED)
    assert stand_in.requests == {}


def test_utac_is_asked_where_it_is_connected(connected):
    found = inspected(opened(), NOW)
    assert found.inspections
    assert (found.source, found.absence) == (Source.UTAC, None)
    assert found.as_of == NOW.date() - dt.timedelta(days=1)
    assert connected.bodies == [{"immat": "AB-123-CD", "vin": VIN}]


def test_a_corsican_plate_is_asked_for_as_it_is(connected):
    identity = fni_identity("1234 AB 2A", dt.date(2008, 3, 6))
    assert inspected(opened(identity), NOW).inspections
    assert connected.bodies[0]["immat"] == "1234AB2A"


@pytest.mark.parametrize(
    "facts", [{"subject_to_inspection": False}, {"certificate_cancelled": True}]
)
def test_for_a_vehicle_that_is_not_subject_nobody_is_asked(connected, facts):
    found = inspected(opened(**facts), NOW)
    assert found == Inspected(absence=Absence.NOT_SUBJECT)
    assert connected.requests == {}


@pytest.mark.parametrize("subject", [None, True])
def test_a_vehicle_of_which_it_is_not_told_is_asked_for(connected, subject):
    assert inspected(opened(subject_to_inspection=subject), NOW).inspections


@pytest.mark.parametrize("vin", ["VF1C********12345", VIN[:-1], VIN + "1", "", None])
def test_without_the_whole_vin_utac_is_not_asked(connected, vin):
    assert inspected(opened(vin=vin), NOW) == Inspected(absence=Absence.NOT_CONNECTED)
    assert connected.requests == {}


@pytest.mark.parametrize("behaviour", [Behaviour.UNKNOWN, Behaviour.REFUSING])
def test_a_vehicle_that_utac_does_not_know_has_none_and_that_is_kept(
    connected, behaviour
):
    connected.behaviour = behaviour
    for _ in range(2):
        found = inspected(opened(), NOW)
        assert (found.source, found.absence) == (Source.UTAC, Absence.NONE_RECORDED)
        assert found.as_of is not None
    assert connected.requests[SEARCH] == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        *(Behaviour.SLOW, Behaviour.DRIP, Behaviour.DOWN, Behaviour.LYING),
        *(Behaviour.MALFORMED, Behaviour.WRONG_SHAPE, Behaviour.UNAUTHORISED),
        *(Behaviour.TOO_MANY, Behaviour.BROKEN, Behaviour.REDIRECTING),
        Behaviour.HUGE,
    ],
)
def test_whatever_fails_the_report_is_there_in_time(connected, behaviour):
    connected.behaviour = behaviour
    before = time.monotonic()
    assert inspected(opened(), NOW) == NOT_AVAILABLE
    assert time.monotonic() - before < IN_TIME_SECONDS


def test_a_refused_connection_is_not_available(settings, connected):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.UTAC_URL = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert inspected(opened(), NOW) == NOT_AVAILABLE


def test_a_certificate_that_went_away_is_not_available(settings, connected, tmp_path):
    settings.UTAC_CA = tmp_path / "gone.pem"
    assert inspected(opened(), NOW) == NOT_AVAILABLE
    settings.UTAC_CA = None
    assert inspected(opened(), NOW).inspections


def test_a_vehicle_is_asked_for_once_a_day(connected):
    first = inspected(opened(), NOW)
    almost = NOW + dt.timedelta(hours=24, seconds=-2)
    for moment in (NOW, NOW + dt.timedelta(hours=12), almost):
        assert inspected(opened(), moment) == first
    assert connected.requests[SEARCH] == 1
    inspected(opened(), NOW + dt.timedelta(hours=24))
    assert connected.requests[SEARCH] == 2


def test_another_certificate_of_the_same_vehicle_is_asked_for_by_itself(connected):
    inspected(opened(), NOW)
    inspected(opened(OTHER), NOW)
    assert connected.requests[SEARCH] == 2


def test_a_new_release_asks_again_under_another_id(connected):
    inspected(opened(), NOW)
    inspected(opened(row=release(salt=bytes(range(1, 33)))), NOW)
    assert connected.requests[SEARCH] == 2
    assert Answer.objects.count() == 2


def test_a_failure_is_remembered_for_a_minute(connected):
    connected.behaviour = Behaviour.LYING
    for _ in range(3):
        assert inspected(opened(), NOW) == NOT_AVAILABLE
    assert connected.requests[SEARCH] == 1
    connected.behaviour = Behaviour.OK
    assert inspected(opened(), NOW + dt.timedelta(seconds=59)) == NOT_AVAILABLE
    assert inspected(opened(), NOW + dt.timedelta(seconds=61)).inspections


def test_while_utac_is_left_alone_nothing_is_remembered_of_a_vehicle(connected):
    connected.behaviour = Behaviour.TOO_MANY
    inspected(opened(), NOW)
    before = connected.requests.total()
    assert inspected(opened(OTHER), NOW) == NOT_AVAILABLE
    assert connected.requests.total() == before
    assert Answer.objects.count() == 1


def in_threads(count, ask):
    found = []

    def run():
        try:
            found.append(ask())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_many_who_come_at_once_ask_once(connected):
    found = in_threads(MAY_WAIT, lambda: inspected(opened(), NOW))
    assert len(found) == MAY_WAIT
    assert all(one == found[0] and one.inspections for one in found)
    assert connected.requests[SEARCH] == 1


def test_a_slow_source_holds_no_more_threads_than_it_may(connected):
    """Whoever finds no place to wait is answered at once; a kept answer is always read."""
    inspected(opened(OTHER), NOW)
    connected.behaviour = Behaviour.SLOW
    quick = []

    def ask():
        before = time.monotonic()
        found = inspected(opened(), NOW)
        if time.monotonic() - before < TIMEOUT_SECONDS / 2:
            quick.append(found)
        return inspected(opened(OTHER), NOW)

    assert all(one.inspections for one in in_threads(4, ask))
    assert quick == [NOT_AVAILABLE] * (4 - MAY_WAIT)


def test_whoever_waits_for_another_waits_no_longer_than_the_time_out(connected):
    connected.behaviour = Behaviour.SLOW
    before = time.monotonic()
    found = in_threads(3, lambda: inspected(opened(), NOW))
    assert found == [NOT_AVAILABLE] * 3
    assert time.monotonic() - before < IN_TIME_SECONDS
    assert connected.requests[SEARCH] == 1


def test_a_claim_whose_process_died_is_taken_over(connected):
    inspected(opened(), NOW)
    Answer.objects.update(sealed=None, expires_at=NOW + dt.timedelta(seconds=1))
    assert inspected(opened(), NOW) == NOT_AVAILABLE
    assert inspected(opened(), NOW + dt.timedelta(seconds=1)).inspections


def test_the_row_holds_no_vehicle_and_opens_nothing_alone(connected):
    inspected(opened(), NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM inspections_answer")
        (row,) = cursor.fetchall()
        names = [column.name for column in cursor.description]
    assert names == ["id", "expires_at", "sealed", "failed"]
    held = b"".join(
        bytes(value) for value in row if isinstance(value, memoryview | bytes)
    )
    assert len(bytes(row[0])) == 16
    for canary in (VIN, "AB123CD", "AB-123-CD", SIV.formula_or_date, "VTP", "date"):
        assert canary.encode() not in held


def test_the_size_of_a_row_tells_little(connected):
    connected.behaviour = Behaviour.UNKNOWN
    inspected(opened(), NOW)
    connected.behaviour = Behaviour.OK
    inspected(opened(OTHER), NOW)
    sizes = [len(answer.sealed) for answer in Answer.objects.all()]
    assert {size % 256 for size in sizes} == {1 + 12 + 16}
    assert min(sizes) == 256 + 29


@pytest.mark.parametrize(
    "change",
    [
        "sealed = set_byte(sealed, 0, 2)",
        "sealed = set_byte(sealed, 5, get_byte(sealed, 5) # 1)",
        "sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)",
        "sealed = ''",
        "expires_at = expires_at + interval '1 second'",
    ],
)
def test_a_changed_row_is_deleted_told_and_asked_for_again(connected, change, caplog):
    first = inspected(opened(), NOW)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE inspections_answer SET {change}")
    assert inspected(opened(), NOW) == first
    assert connected.requests[SEARCH] == 2
    assert "a kept answer does not open" in caplog.text


def test_a_row_moved_to_another_vehicle_opens_nothing(connected):
    inspected(opened(), NOW)
    inspected(opened(OTHER), NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inspections_answer a SET sealed = b.sealed, expires_at = b.expires_at"
            " FROM inspections_answer b WHERE a.id <> b.id"
        )
    inspected(opened(), NOW)
    assert connected.requests[SEARCH] == 3


def test_the_table_is_in_no_archived_log():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence FROM pg_class WHERE relname = 'inspections_answer'"
        )
        assert cursor.fetchone() == ("u",)


def test_what_is_over_is_purged_and_nothing_else(connected, capsys):
    inspected(opened(), dt.datetime.now(dt.UTC) - dt.timedelta(hours=25))
    inspected(opened(OTHER), dt.datetime.now(dt.UTC))
    call_command("purge_inspections")
    assert capsys.readouterr().out == "deleted 1 kept answers\n"
    assert Answer.objects.count() == 1


def test_vin_and_plate_are_in_no_log_line(connected, caplog):
    caplog.set_level(logging.DEBUG)
    for behaviour in Behaviour:
        if behaviour not in (Behaviour.SLOW, Behaviour.DRIP):
            connected.behaviour = behaviour
            Answer.objects.all().delete()
            inspected(opened(), NOW)
    lines = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert "utac opened" in lines
    for canary in (PASSWORD, "AB-123-CD"):
        assert canary not in lines
    # Django's own log of statements, which is off, shows arguments: bytes alone.
    assert VIN not in lines
    assert USER not in [record.getMessage() for record in caplog.records]
