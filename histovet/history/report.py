"""A record → what may be shown of it, to its holder or to others.

Pure. A report for others never hands out the credential: the day of the current
certificate is the FNI credential and predicts the SIV formula number, so its date,
and every other one in its month or year, is coarsened; the end of the VIN is the third
datum, so of the VIN the beginning alone is told. Source: docs/report.md.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol, TypeVar

import msgspec

from histovet.history.dates import Precision, ShownDate, months_between
from histovet.inspections.inspected import Absence, Inspected, Source
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Initials,
    Record,
    Register,
    Vehicle,
)


class Audience(enum.Enum):
    HOLDER = "holder"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class ShownOperation:
    code: str
    date: ShownDate | None
    cancelled: bool
    cancelled_on: ShownDate | None
    procedure: str | None
    expert: str | None


@dataclass(frozen=True, slots=True)
class ShownSuspension:
    reason: str
    date: ShownDate | None
    document_surrendered: bool | None
    document_withdrawn: bool | None


@dataclass(frozen=True, slots=True)
class ShownOpposition:
    kind: str
    date: ShownDate | None


@dataclass(frozen=True, slots=True)
class ShownPledge:
    date: ShownDate | None
    creditor: str | None


@dataclass(frozen=True, slots=True)
class ShownSeizure:
    date: ShownDate | None
    authority: str | None


@dataclass(frozen=True, slots=True)
class ShownStep:
    date: ShownDate | None
    expert: str | None
    dangerous: bool | None
    repairable: bool | None


@dataclass(frozen=True, slots=True)
class ShownProcedure:
    number: str | None
    running: bool | None
    declaration: ShownStep | None
    first_report: ShownStep | None
    second_report: ShownStep | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """`held_since` is the last change of holder and `months_held` whole months from it
    to the as-of date, counted from the coarsened day when that day is coarsened; both
    None when the register has no such operation."""

    issue_date: ShownDate | None
    held_since: ShownDate | None
    months_held: int | None
    cancelled: bool | None
    cancelled_on: ShownDate | None
    lost: bool | None
    stolen: bool | None
    duplicate: bool | None
    initials: Initials
    place: str | None  # postal code for the holder, département for others
    leased: bool | None


@dataclass(frozen=True, slots=True)
class Damage:
    claim_count: int | None
    last_claim: ShownDate | None
    last_resolution: ShownDate | None  # only when not before the last claim
    fit_to_drive: bool | None
    running: bool | None
    procedures: tuple[ShownProcedure, ...]


@dataclass(frozen=True, slots=True)
class Import:
    imported: bool | None
    date: ShownDate | None
    first_registration_abroad: ShownDate | None
    origin_code: str | None
    origin_name: str | None


@dataclass(frozen=True, slots=True)
class ShownInspection:
    date: ShownDate
    nature: str
    result: str
    mileage_km: int | None


@dataclass(frozen=True, slots=True)
class ShownInspections:
    """`listed` are newest first; `absence` is None when there is one at least."""

    listed: tuple[ShownInspection, ...]
    source: Source | None
    as_of: ShownDate | None
    absence: Absence | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a page, a document or the API may show; nothing else does.

    `operations` are newest first; a coarsened one stands as if on the last day that
    it may stand for, so that its neighbours do not give the day back.
    """

    audience: Audience
    as_of: dt.date
    register: Register
    masked_plate: str
    vehicle: Vehicle
    first_registration: ShownDate | None
    first_registration_siv: ShownDate | None
    siv_conversion: ShownDate | None
    last_change: ShownDate | None
    certificate: Certificate
    holder_count: int | None
    uncertain_origin: bool | None
    vehicle_stolen: bool | None
    usages: tuple[str, ...]
    subject_to_inspection: bool | None
    damage: Damage
    imported: Import
    operations: tuple[ShownOperation, ...]
    suspensions: tuple[ShownSuspension, ...]
    oppositions: tuple[ShownOpposition, ...]
    pledges: tuple[ShownPledge, ...]
    seizures: tuple[ShownSeizure, ...]
    inspections: ShownInspections
    quality: tuple[str, ...]


# Operations that count a new holder and so date the certificate (SPEC.md section 1;
# the change of a leaseholder counts a holder, but does not date it).
NEW_HOLDERS = frozenset(
    ("IMMAT_NORMALE", "IMMAT_NORMALE_PREM_VO", "CHANG_TIT_NORMAL",
     "CHANG_TIT_NORMAL_CVN")
)  # fmt: skip


