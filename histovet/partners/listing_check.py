"""An advert's claims against the vehicle of a code: for each whether it goes with the
record, and nothing of the record itself.

No oracle: histovet/sharing/claims.py counts the claims that a partner has compared.
Source of the rules: docs/partners.md.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

import msgspec
from django.http import HttpRequest
from msgspec import UNSET, Meta, Struct, UnsetType

from histovet.history import odometer
from histovet.history.dates import Precision, ShownDate
from histovet.history.forms import TEXT_MAX
from histovet.history.report import Report
from histovet.history.vin_end import typed_vin
from histovet.inspections.inspected import Absence
from histovet.partners.demand import CodeDemande, read_json, secret_of
from histovet.partners.make_model import Likeness, compare_makes, compare_models
from histovet.partners.problems import FieldError, Problem, Refused
from histovet.sharing import receipts
from histovet.sharing.car_check import recorded_vin
from histovet.sharing.claims import Admission, admit
from histovet.sharing.opening import OpenLink, open_link
from histovet.sharing.receipts import ByPartner
from pseudonymizer.records import Register

# Odometers are read off and typed by hand, and an advert stays while the car is driven.
TOLERANCE_KM = 1_000
TOLERANCE_SHARE = 0.01
MILEAGE_MAX_KM = 9_999_999

_Text = Annotated[str, Meta(max_length=TEXT_MAX)]


class Annonce(Struct, frozen=True):
    """Ce que dit l’annonce : un champ au moins. Les champs inconnus sont ignorés."""

    marque: (
        Annotated[_Text, Meta(description="Comme le vendeur l’écrit.")] | UnsetType
    ) = UNSET
    modele: (
        Annotated[
            _Text, Meta(description="Comme le vendeur l’écrit, finition comprise.")
        ]
        | UnsetType
    ) = UNSET
    date_premiere_immatriculation: (
        Annotated[
            _Text,
            Meta(
                description="AAAA, AAAA-MM ou AAAA-MM-JJ. Comparée au mois (SIV) ou à "
                "l’année (FNI) près."
            ),
        ]
        | UnsetType
    ) = UNSET
    kilometrage: (
        Annotated[float, Meta(ge=0, le=MILEAGE_MAX_KM, description="En kilomètres.")]
        | UnsetType
    ) = UNSET
    vin: (
        Annotated[
            _Text, Meta(description="Entier. Comparé avec ce que le registre montre.")
        ]
        | UnsetType
    ) = UNSET


class ListingCheck(Struct, frozen=True):
    """Les champs inconnus sont ignorés."""

    vehicule: CodeDemande
    annonce: Annonce
    uuid: Annotated[_Text, Meta(description="Accepté, sans effet.")] = ""


Verdict = Literal["consistent", "inconsistent", "unknown"]
Reason = Literal[
    "equal",
    "equivalent",
    "contained",
    "less_precise",
    "different",
    "not_comparable",
    "not_recorded",
    "not_available",
    "same_month",
    "same_year",
    "not_below_last_reading",
    "below_last_reading",
    "equal_where_shown",
]


class Compared(TypedDict):
    """Ce que le registre en dit, et pourquoi ; jamais ce qu’il contient."""

    verdict: Verdict
    reason: Reason


class AnnonceComparee(TypedDict, total=False):
    """Les champs qui ont été envoyés, et eux seuls."""

    marque: Compared
    modele: Compared
    date_premiere_immatriculation: Compared
    kilometrage: Compared
    vin: Compared


class OfListing(TypedDict):
    receipt: Annotated[
        str, Meta(description="Sous lequel le vendeur voit que vous avez comparé.")
    ]


class ListingChecked(TypedDict):
    annonce: AnnonceComparee
    histovet: OfListing


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an advert claims, None for what it does not. Of a first registration
    `first_precision` says how much was given."""

    make: str | None
    model: str | None
    first_registration: dt.date | None
    first_precision: Precision
    mileage_km: int | None
    vin: str | None

    def canonical(self, register: Register) -> bytes:
        """Return one text for claims that are compared alike."""
        first = self.first_registration
        return msgspec.json.encode(
            (
                _plain(self.make),
                _plain(self.model),
                first and _coarse(first, self._precision(register)).isoformat(),
                first and self._precision(register).value,
                self.mileage_km,
                None if self.vin is None else typed_vin(self.vin),
            )
        )

    def _precision(self, register: Register) -> Precision:
        """Return how closely the first registration is compared."""
        if register is Register.FNI or self.first_precision is Precision.YEAR:
            return Precision.YEAR
        return Precision.MONTH

    def compare_first(
        self, claimed: dt.date, shown: ShownDate | None, register: Register
    ) -> Compared:
        if shown is None:
            return _compared("unknown", "not_recorded")
        precision = self._precision(register)
        if shown.precision is Precision.YEAR:
            precision = Precision.YEAR
        if _coarse(claimed, precision) != _coarse(shown.date, precision):
            return _compared("inconsistent", "different")
        same: Reason = "same_year" if precision is Precision.YEAR else "same_month"
        return _compared("consistent", same)


