"""One more of what is counted, from a first one that may come at any moment."""

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
