"""What a person or a partner copies from the certificate → an Enquiry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from histovet.history.vin_end import typed_vin_end
from pseudonymizer import normalise
from pseudonymizer.errors import Unusable
from pseudonymizer.records import Identity, Register

# Longer than any value of the register; what is longer is no copy of a certificate.
TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class Enquiry:
    """The certificate that is asked for, and the holder's names as typed.

    `company` is None for a person; an FNI person stands whole in `family_name`.
    `vin_end` is canonical, and empty unless it was typed.
    """

    identity: Identity
    family_name: str = ""
    given_names: str = ""
    company: str | None = None
    siren: str | None = None
    vin_end: str = ""


# What to do about each code of pseudonymizer.normalise, and about a missing VIN.
_MESSAGES = {
    "plate_missing": _("Indiquez le numéro d’immatriculation (rubrique A)."),
    "plate_too_long": _("Ce numéro est trop long. Recopiez la rubrique A seule."),
    "formula_number_missing": _(
        "Indiquez le numéro de formule, par exemple 2024AB12345."
    ),
    "formula_number_too_long": _(
        "Ce numéro est trop long. Recopiez le numéro de formule seul."
    ),
    "date_missing": _("Indiquez la date du certificat (rubrique I)."),
    "date_unreadable": _("Écrivez la date en chiffres, par exemple 31/12/2005."),
    "date_impossible": _("Cette date n’existe pas. Vérifiez le jour et le mois."),
    "vin_end_missing": _(
        "Indiquez les 4 derniers caractères du numéro de série (rubrique E)."
    ),
    "siren_unreadable": _("Le SIREN a 9 chiffres. Laissez vide s’il n’y en a pas."),
}


def _text() -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=TEXT_MAX,
        error_messages={
            "max_length": _("Ce texte est trop long. Recopiez la rubrique seule.")
        },
    )


class IdentityForm(forms.Form):
    """Valid: `enquiry` holds what to retrieve. No look of a plate is refused.

    Fields stand in the order of the page, and so do the errors that it sums up.
    """

    register = forms.ChoiceField(
        choices=[(register.value, register.value) for register in Register],
        # Django's own "invalid choice" repeats what was sent.
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Choisissez le format de la plaque.")
        ),
    )
    plate = _text()
    formula_number = _text()
    issue_date = _text()
    holder_kind = forms.ChoiceField(
        choices=[("person", _("une personne")), ("company", _("une société"))],
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"),
            _("Choisissez une personne ou une société."),
        ),
    )
    family_name = _text()
    given_names = _text()
    company_name = _text()
    siren = _text()
    vin_end = _text()

    enquiry: Enquiry

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        register = data.get("register")
        company = data.get("holder_kind") == "company"
        if company and not data.get("company_name"):
            self._miss("company_name", _("Indiquez la raison sociale (rubrique C.1)."))
        if data.get("holder_kind") == "person" and not data.get("family_name"):
            self._miss("family_name", _("Indiquez le nom de naissance (rubrique C.1)."))
        siren = self._canonical("siren", normalise.siren) if company else None
        self._canonical("plate", lambda text: normalise.identifier(text, "plate"))
        if register == Register.SIV:
            self._canonical(
                "formula_number",
                lambda text: normalise.identifier(text, "formula_number"),
            )
        elif register == Register.FNI:
            self._canonical("issue_date", normalise.typed_date)
        if not self.errors:
            self.enquiry = Enquiry(
                identity=self._identity(data),
                family_name="" if company else data["family_name"],
                given_names="" if company else data["given_names"],
                company=data["company_name"] if company else None,
                siren=siren,
                vin_end=typed_vin_end(data["vin_end"]),
            )
        return data

    def miss_vin_end(self) -> None:
        """Say that it is missing, to who was shown the field and left it empty."""
        if "vin_end" in self.data:
            self._miss("vin_end", _MESSAGES["vin_end_missing"])

    def _identity(self, data: dict[str, Any]) -> Identity:
        if data["register"] == Register.SIV:
            return normalise.siv_identity(data["plate"], data["formula_number"])
        return normalise.fni_identity(
            data["plate"], normalise.typed_date(data["issue_date"])
        )

    def _canonical(self, name: str, canonicalise: Any) -> Any:
        """Return the canonical value, or None with the error on the field."""
        if name in self.errors:
            return None
        try:
            return canonicalise(self.cleaned_data.get(name) or "")
        except Unusable as exc:
            self.add_error(name, ValidationError(_MESSAGES[exc.code], code=exc.code))
            return None

    def _miss(self, name: str, message: Any) -> None:
        if name not in self.errors:
            self.add_error(name, ValidationError(message, code=f"{name}_missing"))
