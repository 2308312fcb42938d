"""Failures of a network, and what a browser does then that is asked for a proof:
altcha's own solver, in Python."""

import html
import json
import re

import altcha
from django.test import RequestFactory
from django.utils import timezone

from histovet.limits import clients


def fail(times: int, purpose: str, address: str = "127.0.0.1") -> None:
    request = RequestFactory().post("/", REMOTE_ADDR=address)
    for _ in range(times):
        clients.count_failure(request, purpose, timezone.now())


def solved(challenge: str) -> str:
    """Return the answer to a challenge, given as JSON, as the form brings it."""
    asked = altcha.Challenge.from_dict(json.loads(challenge))
    solution = altcha.solve_challenge(asked, timeout=600)
    assert solution is not None
    return altcha.Payload(asked, solution).to_base64()


def challenge_in(page: str) -> str:
    (found,) = re.findall('data-challenge="([^"]*)"', page)
    return html.unescape(found)


def brought_by(page: str) -> dict[str, str]:
    """Return what the page's hidden fields hold, by name."""
    return dict(
        re.findall('type="hidden" name="(altcha|ticket)" value="([^"]*)"', page)
    )