@dataclass(frozen=True, slots=True)
class ListingDemand:
    """`secret` is that of a link, which may open nothing."""

    secret: bytes
    claimed: Claimed


class NotLive(Exception):
    """The code opens nothing now."""


_DECODER = msgspec.json.Decoder(ListingCheck)
# As the OpenAPI document says it. No vehicle is older.
DATE_PATTERN = (
    "^(1[89][0-9]{2}|2[0-9]{3})(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
)
_DATE = re.compile(DATE_PATTERN.replace("$", r"\Z"))


def read_listing_demand(request: HttpRequest) -> ListingDemand:
    """Raises Refused with the problem that the client can act on."""
    asked = read_json(request, _DECODER)
    claims = asked.annonce
    if all(getattr(claims, name) is UNSET for name in Annonce.__struct_fields__):
        missing = FieldError("/annonce", "missing", "Envoyez un champ au moins.")
        raise Refused(Problem.INVALID_REQUEST, errors=[missing])
    secret = secret_of(asked.vehicule)
    first, precision = _date(claims.date_premiere_immatriculation)
    return ListingDemand(
        secret,
        Claimed(
            make=_given(claims.marque),
            model=_given(claims.modele),
            first_registration=first,
            first_precision=precision,
            mileage_km=None
            if isinstance(claims.kilometrage, UnsetType)
            # Some clients write every number with decimals.
            else round(claims.kilometrage),
            vin=_given(claims.vin),
        ),
    )


def check_listing(
    demand: ListingDemand, partner: ByPartner, now: dt.datetime
) -> ListingChecked:
    """Raises NotLive, and Refused for a report that is withheld or when this partner
    has had its adverts compared. It counts no opening: nothing of the report is shown.
    """
    link = open_link(demand.secret, now, again=True)
    if link is None or link.is_used_up:
        raise NotLive
    if link.is_withheld:
        raise Refused(Problem.REPORT_WITHHELD)
    register = link.opened.record.register
    claims = demand.claimed.canonical(register)
    match admit(demand.secret, partner.folded_name, claims):
        case Admission.ENDED:
            raise NotLive
        case Admission.USED_UP:
            raise Refused(Problem.CLAIMS_USED_UP)
    compared = _compare(demand.claimed, link, now)
    number = receipts.leave_of_advert(link.public_id, partner, now)
    return {"annonce": compared, "histovet": {"receipt": number}}


def _compare(claimed: Claimed, link: OpenLink, now: dt.datetime) -> AnnonceComparee:
    # Inspections may be asked of another service, and only the mileage needs them.
    shown = link.report(now if claimed.mileage_km is not None else None)
    vehicle = shown.vehicle
    found: AnnonceComparee = {}
    if claimed.make is not None:
        found["marque"] = (
            _compared("unknown", "not_recorded")
            if vehicle.make is None
            else _alike(compare_makes(claimed.make, vehicle.make, vehicle.model))
        )
    if claimed.model is not None:
        found["modele"] = (
            _compared("unknown", "not_recorded")
            if vehicle.model is None
            else _alike(compare_models(claimed.model, vehicle.model, vehicle.make))
        )
    if claimed.first_registration is not None:
        found["date_premiere_immatriculation"] = claimed.compare_first(
            claimed.first_registration, shown.first_registration, shown.register
        )
    if claimed.mileage_km is not None:
        found["kilometrage"] = compare_mileage(claimed.mileage_km, shown)
    if claimed.vin is not None:
        # Of the record: a report for others shows too little of it. What is claimed
        # is told right or wrong, three times, and nothing is handed out.
        found["vin"] = compare_vin(claimed.vin, link.opened.record.vehicle.vin)
    return found


