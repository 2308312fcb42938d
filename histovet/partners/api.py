"""The JSON API: who asks, how often, for what, and the answer."""

from __future__ import annotations

import datetime as dt
import logging
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
from histovet.history.forms import Enquiry
from histovet.history.report import Audience, Report
from histovet.history.retrieve import held_by
from histovet.limits import vehicles
from histovet.partners.ancestor import ancestor_document
from histovet.partners.anomalies import refuse_anomalies, refused_as_suspended
from histovet.partners.auth import KeySuspended, Partner, authenticate
from histovet.partners.demand import (
    VIN_END_MISSING,
    read_code_demand,
    read_data_demand,
)
from histovet.partners.failure_budget import count_failure, refuse_after_failures
from histovet.partners.link_status import read_link_status
from histovet.partners.listing_check import NotLive, check_listing, read_listing_demand
from histovet.partners.models import Scope
from histovet.partners.openapi import (
    link_status_details,
    listing_check_details,
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
from histovet.sharing.status import is_live_for
from histovet.usage.daily_counts import What, daily_counts
from histovet.vault import reading
from histovet.vault.errors import NoActiveRelease
from histovet.vault.reading import Opened
from pseudonymizer.errors import KeyRingError

logger = logging.getLogger(__name__)

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
    try:
        demand = read_data_demand(request)
        identity = demand.enquiry.identity
        search = reading.search(identity, vehicles.counter(identity, now))
    except (Refused, NoActiveRelease, KeyRingError):
        # Who may not ask is told that first.
        _admitted(request, Scope.REPORT_BY_DATA)
        raise
    partner = _admitted(request, Scope.REPORT_BY_DATA, search=search)
    opened = _sought(
        partner, identity.plate, now, lambda: _retrieved(demand.enquiry, search, now)
    )
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
    by = _by(partner)
    link = _sought(
        partner, None, now, lambda: open_link(demand.secret, now, partner=by)
    )
    shown = link.report(now if demand.inspections else None)
    return _answer(shown, link.opened, demand.inspections, receipt=link.receipt)


@router.post(
    "/listing_check",
    operation_id="listing_check",
    summary="Une annonce comparée, avec le code du vendeur",
    description=(
        "Dit de chaque champ de l’annonce s’il va avec le registre, et rien d’autre. "
        "Trois annonces différentes par code ; la même, renvoyée, ne compte pas. Ce "
        "n’est pas une ouverture du lien, et cela ne compte pas dans le quota. Chaque "
        "réponse porte le numéro de reçu sous lequel le vendeur voit qu’une annonce a "
        "été comparée : « histovet.receipt »."
    ),
    tags=["Annonce"],
    openapi_extra=listing_check_details(),
)
def listing_check(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    partner = _admitted(request, Scope.LISTING_CHECK, wants_report=False)
    demand = read_listing_demand(request)
    refuse_after_failures(partner, None, now)
    try:
        checked = check_listing(demand, _by(partner), now)
    except NotLive as exc:
        count_failure(partner, None, now)
        raise Refused(Problem.REPORT_NOT_FOUND) from exc
    daily_counts.add(What.LISTING_CHECK, now)
    return _json(checked)


@router.post(
    "/link_status",
    operation_id="link_status",
    summary="Un code que vous avez ouvert est-il encore valable ?",
    description=(
        "« live » est faux pour tout code qui n’ouvre rien, et pour tout code avec "
        "lequel vous n’avez pas encore eu de rapport ni comparé d’annonce : la réponse "
        "ne dit pas pourquoi. Ce n’est ni une ouverture, ni une recherche infructueuse."
    ),
    tags=["Annonce"],
    openapi_extra=link_status_details(),
)
def link_status(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    partner = _admitted(request, Scope.LINK_STATUS, wants_report=False)
    secret = read_link_status(request)
    return _json({"live": is_live_for(secret, _by(partner), now)})


def _by(partner: Partner) -> ByPartner:
    return ByPartner(partner.name, partner.folded_name)


def _json(document: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(document), content_type="application/json")


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
    return _json(usage_document(partner, timezone.now()))


def _admitted(
    request: HttpRequest,
    scope: Scope | None,
    *,
    wants_report: bool = True,
    search: reading.Search | None = None,
) -> Partner:
    """Return who asks, with the request counted, and a report unless none is wanted.

    Raises Refused when it may not ask this, or so often. The middleware takes back the
    report of a request that is answered otherwise.
    """
    now = timezone.now()
    key: str = request.auth  # type: ignore[attr-defined]
    try:
        partner = authenticate(
            key, now, scope=scope or "", wants_report=wants_report, search=search
        )
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
    daily_counts.add(What.PARTNER_REPORT, now)
    return found


def _retrieved(
    enquiry: Enquiry, search: reading.Search, now: dt.datetime
) -> Opened | None:
    """Raises Refused, whatever was found, when the vehicle asks for the end of its VIN
    and it was not sent."""
    opened, failures = reading.read_counted(search)
    asks_vin_end = vehicles.is_beyond_budget(failures)
    if asks_vin_end and not enquiry.vin_end:
        raise Refused(Problem.VIN_END_ASKED, errors=[VIN_END_MISSING])
    found = held_by(enquiry, opened, compares_vin_end=asks_vin_end)
    if found is None:
        vehicles.count_failure(enquiry.identity, now)
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
    return _json(document)


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
    # Django writes of the answer, and no longer knows why.
    logger.error("a call could not be answered", exc_info=cast(Exception, exc))
    return problem_response(
        Problem.UNAVAILABLE, retry_after_seconds=UNAVAILABLE_SECONDS
    )


api = _made("partners")
ancestor_api = _made("partners-histovec")
