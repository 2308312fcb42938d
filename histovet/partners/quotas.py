"""How often a key may ask: its rate counts requests, its daily quota reports.

Both are counted by the statement that finds the key, before anything is read.
"""

from __future__ import annotations

import datetime as dt

from histovet.limits.counting import seconds_to_midnight
from histovet.partners.auth import Partner
from histovet.partners.problems import Problem, Refused
from histovet.statements import one_row

_SECONDS = {"s": 1, "m": 60, "h": 3600}
A_DAY_SECONDS = 86400


def rate_of(text: str) -> tuple[int, int]:
    """Return how many requests there may be in how many seconds."""
    count, _, unit = text.partition("/")
    return int(count), _SECONDS[unit]


def refuse_beyond_rate(partner: Partner, now: dt.datetime) -> None:
    """Raise Refused when this request is beyond the rate of the key."""
    limit, seconds = rate_of(partner.rate)
    if partner.use.window_requests > limit:
        raise Refused(
            Problem.RATE_EXCEEDED, retry_after_seconds=_seconds_left(now, seconds)
        )


def refuse_without_report(partner: Partner, now: dt.datetime) -> None:
    """Raise Refused when the key, within its rate, was given no report."""
    if not partner.use.granted:
        raise Refused(
            Problem.QUOTA_EXCEEDED, retry_after_seconds=seconds_to_midnight(now)
        )


def give_back(partner: Partner) -> None:
    """Take back the report that was counted for a request which is given none."""
    use = partner.use
    if not use.granted:
        return
    use.granted = False
    use.reports -= 1
    one_row(
        """
        UPDATE partners_use SET reports = reports - 1, night_reports = night_reports - %s
        WHERE key_id = %s AND day = %s
        RETURNING set_config('synchronous_commit', 'off', true)
        """,
        (int(use.is_night), partner.key_id, use.day),
    )


def limit_headers(partner: Partner, now: dt.datetime) -> dict[str, str]:
    """Return what is left. Source: draft-ietf-httpapi-ratelimit-headers-11."""
    limit, seconds = rate_of(partner.rate)
    policy = f'"rate";q={limit};w={seconds}'
    left = max(0, limit - partner.use.window_requests)
    state = f'"rate";r={left};t={_seconds_left(now, seconds)}'
    if partner.daily_quota is not None:
        policy += f', "reports";q={partner.daily_quota};w={A_DAY_SECONDS}'
        left = max(0, partner.daily_quota - partner.use.reports)
        state += f', "reports";r={left};t={seconds_to_midnight(now)}'
    return {"RateLimit-Policy": policy, "RateLimit": state}


def _seconds_left(now: dt.datetime, window: int) -> int:
    """Return whole seconds, at least one, after which another window has begun."""
    second = now.hour * 3600 + now.minute * 60 + now.second
    return window - second % window
