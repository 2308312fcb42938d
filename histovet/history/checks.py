"""Rules of the settings by which documents are signed.

histovet.E041  the key or the certificate cannot sign documents
histovet.E042  the key lies inside the repository
histovet.W043  the certificate is over, or not valid yet
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils import timezone

from histovet.history.signatory import SigningRefused, read

AppConfigs = Sequence[AppConfig] | None


@register("histovet")
def documents_can_be_signed(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.SIGNING_FILES is None:
        return
    try:
        found = read(*settings.SIGNING_FILES)
    except SigningRefused as exc:
        yield Error(f"{exc}.", hint=exc.hint, id="histovet.E041")
        return
    # No error: a certificate that ends must not keep the site from starting.
    if not found.is_valid(timezone.now()):
        yield Warning(
            "HISTOVET_SIGNING_CERTIFICATE names a certificate that is over, or not valid "
            "yet: no document is offered.",
            hint=f"It is valid from {found.not_before.date()} to "
            f"{found.not_after.date()}; docs/documents.md says how to renew it.",
            id="histovet.W043",
        )


@register("histovet")
def the_signing_key_is_apart(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.SIGNING_FILES is None or settings.DEVELOPMENT:
        return
    key, _certificate = settings.SIGNING_FILES
    if key.resolve().is_relative_to(settings.BASE_DIR):
        yield Error(
            "HISTOVET_SIGNING_KEY names a file inside the repository.",
            hint="Keep it where no copy, commit or image of the code takes it along, "
            "for example /etc/histovet/.",
            id="histovet.E042",
        )
