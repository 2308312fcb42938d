"""A request in the ancestor's shape → what it asks for, or what is wrong with it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from django.forms import Form
from django.http import HttpRequest
from django.utils import translation
from msgspec import UNSET, Meta, Struct, UnsetType

from histovet.history.forms import (
    FIELDS,
    MESSAGES,
    TEXT_MAX,
    Enquiry,
    Uncopied,
    enquiry_of,
)
from histovet.partners.problems import FieldError, Problem, Refused
from histovet.sharing.forms import CodeForm
from pseudonymizer.normalise import IDENTIFIER_MAX, PARIS
from pseudonymizer.records import Register

# The longest request that a certificate fills has about 700 bytes; the ancestor took
# 2 kB, and clients may indent.
BODY_MAX_BYTES = 8192


_Text = Annotated[str, Meta(max_length=TEXT_MAX)]
# However it is parted: the canonical form may have as many.
_Identifier = Annotated[str, Meta(max_length=IDENTIFIER_MAX)]
_Uuid = Annotated[_Text, Meta(description="Accepté, sans effet.")]


class ParticulierDemande(Struct, frozen=True):
    nom: Annotated[
        _Text, Meta(description="Nom de naissance ; avant 2009, nom et prénoms.")
    ]
    prenoms: Annotated[
        list[_Text],
        Meta(
            description="Un par élément, ensemble 200 caractères au plus. Absents : non "
            "comparés."
        ),
    ] = []


class PersonneMoraleDemande(Struct, frozen=True):
    raison_sociale: _Text
    siren: Annotated[
        _Text, Meta(description="Neuf chiffres, s’il y en a ; un SIRET est compris.")
    ] = ""


class TitulaireDemande(Struct, frozen=True):
    """L’un des deux, selon le certificat."""

    particulier: ParticulierDemande | UnsetType = UNSET
    personne_morale: PersonneMoraleDemande | UnsetType = UNSET


class CertificatDemande(Struct, frozen=True):
    """Le numéro de formule (SIV) ou la date d’émission (FNI), l’un des deux ; l’autre
    manque, ou est vide."""

    titulaire: TitulaireDemande
    numero_immatriculation: Annotated[
        _Identifier,
        Meta(description="Avec ou sans séparateurs, quel que soit le format."),
    ]
    numero_formule: Annotated[
        _Identifier, Meta(description="Immatriculation au format SIV, depuis 2009.")
    ] = ""
    date_emission_certificat_immatriculation: Annotated[
        _Text,
        Meta(
            description="Immatriculation au format FNI, avant 2009. AAAA-MM-JJ, une "
            "date écrite à la française, ou un instant ISO 8601 : c’est alors sa date "
            "en France qui compte."
        ),
    ] = ""


class VehiculeDemande(Struct, frozen=True):
    certificat_immatriculation: CertificatDemande


class OptionsDemande(Struct, frozen=True):
    controles_techniques: bool = False
    ignore_utac_cache: Annotated[bool, Meta(description="Accepté, sans effet.")] = False


class HistovetDemande(Struct, frozen=True):
    """Ce que l’API HistoVec n’a pas."""

    fin_vin: Annotated[
        _Text,
        Meta(
            description="Les quatre derniers caractères du VIN (rubrique E), ou le VIN "
            "entier. Comparés si la réponse les a demandés : « vin-end-asked »."
        ),
    ] = ""


class ReportByData(Struct, frozen=True):
    """Les champs inconnus sont ignorés."""

    vehicule: VehiculeDemande
    uuid: _Uuid = ""
    options: OptionsDemande = OptionsDemande()
    histovet: HistovetDemande = HistovetDemande()


class CodeDemande(Struct, frozen=True):
    code: Annotated[
        str,
        Meta(
            description="Le code que le vendeur a donné, avec ou sans séparateurs, ou "
            "le lien entier."
        ),
    ]


class ReportByCode(Struct, frozen=True):
    """Les champs inconnus sont ignorés."""

    vehicule: CodeDemande
    uuid: _Uuid = ""
    options: OptionsDemande = OptionsDemande()


@dataclass(frozen=True, slots=True)
class DataDemand:
    enquiry: Enquiry
    inspections: bool


@dataclass(frozen=True, slots=True)
class CodeDemand:
    """`secret` is that of a link, which may open nothing."""

    secret: bytes
    inspections: bool


_T = TypeVar("_T")

_BY_DATA = msgspec.json.Decoder(ReportByData)
_BY_CODE = msgspec.json.Decoder(ReportByCode)

_CERTIFICATE = "/vehicule/certificat_immatriculation"
_PERSON = f"{_CERTIFICATE}/titulaire/particulier"
_COMPANY = f"{_CERTIFICATE}/titulaire/personne_morale"
# Field of a form → what the client calls it.
_FIELDS = {
    "plate": f"{_CERTIFICATE}/numero_immatriculation",
    "formula_number": f"{_CERTIFICATE}/numero_formule",
    "issue_date": f"{_CERTIFICATE}/date_emission_certificat_immatriculation",
    "family_name": f"{_PERSON}/nom",
    "given_names": f"{_PERSON}/prenoms",
    "company_name": f"{_COMPANY}/raison_sociale",
    "siren": f"{_COMPANY}/siren",
    "vin_end": "/histovet/fin_vin",
    "code": "/vehicule/code",
}
VIN_END_MISSING = FieldError(
    _FIELDS["vin_end"],
    "vin_end_missing",
    "Indiquez les quatre derniers caractères du VIN (rubrique E).",
)

# "Expected `str`, got `int` - at `$.vehicule.uuid`", without a place for the whole.
_PLACE = re.compile(r" - at `\$([^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_TOO_LONG = re.compile(r"of length <= (\d+)")


def read_data_demand(request: HttpRequest) -> DataDemand:
    """Raises Refused with the problem that the client can act on."""
    return parse_data_demand(_body(request))


def parse_data_demand(body: bytes) -> DataDemand:
    """Raises Refused with the problem that the client can act on."""
    return _data_demand(_parsed(body, _BY_DATA))


def read_code_demand(request: HttpRequest) -> CodeDemand:
    """Raises Refused with the problem that the client can act on."""
    asked = read_json(request, _BY_CODE)
    return CodeDemand(secret_of(asked.vehicule), asked.options.controles_techniques)


def read_json(request: HttpRequest, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Raises Refused with the problem that the client can act on."""
    return _parsed(_body(request), decoder)


