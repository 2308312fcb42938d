"""The OpenAPI 3.1 document of the partner API.

django-ninja lists the operations and the security scheme; schemas come from the types
that the code works with, examples from the code itself.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from histovet.history.report import Audience, report
from histovet.partners.ancestor import ancestor_document
from histovet.partners.demand import VIN_END_MISSING, ReportByCode, ReportByData
from histovet.partners.document import Report
from histovet.partners.link_status import LinkIs, LinkStatus
from histovet.partners.listing_check import (
    DATE_PATTERN,
    ListingCheck,
    ListingChecked,
)
from histovet.partners.problems import (
    CONTENT_TYPE,
    FieldError,
    Problem,
    ProblemDocument,
    problem_document,
)
from histovet.partners.usage import Usage
from histovet.sharing import codes
from histovet.sharing.codes import Kind
from histovet.sharing.forms import CODE_MAX, CodeForm
from pseudonymizer.records import Initials, Operation, Record, Register, Vehicle

PATH = "/api/v1"
ANCESTOR_PATH = "/histovec/api/v1"

_SCHEMA = "#/components/schemas/{name}"

_BY_FORMULA_NUMBER = {
    "vehicule": {
        "certificat_immatriculation": {
            "titulaire": {"particulier": {"nom": "DURAND", "prenoms": ["CLAIRE"]}},
            "numero_immatriculation": "AA-123-AA",
            "numero_formule": "2020AB12345",
        }
    },
    "options": {"controles_techniques": False},
}
_BY_DATE = {
    "vehicule": {
        "certificat_immatriculation": {
            "titulaire": {
                "personne_morale": {
                    "raison_sociale": "GARAGE DU PONT",
                    "siren": "123456789",
                }
            },
            "numero_immatriculation": "123 ABC 75",
            "date_emission_certificat_immatriculation": "2005-12-31",
        }
    },
}
# Of no link.
_CODE = codes.encode(bytes(range(16)), Kind.LINK)
_RECEIPT = "K7QMX-2XVD4"
_BY_CODE = {"vehicule": {"code": codes.grouped(_CODE)}}
_BY_WHOLE_LINK = {
    "vehicule": {"code": f"https://histovet.example/r/AAAAAAAAAAAAAAAA#{_CODE}"},
    "options": {"controles_techniques": False},
}
_FOUND = Record(
    register=Register.SIV,
    masked_plate="AA-1**-AA",
    initials=Initials(family="D.", given="C."),
    postal_code="31000",
    vehicle=Vehicle(
        make="RENAULT",
        model="CLIO",
        vin="VF1R********12345",
        genre="VP",
        energy="ES",
        seats=5,
        fiscal_power_cv=5,
    ),
    certificate_cancelled=False,
    vehicle_stolen=False,
    first_registration=dt.date(2012, 5, 14),
    issue_date=dt.date(2020, 2, 3),
    holder_count=2,
    operations=(
        Operation("CHANG_TIT_NORMAL", dt.date(2020, 2, 3)),
        Operation("DECLARATION_CESSION", dt.date(2020, 1, 30)),
        Operation("IMMAT_NORMALE", dt.date(2012, 5, 14)),
    ),
)

# Source: draft-ietf-httpapi-ratelimit-headers-11. For who is known.
_LIMITS = {
    "RateLimit-Policy": {
        "description": "Vos limites : le débit (« rate ») et, s’il y en a un, le quota de "
        "rapports (« reports ») ; q demandes en w secondes.",
        "schema": {"type": "string"},
        "example": '"rate";q=10;w=1, "reports";q=500;w=86400',
    },
    "RateLimit": {
        "description": "Ce qu’il en reste : r demandes, pendant t secondes.",
        "schema": {"type": "string"},
        "example": '"rate";r=9;t=1, "reports";r=412;t=30205',
    },
}
# The headers that a problem carries besides those of every answer.
_HEADERS = {
    401: ("WWW-Authenticate", "Comment prouver qui demande (RFC 6750).", "string"),
    403: ("WWW-Authenticate", "Le droit manque (RFC 6750).", "string"),
    405: ("Allow", "Les méthodes acceptées.", "string"),
    429: ("Retry-After", "Secondes à attendre.", "integer"),
    503: ("Retry-After", "Secondes à attendre.", "integer"),
}
_PLATE_MISSING = FieldError(
    "/vehicule/certificat_immatriculation/numero_immatriculation",
    "plate_missing",
    "Indiquez le numéro d’immatriculation (rubrique A).",
)
_ADVERT = {
    **_BY_CODE,
    "annonce": {
        "marque": "Renault",
        "modele": "Clio III 1.5 dCi",
        "date_premiere_immatriculation": "2012-05",
        "kilometrage": 85_000,
        "vin": "VF1RFB00X12312345",
    },
}
_ADVERT_COMPARED: ListingChecked = {
    "annonce": {
        "marque": {"verdict": "consistent", "reason": "equal"},
        "modele": {"verdict": "consistent", "reason": "contained"},
        "date_premiere_immatriculation": {
            "verdict": "consistent",
            "reason": "same_month",
        },
        "kilometrage": {"verdict": "inconsistent", "reason": "below_last_reading"},
        "vin": {"verdict": "consistent", "reason": "equal_where_shown"},
    },
    "histovet": {"receipt": "K7QMX-2XVD4"},
}
# What the forms of the site accept, as patterns of JSON Schema: no NUL in any text.
_TEXT = r"[^\u0000]*"
# White space to Python and not to JSON Schema is none of it.
_VISIBLE = r"[^\s\u0000\u001c-\u001f\u0085]"
_NAME = f"^{_TEXT}{_VISIBLE}{_TEXT}$"
_IDENTIFIER = f"^{_TEXT}[0-9A-Za-z]{_TEXT}$"
# Nine digits, fourteen of a SIRET, or none.
_SIREN = "^([0-9]{9}([0-9]{5})?)?$"
# However 27 characters are parted; a link has them behind its last #.
_PARTED = r"[ !-\x22$-/:-@[-`{-~\u00a0\u2010-\u2014\u202f]*"
_CODE_PATTERN = f"^({_TEXT}#)?{_PARTED}([0-8A-Za-z]{_PARTED}){{{codes.LENGTH}}}$"


def _date_pattern() -> str:
    """Return the forms of a date that are understood, but for signs that nobody sees
    and for which days a month has. Source: pseudonymizer.normalise.typed_date."""
    year = "(189[3-9]|19[0-9]{2}|2[0-9]{3})"
    month, day = "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])"
    month2, day2 = "(0[1-9]|1[0-2])", "(0[1-9]|[12][0-9]|3[01])"
    parted = r"[ \u00a0\u202f./\u2010-\u2014-]+"
    word = "[A-Za-zÀÉÈÔÛàéèôû]{3,9}[.]?"
    minute = "[0-5][0-9]"
    hour = f"([01][0-9]|2[0-3]):{minute}"
    clock = f"{hour}(:{minute}([.,][0-9]{{1,9}})?)?(Z|[+-]{hour})?"
    forms = (
        f"{year}-{month}-{day}",
        f"{year}-{month2}-{day2}T{clock}",
        f"{day2}{month2}{year}",
        f"([Ll][Ee] +)?{day}( ?[Ee][Rr])?{parted}({month}|{word}){parted}{year}",
    )
    return rf"^[ \n]*({'|'.join(forms)})[ \n]*$"


# What each call may answer besides its success.
_OF_SEARCHES = frozenset(
    (Problem.REPORT_WITHHELD, Problem.REPORT_NOT_FOUND, Problem.TOO_MANY_FAILURES)
)
_OF_REPORTS = frozenset(Problem) - {Problem.NO_SUCH_PATH, Problem.CLAIMS_USED_UP}
_OF_CODES = frozenset(Problem) - {Problem.NO_SUCH_PATH, Problem.QUOTA_EXCEEDED}
# It sends nothing that is read.
_OF_USAGE = frozenset(
    (
        *(Problem.KEY_REFUSED, Problem.KEY_SUSPENDED, Problem.METHOD_NOT_ALLOWED),
        *(Problem.RATE_EXCEEDED, Problem.BROKEN, Problem.UNAVAILABLE),
    )
)


# A key that has used one of its reports.
_USAGE: Usage = {
    "key": {
        "begins_with": "hv_AAAAAA",
        "partner": "Garage du Pont",
        "scopes": ["report_by_code"],
        "rate": {"requests": 10, "seconds": 1},
        "expires_at": "2027-01-01T00:00:00Z",
        "ends_soon": False,
        "daily_quota": 500,
    },
    "today": {
        "date": "2026-03-02",
        "requests": 3,
        "reports": 1,
        "failures": 1,
        "failures_left": 49,
        "starts_again_at": "2026-03-03T00:00:00Z",
        "reports_left": 499,
    },
    "days": [{"date": "2026-03-02", "requests": 3, "reports": 1, "failures": 1}],
}


def report_by_data_details() -> dict[str, Any]:
    """Return what django-ninja is to add to the operation."""
    return _details(
        "ReportByData",
        {
            "siv": {"summary": "Format SIV", "value": _BY_FORMULA_NUMBER},
            "fni": {"summary": "Format FNI", "value": _BY_DATE},
        },
        Audience.HOLDER,
        _PLATE_MISSING,
    )


def report_by_code_details() -> dict[str, Any]:
    """Return what django-ninja is to add to the operation."""
    return _details(
        "ReportByCode",
        {
            "code": {"summary": "Le code", "value": _BY_CODE},
            "link": {"summary": "Le lien entier", "value": _BY_WHOLE_LINK},
        },
        Audience.OTHERS,
        FieldError("/vehicule/code", "code_unreadable", _unreadable()),
    )


def listing_check_details() -> dict[str, Any]:
    """Return what django-ninja is to add to the operation."""
    return _answering(
        "ListingCheck",
        {
            "advert": {"summary": "Une annonce entière", "value": _ADVERT},
            "mileage": {
                "summary": "Le kilométrage seul",
                "value": {**_BY_CODE, "annonce": {"kilometrage": 85_000}},
            },
        },
        "ListingChecked",
        "Chaque champ envoyé, et s’il va avec le registre.",
        {
            "compared": {
                "summary": "Un modèle qui va, un kilométrage qui ne va pas",
                "value": _ADVERT_COMPARED,
            }
        },
        FieldError("/annonce", "missing", "Envoyez un champ au moins."),
        _OF_CODES,
    )


def link_status_details() -> dict[str, Any]:
    """Return what django-ninja is to add to the operation."""
    return _answering(
        "LinkStatus",
        {"code": {"summary": "Le code", "value": _BY_CODE}},
        "LinkIs",
        "Si le code ouvre encore son rapport.",
        {
            "live": {"summary": "Oui", "value": {"live": True}},
            "not_live": {"summary": "Non, ou jamais ouvert", "value": {"live": False}},
        },
        FieldError("/vehicule/code", "code_unreadable", _unreadable()),
        _OF_CODES - {Problem.CLAIMS_USED_UP, *_OF_SEARCHES},
    )


def _unreadable() -> str:
    with translation.override("fr"):
        return str(CodeForm.unreadable)


def _answering(
    demand: str,
    demands: dict[str, Any],
    answer: str,
    description: str,
    answers: dict[str, Any],
    error: FieldError,
    problems: frozenset[Problem],
) -> dict[str, Any]:
    return {
        "requestBody": _body_of(demand, demands),
        "responses": {
            200: {
                "headers": _LIMITS,
                "description": description,
                "content": {
                    "application/json": {
                        "schema": {"$ref": _SCHEMA.format(name=answer)},
                        "examples": answers,
                    }
                },
            },
            **_problem_responses(error, problems),
        },
    }


def _body_of(demand: str, examples: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": _SCHEMA.format(name=demand)},
                "examples": examples,
            }
        },
    }


def usage_details() -> dict[str, Any]:
    """Return what django-ninja is to add to the operation."""
    return {
        "responses": {
            200: {
                "headers": _LIMITS,
                "description": "Les termes de la clé et ce qui a été compté.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": _SCHEMA.format(name="Usage")},
                        "examples": {
                            "usage": {"summary": "Un quota de 500", "value": _USAGE}
                        },
                    }
                },
            },
            **_problem_responses(_PLATE_MISSING, _OF_USAGE),
        },
    }


def _details(
    demand: str, examples: dict[str, Any], audience: Audience, error: FieldError
) -> dict[str, Any]:
    found = report(_FOUND, audience=audience, as_of=dt.date(2021, 10, 26))
    return {
        "requestBody": _body_of(demand, examples),
        "responses": {
            200: {
                "headers": _LIMITS,
                "description": "Le rapport, aussi quand le certificat est annulé."
                if audience is Audience.HOLDER
                else "Le rapport, pour d’autres que le titulaire.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": _SCHEMA.format(name="Report")},
                        "examples": {
                            "found": {
                                "summary": "Un véhicule sans particularité",
                                "value": ancestor_document(
                                    found,
                                    release="2021-10",
                                    inspections=False,
                                    receipt=None
                                    if audience is Audience.HOLDER
                                    else _RECEIPT,
                                ),
                            }
                        },
                    }
                },
            },
            **_problem_responses(error, _OF_REPORTS),
        },
    }


def _problem_responses(
    error: FieldError, problems: frozenset[Problem]
) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for problem in Problem:
        if problem not in problems:
            continue
        response = found.setdefault(
            problem.status,
            {
                "description": problem.title,
                "content": {
                    CONTENT_TYPE: {
                        "schema": {"$ref": _SCHEMA.format(name="ProblemDocument")},
                        "examples": {},
                    }
                },
            },
        )
        # Who is unknown is told no limits of its own.
        response["headers"] = {} if problem.status == 401 else dict(_LIMITS)
        if header := _HEADERS.get(problem.status):
            name, description, kind = header
            response["headers"][name] = {
                "description": description,
                "schema": {"type": kind},
            }
        errors = {
            Problem.INVALID_REQUEST: [error],
            Problem.VIN_END_ASKED: [VIN_END_MISSING],
        }.get(problem, [])
        response["content"][CONTENT_TYPE]["examples"][problem.name.lower()] = {
            "summary": problem.title,
            "value": problem_document(problem, errors),
        }
    return found


def _schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(
        [
            *(ReportByData, ReportByCode, Report, ProblemDocument, Usage),
            *(ListingCheck, ListingChecked, LinkStatus, LinkIs),
        ],
        ref_template=_SCHEMA,
    )
    # One claim at least.
    advert = schemas["Annonce"]
    advert["anyOf"] = [{"required": [name]} for name in advert["properties"]]
    advert["properties"]["date_premiere_immatriculation"]["pattern"] = DATE_PATTERN
    holder = schemas["TitulaireDemande"]
    holder["oneOf"] = [{"required": [name]} for name in holder["properties"]]
    # Either proof; the other may stand there empty.
    proofs = {
        "numero_formule": _IDENTIFIER,
        "date_emission_certificat_immatriculation": _date_pattern(),
    }
    schemas["CertificatDemande"]["oneOf"] = [
        {
            "required": [given],
            "properties": {
                name: {"pattern": pattern} if name == given else {"maxLength": 0}
                for name, pattern in proofs.items()
            },
        }
        for given in proofs
    ]
    for schema, name, pattern in (
        ("CertificatDemande", "numero_immatriculation", _IDENTIFIER),
        ("ParticulierDemande", "nom", _NAME),
        ("PersonneMoraleDemande", "raison_sociale", _NAME),
        ("PersonneMoraleDemande", "siren", _SIREN),
        ("HistovetDemande", "fin_vin", f"^{_TEXT}$"),
        ("CodeDemande", "code", _CODE_PATTERN),
    ):
        schemas[schema]["properties"][name]["pattern"] = pattern
    given_names = schemas["ParticulierDemande"]["properties"]["prenoms"]
    given_names["items"]["pattern"] = f"^{_TEXT}$"
    schemas["CodeDemande"]["properties"]["code"]["maxLength"] = CODE_MAX
    return schemas


def openapi_document(api: NinjaAPI) -> bytes:
    document = dict(api.get_openapi_schema(path_prefix=PATH.strip("/") + "/"))
    document["components"]["schemas"] |= _schemas()
    document["paths"] |= {
        path.replace(PATH, ANCESTOR_PATH): _renamed(operations)
        for path, operations in document["paths"].items()
    }
    # django-ninja counts statuses in numbers, JSON names members in text.
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)


def _renamed(operations: dict[str, Any]) -> dict[str, Any]:
    """Return the same operations under names of their own."""
    renamed = copy.deepcopy(operations)
    for operation in renamed.values():
        operation["operationId"] = "histovec_" + operation["operationId"]
        operation["summary"] += " (adresse de l’API HistoVec)"
    return renamed


def openapi_view(api: NinjaAPI) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that serves the document, made at the first request."""
    document = functools.cache(lambda: openapi_document(api))

    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(document(), content_type="application/json")

    return view
