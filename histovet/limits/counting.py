"""One more of what is counted, from a first one that may come at any moment."""

import datetime as dt

from django.core.cache import cache


def count(key: str, seconds: float) -> int:
    """Return how many there are, this one included; the first begins a counter that
    lasts so many seconds."""
    while True:
        if cache.add(key, 1, seconds):
            return 1
        try:
            return cache.incr(key)
        except ValueError:
            # It expired in between, and this one is the first again.
            continue


def seconds_to_midnight(now: dt.datetime) -> int:
    """Return whole seconds, at least one, to the end of the UTC day."""
    return 24 * 3600 - (now.hour * 3600 + now.minute * 60 + now.second)
