"""Rules of who runs the site and of the mail they get.

histovet.E061  it is not said who runs the site, as the law wants it
histovet.E062  messages have a server and no sender or recipient, or the reverse; a name
               for it and no password, or the reverse
histovet.E063  messages, or the password of their server, would travel in clear
histovet.E064  the security contact is no address that a program understands
histovet.W065  security.txt is not served: no contact, or its day is over
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

AppConfigs = Sequence[AppConfig] | None

_THIS_MACHINE = frozenset(("localhost", "127.0.0.1", "::1"))


# Where the site is served: whoever migrates or purges needs none of it.
@register("histovet", deploy=True)
def somebody_answers_for_the_site(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.DEVELOPMENT or not (missing := settings.IMPRINT.missing):
        return
    yield Error(
        f"HISTOVET_IMPRINT does not say: {', '.join(missing)}.",
        hint="Write a TOML file with them, as docs/pages.md shows: the law wants them "
        "on the site, and without them nobody can use their rights.",
        id="histovet.E061",
    )


@register("histovet")
def messages_have_a_way(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    named = {
        "HISTOVET_CONTACT_FROM": settings.CONTACT_FROM,
        "HISTOVET_CONTACT_TO": settings.CONTACT_TO,
    }
    if not settings.DEVELOPMENT:
        named["HISTOVET_SMTP_HOST"] = settings.EMAIL_HOST
    if any(named.values()) and not all(named.values()):
        absent = ", ".join(name for name, value in named.items() if not value)
        yield Error(
            f"The contact form is half set up; {absent} is missing.",
            hint="Set all three, or none: the contact page then shows the address and "
            "telephone of HISTOVET_IMPRINT alone.",
            id="histovet.E062",
        )
    who = {
        "HISTOVET_SMTP_USER": settings.EMAIL_HOST_USER,
        "HISTOVET_SMTP_PASSWORD_FILE": settings.EMAIL_HOST_PASSWORD,
    }
    there = [name for name, value in who.items() if value]
    if len(there) == 1 or (there and not settings.EMAIL_HOST):
        lacking = [name for name in who if name not in there]
        if not settings.EMAIL_HOST:
            lacking.append("HISTOVET_SMTP_HOST")
        yield Error(
            f"{' and '.join(there)} is set, and {' and '.join(lacking)} is not.",
            hint="A mail server wants both a name and its password, or neither.",
            id="histovet.E062",
        )
    for name in ("HISTOVET_CONTACT_FROM", "HISTOVET_CONTACT_TO"):
        if named[name] and not _is_mailbox(named[name]):
            yield Error(
                f"{name} is no e-mail address.",
                hint="Write one address, without a name beside it.",
                id="histovet.E062",
            )


@register("histovet")
def messages_travel_sealed(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    is_sealed = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    host = settings.EMAIL_HOST
    if host and not is_sealed and host not in _THIS_MACHINE:
        yield Error(
            "HISTOVET_SMTP_SECURITY is none, and HISTOVET_SMTP_HOST another machine.",
            hint="Use starttls or tls; none is for a mail server on this machine.",
            id="histovet.E063",
        )


@register("histovet", deploy=True)
def researchers_find_whom_to_tell(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    imprint = settings.IMPRINT
    # Source: RFC 9116, section 2.5.3.
    if imprint.security and not imprint.security.startswith(("mailto:", "https://")):
        yield Error(
            "The security contact of HISTOVET_IMPRINT is no address.",
            hint="Write mailto:name@host, or https://host/page.",
            id="histovet.E064",
        )
    if settings.DEVELOPMENT:
        return
    # No error: a day that passes must not keep the site from starting.
    until = imprint.security_until
    if not imprint.security or until is None or until <= timezone.localdate():
        yield Warning(
            "security.txt is not served.",
            hint="Write security and security_until into HISTOVET_IMPRINT; the day is "
            "to be less than a year ahead (RFC 9116, section 2.5.5).",
            id="histovet.W065",
        )


def _is_mailbox(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        # Django wants a dot in a host, which a name of this machine has not.
        return text.endswith("@localhost") and text.count("@") == 1
    return True
