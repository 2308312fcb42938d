"""Rules between the settings by which UTAC is asked.

histovet.E031  it would be asked over plain http on another machine
histovet.E032  of two settings that need each other one is missing
histovet.E033  the certificate, its key or the authority cannot be used
histovet.E034  settings for UTAC although its address is not set
"""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from histovet.inspections.access import configured, tls_context

_PAIRS = (
    ("UTAC_USER", "HISTOVET_UTAC_USER", "UTAC_PASSWORD", "HISTOVET_UTAC_PASSWORD_FILE"),
    (
        *("UTAC_CERTIFICATE", "HISTOVET_UTAC_CERTIFICATE"),
        *("UTAC_PRIVATE_KEY", "HISTOVET_UTAC_PRIVATE_KEY"),
    ),
)

AppConfigs = Sequence[AppConfig] | None


@register("histovet")
def utac_is_asked_in_private(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    parts = urlsplit(settings.UTAC_URL)
    if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
        yield Error(
            "HISTOVET_UTAC_URL is plain http to another machine: whoever is in between "
            "reads which vehicles are looked at, and the password.",
            hint="Write https://; http is for a server on this machine.",
            id="histovet.E031",
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@register("histovet")
def utac_settings_are_whole(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    for first, first_name, second, second_name in _PAIRS:
        has_first, has_second = (bool(getattr(settings, n)) for n in (first, second))
        if has_first != has_second:
            there, missing = (
                (first_name, second_name) if has_first else (second_name, first_name)
            )
            yield Error(
                f"{there} is set and {missing} is not.",
                hint="Set both, or neither.",
                id="histovet.E032",
            )
    if settings.UTAC_URL and not settings.UTAC_USER and not settings.UTAC_PASSWORD:
        yield Error(
            "HISTOVET_UTAC_URL is set, and no name and password to authenticate with.",
            hint="Set HISTOVET_UTAC_USER and HISTOVET_UTAC_PASSWORD_FILE.",
            id="histovet.E032",
        )


@register("histovet")
def utac_certificates_can_be_used(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    access = configured()
    if access is None or bool(access.certificate) != bool(access.private_key):
        return
    try:
        tls_context(access)
    except OSError:
        yield Error(
            "The certificate, key or authority for UTAC cannot be used.",
            hint="HISTOVET_UTAC_CERTIFICATE and HISTOVET_UTAC_PRIVATE_KEY are PEM files "
            "of one pair, the key without a password; HISTOVET_UTAC_CA is one too.",
            id="histovet.E033",
        )


@register("histovet")
def utac_settings_have_an_address(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    named = {
        "HISTOVET_UTAC_USER": settings.UTAC_USER,
        "HISTOVET_UTAC_PASSWORD_FILE": settings.UTAC_PASSWORD,
        "HISTOVET_UTAC_TOKEN_FILE": settings.UTAC_TOKEN,
        "HISTOVET_UTAC_CERTIFICATE": settings.UTAC_CERTIFICATE,
        "HISTOVET_UTAC_PRIVATE_KEY": settings.UTAC_PRIVATE_KEY,
        "HISTOVET_UTAC_CA": settings.UTAC_CA,
    }
    there = [name for name, value in named.items() if value]
    if not settings.UTAC_URL and there:
        yield Error(
            f"UTAC is not asked: HISTOVET_UTAC_URL is not set, and {', '.join(there)} is.",
            hint="Set HISTOVET_UTAC_URL, or take the other HISTOVET_UTAC_ variables out.",
            id="histovet.E034",
        )
