"""The JSON API: who asks, how often, for what, and the answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from histovet.history.assemble import report_of
from histovet.history.report import Audience, Report
from histovet.history.retrieve import retrieve
from histovet.partners.ancestor import ancestor_document
from histovet.partners.anomalies import refuse_anomalies, refused_as_suspended
from histovet.partners.auth import KeySuspended, Partner, authenticate
from histovet.partners.demand import read_code_demand, read_data_demand
from histovet.partners.failure_budget import count_failure, refuse_after_failures
from histovet.partners.models import Scope
from histovet.partners.openapi import (
    report_by_code_details,
    report_by_data_details,
    usage_details,
)
from histovet.partners.problems import (
    UNAVAILABLE_SECONDS,
    Problem,
    Refused,
    problem_response,
)
from histovet.partners.quotas import refuse_beyond_rate, refuse_without_report
from histovet.partners.usage import usage_document
from histovet.sharing.opening import open_link
from histovet.sharing.receipts import ByPartner
from histovet.vault.errors import NoActiveRelease
from histovet.vault.reading import Opened
from pseudonymizer.errors import KeyRingError

_DESCRIPTION = (
    "Le rapport d’un véhicule en JSON, pour les partenaires. Les demandes et les "
    "réponses ont la forme de l’API HistoVec ; ce qui s’y ajoute est dans « histovet »."
)


class PartnerBearer(HttpBearer):
    """Takes the key from the header; `_admitted` asks whose it is, once it is known
    what is asked for."""

    def __call__(self, request: HttpRequest) -> str | None:
        # As HttpBearer does, without building every header of the request for one.
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != self.openapi_scheme:
            return None
        # What HTTP calls white space, and not all that Unicode does.
        return self.authenticate(request, key.strip(" \t"))

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        return token or None


class _Found(Protocol):
    @property
    def is_withheld(self) -> bool: ...


_T = TypeVar("_T", bound=_Found)

router = Router(auth=PartnerBearer())


@router.post(
    "/report_by_data",
    operation_id="report_by_data",
    summary="Le rapport, avec les données du titulaire",
    description="Pour le titulaire ou qui agit en son nom. Les dates sont exactes.",
    tags=["Rapport"],
    openapi_extra=report_by_data_details(),
)
def report_by_data(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    partner = _admitted(request, Scope.REPORT_BY_DATA)
    demand = read_data_demand(request)
    plate = demand.enquiry.identity.plate
    opened = _sought(request, partner, plate, now, lambda: retrieve(demand.enquiry))
    shown = report_of(
        opened, audience=Audience.HOLDER, now=now if demand.inspections else None
    )
    return _answer(shown, opened, demand.inspections)


@router.post(
    "/report_by_code",
    operation_id="report_by_code",
    summary="Le rapport, avec le code du vendeur",
    description=(
        "Pour qui a reçu un code ou un lien du vendeur. Ce qui permettrait de retrouver "
        "le certificat est arrondi : « histovet.precisions ». Chaque rapport compte "
        "comme une ouverture du lien, et porte le numéro de reçu sous lequel le vendeur "
        "la voit."
    ),
    tags=["Rapport"],
    openapi_extra=report_by_code_details(),
)
def report_by_code(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    partner = _admitted(request, Scope.REPORT_BY_CODE)
    demand = read_code_demand(request)
    # A code names no plate.
    by = ByPartner(partner.name, partner.folded_name)
    link = _sought(
        request, partner, None, now, lambda: open_link(demand.secret, now, partner=by)
    )
    shown = link.report(now if demand.inspections else None)
    return _answer(shown, link.opened, demand.inspections, receipt=link.receipt)


@router.get(
    "/usage",
    operation_id="usage",
    summary="Ce que cette clé permet, et ce qu’elle a utilisé",
    description="Compte pour le débit, et pas comme un rapport.",
    tags=["Clé"],
    openapi_extra=usage_details(),
)
def usage(request: HttpRequest) -> HttpResponse:
    partner = _admitted(request, None, wants_report=False)
    document = usage_document(partner, timezone.now())
    return HttpResponse(orjson.dumps(document), content_type="application/json")


def _admitted(
    request: HttpRequest, scope: Scope | None, *, wants_report: bool = True
) -> Partner:
    """Return who asks, with the request counted, and a report unless none is wanted.

    Raises Refused when it may not ask this, or so often. The middleware takes back the
    report of a request that is answered otherwise.
    """
    now = timezone.now()
    key: str = request.auth  # type: ignore[attr-defined]
    try:
        partner = authenticate(key, now, scope=scope or "", wants_report=wants_report)
    except KeySuspended as exc:
        raise refused_as_suspended(exc.why) from exc
    if partner is None:
        raise Refused(Problem.KEY_REFUSED)
    request.partner = partner  # type: ignore[attr-defined]
    if scope is not None and scope not in partner.scopes:
        raise Refused(Problem.SCOPE_MISSING)
    refuse_beyond_rate(partner, now)
    if wants_report:
        # Before anything is sought: without quota left, right data and wrong get the
        # same answer.
        refuse_without_report(partner, now)
        refuse_anomalies(partner, now)
    return partner


def _sought(
    request: HttpRequest,
    partner: Partner,
    plate: str | None,
    now: dt.datetime,
    seek: Callable[[], _T | None],
) -> _T:
    """Return what was found. Raises Refused when nothing was, which is counted as a
    failure, when it is withheld, and without seeking when the failures are used up."""
    refuse_after_failures(partner, plate, now)
    found = seek()
    if found is None:
        count_failure(partner, plate, now)
        raise Refused(Problem.REPORT_NOT_FOUND)
    if found.is_withheld:
        # Neither a failure nor a report.
        raise Refused(Problem.REPORT_WITHHELD)
    return found


def _answer(
    shown: Report, opened: Opened, inspections: bool, receipt: str | None = None
) -> HttpResponse:
    document = ancestor_document(
        shown,
        release=opened.release.row.label,
        inspections=inspections,
        receipt=receipt,
    )
    return HttpResponse(orjson.dumps(document), content_type="application/json")


def _made(namespace: str) -> NinjaAPI:
    api = NinjaAPI(
        title="histovet",
        version="1.0",
        description=_DESCRIPTION,
        urls_namespace=namespace,
        openapi_url=None,
        docs_url=None,
        servers=[{"url": "/"}],
    )
    api.add_router("", router)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(AuthenticationError, _key_refused)
    for exception in (NoActiveRelease, KeyRingError, OperationalError, InterfaceError):
        api.add_exception_handler(exception, _unavailable)
    return api


def _refused(request: HttpRequest, exc: Refused | type[Refused]) -> HttpResponse:
    refused = cast(Refused, exc)
    return problem_response(
        refused.problem,
        errors=refused.errors,
        retry_after_seconds=refused.retry_after_seconds,
    )


def _key_refused(
    request: HttpRequest, exc: AuthenticationError | type[AuthenticationError]
) -> HttpResponse:
    return problem_response(Problem.KEY_REFUSED)


def _unavailable(
    request: HttpRequest, exc: Exception | type[Exception]
) -> HttpResponse:
    return problem_response(
        Problem.UNAVAILABLE, retry_after_seconds=UNAVAILABLE_SECONDS
    )


api = _made("partners")
ancestor_api = _made("partners-histovec")
