"""How long a link lives, and the codes that people type."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from histovet.sharing import car_check, codes
from histovet.sharing.car_check import VIN_LENGTH, RecordedVin
from histovet.sharing.codes import Kind, Unreadable
from histovet.sharing.links import LIVES_DAYS

# Longer than a whole link; what is longer is no code.
CODE_MAX = 300
# Longer than any VIN or plate, however it is written.
CAR_TEXT_MAX = 100


def _text() -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=CAR_TEXT_MAX,
        error_messages={"max_length": _("Ce texte est trop long. Recopiez-le seul.")},
    )


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


class CarForm(forms.Form):
    """Valid: `vin` and `plate` in the cleaned data are what is to be compared, empty for
    what was not typed. `recorded` is None when no VIN can be compared."""

    vin = _text()
    plate = _text()

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        recorded: RecordedVin | None,
        takes_plate: bool,
    ) -> None:
        super().__init__(data)
        self.recorded = recorded
        self.takes_plate = takes_plate

    def clean_vin(self) -> str:
        typed: str = self.cleaned_data["vin"]
        if not typed or self.recorded is None:
            return typed
        vin = car_check.typed_vin(typed)
        if not self.recorded.takes(vin):
            raise ValidationError(
                self.not_17 if self.recorded.length == VIN_LENGTH else self.no_vin,
                code="vin_length",
                params={"count": len(vin)},
            )
        return vin

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.takes_plate and self.data.get("plate"):
            # The page has no such field; its error stands at the one that it has.
            self.add_error("vin", ValidationError(self.no_plate_here, "plate_refused"))
        elif not self.errors and not data["vin"] and not data["plate"]:
            first = "vin" if self.recorded or not self.takes_plate else "plate"
            self.add_error(first, ValidationError(self.missing, "missing"))
        return data

    missing = _("Tapez ce que vous lisez sur le véhicule.")
    not_17 = _(
        "Un numéro de série a 17 caractères, celui-ci en a %(count)d. "
        "Recopiez-le en entier."
    )
    no_vin = _("Ce n’est pas un numéro de série. Recopiez-le seul, en entier.")
    no_plate_here = _("La plaque ne se compare pas avec ce lien.")
