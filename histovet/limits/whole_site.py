"""How many tries of all visitors found nothing, for who runs the site: sums, of nobody.

The counters of networks, vehicles and partners have names that only the site can make.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from histovet.limits.clients import BRAKED, of_whole_site
from histovet.limits.keys import counter_digest
from histovet.statements import one_row


@dataclass(frozen=True)
class Failures:
    """Of this window of five minutes, and of the one before."""

    purpose: str
    now: int
    before: int

    @property
    def is_braked(self) -> bool:
        return max(self.now, self.before) >= settings.BRAKE_FAILURES


def failures(now: dt.datetime) -> list[Failures]:
    return [
        Failures(purpose, *map(_counted, of_whole_site(purpose, now)))
        for purpose in BRAKED
    ]


def live_counters() -> int:
    row = one_row("SELECT limits_live_counters()", ())
    return 0 if row is None else row[0]


def _counted(name: str) -> int:
    digest = counter_digest(cache.make_key(name))
    row = one_row("SELECT limits_read_counter(%s)", (digest,))
    return 0 if row is None or row[0] is None else row[0]