def secret_of(asked: CodeDemande) -> bytes:
    """Raises Refused for a code that cannot be read."""
    form = CodeForm({"code": asked.code})
    if not form.is_valid():
        raise Refused(Problem.INVALID_REQUEST, errors=_form_errors(form))
    return form.secret


def _body(request: HttpRequest) -> bytes:
    media_type, _, parameters = request.META.get("CONTENT_TYPE", "").partition(";")
    if media_type.strip().lower() != "application/json" or not _is_utf8(parameters):
        raise Refused(Problem.NOT_JSON)
    if request.META.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise Refused(Problem.NOT_JSON)
    # Django reads nothing of a body without length.
    length = request.META.get("CONTENT_LENGTH", "")
    if not length.isdecimal():
        raise Refused(Problem.LENGTH_REQUIRED)
    if int(length) > BODY_MAX_BYTES:
        raise Refused(Problem.BODY_TOO_LARGE)
    return request.body


def _is_utf8(parameters: str) -> bool:
    name, _, value = parameters.strip().lower().partition("=")
    return name != "charset" or value.strip('"') in ("utf-8", "utf8")


def _parsed(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        error = _type_error(str(exc))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = FieldError("", "json", "Le corps n’est pas du JSON lisible en UTF-8.")
    raise Refused(Problem.INVALID_REQUEST, errors=[error])


def _type_error(message: str) -> FieldError:
    """Return where msgspec met what it did not expect.

    Its message names types and our own fields, never a value; it is read for the place
    and not passed on.
    """
    place = _PLACE.search(message)
    # `.prenoms[1]` is /prenoms/1.
    path = re.sub(r"[.\[]", "/", place[1]).replace("]", "") if place else ""
    if missing := _MISSING.match(message):
        return FieldError(f"{path}/{missing[1]}", "missing", "Ce champ manque.")
    if too_long := _TOO_LONG.search(message):
        return FieldError(path, "too_long", f"Au plus {too_long[1]} caractères.")
    return FieldError(path, "type", "Cette valeur n’est pas du bon type.")


def _data_demand(asked: ReportByData) -> DataDemand:
    certificate = asked.vehicule.certificat_immatriculation
    errors = [*_register_errors(certificate), *_holder_errors(certificate.titulaire)]
    if errors:
        raise Refused(Problem.INVALID_REQUEST, errors=errors)
    typed = {**_typed(certificate), "vin_end": asked.histovet.fin_vin}
    try:
        enquiry = enquiry_of(typed)
    except Uncopied as exc:
        raise Refused(Problem.INVALID_REQUEST, errors=_copy_errors(exc.codes)) from None
    return DataDemand(enquiry, asked.options.controles_techniques)


def _register_errors(certificate: CertificatDemande) -> Iterator[FieldError]:
    # Not the look of the plate: one in seven of those of the SIV has another.
    given = (
        certificate.numero_formule,
        certificate.date_emission_certificat_immatriculation,
    )
    if all(given):
        for name in ("formula_number", "issue_date"):
            yield FieldError(
                _FIELDS[name],
                "one_of",
                "Envoyez le numéro de formule ou la date d’émission, pas les deux.",
            )
    elif not any(given):
        for name in ("formula_number", "issue_date"):
            yield FieldError(
                _FIELDS[name],
                "one_of",
                "Envoyez le numéro de formule (SIV) ou la date d’émission (FNI).",
            )


def _holder_errors(holder: TitulaireDemande) -> Iterator[FieldError]:
    if (holder.particulier is UNSET) == (holder.personne_morale is UNSET):
        yield FieldError(
            f"{_CERTIFICATE}/titulaire",
            "one_of",
            "Envoyez « particulier » ou « personne_morale », l’un des deux.",
        )


def _typed(certificate: CertificatDemande) -> dict[str, str]:
    """Return what the form of the site would have been sent."""
    siv = bool(certificate.numero_formule)
    typed = {
        **dict.fromkeys(FIELDS, ""),
        "register": Register.SIV if siv else Register.FNI,
        "plate": certificate.numero_immatriculation,
        "formula_number": certificate.numero_formule,
        "issue_date": _day(certificate.date_emission_certificat_immatriculation),
    }
    if company := certificate.titulaire.personne_morale:
        typed["holder_kind"] = "company"
        typed["company_name"] = company.raison_sociale
        typed["siren"] = company.siren
    elif person := certificate.titulaire.particulier:
        typed["holder_kind"] = "person"
        typed["family_name"] = person.nom
        typed["given_names"] = " ".join(person.prenoms)
    return typed


def _day(text: str) -> str:
    """Return a moment in ISO 8601 as the day it has in France, all else unchanged.

    Clients turn dates into JSON with JavaScript's toISOString, which gives midnight in
    France as 22:00 or 23:00 UTC of the day before.
    """
    day, _, clock = text.strip().partition("T")
    if not clock:
        return text
    try:
        dt.time.fromisoformat(clock)
    except ValueError:
        return text
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        if moment.tzinfo:
            moment = moment.astimezone(PARIS)
    except ValueError:
        # It is the day that is none, and that is told.
        return day
    except OverflowError:
        # France is in the year 0 or 10000.
        return text
    return moment.date().isoformat()


def _copy_errors(codes: Mapping[str, str]) -> list[FieldError]:
    # The thread may still speak the language of the page that it made before.
    with translation.override("fr"):
        return [
            FieldError(_FIELDS[name], code, str(MESSAGES[code]))
            for name, code in codes.items()
        ]


def _form_errors(form: Form) -> list[FieldError]:
    with translation.override("fr"):
        return [
            FieldError(_FIELDS[name], failure["code"], failure["message"])
            for name, failures in form.errors.get_json_data().items()
            for failure in failures
        ]
