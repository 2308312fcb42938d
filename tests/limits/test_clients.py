import datetime as dt
import ipaddress

import pytest
from django.test import RequestFactory

from histovet.limits.clients import (
    BUDGETS,
    client_address,
    count_failure,
    has_failures_left,
)

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def asked_from(remote, forwarded=None):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return RequestFactory(headers=headers).get("/", REMOTE_ADDR=remote)


@pytest.fixture
def proxies(settings):
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("10.0.0.0/24"),)


@pytest.mark.parametrize(
    ("remote", "forwarded", "counted"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.7, 10.0.0.6", "198.51.100.7"),
        ("10.0.0.5", "198.51.100.7, nonsense", "10.0.0.5"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_header_counts_as_far_as_trusted_proxies_wrote_it(
    proxies, remote, forwarded, counted
):
    assert client_address(asked_from(remote, forwarded)) == ipaddress.ip_address(
        counted
    )


def test_the_peer_of_a_socket_is_believed_by_setting_alone(settings):
    settings.TRUST_SOCKET_PEER = False
    assert client_address(asked_from("", "198.51.100.7")) is None
    settings.TRUST_SOCKET_PEER = True
    expected = ipaddress.ip_address("198.51.100.7")
    assert client_address(asked_from("", "198.51.100.7")) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("one", "beside"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1")],
)
def test_an_address_has_its_budget_and_leaves_its_neighbour_theirs(one, beside):
    version = ipaddress.ip_address(one).version
    budget = max(BUDGETS[version].items())[1]
    for _ in range(budget):
        assert has_failures_left(asked_from(one), "seller", NOW)
        count_failure(asked_from(one), "seller", NOW)
    assert not has_failures_left(asked_from(one), "seller", NOW)
    assert has_failures_left(asked_from(beside), "seller", NOW)
    assert has_failures_left(asked_from(one), "other", NOW)
    assert has_failures_left(asked_from(one), "seller", NOW + dt.timedelta(days=1))


@pytest.mark.django_db
def test_a_network_of_many_addresses_has_one_too():
    for last in range(1, 151):
        assert has_failures_left(asked_from(f"192.0.2.{last}"), "seller", NOW)
        count_failure(asked_from(f"192.0.2.{last}"), "seller", NOW)
    assert not has_failures_left(asked_from("192.0.2.200"), "seller", NOW)
    assert has_failures_left(asked_from("192.0.3.1"), "seller", NOW)