# What ends a vehicle; its announcement alone (DECLARATION_DESTRUCTION) does not.
DESTRUCTIONS = frozenset(("DESTRUCTION_VEHICULE",))

# Operations by which a vehicle leaves its holder, to a professional or to anyone.
SALES = frozenset(
    ("DECLARATION_CESSION", "DECLARATION_CESSION_DGME", "DECLARATION_ACHAT")
)

_NOTHING_INSPECTED = Inspected()


def report(
    record: Record,
    *,
    audience: Audience,
    as_of: dt.date,
    inspected: Inspected = _NOTHING_INSPECTED,
) -> Report:
    """Return what this audience may read; `as_of` is the register's own date."""
    # When the register last touched a record may be the day of its certificate.
    if audience is Audience.HOLDER:
        as_of = record.updated or as_of
    shown = _Dates(record, audience)
    operations = tuple(
        ShownOperation(
            code=operation.code,
            date=shown(operation.date),
            cancelled=operation.cancelled,
            cancelled_on=shown(operation.cancelled_on),
            procedure=operation.procedure,
            expert=operation.expert,
        )
        for operation in record.operations
    )
    held_since = _held_since(operations)
    last_claim, last_resolution = (
        shown(record.last_claim),
        shown(record.last_resolution),
    )
    if last_claim and last_resolution and last_resolution.last_day < last_claim.date:
        last_resolution = None
    return Report(
        audience=audience,
        as_of=as_of,
        register=record.register,
        masked_plate=record.masked_plate,
        vehicle=_masked(record.vehicle, audience),
        first_registration=shown(record.first_registration),
        first_registration_siv=shown(record.first_registration_siv),
        siv_conversion=shown(record.siv_conversion),
        last_change=shown(record.last_change),
        certificate=Certificate(
            issue_date=shown(record.issue_date),
            held_since=held_since,
            months_held=months_between(held_since.date, as_of) if held_since else None,
            cancelled=record.certificate_cancelled,
            cancelled_on=shown(record.certificate_cancelled_on),
            lost=record.certificate_lost,
            stolen=record.certificate_stolen,
            duplicate=record.certificate_duplicate,
            initials=record.initials,
            place=record.postal_code
            if audience is Audience.HOLDER
            else departement(record.postal_code),
            leased=record.leased,
        ),
        holder_count=record.holder_count,
        uncertain_origin=record.uncertain_origin,
        vehicle_stolen=record.vehicle_stolen,
        usages=record.usages,
        subject_to_inspection=record.subject_to_inspection,
        damage=Damage(
            claim_count=record.claim_count,
            last_claim=last_claim,
            last_resolution=last_resolution,
            fit_to_drive=record.fit_to_drive,
            running=_running(record.procedures),
            procedures=tuple(shown.procedure(p) for p in record.procedures),
        ),
        imported=Import(
            imported=record.imported,
            date=shown(record.import_date),
            first_registration_abroad=shown(record.first_registration_abroad),
            origin_code=record.origin_code,
            origin_name=record.origin_name,
        ),
        operations=tuple(newest_first(operations)),
        suspensions=tuple(
            ShownSuspension(
                s.reason, shown(s.date), s.document_surrendered, s.document_withdrawn
            )
            for s in record.suspensions
        ),
        oppositions=tuple(
            ShownOpposition(o.kind, shown(o.date)) for o in record.oppositions
        ),
        pledges=tuple(ShownPledge(shown(p.date), p.creditor) for p in record.pledges),
        seizures=tuple(
            ShownSeizure(shown(s.date), s.authority) for s in record.seizures
        ),
        inspections=ShownInspections(
            listed=tuple(
                ShownInspection(shown.known(i.date), i.nature, i.result, i.mileage_km)
                for i in inspected.inspections
            ),
            source=inspected.source,
            # A source that is asked may date its last word on this vehicle alone.
            as_of=shown(inspected.as_of)
            if inspected.source is Source.UTAC or inspected.as_of is None
            else ShownDate(inspected.as_of),
            absence=inspected.absence,
        ),
        quality=record.quality,
    )


