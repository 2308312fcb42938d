"""How many searches for one vehicle may find nothing in a UTC day, whoever asks, until
each must also have the end of the VIN.

Never a lock: right data with the right third datum are answered, however many others
have guessed. The arithmetic: docs/adr/0010.
"""

from __future__ import annotations

import datetime as dt

from django.core.cache import cache
from django.http import HttpRequest

from histovet.limits import clients
from histovet.limits.counting import count, seconds_to_midnight
from histovet.limits.keys import counter_digest, throttle_value
from pseudonymizer.records import Identity

# Who copies a certificate succeeds within three tries or reads it again; what is beyond
# costs an honest person one line more.
A_DAY = 5
# Beyond it a network has for one vehicle, in the day, this part of what it has for all
# in an hour: 6 tries for an address, 30 for its /24 or /48.
SHARE = 5


def asks_vin_end(identity: Identity, now: dt.datetime) -> bool:
    """Tell whether the vehicle's failures of today are used up.

    Plates that stand for no vehicle have as many. Requests that run at the same moment
    may each pass: one try more for each thread of the site.
    """
    return is_beyond_budget(cache.get(_key(identity, now), 0))


def is_beyond_budget(failures: int) -> bool:
    """Tell of the failures of a vehicle's counter what `asks_vin_end` does."""
    return failures >= A_DAY


def counter(identity: Identity, now: dt.datetime) -> bytes:
    """Return the 16 bytes under which the vehicle's failures of today are stored."""
    return counter_digest(cache.make_key(_key(identity, now)))


def count_failure(identity: Identity, now: dt.datetime) -> bool:
    """Return whether the next search must have the end of the VIN."""
    return is_beyond_budget(count(_key(identity, now), seconds_to_midnight(now)))


def has_tries_left(request: HttpRequest, identity: Identity, now: dt.datetime) -> bool:
    """Tell whether every network of the client may still try the end of this VIN."""
    budgets = _budgets(request, identity, now)
    counted = cache.get_many(budgets)
    return all(counted.get(key, 0) < budget for key, budget in budgets.items())


def count_try(request: HttpRequest, identity: Identity, now: dt.datetime) -> None:
    """Count a search with the end of a VIN that found nothing."""
    for key in _budgets(request, identity, now):
        count(key, seconds_to_midnight(now))


def _key(identity: Identity, now: dt.datetime) -> str:
    return "vehicles:" + throttle_value("vehicle", _named(identity), now.date())


def _budgets(
    request: HttpRequest, identity: Identity, now: dt.datetime
) -> dict[str, int]:
    vehicle, today = _named(identity), now.date()
    return {
        "vehicles:"
        + throttle_value("network and vehicle", f"{name}\0{vehicle}", today): (
            budget // SHARE
        )
        for name, budget in clients.networks(request).items()
    }


def _named(identity: Identity) -> str:
    # Without the number or the date, which is what is guessed.
    return f"{identity.register}\0{identity.plate}"
