"""How many tries of a client's network may find nothing, in an hour.

Only failures are counted: twenty people behind one address who each find their own
vehicle all succeed.
"""

from __future__ import annotations

import datetime as dt
import ipaddress

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from histovet.limits.counting import count
from histovet.limits.keys import throttle_value

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

WINDOW_SECONDS = 3600
SITE_WINDOW_SECONDS = 300
# What a try may be for. The brake is on those that ask something of a vehicle.
BRAKED = ("seller", "opening", "car")
PURPOSES = (*BRAKED, "contact")
# Prefix length → failures an hour. One address may be a whole office or the gate of a
# mobile network; a wide network is many of them.
BUDGETS = {4: {32: 30, 24: 150}, 6: {64: 30, 56: 75, 48: 150}}


def client_address(request: HttpRequest) -> Address | None:
    """Return the address that counts, None on a socket whose peer is not trusted.

    A forwarding header is read from the right, through trusted proxies alone: what a
    client wrote into it stands further left.
    """
    remote = request.META.get("REMOTE_ADDR", "")
    address = parsed(remote) if remote else None
    if remote and (address is None or not _is_proxy(address)):
        return address
    if not remote and not settings.TRUST_SOCKET_PEER:
        return None
    for entry in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        forwarded = parsed(entry.strip())
        if forwarded is None:
            break
        address = forwarded
        if not _is_proxy(forwarded):
            break
    return address


def has_failures_left(request: HttpRequest, purpose: str, now: dt.datetime) -> bool:
    """Tell whether every network of the client is within its budget."""
    budgets = _budgets(request, purpose, now)
    counted = cache.get_many(budgets)
    return all(counted.get(key, 0) < budget for key, budget in budgets.items())


def count_failure(request: HttpRequest, purpose: str, now: dt.datetime) -> None:
    for key in _budgets(request, purpose, now):
        count(key, WINDOW_SECONDS)
    this_window, _ = of_whole_site(purpose, now)
    count(this_window, 2 * SITE_WINDOW_SECONDS)


def is_calm(request: HttpRequest, purpose: str, now: dt.datetime) -> bool:
    """Tell whether no network of the client has used a third of its budget, and few
    tries fail on the whole site."""
    budgets = _budgets(request, purpose, now)
    windows = dict.fromkeys(of_whole_site(purpose, now), settings.BRAKE_FAILURES)
    counted = cache.get_many([*budgets, *windows])
    return all(counted.get(key, 0) < limit for key, limit in windows.items()) and all(
        3 * counted.get(key, 0) < budget for key, budget in budgets.items()
    )


def failures_of_site(now: dt.datetime) -> dict[str, int]:
    """Return by purpose what the brake compares with HISTOVET_BRAKE_FAILURES."""
    windows = {purpose: of_whole_site(purpose, now) for purpose in PURPOSES}
    counted = cache.get_many([key for keys in windows.values() for key in keys])
    return {
        purpose: max(counted.get(key, 0) for key in keys)
        for purpose, keys in windows.items()
    }


def _budgets(request: HttpRequest, purpose: str, now: dt.datetime) -> dict[str, int]:
    """Return the name of each counter, which changes every UTC day, with its budget."""
    return {
        "clients:" + throttle_value(purpose, name, now.date()): budget
        for name, budget in networks(request).items()
    }


def networks(request: HttpRequest) -> dict[str, int]:
    """Return every network that the client stands in, with its budget; the narrowest
    comes first."""
    address = client_address(request)
    if address is None:
        # Nobody knows who asks: they all share the budget of one wide network.
        return {"unknown": 150}
    return {
        str(ipaddress.ip_network((address, prefix), strict=False)): budget
        for prefix, budget in BUDGETS[address.version].items()
    }


def of_whole_site(purpose: str, now: dt.datetime) -> tuple[str, str]:
    """Return the names of this window's counter and of the one's before: a storm that
    ends with a window is not forgotten at its end."""
    window = int(now.timestamp()) // SITE_WINDOW_SECONDS
    return f"site:{purpose}:{window}", f"site:{purpose}:{window - 1}"


def _is_proxy(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is the IPv4 client that a socket for both speaks of.
    return getattr(address, "ipv4_mapped", None) or address
