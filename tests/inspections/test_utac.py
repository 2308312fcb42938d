"""The client against the stand-in, over real HTTP."""

import datetime as dt
import logging
import os
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from histovet.inspections import utac
from histovet.inspections.breaker import Breaker
from histovet.inspections.errors import AnswerRefused, UtacFailed, UtacPaused
from histovet.inspections.utac import Client
from histovet.local.utac import (
    RETRY_AFTER_SECONDS,
    Behaviour,
    drawn_inspections,
)
from pseudonymizer.records import Inspections
from tests.inspections.conftest import IN_TIME_SECONDS, TIMEOUT_SECONDS, access
from tests.inspections.vehicles import NOW, VIN

PLATE = "AB-123-CD"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(stand_in, clock):
    made = Client(access(stand_in.url), Breaker(clock))
    yield made
    made.close()


def ask(client: Client, now: dt.datetime = NOW) -> Inspections:
    return client.ask(PLATE, VIN, now)


def reason(client: Client) -> str:
    with pytest.raises(UtacFailed) as failed:
        ask(client)
    return failed.value.reason


@contextmanager
def within_the_time_out():
    before = time.monotonic()
    yield
    assert time.monotonic() - before < IN_TIME_SECONDS


def test_it_answers_what_utac_knows(client, stand_in):
    found = ask(client)
    drawn = drawn_inspections(VIN, NOW.date())
    assert len(found.inspections) == len(drawn) > 0
    assert found.inspections[0].mileage_km == drawn[-1]["ct_km"]
    assert found.updated == NOW.date() - dt.timedelta(days=1)
    assert stand_in.bodies == [{"immat": PLATE, "vin": VIN}]


def test_a_token_is_asked_for_once(client, stand_in):
    for _ in range(3):
        ask(client)
    assert stand_in.requests == {"GET /auth": 1, "POST /immat/search": 3}


def test_a_token_about_to_end_is_renewed(client, stand_in):
    stand_in.token_seconds = 20
    now = dt.datetime.now(dt.UTC)
    ask(client, now)
    ask(client, now)
    assert stand_in.requests["GET /auth"] == 2


def test_a_token_that_was_forgotten_is_renewed_within_one_question(client, stand_in):
    ask(client)
    stand_in.behaviour = Behaviour.FORGETFUL
    assert ask(client).inspections
    assert stand_in.requests == {"GET /auth": 2, "POST /immat/search": 3}


def test_threads_share_one_token(client, stand_in):
    threads = [threading.Thread(target=ask, args=(client,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stand_in.requests == {"GET /auth": 1, "POST /immat/search": 4}


def test_a_refused_password_is_a_failure_and_no_search(client, stand_in):
    stand_in.behaviour = Behaviour.UNAUTHORISED
    assert reason(client) == "status_401"
    assert stand_in.requests == {"GET /auth": 1}


def test_a_wrong_password_is_a_failure(stand_in, clock):
    client = Client(access(stand_in.url, password="wrong"), Breaker(clock))
    assert reason(client) == "status_401"


def test_tokens_that_are_never_good_are_renewed_once(client, stand_in):
    stand_in.token_seconds = -1
    assert reason(client) == "status_401"
    assert stand_in.requests == {"GET /auth": 2, "POST /immat/search": 2}


def test_the_production_header_goes_with_every_request(stand_in, clock):
    ask(Client(access(stand_in.url, token="ines"), Breaker(clock)))
    assert stand_in.headers["Token"] == "ines"


def test_without_one_there_is_no_such_header(client, stand_in):
    ask(client)
    assert "Token" not in stand_in.headers


@pytest.mark.parametrize("behaviour", [Behaviour.UNKNOWN, Behaviour.REFUSING])
def test_a_vehicle_that_is_not_known_has_no_inspection(client, stand_in, behaviour):
    stand_in.behaviour = behaviour
    found = ask(client)
    assert found.inspections == ()
    assert found.updated is not None


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (Behaviour.SLOW, "timeout"),
        (Behaviour.DRIP, "timeout"),
        (Behaviour.DOWN, "unreachable"),
        (Behaviour.MALFORMED, "no_json"),
        (Behaviour.TOO_MANY, "status_429"),
        (Behaviour.BROKEN, "status_500"),
        (Behaviour.REDIRECTING, "status_307"),
        (Behaviour.HUGE, "too_long"),
    ],
)
def test_a_failure_has_its_reason_and_ends_in_time(client, stand_in, behaviour, why):
    stand_in.behaviour = behaviour
    with within_the_time_out():
        assert reason(client) == why
    assert stand_in.requests["GET /elsewhere"] == 0
    assert stand_in.requests["POST /elsewhere"] == 0


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [(Behaviour.LYING, "other_vehicle"), (Behaviour.WRONG_SHAPE, "shape")],
)
def test_a_lie_is_refused_and_opens_nothing(client, stand_in, behaviour, why):
    stand_in.behaviour = behaviour
    for _ in range(5):
        with pytest.raises(AnswerRefused) as refused:
            ask(client)
        assert refused.value.reason == why


