"""Under which names attempts are counted: nothing stored names who made them."""

import datetime as dt
import functools

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import Hmac

DIGEST_BYTES = 16


def throttle_value(purpose: str, value: str, day: dt.date) -> str:
    """Return 32 hexadecimal digits for a client, a vehicle or a partner on one UTC day.

    Without the site's key ring nobody can tell what they stand for, or which of
    tomorrow's stand for the same.
    """
    named = purpose.encode()
    message = b"%c%b%b%b" % (
        len(named),
        named,
        day.isoformat().encode("ascii"),
        value.encode(),
    )
    return _keyed("throttle").digest(message)[:DIGEST_BYTES].hex()


def counter_digest(name: str) -> bytes:
    """Return the 16 bytes under which the counter of this name is stored."""
    return _keyed("counter").digest(name.encode())[:DIGEST_BYTES]


@functools.cache
def _keyed(label: str) -> Hmac:
    return Hmac(site_ring().derive(label))
