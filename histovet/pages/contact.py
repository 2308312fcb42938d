"""A message to who runs the site, without what names a vehicle or opens its report.

It is sent, and kept nowhere here: no table, no log, no cookie.
"""

from __future__ import annotations

import smtplib

from django import forms
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, override

from histovet.pages.redaction import Kind, redacted

MESSAGE_MAX = 3000
# Source: RFC 5321, section 4.5.3.1.3.
ADDRESS_MAX = 254

# Value of the field → what it is called on the page; the mail has the French.
SUBJECTS = {
    "introuvable": gettext_noop("Un véhicule introuvable"),
    "erreur": gettext_noop("Une erreur dans un rapport"),
    "lien": gettext_noop("Un lien ou un document"),
    "donnees": gettext_noop("Mes données personnelles"),
    "accessibilite": gettext_noop("L’accessibilité du site"),
    "partenaire": gettext_noop("Devenir partenaire"),
    "autre": gettext_noop("Autre chose"),
}


class NotSent(Exception):
    """The mail server did not take the message."""


class ContactForm(forms.Form):
    subject = forms.ChoiceField(
        choices=list(SUBJECTS.items()),
        # Django's own "invalid choice" repeats what was sent.
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Choisissez de quoi il s’agit.")
        ),
    )
    message = forms.CharField(
        max_length=MESSAGE_MAX,
        error_messages={
            "required": _("Écrivez votre message."),
            "max_length": _(
                "Votre message est trop long : il peut avoir 3 000 caractères. "
                "Raccourcissez-le."
            ),
        },
    )
    email = forms.EmailField(
        required=False,
        max_length=ADDRESS_MAX,
        error_messages=dict.fromkeys(
            ("invalid", "max_length"),
            _(
                "Cette adresse électronique est incomplète. Elle ressemble à "
                "nom@exemple.fr."
            ),
        ),
    )

    def subjects(self) -> list[tuple[str, str]]:
        return [(value, str(_(label))) for value, label in SUBJECTS.items()]


def is_open() -> bool:
    """Tell whether messages have somewhere to go."""
    return bool(settings.CONTACT_TO)


def send(form: ContactForm) -> tuple[Kind, ...]:
    """Send what a valid form holds; return what was taken away. Raises NotSent."""
    found = redacted(form.cleaned_data["message"])
    address = form.cleaned_data["email"]
    label = SUBJECTS[form.cleaned_data["subject"]]
    with override("fr"):
        subject = str(_(label))
    message = EmailMessage(
        # No word of a visitor stands in a header but the address to answer to, which
        # was checked to be one.
        subject=f"histovet : {subject}",
        body=f"{found.text}\n\n-- \n{_answer_to(address)}\n",
        from_email=settings.CONTACT_FROM,
        to=[settings.CONTACT_TO],
        reply_to=[address] if address else None,
    )
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as exc:
        raise NotSent from exc
    return found.kinds


def _answer_to(address: str) -> str:
    if address:
        return f"Réponse à {address}"
    return "Sans adresse de réponse"
