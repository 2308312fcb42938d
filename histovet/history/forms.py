"""What a person or a partner copies from the certificate → an Enquiry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from histovet.history.vin_end import typed_vin_end
from pseudonymizer import normalise
from pseudonymizer.errors import Unusable
from pseudonymizer.records import Identity, Register

# Longer than any value of the register; what is longer is no copy of a certificate.
TEXT_MAX = 200

_T = TypeVar("_T")


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


# What to do about each code, those of pseudonymizer.normalise among them.
MESSAGES = {
    "max_length": _("Ce texte est trop long. Recopiez la rubrique seule."),
    "null_characters_not_allowed": ProhibitNullCharactersValidator.message,
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
    "family_name_missing": _("Indiquez le nom de naissance (rubrique C.1)."),
    "company_name_missing": _("Indiquez la raison sociale (rubrique C.1)."),
    "siren_unreadable": _("Le SIREN a 9 chiffres. Laissez vide s’il n’y en a pas."),
    "vin_end_missing": _(
        "Indiquez les 4 derniers caractères du numéro de série (rubrique E)."
    ),
}


class Uncopied(Exception):
    """`codes` are what is wrong with some of the fields, by name; keys of MESSAGES."""

    def __init__(self, codes: dict[str, str]) -> None:
        super().__init__("not as on a certificate")
        self.codes = codes


def enquiry_of(typed: Mapping[str, str]) -> Enquiry:
    """Return what is asked for by the fields of IdentityForm. No look of a plate is
    refused.

    A field that is not there was refused by who asks. Raises Uncopied.
    """
    texts: dict[str, str] = {}
    codes: dict[str, str] = {}
    for name, text in typed.items():
        texts[name] = text = text.strip()
        if len(text) > TEXT_MAX:
            codes[name] = "max_length"
        elif "\0" in text:
            codes[name] = "null_characters_not_allowed"

    def canonical(name: str, canonicalise: Callable[[str], _T]) -> _T | None:
        if name in texts and name not in codes:
            try:
                return canonicalise(texts[name])
            except Unusable as exc:
                codes[name] = exc.code
        return None

    kind = texts.get("holder_kind")
    company = kind == "company"
    named = "company_name" if company else "family_name"
    if kind and named in texts and not texts[named]:
        codes[named] = f"{named}_missing"
    siren = canonical("siren", normalise.siren) if company else None
    plate = canonical("plate", lambda text: normalise.identifier(text, "plate"))
    register = texts.get("register")
    number = date = None
    if register == Register.SIV:
        number = canonical(
            "formula_number",
            lambda text: normalise.identifier(text, "formula_number"),
        )
    elif register == Register.FNI:
        date = canonical("issue_date", normalise.typed_date)
    proof = date.isoformat() if date else number
    is_whole = len(texts) == len(FIELDS)
    if codes or not (is_whole and register and plate and proof):
        raise Uncopied(codes)
    return Enquiry(
        identity=Identity(Register(register), plate, proof),
        family_name="" if company else texts["family_name"],
        given_names="" if company else texts["given_names"],
        company=texts["company_name"] if company else None,
        siren=siren,
        vin_end=typed_vin_end(texts["vin_end"]),
    )


def _text() -> forms.CharField:
    return forms.CharField(required=False)


class IdentityForm(forms.Form):
    """Valid: `enquiry` holds what to retrieve.

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
        try:
            self.enquiry = enquiry_of(data)
        except Uncopied as exc:
            for name, code in exc.codes.items():
                self._refuse(name, code)
        return data

    def miss_vin_end(self) -> None:
        """Say that it is missing, to who was shown the field and left it empty."""
        if "vin_end" in self.data and "vin_end" not in self.errors:
            self._refuse("vin_end", "vin_end_missing")

    def _refuse(self, name: str, code: str) -> None:
        self.add_error(name, ValidationError(MESSAGES[code], code=code))


FIELDS = tuple(IdentityForm.base_fields)
