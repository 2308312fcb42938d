"""How long a link lives, and the codes that people type."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from histovet.sharing import codes
from histovet.sharing.codes import Kind, Unreadable
from histovet.sharing.links import LIVES_DAYS

# Longer than a whole link; what is longer is no code.
CODE_MAX = 300


class NewLinkForm(forms.Form):
    """Valid: `life` is how long the link is to live."""

    lives_days = LIVES_DAYS
    days = forms.ChoiceField(
        choices=[(str(days), str(days)) for days in LIVES_DAYS],
        # Django's own "invalid choice" repeats what was sent.
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Choisissez une durée.")
        ),
    )

    @property
    def life(self) -> dt.timedelta:
        return dt.timedelta(days=int(self.cleaned_data["days"]))


class CodeForm(forms.Form):
    """Valid: `secret` is what the code stands for. The whole link is understood too."""

    kind = Kind.LINK
    missing = _("Tapez le code que le vendeur vous a donné.")
    unreadable = _(
        "Ce code est incomplet ou mal recopié. Il a 27 lettres et chiffres : "
        "comparez-les un à un."
    )

    code = forms.CharField(required=False)

    secret: bytes

    def clean_code(self) -> str:
        typed: str = self.cleaned_data["code"]
        if not typed:
            raise ValidationError(self.missing, code="code_missing")
        # A link has its code at its end.
        code = typed.rpartition("#")[2]
        try:
            if len(typed) > CODE_MAX:
                raise Unreadable
            self.secret = codes.decode(code, self.kind)
        except Unreadable:
            raise ValidationError(self.unreadable, code="code_unreadable") from None
        return typed


class OwnerCodeForm(CodeForm):
    kind = Kind.OWNER
    of_no_link = _("Ce code de gestion n’est celui d’aucun lien de ce véhicule.")
    missing = _("Tapez le code de gestion reçu avec votre premier lien.")
    unreadable = _(
        "Ce code de gestion est incomplet ou mal recopié. Ne tapez pas ici le code "
        "d’un lien."
    )