def compare_mileage(claimed_km: int, shown: Report) -> Compared:
    """Compare with the last reading that is no slip."""
    readings, facts = odometer.readings_of(shown), odometer.facts_of(shown)
    judged = odometer.judge(readings, facts)
    if judged.reason is odometer.Reason.TYPING_SLIP:
        kept = [one for place, one in enumerate(readings) if place not in judged.at]
        judged = odometer.judge(kept, facts)
    if judged.last is None:
        is_away = shown.inspections.absence is Absence.NOT_AVAILABLE
        return _compared("unknown", "not_available" if is_away else "not_recorded")
    last_km = judged.last.mileage_km
    if last_km - claimed_km > max(TOLERANCE_KM, TOLERANCE_SHARE * last_km):
        return _compared("inconsistent", "below_last_reading")
    return _compared("consistent", "not_below_last_reading")


def compare_vin(claimed: str, of_record: str | None) -> Compared:
    """Compare at every place that the register shows."""
    recorded, typed = recorded_vin(of_record), typed_vin(claimed)
    if recorded is None:
        return _compared("unknown", "not_recorded")
    if not recorded.takes(typed):
        return _compared("unknown", "not_comparable")
    if not recorded.is_that_of(typed):
        return _compared("inconsistent", "different")
    return _compared(
        "consistent", "equal" if recorded.is_whole else "equal_where_shown"
    )


_ALIKE: dict[Likeness, Compared] = {
    Likeness.EQUAL: {"verdict": "consistent", "reason": "equal"},
    Likeness.EQUIVALENT: {"verdict": "consistent", "reason": "equivalent"},
    Likeness.CONTAINED: {"verdict": "consistent", "reason": "contained"},
    Likeness.LESS_PRECISE: {"verdict": "unknown", "reason": "less_precise"},
    Likeness.DIFFERENT: {"verdict": "inconsistent", "reason": "different"},
    Likeness.NOT_COMPARABLE: {"verdict": "unknown", "reason": "not_comparable"},
}


def _alike(likeness: Likeness) -> Compared:
    return _ALIKE[likeness]


def _compared(verdict: Verdict, reason: Reason) -> Compared:
    return {"verdict": verdict, "reason": reason}


def _given(value: str | UnsetType) -> str | None:
    return None if isinstance(value, UnsetType) else value


def _plain(text: str | None) -> str | None:
    return None if text is None else " ".join(text.casefold().split())


def _coarse(day: dt.date, precision: Precision) -> dt.date:
    if precision is Precision.YEAR:
        return day.replace(month=1, day=1)
    return day.replace(day=1)


def _date(value: str | UnsetType) -> tuple[dt.date | None, Precision]:
    """Raises Refused."""
    if isinstance(value, UnsetType):
        return None, Precision.DAY
    if not _DATE.match(value):
        raise _date_refused("date_unreadable", "Écrivez AAAA-MM-JJ, AAAA-MM ou AAAA.")
    numbers = [int(part) for part in value.split("-")]
    precision = (Precision.YEAR, Precision.MONTH, Precision.DAY)[len(numbers) - 1]
    year, month, day = (*numbers, 1, 1)[:3]
    try:
        return dt.date(year, month, day), precision
    except ValueError:
        raise _date_refused("date_impossible", "Cette date n’existe pas.") from None


def _date_refused(code: str, message: str) -> Refused:
    error = FieldError("/annonce/date_premiere_immatriculation", code, message)
    return Refused(Problem.INVALID_REQUEST, errors=[error])
