"""How UTAC is reached, as the settings say."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Access:
    """`url` ends without a slash; `user`, `password` and `token` may be empty."""

    url: str
    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    certificate: Path | None
    private_key: Path | None
    authority: Path | None
    timeout_seconds: float


def configured() -> Access | None:
    """Return None when UTAC is not to be asked."""
    if not settings.UTAC_URL:
        return None
    return Access(
        settings.UTAC_URL,
        settings.UTAC_USER,
        settings.UTAC_PASSWORD,
        settings.UTAC_TOKEN,
        settings.UTAC_CERTIFICATE,
        settings.UTAC_PRIVATE_KEY,
        settings.UTAC_CA,
        settings.UTAC_TIMEOUT_SECONDS,
    )


def tls_context(access: Access) -> ssl.SSLContext:
    """Return a context that trusts `authority` alone, or the system's without one, and
    shows our certificate if there is one.

    Raises OSError (ssl.SSLError is one) for a file that cannot be used.
    """
    context = ssl.create_default_context(cafile=access.authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if access.certificate and access.private_key:
        # A password for a key that needs none is not asked for; without it OpenSSL
        # would ask on the terminal.
        context.load_cert_chain(access.certificate, access.private_key, password="")  # nosec B106
    return context
