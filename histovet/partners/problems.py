"""What the API answers when it cannot answer: RFC 9457 problem details.

They carry the ancestor's three members too, so that its clients read them. Nothing
that was sent stands in them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypedDict

import orjson
from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"

# Until an operator has published a release or put a key ring back.
UNAVAILABLE_SECONDS = 60


class Problem(enum.Enum):
    """Its status, title and what to do about it; the name is the end of its `type`."""

    INVALID_REQUEST = (
        400,
        "Demande incorrecte",
        (
            "La demande ne peut pas être lue. Corrigez ce que « errors » indique, puis "
            "renvoyez-la."
        ),
    )
    KEY_REFUSED = (
        401,
        "Clé refusée",
        (
            "La clé manque, ou n’est pas ou plus valable. Envoyez-la dans l’en-tête "
            "« Authorization: Bearer … », ou demandez-en une nouvelle."
        ),
    )
    KEY_SUSPENDED = (
        403,
        "Clé suspendue",
        (
            "Cette clé est suspendue. Vérifiez que vous seul l’utilisez, puis demandez à "
            "l’administration du service de la rétablir."
        ),
    )
    SCOPE_MISSING = (
        403,
        "Droit manquant",
        "Cette clé ne donne pas le droit de faire cette demande.",
    )
    REPORT_WITHHELD = (
        403,
        "Rapport retenu",
        (
            "L’administration a retenu ce rapport : il n’est donné à personne. Réessayer "
            "n’y change rien."
        ),
    )
    CLAIMS_USED_UP = (
        403,
        "Annonces épuisées",
        (
            "Trois annonces différentes ont déjà été comparées avec ce code. Les mêmes "
            "peuvent être renvoyées ; pour une autre, demandez un nouveau code au vendeur."
        ),
    )
    VIN_END_ASKED = (
        403,
        "Fin du VIN demandée",
        (
            "Plusieurs recherches n’ont rien trouvé aujourd’hui pour cette plaque. "
            "Ajoutez « histovet.fin_vin », les quatre derniers caractères du VIN "
            "(rubrique E), puis renvoyez la demande."
        ),
    )
    REPORT_NOT_FOUND = (
        404,
        "Rapport introuvable",
        (
            "Aucun rapport ne correspond à cette demande. Recopiez les données à "
            "l’identique depuis le dernier certificat d’immatriculation ; si c’est un "
            "code, demandez au vendeur s’il est toujours valable."
        ),
    )
    NO_SUCH_PATH = (
        404,
        "Adresse inconnue",
        (
            "Rien ne répond à cette adresse. Les adresses de l’API sont dans "
            "/api/v1/openapi.json."
        ),
    )
    METHOD_NOT_ALLOWED = (
        405,
        "Méthode refusée",
        "Utilisez l’une des méthodes de l’en-tête « Allow ».",
    )
    LENGTH_REQUIRED = (
        411,
        "Longueur manquante",
        "Envoyez l’en-tête « Content-Length ».",
    )
    BODY_TOO_LARGE = (
        413,
        "Demande trop longue",
        "Le corps de la demande ne doit pas dépasser 8 192 octets.",
    )
    NOT_JSON = (
        415,
        "Format refusé",
        (
            "Envoyez du JSON en UTF-8, non compressé, avec l’en-tête « Content-Type: "
            "application/json »."
        ),
    )
    RATE_EXCEEDED = (
        429,
        "Trop de demandes",
        (
            "Le débit de cette clé est atteint. Attendez le nombre de secondes de l’en-tête "
            "« Retry-After »."
        ),
    )
    QUOTA_EXCEEDED = (
        429,
        "Quota atteint",
        (
            "Le quota de rapports de cette clé est atteint pour la journée. Attendez le "
            "nombre de secondes de l’en-tête « Retry-After »."
        ),
    )
    TOO_MANY_FAILURES = (
        429,
        "Trop de recherches infructueuses",
        (
            "Trop de recherches n’ont rien trouvé aujourd’hui avec cette clé ou pour ce "
            "véhicule. Attendez le nombre de secondes de l’en-tête « Retry-After »."
        ),
    )
    BROKEN = (
        500,
        "Erreur du service",
        "Le service n’a pas pu répondre. Réessayez plus tard.",
    )
    UNAVAILABLE = (
        503,
        "Service indisponible",
        (
            "Le service ne répond pas pour le moment. Attendez le nombre de secondes de "
            "l’en-tête « Retry-After »."
        ),
    )

    def __init__(self, status: int, title: str, detail: str) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.type = f"/api/problems/{self.name.lower().replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class FieldError:
    """`field` : JSON Pointer d’une valeur de la demande, "" pour toute la demande."""

    field: str
    code: str
    message: str


class ProblemDocument(TypedDict):
    """RFC 9457, et les trois membres des erreurs de l’API HistoVec."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError]
    statusCode: int
    error: str
    message: str


class Refused(Exception):
    """The request gets this problem for an answer."""

    def __init__(
        self,
        problem: Problem,
        *,
        errors: Iterable[FieldError] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


def problem_document(
    problem: Problem, errors: Iterable[FieldError] = ()
) -> ProblemDocument:
    return {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "errors": list(errors),
        "statusCode": problem.status,
        "error": HTTPStatus(problem.status).phrase,
        "message": problem.detail,
    }


def problem_response(
    problem: Problem,
    *,
    errors: Iterable[FieldError] = (),
    retry_after_seconds: int | None = None,
) -> HttpResponse:
    response = HttpResponse(
        orjson.dumps(problem_document(problem, errors)),
        content_type=CONTENT_TYPE,
        status=problem.status,
    )
    if retry_after_seconds is not None:
        response.headers["Retry-After"] = str(retry_after_seconds)
    if challenge := _CHALLENGES.get(problem):
        response.headers["WWW-Authenticate"] = challenge
    return response


# RFC 6750, section 3. An unknown key and one that has ended are told alike.
_CHALLENGES = {
    Problem.KEY_REFUSED: 'Bearer realm="histovet"',
    Problem.SCOPE_MISSING: 'Bearer realm="histovet", error="insufficient_scope"',
}
