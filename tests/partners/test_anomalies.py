"""What a partner never does suspends its key, and is said."""

import datetime as dt
import json
import threading
import time

import pytest
from django.db import connection, transaction

from histovet.partners import anomalies
from histovet.partners.auth import authenticate
from histovet.partners.failure_budget import count_failure
from histovet.partners.models import PartnerKey, PartnerUse
from tests.partners import demands
from tests.partners.demands import CERTIFICATE, changed

DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
# 4:59:59 in Paris, and five.
NIGHT = dt.datetime(2026, 11, 22, 3, 59, 59, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)

pytestmark = pytest.mark.usefixtures("published")

A_WAITING_LOCK = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    def at(moment: dt.datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    at(NOON)
    return at


@pytest.fixture
def usual(make_key):
    """Make a key whose partner had so many reports a day, and that has had so many
    today, which the next one adds to."""

    def make(days: list[int], today: int, *, nights: int = 0, night: int = 0, **terms):
        given = {"expires_at": NOON + 90 * DAY, "now": NOON - 90 * DAY} | terms
        # An older key of the same partner had them.
        before, _ = make_key(**given)
        row, key = make_key(**given)
        for ago, reports in enumerate(days, 1):
            PartnerUse.objects.create(
                key_id=before.pk,
                day=NOON.date() - ago * DAY,
                reports=reports,
                night_reports=nights,
            )
        PartnerUse.objects.create(
            key_id=row.pk, day=NOON.date(), reports=today, night_reports=night
        )
        return row, key

    return make


def suspended(answer) -> list[str]:
    assert answer.status_code == 403
    document = json.loads(answer.content)
    assert document["type"] == "/api/problems/key-suspended"
    return [error["code"] for error in document["errors"]]


WEEK = [300, 100, 200, 900, 200, 200, 200]  # median 200


def test_a_day_far_beyond_the_usual_suspends_the_key(ask, usual, caplog):
    row, key = usual(WEEK, 999)
    assert ask(demands.FULL, with_key=key).status_code == 200
    assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_volume"]
    assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_volume"]
    row.refresh_from_db()
    assert (row.suspended_at, row.suspended_why) == (NOON, "anomaly:volume")
    assert row.state(NOON) == "suspended" and row.is_intact()
    # The report that crossed the line was not given.
    assert PartnerUse.objects.get(key_id=row.pk, day=NOON.date()).reports == 1000
    (line,) = (r.getMessage() for r in caplog.records if "anomaly" in r.getMessage())
    assert f"id={row.pk} suspended: anomaly:volume" in line
    for secret in (key, row.shown, row.name):
        assert secret not in line


@pytest.mark.parametrize(
    ("days", "today"),
    [
        # Five times the usual day, and not one more.
        (WEEK, 999),
        # Below the floor, however rare reports are.
        ([1] * 28, anomalies.VOLUME_FLOOR - 1),
        # Too new to have a usual day.
        ([1] * 6, 100_000),
        # Days without a report are no days of use.
        ([1] * 6 + [0] * 22, 100_000),
        # Of the last 28 days alone.
        ([9000] * 28 + [1] * 60, 40_000),
    ],
)
def test_what_is_usual_suspends_nothing(ask, usual, days, today):
    row, key = usual(days, today)
    assert ask(demands.FULL, with_key=key).status_code == 200
    row.refresh_from_db()
    assert row.suspended_at is None


@pytest.mark.parametrize("kind", ["volume", "night"])
def test_the_keys_of_a_partner_have_one_line_together(
    ask, usual, make_key, clock, kind
):
    night = kind == "night"
    clock(NIGHT if night else NOON)
    line = anomalies.NIGHT_FLOOR if night else anomalies.VOLUME_FLOOR
    half = line // 2
    row, key = usual([1] * 28, half - 1, night=half - 1 if night else 0)
    other, _ = make_key(expires_at=NOON + 90 * DAY, now=NOON - 90 * DAY)
    PartnerUse.objects.create(
        key_id=other.pk,
        day=NOON.date(),
        reports=half,
        night_reports=half if night else 0,
    )
    assert ask(demands.FULL, with_key=key).status_code == 200
    assert suspended(ask(demands.FULL, with_key=key)) == [f"anomaly_{kind}"]
    other.refresh_from_db()
    assert other.suspended_at is None
    row.refresh_from_db()
    row.resume(NOON.date())
    use = PartnerUse.objects.get(key_id=row.pk, day=NOON.date())
    assert (use.night_line if night else use.volume_line) == 2 * line
    assert ask(demands.FULL, with_key=key).status_code == 200


def test_below_the_floor_no_line_is_drawn(ask, usual, monkeypatch):
    def asked(*_):
        raise AssertionError

    _, key = usual([1] * 28, anomalies.VOLUME_FLOOR - 2)
    monkeypatch.setattr("histovet.partners.anomalies.one_row", asked)
    assert ask(demands.FULL, with_key=key).status_code == 200
    # The next one reaches it.
    assert ask(demands.FULL, with_key=key).status_code == 500


def test_a_day_of_little_use_has_the_floor_for_a_line(ask, usual):
    _, key = usual([1] * 28, anomalies.VOLUME_FLOOR - 1)
    assert ask(demands.FULL, with_key=key).status_code == 200
    assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_volume"]


def test_another_partner_is_no_part_of_what_is_usual(ask, usual):
    usual([9000] * 28, 0, name="Autre")
    _, key = usual([1] * 28, anomalies.VOLUME_FLOOR)
    assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_volume"]


@pytest.mark.parametrize(
    ("nights", "line"), [(0, anomalies.NIGHT_FLOOR), (40, 200), (3, 100)]
)
def test_a_night_far_beyond_the_usual_suspends_the_key(ask, usual, clock, nights, line):
    row, key = usual(WEEK, line - 1, nights=nights, night=line - 1)
    clock(NIGHT)
    assert ask(demands.FULL, with_key=key).status_code == 200
    # Five in the morning is day, and is not counted for the night.
    clock(MORNING)
    assert ask(demands.FULL, with_key=key).status_code == 200
    clock(NIGHT)
    assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_night"]
    assert PartnerUse.objects.get(key_id=row.pk, day=NOON.date()).night_reports == line


def test_the_operator_resumes_it_for_twice_as_much(ask, usual):
    row, key = usual(WEEK, 1000)
    suspended(ask(demands.FULL, with_key=key))
    row.refresh_from_db()
    row.resume(NOON.date())
    use = PartnerUse.objects.get(key_id=row.pk, day=NOON.date())
    assert (use.volume_line, use.reports) == (2000, 1000)
    assert ask(demands.FULL, with_key=key).status_code == 200
    PartnerUse.objects.filter(key_id=row.pk, day=NOON.date()).update(reports=2000)
    assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_volume"]


def test_a_line_that_nothing_reaches_is_resumed_as_it_is(usual, ask):
    row, key = usual([], anomalies.VOLUME_FLOOR)
    assert ask(demands.FULL, with_key=key).status_code == 200
    for _ in range(3):
        row.suspend(NOON)
        row.resume(NOON.date())
    assert ask(demands.FULL, with_key=key).status_code == 200


def wrong(number: int) -> dict:
    plate = f"{CERTIFICATE}/numero_immatriculation"
    return changed(demands.FULL, plate, f"ZZ-{number:03}-ZZ")


def test_the_third_day_of_failures_suspends_every_key_of_the_partner(
    ask, make_key, clock
):
    terms = {"expires_at": NOON + 9 * DAY, "now": NOON - DAY}
    keys = [make_key(**terms)[1] for _ in range(2)]
    _, other = make_key(name="Autre", **terms)
    for days in range(3):
        clock(NOON + days * DAY)
        for number in range(anomalies.FAILURES_OF_FAILED_DAY - 1):
            answer = ask(wrong(number), with_key=keys[number % 2])
            assert answer.status_code == 404
        assert not PartnerKey.objects.exclude(suspended_at=None).exists()
        assert ask(wrong(99), with_key=keys[0]).status_code == 404
    for key in keys:
        assert suspended(ask(demands.FULL, with_key=key)) == ["anomaly_failures"]
    assert ask(demands.FULL, with_key=other).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_keys_that_fail_at_once_do_not_jump_over_the_line(make_key):
    terms = {"expires_at": NOON + 9 * DAY, "now": NOON - DAY}
    (first, key), (second, other) = make_key(**terms), make_key(**terms)
    last = anomalies.FAILURES_OF_FAILED_DAY
    for row, failures in ((first, last // 2 - 1), (second, last // 2 - 1)):
        for ago in (1, 2):
            PartnerUse.objects.create(
                key_id=row.pk, day=NOON.date() - ago * DAY, failures=last // 2
            )
        PartnerUse.objects.create(key_id=row.pk, day=NOON.date(), failures=failures)
    partners = [authenticate(each, NOON) for each in (key, other)]

    def fail() -> None:
        try:
            count_failure(partners[1], None, NOON)
        finally:
            connection.close()

    beside = threading.Thread(target=fail)
    with transaction.atomic():
        count_failure(partners[0], None, NOON)
        beside.start()
        # Until the other one waits, or has not waited and is through.
        while beside.is_alive():
            with connection.cursor() as cursor:
                cursor.execute(A_WAITING_LOCK)
                if cursor.fetchone():
                    break
            time.sleep(0.01)
    beside.join()
    assert not PartnerKey.objects.filter(suspended_at=None).exists()


def test_days_of_failures_long_ago_suspend_nothing(ask, make_key):
    row, key = make_key(expires_at=NOON + 9 * DAY, now=NOON - DAY)
    for ago in (6, 7, 8):
        PartnerUse.objects.create(
            key_id=row.pk, day=NOON.date() - ago * DAY, failures=60
        )
    for number in range(anomalies.FAILURES_OF_FAILED_DAY):
        assert ask(wrong(number), with_key=key).status_code == 404
    row.refresh_from_db()
    assert row.suspended_at is None


def test_what_an_anomaly_wrote_is_no_text_of_the_database(ask, usual):
    row, key = usual(WEEK, 1000)
    suspended(ask(demands.FULL, with_key=key))
    PartnerKey.objects.filter(pk=row.pk).update(suspended_why="anomaly:night")
    # Another reason than the site's is a changed row.
    assert ask(demands.FULL, with_key=key).status_code == 401
