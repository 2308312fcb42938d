"""How often a key may ask: its rate counts requests, its daily quota reports."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from histovet.partners.auth import Partner
from histovet.partners.problems import Problem, Refused


def count_request(request: HttpRequest, partner: Partner) -> None:
    """Raise Refused when the key has reached its rate."""
    usage = _usage(request, partner, "partners.rate", partner.rate, increment=True)
    if usage and usage["should_limit"]:
        raise _refused(Problem.RATE_EXCEEDED, usage)


def refuse_without_quota(request: HttpRequest, partner: Partner) -> None:
    """Raise Refused when the key has had its reports of the day."""
    usage = _reports(request, partner, increment=False)
    if usage and usage["count"] >= usage["limit"]:
        raise _refused(Problem.QUOTA_EXCEEDED, usage)


def count_report(request: HttpRequest, partner: Partner) -> None:
    """Raise Refused when another request had the last report of the day."""
    usage = _reports(request, partner, increment=True)
    if usage and usage["should_limit"]:
        raise _refused(Problem.QUOTA_EXCEEDED, usage)


def _reports(
    request: HttpRequest, partner: Partner, *, increment: bool
) -> dict[str, Any] | None:
    if partner.daily_quota is None:
        return None
    rate = f"{partner.daily_quota}/d"
    return _usage(request, partner, "partners.quota", rate, increment=increment)


def _usage(
    request: HttpRequest, partner: Partner, group: str, rate: str, *, increment: bool
) -> dict[str, Any] | None:
    # The number of a key, since it is no person and no vehicle: the cache stores an
    # HMAC of it. A value that changed at midnight would give two quotas in one window.
    value = str(partner.key_id)
    return get_usage(
        request, group=group, key=lambda *_: value, rate=rate, increment=increment
    )


def _refused(problem: Problem, usage: dict[str, Any]) -> Refused:
    # A window of one second ends within it.
    return Refused(problem, retry_after_seconds=max(1, usage["time_left"]))
