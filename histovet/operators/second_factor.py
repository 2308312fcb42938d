"""The second factor: a code of six digits that changes every 30 seconds, and recovery
codes for when the telephone is lost. Each code is used once.

Source: RFC 6238; pseudonymizer/SPEC.md section 13.
"""

from __future__ import annotations

import base64
import datetime as dt
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from histovet.operators.keys import factor_keys
from histovet.operators.models import Account, RecoveryCode
from pseudonymizer.envelope import Hmac
from pseudonymizer.errors import EnvelopeError, KeyRingError

logger = logging.getLogger(__name__)

STEP_SECONDS = 30
# A clock may be one step ahead or behind. Source: RFC 6238, section 5.2.
DRIFT_STEPS = 1
RECOVERY_CODES = 10
# Of a recovery code: 80 bits, 16 characters.
_RECOVERY_BYTES = 10
# What RFC 4226 recommends, section 4, R6.
_SECRET_BYTES = 20
_RECOVERY_KEY_BYTES = 32
_ISSUER = "histovet"

_SIX_DIGITS = re.compile("[0-9]{6}")
_RECOVERY = re.compile("[A-Z2-7]{16}")


@dataclass(frozen=True)
class Factor:
    secret: bytes = field(repr=False)
    recovery_key: bytes = field(repr=False)

    @classmethod
    def new(cls, random: Callable[[int], bytes] = secrets.token_bytes) -> Factor:
        return cls(random(_SECRET_BYTES), random(_RECOVERY_KEY_BYTES))

    @classmethod
    def of(cls, account: Account) -> Factor:
        """Raises EnvelopeError, KeyRingError."""
        content = factor_keys().open(
            account.name, bytes(account.factor), account.key_version
        )
        return cls(content[:_SECRET_BYTES], content[_SECRET_BYTES:])

    def seal_for(self, account: Account) -> None:
        """Set the account's columns, which the caller stores."""
        keys = factor_keys()
        account.factor = keys.seal(account.name, self.secret + self.recovery_key)
        account.key_version = keys.active

    def address(self, name: str) -> str:
        """Return what a QR code tells the telephone."""
        return self._totp.get_provisioning_uri(name, _ISSUER)

    def typed(self) -> str:
        """Return the secret as it is typed where no camera is."""
        return grouped(base64.b32encode(self.secret).decode())

    def code(self, step: int) -> str:
        return self._totp.generate(step * STEP_SECONDS).decode()

    def step_of(self, code: str, now: dt.datetime, *, after: int) -> int | None:
        """Return the step whose code this is, within the drift and newer than `after`;
        None when it is none."""
        current = int(now.timestamp()) // STEP_SECONDS
        found = None
        # Each is compared, whichever fits.
        for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
            if secrets.compare_digest(self.code(step), code) and step > after:
                found = step
        return found

    def recovery_digest(self, code: str) -> bytes:
        return Hmac(self.recovery_key).digest(code.encode("ascii"))

    @property
    def _totp(self) -> TOTP:
        # SHA-1 is what every application for telephones knows; as an HMAC it is sound.
        return TOTP(self.secret, 6, SHA1(), STEP_SECONDS)  # nosec B303


def spend(account: Account, code: str, now: dt.datetime) -> bool:
    """Use the code for this account; return whether it was one that was not yet used."""
    try:
        factor = Factor.of(account)
    except (EnvelopeError, KeyRingError):
        logger.error(
            "the second factor of an operator cannot be opened: its row was changed, or "
            "the key ring is another; run: python manage.py operator reset"
        )
        return False
    plain = re.sub(r"[\s-]", "", code).upper()
    if _SIX_DIGITS.fullmatch(plain):
        step = factor.step_of(plain, now, after=account.factor_step)
        if step is None:
            return False
        # Of two requests with one code the second finds the step taken.
        fresh = Account.objects.filter(pk=account.pk, factor_step__lt=step)
        return fresh.update(factor_step=step) == 1
    if _RECOVERY.fullmatch(plain):
        unused = RecoveryCode.objects.filter(
            account=account, digest=factor.recovery_digest(plain), used_at=None
        )
        return unused.update(used_at=now) == 1
    return False


def give_recovery_codes(
    account: Account,
    factor: Factor,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> list[str]:
    """Return new codes, which cannot be had again, in place of all older ones."""
    RecoveryCode.objects.filter(account=account).delete()
    codes = [
        base64.b32encode(random(_RECOVERY_BYTES)).decode()
        for _ in range(RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(account=account, digest=factor.recovery_digest(code))
        for code in codes
    )
    return [grouped(code) for code in codes]


def grouped(text: str) -> str:
    """Return the text in groups of four, for people to copy."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