def test_a_refused_connection_is_a_failure(clock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(access(f"http://127.0.0.1:{port}"), Breaker(clock))
    with within_the_time_out():
        assert reason(client) == "unreachable"


def test_a_name_that_is_none_is_a_failure(clock):
    client = Client(access("http://nobody.invalid"), Breaker(clock))
    with within_the_time_out():
        assert reason(client) in ("unreachable", "timeout")


def test_a_server_that_takes_connections_and_is_silent_ends_in_time(clock):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = Client(access(url), Breaker(clock))
        with within_the_time_out():
            assert reason(client) == "timeout"


def test_a_handshake_that_never_ends_is_given_up_in_time(clock):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        client = Client(access(url), Breaker(clock))
        with within_the_time_out():
            assert reason(client) == "timeout"


def test_the_time_out_is_for_authentication_and_search_together(stand_in, clock):
    # Most of it goes by before the search begins.
    client = Client(access(stand_in.url), Breaker(clock))
    client._authenticating.acquire()
    release = threading.Timer(TIMEOUT_SECONDS * 0.8, client._authenticating.release)
    release.start()
    stand_in.behaviour = Behaviour.SLOW
    with within_the_time_out():
        assert reason(client) == "timeout"
    release.join()


def test_a_proxy_of_the_environment_is_not_used(client, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ask(client).inspections


def test_three_failures_leave_it_alone_and_it_recovers_by_itself(
    client, stand_in, clock
):
    stand_in.behaviour = Behaviour.BROKEN
    for _ in range(3):
        reason(client)
    before = stand_in.requests.total()
    with pytest.raises(UtacPaused):
        ask(client)
    assert stand_in.requests.total() == before
    stand_in.behaviour = Behaviour.OK
    clock.now += 31
    assert ask(client).inspections
    assert ask(client).inspections


def test_too_many_is_a_pause_as_long_as_it_says(client, stand_in, clock):
    stand_in.behaviour = Behaviour.TOO_MANY
    reason(client)
    stand_in.behaviour = Behaviour.OK
    clock.now += RETRY_AFTER_SECONDS - 1
    with pytest.raises(UtacPaused):
        ask(client)
    clock.now += 2
    assert ask(client).inspections


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60),
        (" 1 ", 1),
        ("0", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
        ("²", None),
        ("9" * 5000, 9_999_999_999),
        ("Thu, 26 Nov 2026 12:01:30 GMT", 90),
        ("Thu, 26 Nov 2026 11:59:00 GMT", None),
        ("Thu, 26 Nov 2026 12:01:30", None),
    ],
)
def test_retry_after_is_seconds_or_a_moment(text, seconds):
    now = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
    assert utac._seconds_to_wait(text, now) == seconds


def test_a_process_has_one_client(stand_in):
    first = utac.client(access(stand_in.url))
    assert utac.client(access(stand_in.url)) is first
    utac.client.cache_clear()


def test_a_forked_process_makes_its_own(stand_in):
    utac.client(access(stand_in.url))
    child = os.fork()
    if child == 0:
        os._exit(utac.client.cache_info().currsize)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    utac.client.cache_clear()


def test_nothing_of_the_vehicle_or_the_password_is_logged(client, stand_in, caplog):
    caplog.set_level(logging.DEBUG)
    ask(client)
    for behaviour in (Behaviour.LYING, Behaviour.BROKEN, Behaviour.MALFORMED):
        stand_in.behaviour = behaviour
        with pytest.raises((UtacFailed, AnswerRefused)):
            ask(client)
    text = caplog.text + "".join(map(repr, caplog.records))
    assert caplog.records
    for canary in (VIN, PLATE, "development"):
        assert canary not in text


def test_access_does_not_print_its_secrets():
    text = repr(access("http://127.0.0.1", password="verysecret", token="alsosecret"))
    assert "secret" not in text
