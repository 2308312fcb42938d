"""The frozen types that travel between the steps of the pseudonymizer and the site."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct


class Register(enum.StrEnum):
    SIV = "SIV"
    FNI = "FNI"


class Identity(Struct, frozen=True):
    """What names one certificate, already canonical (SPEC.md section 2).

    `formula_or_date` is the formula number (SIV) or the ISO issue date (FNI).
    """

    register: Register
    plate: str
    formula_or_date: str


class HolderKind(enum.StrEnum):
    PERSON = "person"
    SINGLE_FIELD = "single field"
    COMPANY = "company"


class Holder(Struct, frozen=True):
    """Canonical names of one holder (SPEC.md section 3); never stored.

    PERSON: `family` is the family name without separators, `words` the given names.
    SINGLE_FIELD: `family` is empty, `words` are family name and given names in order.
    COMPANY: `family` is the company name without separators and legal form,
    `siren` nine digits or None.
    """

    kind: HolderKind
    family: str
    words: tuple[str, ...] = ()
    siren: str | None = None


class Fingerprint(Struct, frozen=True):
    """What is stored of one holder: Bloom filters of 16 bytes, or 32 for a company."""

    kind: HolderKind
    family: bytes
    words: tuple[bytes, ...] = ()
    siren_tag: bytes | None = None


class HolderProof(Struct, frozen=True):
    """What a record holds to recognise its holder, and nothing to name them.

    `tags` are (register key version, 8 bytes) and stay equal from release to release.
    """

    fingerprints: tuple[Fingerprint, ...] = ()
    tags: tuple[tuple[int, bytes], ...] = ()


class Initials(Struct, frozen=True):
    """What is shown of the first holder: initials, and the first three digits of the
    SIREN."""

    family: str | None = None
    given: str | None = None
    company: str | None = None
    siren_prefix: str | None = None


class Operation(Struct, frozen=True):
    code: str
    date: dt.date | None = None
    cancelled: bool = False
    cancelled_on: dt.date | None = None
    procedure: str | None = None
    expert: str | None = None


class Suspension(Struct, frozen=True):
    reason: str
    date: dt.date | None = None
    document_surrendered: bool | None = None
    document_withdrawn: bool | None = None


class Opposition(Struct, frozen=True):
    """`kind` is the register's own: oves, oveis, otcis, otcis_pv, or a new one."""

    kind: str
    date: dt.date | None = None


class Pledge(Struct, frozen=True):
    date: dt.date | None = None
    creditor: str | None = None


class Seizure(Struct, frozen=True):
    date: dt.date | None = None
    authority: str | None = None


class ExpertStep(Struct, frozen=True):
    date: dt.date | None = None
    expert: str | None = None
    dangerous: bool | None = None
    repairable: bool | None = None


class DamageProcedure(Struct, frozen=True):
    number: str | None = None
    running: bool | None = None
    declaration: ExpertStep | None = None
    first_report: ExpertStep | None = None
    second_report: ExpertStep | None = None


class Vehicle(Struct, frozen=True):
    """The rubrics of the certificate. None is unknown: the register's zero is None."""

    make: str | None = None  # D.1
    variant: str | None = None  # D.2
    cnit: str | None = None  # D.2.1
    model: str | None = None  # D.3
    vin: str | None = None  # E; masked by the feed unless it gives the full one
    colour: str | None = None
    approval_type: str | None = None
    approval_number: str | None = None  # K
    max_technical_mass_kg: float | None = None  # F.1
    max_laden_mass_kg: float | None = None  # F.2
    max_train_mass_kg: float | None = None  # F.3
    mass_in_service_kg: float | None = None  # G
    unladen_mass_kg: float | None = None  # G.1
    eu_category: str | None = None  # J
    genre: str | None = None  # J.1
    eu_body: str | None = None  # J.2
    body: str | None = None  # J.3
    displacement_cm3: float | None = None  # P.1
    net_power_kw: float | None = None  # P.2
    energy: str | None = None  # P.3
    fiscal_power_cv: float | None = None  # P.6
    power_to_mass: float | None = None  # Q
    seats: int | None = None  # S.1
    standing_places: int | None = None  # S.2
    noise_db: float | None = None  # U.1
    noise_engine_speed: float | None = None  # U.2
    co2_g_km: float | None = None  # V.7
    environment_class: str | None = None  # V.9


