"""A proof that a browser has worked: a challenge of altcha, whose answer is good once.

A brake on load, and no protection: who tries on a large scale has machines. Source:
docs/guessing.md.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets

import altcha
from django.core.cache import cache

from histovet.limits.errors import ProofRefused
from histovet.vault.keys import site_ring

# For whoever corrects the form meanwhile; a replay is remembered as long.
LIFE_SECONDS = 600
# An answer is 500 bytes.
PAYLOAD_MAX = 4000

_ALGORITHM = "PBKDF2/SHA-256"
# The browser counts up to a number drawn here, each step so many rounds: 3 million
# rounds in the mean, never over 4 (docs/guessing.md has what that takes). Steps are
# short, since the site pays one for a challenge; it pays none for an answer.
_ROUNDS = 1_000
_STEPS_MIN, _STEPS_MAX = 2_000, 4_000


def challenge(purpose: str, now: dt.datetime) -> str:
    """Return the challenge as JSON, in the form of altcha's second version."""
    ring = site_ring()
    made = altcha.create_challenge(
        _ALGORITHM,
        _ROUNDS,
        counter=_STEPS_MIN + secrets.randbelow(_STEPS_MAX - _STEPS_MIN),
        expires_at=int(now.timestamp()) + LIFE_SECONDS,
        data={"purpose": purpose},
        hmac_secret=ring.derive("proof challenge"),
        hmac_key_secret=ring.derive("proof answer"),
    )
    return json.dumps(made.to_dict())


def spend(payload: str, purpose: str, now: dt.datetime) -> None:
    """Take an answer, as altcha's own widget would send it, for this one time.

    Raises ProofRefused.
    """
    if len(payload) > PAYLOAD_MAX:
        raise ProofRefused("unreadable")
    try:
        brought = altcha.Payload.from_base64(payload)
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise ProofRefused("unreadable") from exc
    _verify(brought)
    signed = brought.challenge.parameters
    # Of the site since the signature is: what it holds is what was put there.
    if signed.expires_at is None or signed.expires_at <= now.timestamp():
        raise ProofRefused("expired")
    if signed.data != {"purpose": purpose}:
        raise ProofRefused("purpose")
    # altcha knows of no replay. Remembered for longer than the answer is good, whatever
    # the clocks of site and database differ by.
    spent = f"proof:{brought.challenge.signature}"
    if not cache.add(spent, 1, 2 * LIFE_SECONDS):
        raise ProofRefused("used")


def _verify(brought: altcha.Payload) -> None:
    """Raises ProofRefused unless the site gave the challenge and this answers it."""
    ring = site_ring()
    for version in ring.versions:
        result = altcha.verify_solution(
            brought,
            ring.derive("proof challenge", version=version),
            hmac_key_secret=ring.derive("proof answer", version=version),
        )
        if result.verified:
            return
        if result.expired:
            raise ProofRefused("expired")
        if not result.invalid_signature:
            raise ProofRefused("solution")
    raise ProofRefused("signature")
