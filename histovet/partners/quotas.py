"""How often a key may ask: its rate counts requests, its daily quota reports."""

from __future__ import annotations

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from histovet.partners.auth import Partner
from histovet.partners.problems import Problem, Refused


def count_request(request: HttpRequest, partner: Partner) -> None:
    """Raise Refused when the key has reached its rate."""
    _count(request, partner, "partners.rate", partner.rate, Problem.RATE_EXCEEDED)


def count_report(request: HttpRequest, partner: Partner) -> None:
    """Raise Refused when the key has had its reports of the day."""
    if partner.daily_quota is not None:
        _count(
            request,
            partner,
            "partners.quota",
            f"{partner.daily_quota}/d",
            Problem.QUOTA_EXCEEDED,
        )


def _count(
    request: HttpRequest, partner: Partner, group: str, rate: str, problem: Problem
) -> None:
    # The number of a key, since it is no person and no vehicle: the cache stores an
    # HMAC of it. A value that changed at midnight would give two quotas in one window.
    value = str(partner.key_id)
    usage = get_usage(
        request, group=group, key=lambda *_: value, rate=rate, increment=True
    )
    if usage and usage["should_limit"]:
        # A window of one second ends within it.
        raise Refused(problem, retry_after_seconds=max(1, usage["time_left"]))
