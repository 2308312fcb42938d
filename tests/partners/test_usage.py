"""What is counted, what every answer says of it, and GET /api/v1/usage."""

import datetime as dt
import io
import json

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from histovet.partners.models import SCOPES, PartnerKey, PartnerUse
from histovet.partners.usage import KEPT_DAYS
from histovet.vault.models import Release, Withheld
from histovet.vault.withholding import withhold
from tests.partners import demands, register
from tests.partners.conftest import CODE_PATH, PATH
from tests.partners.demands import CERTIFICATE, NO_LINK, changed
from tests.partners.shapes import assert_declared

USAGE = "/api/v1/usage"
NOON = dt.datetime(2026, 11, 22, 12, 0, 10, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Set the hour of the site, at first NOON."""

    def at(moment: dt.datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    at(NOON)
    return at


@pytest.fixture
def usage(ask):
    def read(**arguments):
        answer = ask("", path=USAGE, method="get", **arguments)
        assert answer.status_code == 200
        return answer.json()

    return read


def counted(row: PartnerKey) -> tuple[int, int, int]:
    use = PartnerUse.objects.get(key_id=row.pk)
    return use.requests, use.reports, use.failures


WRONG = changed(demands.FULL, f"{CERTIFICATE}/numero_formule", "2019ZZ99999")


def test_what_a_key_gives_and_has_used(published, ask, make_key, usage, client):
    row, key = make_key(
        rate="300/m", daily_quota=5, expires_at=NOON + 29 * DAY, now=NOON - DAY
    )
    assert ask(demands.FULL, with_key=key).status_code == 200
    assert ask(WRONG, with_key=key).status_code == 404
    document = usage(with_key=key)
    assert document == {
        "key": {
            "begins_with": row.shown,
            "partner": "Essai",
            "scopes": sorted(SCOPES),
            "rate": {"requests": 300, "seconds": 60},
            "daily_quota": 5,
            "expires_at": "2026-12-21T12:00:10Z",
            "ends_soon": True,
        },
        "today": {
            "date": "2026-11-22",
            "requests": 3,
            "reports": 1,
            "reports_left": 4,
            "failures": 1,
            "failures_left": 49,
            "starts_again_at": "2026-11-23T00:00:00Z",
        },
        "days": [{"date": "2026-11-22", "requests": 3, "reports": 1, "failures": 1}],
    }
    openapi = client.get("/api/v1/openapi.json").json()
    assert_declared(openapi, openapi["components"]["schemas"]["Usage"], document)


def test_thirty_days_of_this_key_and_of_no_other(make_key, usage, clock):
    _, key = make_key(expires_at=NOON + 90 * DAY, now=NOON - 90 * DAY)
    _, other = make_key(expires_at=NOON + 90 * DAY, now=NOON - 90 * DAY)
    for days in (30, 29, 1):
        clock(NOON - days * DAY)
        usage(with_key=key)
    clock(NOON)
    document = usage(with_key=key)
    assert [one["date"] for one in document["days"]] == [
        "2026-11-22",
        "2026-11-21",
        "2026-10-24",
    ]
    assert not document["key"]["ends_soon"]
    assert "daily_quota" not in document["key"]
    assert "reports_left" not in document["today"]
    assert [one["date"] for one in usage(with_key=other)["days"]] == ["2026-11-22"]


def test_it_needs_a_key_and_only_reads(ask, make_key):
    assert ask("", path=USAGE, method="get", with_key=None).status_code == 401
    assert ask("", path=USAGE).status_code == 405
    row, key = make_key(rate="1/h")
    assert ask("", path=USAGE, method="get", with_key=key).status_code == 200
    assert ask("", path=USAGE, method="get", with_key=key).status_code == 429
    assert counted(row) == (2, 0, 0)


def withheld() -> None:
    reason = Withheld.Reason.COURT_ORDER
    withhold(register.FULL.identity, reason, "dossier 12", now=NOON)


def unpublished() -> None:
    Release.objects.all().delete()


def as_it_is() -> None: ...


@pytest.mark.parametrize(
    ("before", "path", "demand", "status", "failures"),
    [
        (as_it_is, PATH, demands.FULL, 200, 0),
        (as_it_is, PATH, WRONG, 404, 1),
        (as_it_is, CODE_PATH, NO_LINK.demand, 404, 1),
        (as_it_is, PATH, {}, 400, 0),
        (as_it_is, PATH, b"\xff", 400, 0),
        (withheld, PATH, demands.FULL, 403, 0),
        (unpublished, PATH, demands.FULL, 503, 0),
    ],
)
def test_a_report_is_counted_when_it_is_given(
    published, ask, make_key, before, path, demand, status, failures
):
    row, key = make_key(daily_quota=5)
    before()
    answer = ask(demand, path=path, with_key=key)
    assert answer.status_code == status
    reports = int(status == 200)
    assert counted(row) == (1, reports, failures)
    assert f'"reports";r={5 - reports};' in answer.headers["RateLimit"]


def test_a_fault_gives_the_report_back(published, ask, make_key):
    row, key = make_key()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_record SET sealed = sha256(sealed)",
        )
    answer = ask(demands.FULL, with_key=key)
    assert answer.status_code == 500
    assert json.loads(answer.content)["type"] == "/api/problems/broken"
    assert counted(row) == (1, 0, 0)


def test_a_report_that_cannot_be_taken_back_changes_no_answer(
    published, ask, make_key, monkeypatch, caplog
):
    """As when the database goes away between the demand and the answer."""

    def gone(*_):
        raise OperationalError

    row, key = make_key()
    monkeypatch.setattr("histovet.partners.quotas.one_row", gone)
    assert ask({}, with_key=key).status_code == 400
    assert counted(row) == (1, 1, 0)
    assert "could not be taken back" in caplog.text


def test_every_answer_of_a_known_partner_says_what_is_left(published, ask, make_key):
    _, key = make_key(rate="5/m", daily_quota=2)
    answers = [
        ask(demand, with_key=key)
        for demand in (demands.FULL, {}, WRONG, demands.FULL, demands.FULL, {})
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 404, 200, 429, 429]
    assert [answer.headers["RateLimit"] for answer in answers] == [
        f'"rate";r={rate};t=50, "reports";r={reports};t=43190'
        for rate, reports in [(4, 1), (3, 1), (2, 1), (1, 0), (0, 0), (0, 0)]
    ]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {
        '"rate";q=5;w=60, "reports";q=2;w=86400'
    }
    # The quota first, then the rate.
    assert [answers[n].headers["Retry-After"] for n in (4, 5)] == ["43190", "50"]
    types = [json.loads(answers[n].content)["type"] for n in (4, 5)]
    assert types == ["/api/problems/quota-exceeded", "/api/problems/rate-exceeded"]


def test_without_the_scope_too(published, ask, make_key):
    row, key = make_key(scopes=["report_by_code"], rate="5/m", daily_quota=2)
    answer = ask(demands.FULL, with_key=key)
    assert answer.status_code == 403
    assert answer.headers["RateLimit"] == '"rate";r=4;t=50, "reports";r=2;t=43190'
    assert counted(row) == (1, 0, 0)


def test_who_is_unknown_is_told_nothing(published, ask, make_key):
    suspended, key = make_key()
    suspended.suspend(NOON)
    answers = [
        ask(demands.FULL, with_key=key),
        ask(demands.FULL, with_key=None),
        ask(demands.FULL, with_key="hv_" + "A" * 43),
        ask(demands.FULL, path="/api/v1/nothing"),
    ]
    assert [answer.status_code for answer in answers] == [403, 401, 401, 404]
    assert not any(name.startswith("RateLimit") for a in answers for name in a.headers)


@pytest.mark.parametrize(
    ("rate", "begins", "wait"),
    [
        ("2/s", NOON.replace(microsecond=999_999), 1),
        ("2/m", NOON, 50),
        ("2/h", NOON, 3590),
        ("2/h", NOON.replace(hour=23, minute=59, second=59), 1),
    ],
)
def test_a_window_of_the_rate_ends_when_it_is_said_to(
    make_key, ask, clock, rate, begins, wait
):
    _, key = make_key(rate=rate, expires_at=NOON + 2 * DAY, now=NOON - DAY)
    clock(begins)

    def asked():
        return ask("", path=USAGE, method="get", with_key=key)

    assert [asked().status_code for _ in range(3)] == [200, 200, 429]
    assert asked().headers["Retry-After"] == str(wait)
    clock(begins + dt.timedelta(seconds=wait) - dt.timedelta(seconds=1))
    assert asked().status_code == 429
    clock(begins + dt.timedelta(seconds=wait))
    assert asked().status_code == 200


def test_clocks_that_are_apart_begin_no_window_anew(published, ask, make_key, clock):
    _, key = make_key(rate="2/s", expires_at=NOON + DAY, now=NOON - DAY)
    ahead = NOON + dt.timedelta(seconds=1)
    statuses = []
    for moment in (ahead, NOON, ahead, NOON, ahead):
        clock(moment)
        statuses.append(ask(demands.FULL, with_key=key).status_code)
    assert statuses == [200, 200, 429, 429, 429]
    clock(ahead + dt.timedelta(seconds=1))
    assert ask(demands.FULL, with_key=key).status_code == 200


LATE = NOON.replace(hour=23, minute=59, second=58)
# Another site's clock, at the same moment.
AHEAD = NOON.replace(hour=0, minute=0, second=1) + DAY


@pytest.mark.parametrize(
    "terms", [{"daily_quota": 2}, {"rate": "2/s"}, {"rate": "2/h"}]
)
def test_clocks_that_are_apart_begin_no_day_anew(
    published, ask, make_key, clock, terms
):
    row, key = make_key(**terms, expires_at=NOON + 9 * DAY, now=NOON - DAY)
    statuses = []
    for moment in (LATE, AHEAD, LATE, LATE, AHEAD, LATE):
        clock(moment)
        statuses.append(ask(demands.FULL, with_key=key).status_code)
    # One of the day that ends, two of the one that has begun.
    assert statuses == [200, 200, 200, 429, 429, 429]
    used = PartnerUse.objects.filter(key_id=row.pk).order_by("day")
    assert [(use.day, use.reports) for use in used] == [
        (LATE.date(), 1),
        (AHEAD.date(), 2),
    ]
    row.refresh_from_db()
    assert row.last_used_on == AHEAD.date()


def test_a_clock_that_is_days_ahead_uses_up_nothing_of_the_others(
    published, ask, make_key, clock
):
    _, key = make_key(daily_quota=1, expires_at=NOON + 9 * DAY, now=NOON - DAY)
    for moment in (NOON + 2 * DAY, NOON):
        clock(moment)
        assert ask(demands.FULL, with_key=key).status_code == 200


def test_a_quota_is_of_the_day_in_utc(published, ask, make_key, clock):
    _, key = make_key(daily_quota=1, expires_at=NOON + 2 * DAY, now=NOON - DAY)
    evening = NOON.replace(hour=23, minute=59, second=58)
    clock(evening)
    assert ask(demands.FULL, with_key=key).status_code == 200
    limited = ask(demands.FULL, with_key=key)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "2")
    clock(evening + dt.timedelta(seconds=2))
    assert ask(demands.FULL, with_key=key).status_code == 200


def test_old_days_are_purged(make_key, usage, clock):
    row, key = make_key(expires_at=NOON + DAY, now=NOON - 500 * DAY)
    for days in (KEPT_DAYS + 1, KEPT_DAYS, 0):
        clock(NOON - days * DAY)
        usage(with_key=key)
    out = io.StringIO()
    call_command("purge_partner_use", stdout=out)
    assert out.getvalue() == "deleted 1 days of use\n"
    kept = PartnerUse.objects.filter(key_id=row.pk).values_list("day", flat=True)
    assert min(kept) == (NOON - KEPT_DAYS * DAY).date()


@pytest.mark.django_db
def test_nothing_of_a_vehicle_is_counted():
    """Numbers, days and yes or no: whose or what they count stands nowhere else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT data_type FROM information_schema.columns"
            " WHERE table_name = 'partners_use'"
        )
        assert {kind for (kind,) in cursor.fetchall()} == {
            "bigint",
            "boolean",
            "date",
            "integer",
        }
