import logging
import threading

import pytest

from histovet.inspections.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.lets_through()
        breaker.failed("timeout")


def test_two_failures_in_a_row_are_let_be(breaker):
    fail(breaker, 2)
    assert breaker.lets_through()


def test_the_third_failure_in_a_row_opens_it_for_thirty_seconds(breaker, clock):
    fail(breaker, 3)
    assert not breaker.lets_through()
    clock.now += 29.9
    assert not breaker.lets_through()
    clock.now += 0.2
    assert breaker.lets_through()


def test_a_success_in_between_starts_the_count_again(breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.lets_through()


def test_after_the_pause_one_alone_goes(breaker, clock):
    fail(breaker, 3)
    clock.now += 31
    assert breaker.lets_through()
    assert not breaker.lets_through()


def test_one_that_comes_back_well_closes_it(breaker, clock):
    fail(breaker, 3)
    clock.now += 31
    assert breaker.lets_through()
    breaker.succeeded()
    assert breaker.lets_through()
    fail(breaker, 2)
    assert breaker.lets_through()


def test_one_that_fails_opens_it_again_at_once(breaker, clock):
    fail(breaker, 3)
    clock.now += 31
    fail(breaker, 1)
    clock.now += 29
    assert not breaker.lets_through()
    clock.now += 2
    assert breaker.lets_through()


def test_one_that_never_comes_back_does_not_keep_it_open_for_ever(breaker, clock):
    fail(breaker, 3)
    clock.now += 31
    assert breaker.lets_through()
    clock.now += 31
    assert breaker.lets_through()


@pytest.mark.parametrize(("asked", "left"), [(5, 5), (120, 120), (86400, 600)])
def test_a_pause_that_the_source_asks_for_is_kept_up_to_ten_minutes(
    breaker, clock, asked, left
):
    assert breaker.lets_through()
    breaker.failed("status_429", asked)
    clock.now += left - 0.1
    assert not breaker.lets_through()
    clock.now += 0.2
    assert breaker.lets_through()


def test_what_fails_late_does_not_shorten_the_pause(breaker, clock):
    for _ in range(4):
        assert breaker.lets_through()
    breaker.failed("status_429", 300)
    for _ in range(3):
        breaker.failed("timeout")
    clock.now += 100
    assert not breaker.lets_through()


def test_what_succeeds_late_does_not_close_it(breaker):
    assert breaker.lets_through()
    fail(breaker, 3)
    breaker.succeeded()
    assert not breaker.lets_through()


def test_it_logs_one_line_when_it_opens_and_one_when_it_closes(breaker, clock, caplog):
    caplog.set_level(logging.DEBUG)
    fail(breaker, 3)
    clock.now += 31
    fail(breaker, 1)
    clock.now += 31
    assert breaker.lets_through()
    breaker.succeeded()
    assert [record.getMessage() for record in caplog.records] == [
        "utac opened: it is left alone reason=timeout seconds=30",
        "utac closed: it is asked again",
    ]


def test_many_threads_send_one_alone(breaker, clock):
    fail(breaker, 3)
    clock.now += 31
    start, gone = threading.Barrier(8), []

    def go() -> None:
        start.wait()
        gone.append(breaker.lets_through())

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gone) == [False] * 7 + [True]
