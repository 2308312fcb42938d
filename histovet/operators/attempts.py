"""How many tries to sign in may fail, in a quarter of an hour that begins on the clock.

By account and network, by network, by account: none is a lock for ever, and who guesses
from elsewhere uses up their own network first.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.http import HttpRequest

from histovet.limits.clients import networks
from histovet.operators.keys import digests
from histovet.operators.models import Attempt
from histovet.statements import one_row

WINDOW_MINUTES = 15
# What they leave to who knows the password and guesses codes: docs/operators.md.
OF_ACCOUNT_AND_NETWORK = 5
OF_NETWORK = 20
OF_ACCOUNT = 20


def count(request: HttpRequest, name: str, now: dt.datetime) -> list[bytes] | None:
    """Count one more try, before it is looked at; None when a budget was used up.

    What is returned is taken back by `forgive` when the try succeeds.
    """
    window, budgets = _window(now), _budgets(request, name)
    used_up = Attempt.objects.filter(tag__in=list(budgets), window=window)
    counted = {bytes(one.tag): one.failures for one in used_up}
    if any(counted.get(tag, 0) >= budget for tag, budget in budgets.items()):
        return None
    # In one order, so that two tries never wait for each other.
    tags = sorted(budgets)
    with transaction.atomic():
        totals = [_one_more(tag, window) for tag in tags]
    # Of tries at the same moment those beyond the budget are not looked at.
    if any(total > budgets[tag] for tag, total in zip(tags, totals, strict=True)):
        return None
    return tags


def forgive(tags: list[bytes], now: dt.datetime) -> None:
    with transaction.atomic():
        for tag in tags:
            one_row(
                "UPDATE operators_attempt SET failures = failures - 1"
                ' WHERE tag = %s AND "window" = %s AND failures > 0 RETURNING failures',
                (tag, _window(now)),
            )


def seconds_left(now: dt.datetime) -> int:
    """Return for how long a budget that is used up stays so."""
    ends = _window(now) + dt.timedelta(minutes=WINDOW_MINUTES)
    return max(1, int((ends - now).total_seconds()))


def purge(now: dt.datetime) -> None:
    Attempt.objects.filter(window__lt=_window(now)).delete()


def _one_more(tag: bytes, window: dt.datetime) -> int:
    row = one_row(
        'INSERT INTO operators_attempt AS a (tag, "window", failures)'
        ' VALUES (%s, %s, 1) ON CONFLICT (tag, "window")'
        " DO UPDATE SET failures = a.failures + 1 RETURNING failures",
        (tag, window),
    )
    return 0 if row is None else row[0]


def _window(now: dt.datetime) -> dt.datetime:
    minute = now.minute - now.minute % WINDOW_MINUTES
    return now.replace(minute=minute, second=0, microsecond=0)


def _budgets(request: HttpRequest, name: str) -> dict[bytes, int]:
    network = next(iter(networks(request)))
    return {
        _tag(f"both\0{name}\0{network}"): OF_ACCOUNT_AND_NETWORK,
        _tag(f"network\0{network}"): OF_NETWORK,
        _tag(f"account\0{name}"): OF_ACCOUNT,
    }


def _tag(text: str) -> bytes:
    return digests("operator attempt", text.encode())[0]
