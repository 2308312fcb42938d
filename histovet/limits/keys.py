"""Under which names attempts are counted: nothing stored names who made them."""

import datetime as dt
import functools

from histovet.vault.keys import site_ring
from pseudonymizer.envelope import Hmac
from pseudonymizer.key_ring import KeyRing

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
    return _keyed(site_ring(), "throttle").digest(message)[:DIGEST_BYTES].hex()


def counter_digest(name: str) -> bytes:
    """Return the 16 bytes under which the counter of this name is stored."""
    return _keyed(site_ring(), "counter").digest(name.encode())[:DIGEST_BYTES]


# Two labels, of one ring.
@functools.lru_cache(maxsize=2)
def _keyed(ring: KeyRing, label: str) -> Hmac:
    return Hmac(ring.derive(label))
