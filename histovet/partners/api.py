"""The JSON API: who asks, how often, for what, and the answer."""

from __future__ import annotations

from typing import cast

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from histovet.history.report import Audience, report
from histovet.history.retrieve import retrieve
from histovet.partners.ancestor import ancestor_document
from histovet.partners.auth import Partner, authenticate
from histovet.partners.demand import read_demand
from histovet.partners.failure_budget import count_failure, refuse_after_failures
from histovet.partners.models import Scope
from histovet.partners.openapi import report_by_data_details
from histovet.partners.problems import (
    UNAVAILABLE_SECONDS,
    Problem,
    Refused,
    problem_response,
)
from histovet.partners.quotas import count_report, count_request, refuse_without_quota
from histovet.vault.errors import NoActiveRelease
from pseudonymizer.errors import KeyRingError

_DESCRIPTION = (
    "Le rapport d’un véhicule en JSON, pour les partenaires. Les demandes et les "
    "réponses ont la forme de l’API HistoVec ; ce qui s’y ajoute est dans « histovet »."
)


class PartnerBearer(HttpBearer):
    def __call__(self, request: HttpRequest) -> Partner | None:
        # As HttpBearer does, without building every header of the request for one.
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != self.openapi_scheme:
            return None
        return self.authenticate(request, key.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Partner | None:
        return authenticate(token, timezone.now())


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
    partner: Partner = request.auth  # type: ignore[attr-defined]
    now = timezone.now()
    if Scope.REPORT_BY_DATA not in partner.scopes:
        raise Refused(Problem.SCOPE_MISSING)
    count_request(request, partner)
    demand = read_demand(request)
    plate = demand.enquiry.identity.plate
    refuse_after_failures(partner, plate, now)
    # Before anything is sought, and after what was not found as after what was: with
    # the quota used up, right data and wrong get the same answer.
    refuse_without_quota(request, partner)
    opened = retrieve(demand.enquiry)
    if opened is None:
        count_failure(partner, plate, now)
        refuse_without_quota(request, partner)
        raise Refused(Problem.REPORT_NOT_FOUND)
    count_report(request, partner)
    shown = report(
        opened.record, audience=Audience.HOLDER, as_of=opened.release.row.as_of
    )
    document = ancestor_document(
        shown, release=opened.release.row.label, inspections=demand.inspections
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