def without_administrative_details(report: Report) -> Report:
    """Return the report without the names of who lent or seized."""
    return dataclasses.replace(
        report,
        pledges=tuple(dataclasses.replace(p, creditor=None) for p in report.pledges),
        seizures=tuple(dataclasses.replace(s, authority=None) for s in report.seizures),
    )


# Of the 17 characters of a VIN the register leaves 4 and 5.
_VIN_HEAD, _VIN_TAIL, _VIN_HIDDEN = 4, 5, 8


def masked_vin(vin: str, audience: Audience) -> str:
    """Return a VIN as this audience reads it: its holder what the register shows, and
    of a whole one no more than the register would; others the beginning alone. Of one
    that has not 17 characters at least 8 are hidden."""
    if audience is Audience.HOLDER and "*" in vin:
        return vin
    left = max(0, min(_VIN_HEAD + _VIN_TAIL, len(vin) - _VIN_HIDDEN))
    head = min(_VIN_HEAD, left)
    tail = left - head if audience is Audience.HOLDER else 0
    end = len(vin) - tail
    return vin[:head] + "*" * (end - head) + vin[end:]


def departement(postal_code: str | None) -> str | None:
    """Return the département's number: two digits, three overseas, 2A or 2B."""
    if not postal_code:
        return None
    if postal_code[:2] in ("97", "98"):
        return postal_code[:3]
    if postal_code[:2] == "20":
        return "2A" if postal_code[:3] in ("200", "201") else "2B"
    return postal_code[:2]


def _masked(vehicle: Vehicle, audience: Audience) -> Vehicle:
    if vehicle.vin is None:
        return vehicle
    return msgspec.structs.replace(vehicle, vin=masked_vin(vehicle.vin, audience))


class _Dates:
    """How dates of one record are shown to one audience."""

    def __init__(self, record: Record, audience: Audience) -> None:
        self._siv = record.register is Register.SIV
        self._exact = audience is Audience.HOLDER
        issued = record.issue_date
        self._hidden = None if issued is None else self._coarse(issued)

    def __call__(self, date: dt.date | None) -> ShownDate | None:
        return None if date is None else self.known(date)

    def known(self, date: dt.date) -> ShownDate:
        if self._exact:
            return ShownDate(date, Precision.DAY)
        # The whole period of the certificate, and not its day alone: what is dated a day
        # or two beside it would give the day back (docs/adr/0003). Any date may be that
        # of a certificate whose own is unknown.
        coarse = self._coarse(date)
        if self._hidden is None or coarse == self._hidden:
            return coarse
        return ShownDate(date, Precision.DAY)

    def _coarse(self, date: dt.date) -> ShownDate:
        if self._siv:
            return ShownDate(date.replace(day=1), Precision.MONTH)
        return ShownDate(date.replace(month=1, day=1), Precision.YEAR)

    def procedure(self, procedure: DamageProcedure) -> ShownProcedure:
        return ShownProcedure(
            procedure.number,
            procedure.running,
            self._step(procedure.declaration),
            self._step(procedure.first_report),
            self._step(procedure.second_report),
        )

    def _step(self, step: ExpertStep | None) -> ShownStep | None:
        if step is None:
            return None
        return ShownStep(self(step.date), step.expert, step.dangerous, step.repairable)


class Dated(Protocol):
    @property
    def date(self) -> ShownDate | None: ...


_D = TypeVar("_D", bound=Dated)


def newest_first(dated: Iterable[_D]) -> list[_D]:
    """Sort; a coarsened date stands as if on the last day that it may stand for, and
    what has no date stands last."""
    return sorted(
        dated,
        key=lambda one: (
            (one.date.last_day, one.date.precision is not Precision.DAY)
            if one.date
            else (dt.date.min, False)
        ),
        reverse=True,
    )


def standing(
    operations: Iterable[ShownOperation], codes: frozenset[str]
) -> list[ShownOperation]:
    """Return those of these codes that were not cancelled, in their order."""
    return [o for o in operations if o.code in codes and not o.cancelled]


def _held_since(operations: Iterable[ShownOperation]) -> ShownDate | None:
    dates = [o.date for o in standing(operations, NEW_HOLDERS) if o.date]
    return max(dates, key=attrgetter("last_day"), default=None)


def _running(procedures: Iterable[DamageProcedure]) -> bool | None:
    states = [procedure.running for procedure in procedures]
    if any(states):
        return True
    return False if all(state is False for state in states) else None
