"""What operators type. Errors say what is wrong and what to do."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from histovet.operation.acts import LONGEST_MINUTES
from histovet.operators import wording
from histovet.operators.accounts import PASSWORD_MAX, PASSWORD_MIN, is_weak
from histovet.partners import acts
from histovet.partners.models import NAME_MAX, RATE, SCOPES, WHY_MAX

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

# One more than there are, so that a longer one is an error and never cut.
_CODE_MAX = 64
OVERLAPS_HOURS = (0, 24, 7 * 24, 14 * 24, 30 * 24)


def _text(most: int, empty: StrPromise, **options: Any) -> forms.CharField:
    """Return a field of one line; `empty` is what to do when nothing stands in it."""
    return forms.CharField(
        max_length=most,
        error_messages={
            "required": empty,
            "max_length": gettext_lazy("%(limit_value)d caractères au plus."),
            "null_characters_not_allowed": gettext_lazy(
                "Un caractère invisible : retapez ce champ."
            ),
        },
        **options,
    )


def _name() -> forms.CharField:
    return _text(32, gettext_lazy("Tapez votre nom."))


def _password(empty: StrPromise) -> forms.CharField:
    # Spaces at its ends are part of it.
    return _text(PASSWORD_MAX, empty, strip=False)


def _code() -> forms.CharField:
    return _text(_CODE_MAX, gettext_lazy("Tapez le code du second facteur."))


def _enrolment() -> forms.CharField:
    return _text(_CODE_MAX, gettext_lazy("Tapez le code d’activation."))


class SignInForm(forms.Form):
    name = _name()
    password = _password(gettext_lazy("Tapez votre mot de passe."))
    code = _code()


class EnrolmentCodeForm(forms.Form):
    name = _name()
    enrolment = _enrolment()


class ActForm(forms.Form):
    """What every act asks for: the second factor again."""

    code = _code()


class NewPasswordForm(ActForm):
    """`for_name` is the account's, which the password must not hold."""

    new = _password(gettext_lazy("Choisissez un mot de passe."))
    again = _password(gettext_lazy("Retapez le nouveau mot de passe."))

    def __init__(self, *args: Any, for_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name = for_name

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        if len(new) < PASSWORD_MIN:
            raise forms.ValidationError(
                _("%d caractères au moins : une phrase convient.") % PASSWORD_MIN
            )
        if is_weak(new, self._name):
            raise forms.ValidationError(
                _(
                    "Trop facile à deviner : choisissez une autre phrase, sans votre nom."
                )
            )
        return new

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if {"new", "again"} <= cleaned.keys() and cleaned["again"] != cleaned["new"]:
            self.add_error("again", _("Pas le même que le premier : retapez-le."))
        return cleaned


class EnrolForm(NewPasswordForm):
    name = _name()
    enrolment = _enrolment()


class PasswordForm(NewPasswordForm):
    old = _password(gettext_lazy("Tapez votre mot de passe actuel."))


class _LastDayForm(ActForm):
    last_day = forms.DateField(
        required=False,
        error_messages={"invalid": gettext_lazy("Ce n’est pas une date.")},
    )

    def end(self, now: dt.datetime) -> dt.datetime:
        return acts.end_of(self.cleaned_data["last_day"], now)

    def clean_last_day(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["last_day"]
        today = dt.datetime.now(dt.UTC).date()
        if day is not None and day < today:
            raise forms.ValidationError(
                _("Ce jour est passé : choisissez-en un autre.")
            )
        if day is not None and day > today + dt.timedelta(days=3660):
            raise forms.ValidationError(_("Dix ans au plus."))
        return day


class IssueForm(_LastDayForm):
    name = _text(NAME_MAX, gettext_lazy("Écrivez le nom du partenaire."))
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        error_messages={
            "required": gettext_lazy("Choisissez au moins un droit."),
            "invalid_choice": gettext_lazy("Ce droit n’existe pas."),
            "invalid_list": gettext_lazy("Ce droit n’existe pas."),
        },
    )
    rate = _text(8, gettext_lazy("Écrivez le débit."))
    daily_quota = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        error_messages={
            "invalid": gettext_lazy("Un nombre entier, ou rien."),
            "min_value": gettext_lazy("1 au moins, ou rien."),
            "max_value": gettext_lazy("%(limit_value)d au plus."),
        },
    )

    @property
    def scope_choices(self) -> list[tuple[str, str]]:
        return [(scope, wording.scope(scope)) for scope in SCOPES]

    def clean_name(self) -> str:
        try:
            return acts.named(self.cleaned_data["name"])
        except acts.TermsRefused:
            raise forms.ValidationError(
                _("Un nom d’une ligne, de %d caractères au plus.") % NAME_MAX
            ) from None

    def clean_rate(self) -> str:
        rate: str = self.cleaned_data["rate"]
        if not RATE.fullmatch(rate):
            raise forms.ValidationError(_("Écrivez par exemple 10/s, 300/m ou 5000/h."))
        return rate


class RotateForm(_LastDayForm):
    overlap = forms.TypedChoiceField(
        coerce=int,
        choices=[(str(hours), str(hours)) for hours in OVERLAPS_HOURS],
        error_messages={
            "required": gettext_lazy("Choisissez une durée de la liste."),
            "invalid_choice": gettext_lazy("Choisissez une durée de la liste."),
        },
    )

    @property
    def overlap_choices(self) -> list[tuple[str, str]]:
        return [
            ("0", _("aucun : l’ancienne finit tout de suite")),
            ("24", _("24 heures")),
            ("168", _("7 jours")),
            ("336", _("14 jours")),
            ("720", _("30 jours")),
        ]


class SuspendForm(ActForm):
    why = _text(WHY_MAX, gettext_lazy("Écrivez la raison."))

    def clean_why(self) -> str:
        line = " ".join(self.cleaned_data["why"].split())
        if not line.isprintable():
            raise forms.ValidationError(_("Une seule ligne, sans caractère invisible."))
        return line


class CloseForm(ActForm):
    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_MINUTES,
        error_messages={
            "invalid": gettext_lazy("Un nombre entier de minutes, ou rien."),
            "min_value": gettext_lazy("1 au moins, ou rien."),
            "max_value": gettext_lazy("%(limit_value)d minutes au plus."),
        },
    )
