"""What a seller chooses of a link, and the codes that people type."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypedDict

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from histovet.history.vin_end import typed_vin
from histovet.sharing import codes
from histovet.sharing.car_check import VIN_LENGTH, RecordedVin
from histovet.sharing.codes import Kind, Unreadable
from histovet.sharing.links import (
    LABEL_LENGTH,
    LIFE_DAYS_MAX,
    LIVES_DAYS,
    OPENINGS_MAX,
    OPENINGS_MIN,
)
from histovet.sharing.models import Scope
from pseudonymizer.normalise import PARIS

# A week: long enough for a visit and a second thought.
FIRST_CHOICE = {"days": "7", "scope": "full"}
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
    """Valid: `life` is how long the link is to live from `now` on, to the second, and
    `terms` the rest of what `links.create` takes."""

    lives_days = LIVES_DAYS
    openings_min = OPENINGS_MIN
    openings_max = OPENINGS_MAX
    # What the page shows once it is unfolded.
    folded = ("until", "scope", "max_openings", "label")

    no_life = _("Choisissez une durée.")
    days = forms.ChoiceField(
        required=False,
        choices=[(str(days), str(days)) for days in LIVES_DAYS],
        # Django's own "invalid choice" repeats what was sent.
        error_messages={"invalid_choice": no_life},
    )
    until = forms.DateField(
        required=False,
        # The first is what browsers send, the second what people type without a calendar.
        input_formats=["%Y-%m-%d", "%d/%m/%Y"],
        error_messages={
            "invalid": _("Cette date ne se lit pas. Tapez-la ainsi : 31/12/2026.")
        },
    )
    scope = forms.ChoiceField(
        required=False,
        choices=[("full", "full"), ("sober", "sober")],
        error_messages={"invalid_choice": _("Choisissez ce que le lien montre.")},
    )
    max_openings = forms.IntegerField(
        required=False,
        min_value=OPENINGS_MIN,
        max_value=OPENINGS_MAX,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            _("Tapez un nombre d’ouvertures de 3 à 1000, ou rien."),
        ),
    )
    label = forms.CharField(
        required=False,
        max_length=LABEL_LENGTH,
        error_messages={
            "max_length": _("Ce nom est trop long. Il a 40 caractères au plus.")
        },
    )

    def __init__(self, data: QueryDict | None = None, *, now: dt.datetime) -> None:
        super().__init__(data, initial=None if data else FIRST_CHOICE)
        self._now = now.replace(microsecond=0)
        self.first_day = now.astimezone(PARIS).date()
        self.last_day = self.first_day + dt.timedelta(days=LIFE_DAYS_MAX)

    @property
    def is_unfolded(self) -> bool:
        """Whether one of the choices that are folded away was made, well or not."""
        return (
            any(name in self.errors for name in self.folded)
            or any(self[name].value() for name in ("until", "max_openings", "label"))
            or self["scope"].value() == "sober"
        )

    def clean_until(self) -> dt.date | None:
        until: dt.date | None = self.cleaned_data["until"]
        if until is None:
            return None
        if not self.first_day <= until <= self.last_day:
            raise ValidationError(self.no_such_day, code="until_range")
        # In the last second of a day no link of that day has a life.
        if _end_of(until) <= self._now:
            raise ValidationError(self.no_such_day, code="until_range")
        return until

    def clean_label(self) -> str:
        return " ".join(self.cleaned_data["label"].split())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        # A day that was chosen goes before a number of them, which always is.
        if not self.errors and not data["days"] and not data["until"]:
            self.add_error("days", ValidationError(self.no_life, "required"))
        return data

    @property
    def life(self) -> dt.timedelta:
        if until := self.cleaned_data["until"]:
            return _end_of(until) - self._now
        return dt.timedelta(days=int(self.cleaned_data["days"]))

    @property
    def terms(self) -> Terms:
        is_sober = self.cleaned_data["scope"] == "sober"
        return {
            "scope": Scope.WITHOUT_ADMINISTRATIVE_DETAILS if is_sober else Scope.FULL,
            "max_openings": self.cleaned_data["max_openings"],
            "label": self.cleaned_data["label"],
        }

    no_such_day = _("Choisissez un jour d’ici 90 jours, aujourd’hui compris.")


class Terms(TypedDict):
    scope: Scope
    max_openings: int | None
    label: str


def _end_of(day: dt.date) -> dt.datetime:
    """Return the last second of the day in France."""
    return dt.datetime.combine(day, dt.time(23, 59, 59), PARIS)


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
        vin = typed_vin(typed)
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
