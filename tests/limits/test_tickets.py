"""One ticket at a time for a network, ripe after a while, good once."""

import datetime as dt
import threading

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from histovet.limits import tickets
from histovet.limits.errors import TicketRefused, TicketUnripe

pytestmark = pytest.mark.django_db

# At noon: a ticket is of one UTC day.
NOW = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
WAIT = dt.timedelta(seconds=tickets.WAIT_SECONDS)
LIFE = dt.timedelta(seconds=tickets.LIFE_SECONDS)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


def at(address="192.0.2.1", **headers):
    return RequestFactory(headers=headers).post("/", REMOTE_ADDR=address)


def given(request=None, purpose="seller", now=NOW):
    ticket = tickets.give(request or at(), purpose, now)
    assert ticket is not None
    return ticket.text


def refused(text, request=None, purpose="seller", now=NOW + WAIT):
    with pytest.raises(TicketRefused) as caught:
        tickets.spend(text, request or at(), purpose, now)
    return caught.value.code


def test_a_ticket_is_ripe_after_a_while_and_good_once():
    text = given()
    for early in (NOW, NOW + WAIT - SECOND):
        with pytest.raises(TicketUnripe) as caught:
            tickets.spend(text, at(), "seller", early)
        assert caught.value.wait_seconds == (NOW + WAIT - early).total_seconds()
    tickets.spend(text, at(), "seller", NOW + WAIT)
    assert refused(text) == "used"


def test_a_ticket_is_over_after_some_minutes():
    text = given()
    assert refused(text, now=NOW + LIFE) == "unreadable"
    tickets.spend(text, at(), "seller", NOW + LIFE - SECOND)


@pytest.mark.parametrize(
    ("address", "purpose"),
    [("192.0.2.2", "seller"), ("2001:db8::1", "seller"), ("192.0.2.1", "car")],
)
def test_a_ticket_is_good_where_it_was_given_alone(address, purpose):
    assert refused(given(), at(address), purpose) == "elsewhere"


def test_a_ticket_is_not_good_on_the_next_day():
    late = NOW.replace(hour=23, minute=59, second=30)
    assert refused(given(now=late), now=late + 2 * WAIT) == "elsewhere"


@pytest.mark.parametrize("text", ["", "x", "é", "AAAA", "A" * 64, "A" * 201])
def test_what_is_no_ticket_is_refused(text):
    assert refused(text) == "unreadable"


def test_a_network_has_one_at_a_time():
    text = given()
    assert tickets.give(at(), "seller", NOW) is None
    assert tickets.give(at(), "seller", NOW + WAIT) is None
    # Others have theirs, and so have other pages.
    given(at("192.0.2.2"))
    given(purpose="car")
    tickets.spend(text, at(), "seller", NOW + WAIT)
    again = given(now=NOW + WAIT)
    assert refused(text) == "used"
    assert tickets.give(at(), "seller", NOW + WAIT) is None
    tickets.spend(again, at(), "seller", NOW + 2 * WAIT)


def test_a_ticket_that_is_not_needed_leaves_the_next_one():
    text = given()
    tickets.give_back(text, at(), "seller", NOW)
    assert refused(text) == "used"
    given()


def test_a_forged_header_is_given_no_other_ticket():
    given()
    forged = at(**{"X-Forwarded-For": "203.0.113.7"})
    assert tickets.give(forged, "seller", NOW) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_given_and_one_is_taken():
    given_to, taken = [], []

    def at_once(action):
        begin = threading.Barrier(6)

        def run():
            try:
                begin.wait()
                action()
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    at_once(lambda: given_to.append(tickets.give(at(), "seller", NOW)))
    (ticket,) = [one for one in given_to if one]
    assert len(given_to) == 6

    def spend():
        try:
            tickets.spend(ticket.text, at(), "seller", NOW + WAIT)
        except TicketRefused as refusal:
            taken.append(refusal.code)
        else:
            taken.append("taken")

    at_once(spend)
    assert sorted(taken) == ["taken"] + ["used"] * 5
