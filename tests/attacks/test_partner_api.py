"""gunicorn with two processes of four threads, and partners who ask it all at once or
send what no client of theirs would."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from histovet.partners.failure_budget import A_DAY, A_DAY_AND_PLATE
from histovet.partners.models import SCOPES, PartnerKey, PartnerUse
from histovet.sharing import codes
from histovet.sharing.codes import Kind
from tests.attacks.serving import Site, site
from tests.history.showcase import publish_showcase
from tests.publish import database_url

AT_ONCE = 16
BY_DATA = "/api/v1/report_by_data"
BY_CODE = "/api/v1/report_by_code"
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == document["statusCode"] == self.status
        assert document["detail"] == document["message"] and document["error"]
        return document["type"].removeprefix("/api/problems/")


@pytest.fixture(scope="module")
def transactional_db(django_db_setup, django_db_blocker) -> Iterator[None]:
    """pytest-django's own empties the tables after each test: this one when the site has
    ended, which looks at several in a transaction, and each might wait for the other."""
    with django_db_blocker.unblock():
        yield
        # With its numbers begun anew a release would be given that of one before.
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
        connection.close()


@pytest.fixture(scope="module")
def published(transactional_db, tmp_path_factory):
    return publish_showcase(tmp_path_factory.mktemp("feed"))


@pytest.fixture(scope="module")
def running(published) -> Iterator[Site]:
    with site({**os.environ, "DATABASE_URL": database_url()}, workers=2) as running:
        yield running


@pytest.fixture
def shown(published):
    # It keeps what an earlier test counted against the same vehicle.
    cache.clear()
    return published


@pytest.fixture
def spoilt(tmp_path) -> Iterator[None]:
    """The test after this one has another release."""
    yield
    publish_showcase(tmp_path)


_numbers = itertools.count(1)


def made(**changes) -> tuple[PartnerKey, str]:
    """A key of a partner of its own: failures are counted for all keys of one."""
    now = timezone.now()
    terms = {"name": f"Essai {next(_numbers)}", "scopes": SCOPES}
    terms |= {"rate": "90000/h", "daily_quota": None}
    return PartnerKey.issue(
        **(terms | changes), expires_at=now + 9 * DAY, now=now - DAY
    )


def certificate(vehicle, **changes) -> dict:
    asked = {
        "titulaire": {
            "particulier": {
                "nom": vehicle.surname,
                "prenoms": vehicle.given_names.split(),
            }
        },
        "numero_immatriculation": vehicle.plate,
        "numero_formule": vehicle.formula_number,
    }
    return {"vehicule": {"certificat_immatriculation": asked | changes}}


def wrong_code(number: int) -> dict:
    secret = number.to_bytes(16, "big")
    return {"vehicule": {"code": codes.encode(secret, Kind.LINK)}}


def request(
    path: str, body: bytes, *lines: str, method: str = "POST", length: bool = True
) -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines]
    if not any(line.lower().startswith("content-type") for line in lines):
        head.append("Content-Type: application/json")
    if length:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def read(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answer(
        int(first.split()[1]), {k.lower(): v for k, v in headers.items()}, body
    )


def ask(running: Site, path: str, demand: dict, key: str) -> Answer:
    bearer = f"Authorization: Bearer {key}"
    return read(running.send(request(path, json.dumps(demand).encode(), bearer)))


def all_at_once(
    running: Site, path: str, demands: Iterable[dict], key: str
) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: ask(running, path, one, key), demands))


def statuses(answers: Iterable[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def use(row: PartnerKey, column: str) -> list[int]:
    """Return the counts of each day; two should midnight be in between."""
    rows = PartnerUse.objects.filter(key_id=row.pk)
    return list(rows.values_list(column, flat=True))


# All at once


def test_the_last_report_of_a_quota_is_given_once(running, shown):
    row, key = made(daily_quota=3)
    asked = [certificate(shown["clean"])] * 40
    answers = all_at_once(running, BY_DATA, asked, key)
    given = use(row, "reports")
    # Each day has three, and here is one day but for who runs this at midnight.
    assert set(given) == {3}
    assert statuses(answers) == {200: sum(given), 429: 40 - sum(given)}
    left = [a.headers["ratelimit"].split('"reports";r=')[1] for a in answers]
    assert sorted(Counter(one[0] for one in left)) == ["0", "1", "2"]
    assert {a.problem for a in answers if a.status == 429} == {"quota-exceeded"}


def test_the_rate_is_exact(running, shown):
    row, key = made(rate="20/h")
    asked = [certificate(shown["clean"])] * 60
    began = timezone.now().hour
    answered = statuses(all_at_once(running, BY_DATA, asked, key))
    assert sum(use(row, "requests")) == 60
    if timezone.now().hour == began:
        assert answered == {200: 20, 429: 40}
    else:
        assert 20 <= answered[200] <= 40 and answered[200] + answered[429] == 60


def test_the_failures_that_are_told_are_exact(running, shown):
    row, key = made()
    answers = all_at_once(running, BY_CODE, map(wrong_code, range(A_DAY + 30)), key)
    answered = statuses(answers)
    days = use(row, "failures")
    assert answered[404] == sum(min(A_DAY, one) for one in days)
    assert answered[404] + answered[429] == A_DAY + 30
    assert use(row, "reports") == [0] * len(days)
    # Beyond the budget by one for each thread of the site at most.
    assert all(one <= A_DAY + 8 for one in days)
    waits = [int(a.headers["retry-after"]) for a in answers if a.status == 429]
    assert all(1 <= one <= 86400 for one in waits)


def test_the_failures_of_a_plate_that_are_told_are_exact(running, shown):
    row, key = made()
    vehicle = shown["clean"]
    asked = [
        certificate(vehicle, numero_formule=f"2019ZZ{number:05}")
        for number in range(24)
    ]
    answers = all_at_once(running, BY_DATA, asked, key)
    days = len(use(row, "failures"))
    assert statuses(answers)[404] == A_DAY_AND_PLATE * days
    # Those that were sought at the same moment are counted for the vehicle too, which may
    # then ask for more.
    refused = Counter(answer.problem for answer in answers if answer.status != 404)
    assert refused["too-many-failures"] > 0
    assert set(refused) <= {"too-many-failures", "vin-end-asked"}
    last = ask(running, BY_DATA, certificate(vehicle), key)
    assert last.status == 429 or len(use(row, "failures")) > days


def test_a_key_suspended_while_requests_are_answered(running, shown):
    """Whatever begins after the suspension is refused by every process."""
    row, key = made()
    demand = certificate(shown["clean"])

    def hammer(_: int) -> list[tuple[bool, int]]:
        seen = []
        while True:
            after = suspended[0]
            status = ask(running, BY_DATA, demand, key).status
            seen.append((after, status))
            if after or status not in (200, 403):
                return seen

    suspended = [False]
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(hammer, number) for number in range(8)]
        while sum(use(row, "reports")) < 8 and not all(one.done() for one in asking):
            time.sleep(0.02)
        row.refresh_from_db()
        row.suspend(timezone.now(), "essai")
        suspended[0] = True
        seen = [one for each in asking for one in each.result(60)]
    assert {status for after, status in seen if after} == {403}
    assert {status for after, status in seen if not after} <= {200, 403}
    given = sum(status == 200 for _, status in seen)
    assert given == sum(use(row, "reports")) >= 8


# Headers


def test_one_key_is_sent_once_and_alone(running, shown):
    _, key = made()
    unknown = "hv_" + "A" * 43
    body = json.dumps(certificate(shown["clean"])).encode()

    def status(*lines: str) -> int:
        answer = read(running.send(request(BY_DATA, body, *lines)))
        if answer.status != 200:
            assert answer.problem == "key-refused"
        return answer.status

    for lines in (
        [f"Authorization: Bearer {key}"],
        [f"authorization: bearer {key}"],
        [f"AUTHORIZATION: BEARER {key}"],
        [f"Authorization:Bearer {key}"],
        [f"Authorization:  \t Bearer   {key} \t "],
    ):
        assert status(*lines) == 200, lines
    for lines in (
        # Whichever of two counted, some other reader would take the other.
        [f"Authorization: Bearer {key}", f"Authorization: Bearer {unknown}"],
        [f"Authorization: Bearer {unknown}", f"Authorization: Bearer {key}"],
        [f"Authorization: Bearer {key}", f"Authorization: Bearer {key}"],
        [f"Authorization: Bearer {key}, Bearer {key}"],
        [f"Authorization: Bearer {key} {key}"],
        [f"Authorization: Bearer{key}"],
        [f"Authorization: Bearer\t{key}"],
        [f"Authorization: Bearer: {key}"],
        [f'Authorization: Bearer "{key}"'],
        [f"Authorization: Bearer {key.upper()}"],
        [f"Authorization: Bearer {key}\u00a0"],
        [f"Authorization: Token {key}"],
        [f"Authorization_: Bearer {key}"],
        [f"Proxy-Authorization: Bearer {key}"],
        [f"X-Authorization: Bearer {key}"],
        [f"X-Forwarded-Authorization: Bearer {key}"],
        [f"Cookie: Authorization=Bearer {key}"],
    ):
        assert status(*lines) == 401, lines


def test_no_header_changes_who_is_counted_or_what_is_asked(running, shown):
    row, key = made(daily_quota=3)
    body = json.dumps(certificate(shown["clean"])).encode()
    bearer = f"Authorization: Bearer {key}"
    for line in (
        "X-Forwarded-For: 192.0.2.7",
        "X-Partner: Autre",
        "X-HTTP-Method-Override: GET",
        'RateLimit: "reports";r=999',
    ):
        assert read(running.send(request(BY_DATA, body, bearer, line))).status in (
            200,
            429,
        )
    assert sum(use(row, "reports")) in (3, 4)
    assert sum(use(row, "requests")) == 4


# Every error


def test_every_error_is_a_problem(running, shown, spoilt):
    _, key = made()
    bearer = f"Authorization: Bearer {key}"
    good = json.dumps(certificate(shown["clean"])).encode()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(good), good)
    deep = b'{"vehicule":' * 600 + b"1" + b"}" * 600
    text, gzip = "Content-Type: text/plain", "Content-Encoding: gzip"
    for sent, status, name in [
        (request(BY_DATA, good, bearer), 200, None),
        (request(BY_DATA, b"{", bearer), 400, "invalid-request"),
        (request(BY_DATA, b'{"uuid": "\xff"}', bearer), 400, "invalid-request"),
        (request(BY_DATA, deep, bearer), 400, "invalid-request"),
        (request(BY_DATA, b"[" * 8192, bearer), 400, "invalid-request"),
        (request(BY_DATA, good), 401, "key-refused"),
        (request(BY_CODE, json.dumps(wrong_code(1)).encode(), bearer), 404,
         "report-not-found"),
        (request("/api/v1/nothing", good, bearer), 404, "no-such-path"),
        (request(BY_DATA + "/", good, bearer), 404, "no-such-path"),
        (request("/api/v1/../../etc/passwd", good, bearer), 404, "no-such-path"),
        (request(BY_DATA, b"", bearer, method="GET"), 405, "method-not-allowed"),
        (request(BY_DATA, b"", bearer, method="TRACE"), 405, "method-not-allowed"),
        (request("/api/v1/usage", good, bearer), 405, "method-not-allowed"),
        (request(BY_DATA, chunked, bearer, "Transfer-Encoding: chunked",
                 length=False), 411, "length-required"),
        (request(BY_DATA, good.ljust(8193), bearer), 413, "body-too-large"),
        (request(BY_DATA, good.ljust(3_000_000), bearer), 413, "body-too-large"),
        (request(BY_DATA, b"", bearer, "Content-Length: 99999999999", length=False),
         413, "body-too-large"),
        (request(BY_DATA, good, bearer, text), 415, "not-json"),
        (request(BY_DATA, good, bearer, gzip), 415, "not-json"),
        (request(BY_DATA, good, bearer).replace(b"127.0.0.1", b"elsewhere.example"),
         400, "invalid-request"),
    ]:  # fmt: skip
        answer = read(running.send(sent))
        assert answer.status == status, sent[:200]
        assert name is None or answer.problem == name, sent[:200]
        assert answer.headers["cache-control"] == "no-store"
        assert int(answer.headers["content-length"]) == len(answer.body)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_record SET sealed = sha256(sealed)")
    answer = read(running.send(request(BY_DATA, good, bearer)))
    assert (answer.status, answer.problem) == (500, "broken")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_release SET state = 'retired'")
    answer = read(running.send(request(BY_DATA, good, bearer)))
    assert (answer.status, answer.problem) == (503, "unavailable")
    assert answer.headers["retry-after"] == "60"


# Bodies


def test_a_body_gives_its_sender_nothing(running, shown):
    """Names of ours in a body are names that nobody reads."""
    row, key = made(scopes=["report_by_data"], daily_quota=50)
    plain = certificate(shown["clean"])
    before = PartnerKey.objects.values().get(pk=row.pk)
    ours = {
        "scopes": SCOPES,
        "rate": "90000/s",
        "daily_quota": None,
        "expires_at": "9999-12-31T00:00:00Z",
        "suspended_at": None,
        "key_id": 1,
        "partner": "Autre",
        "failures_today": 0,
        "wants_report": False,
        "granted": True,
        "is_withheld": False,
        "audience": "holder",
        "now": "2000-01-01T00:00:00Z",
        "release": 1,
        "__class__": "Partner",
        "__proto__": {"scopes": SCOPES},
    }
    inside = certificate(shown["clean"], **ours)
    inside["vehicule"] |= ours
    loaded = {**ours, **inside, "options": ours, "uuid": "x"}
    answers = [ask(running, BY_DATA, demand, key) for demand in (plain, loaded)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    assert ask(running, BY_CODE, {**loaded, **wrong_code(1)}, key).status == 403
    after = PartnerKey.objects.values().get(pk=row.pk)
    assert {**after, "last_used_on": None} == {**before, "last_used_on": None}
    assert sum(use(row, "reports")) == 2


def test_of_a_name_that_stands_twice_the_last_counts(running, shown):
    _, key = made()
    bearer = f"Authorization: Bearer {key}"
    good = json.dumps(certificate(shown["clean"]))[1:-1]
    bad = json.dumps(certificate(shown["clean"], numero_formule="2019ZZ99999"))[1:-1]
    for first, last, status in ((bad, good, 200), (good, bad, 404)):
        body = f"{{{first}, {last}}}".encode()
        assert read(running.send(request(BY_DATA, body, bearer))).status == status