class Record(Struct, frozen=True):
    """The facts in one vehicle's sealed bytes; the HolderProof stands beside them.

    Dates are calendar days in France. `operations` are newest first. `quality` holds
    `CODE:field` for each value of the feed that could not be read, and `extras` each
    key of the feed that this version does not know, as it was.
    """

    register: Register
    masked_plate: str
    initials: Initials = Initials()
    postal_code: str | None = None
    leased: bool | None = None
    vehicle: Vehicle = Vehicle()
    certificate_cancelled: bool | None = None
    certificate_cancelled_on: dt.date | None = None
    certificate_lost: bool | None = None
    certificate_stolen: bool | None = None
    certificate_duplicate: bool | None = None
    vehicle_stolen: bool | None = None
    first_registration: dt.date | None = None
    issue_date: dt.date | None = None
    first_registration_siv: dt.date | None = None
    siv_conversion: dt.date | None = None
    last_change: dt.date | None = None
    updated: dt.date | None = None
    import_date: dt.date | None = None
    imported: bool | None = None
    first_registration_abroad: dt.date | None = None
    origin_code: str | None = None
    origin_name: str | None = None
    usages: tuple[str, ...] = ()
    subject_to_inspection: bool | None = None
    operations: tuple[Operation, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    oppositions: tuple[Opposition, ...] = ()
    pledges: tuple[Pledge, ...] = ()
    seizures: tuple[Seizure, ...] = ()
    procedures: tuple[DamageProcedure, ...] = ()
    holder_count: int | None = None
    uncertain_origin: bool | None = None
    claim_count: int | None = None
    last_claim: dt.date | None = None
    last_resolution: dt.date | None = None
    fit_to_drive: bool | None = None
    quality: tuple[str, ...] = ()
    extras: Mapping[str, Any] = {}


class Inspection(Struct, frozen=True):
    """One technical inspection. `nature` and `result` are UTAC's codes, a new one as it
    is; `mileage_km` is None when none was read."""

    date: dt.date
    nature: str
    result: str
    mileage_km: int | None = None


# A lorry inspected twice a year, with as many counter-visits, for 25 years.
INSPECTIONS_MAX = 100


class Inspections(Struct, frozen=True):
    """Every inspection of one vehicle that its source knows, newest first; `updated` is
    the day on which the source last changed them, None when it does not tell."""

    inspections: tuple[Inspection, ...] = ()
    updated: dt.date | None = None


class Registration(Struct, frozen=True):
    """One usable line of the extract: it lives from `read` to `seal` and no longer."""

    identity: Identity
    holders: tuple[Holder, ...]
    record: Record

    @property
    def changed(self) -> dt.date | None:
        """The day on which its source last changed it."""
        return self.record.last_change


class InspectionLine(Struct, frozen=True):
    """One usable line of an inspections file."""

    identity: Identity
    inspections: Inspections

    @property
    def changed(self) -> dt.date | None:
        """The day on which its source last changed it."""
        return self.inspections.updated


class SealedRow(Struct, frozen=True):
    """One row of a release, as the database holds it."""

    record_id: bytes  # 16 bytes
    generation: int
    sealed: bytes


class Release(Struct, frozen=True):
    """What stands in clear about one generation of the whole register.

    `mac` covers every other field but `number`, which is the database's own.
    `inspections_as_of` is None when the release holds no inspections. `edition` counts
    the deltas that were applied to it, `delta_sha256` is the digest of the last one's
    manifest; both dates are then those that this delta gave.
    """

    number: int
    uuid: UUID
    label: str
    as_of: dt.date
    key_version: int
    salt: bytes  # 32 bytes
    manifest_sha256: bytes  # 32 bytes
    mac: bytes  # 32 bytes
    inspections_as_of: dt.date | None = None
    edition: int = 0
    delta_sha256: bytes | None = None  # 32 bytes


class LinkTerms(Struct, frozen=True):
    """What stands in clear about a link, and what its capsule is bound to.

    Moments are whole seconds since 1970, UTC. `max_openings` is None for any number.
    """

    public_id: bytes  # 12 bytes
    key_version: int  # of the site ring
    holder_key_version: int  # of the register ring, whose holder tag is in the capsule
    created_at: int
    expires_at: int
    scope: int
    max_openings: int | None


class Capsule(Struct, frozen=True):
    """What a link opens: the vehicle, and who held it when the link was made."""

    identity: Identity
    holder_tag: bytes  # 8 bytes


class FileReport(Struct, frozen=True):
    """What one file of the feed came to."""

    name: str
    lines: int
    rows: int
    rejects: Mapping[str, int]  # code → lines


class IngestReport(Struct, frozen=True):
    """What one ingest came to: a full feed, or the delta that makes `edition` of the
    release. `activated` is false when it had been done before; `seconds` is wall time
    of this run alone."""

    release: str
    label: str
    edition: int
    activated: bool
    files: tuple[FileReport, ...]
    lines: int
    rows: int
    rejects: Mapping[str, int]
    seconds: float
