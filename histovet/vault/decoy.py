"""A record to open when there is none, so that the time of an answer does not tell."""

from __future__ import annotations

import datetime as dt

from pseudonymizer.records import (
    Fingerprint,
    HolderKind,
    HolderProof,
    Initials,
    Operation,
    Record,
    Register,
    Vehicle,
)

_FIRST = dt.date(2012, 3, 6)

# As long as the median record of the real extract: four events, one person.
RECORD = Record(
    register=Register.SIV,
    masked_plate="AA-0**-AA",
    initials=Initials(family="X.", given="X."),
    postal_code="00000",
    leased=False,
    vehicle=Vehicle(
        make="X" * 7,
        variant="X" * 12,
        cnit="X" * 15,
        model="X" * 8,
        vin="X" * 17,
        colour="X" * 5,
        approval_type="X" * 4,
        approval_number="X" * 16,
        max_technical_mass_kg=1800,
        max_laden_mass_kg=1800,
        max_train_mass_kg=2900,
        mass_in_service_kg=1300,
        unladen_mass_kg=1225,
        eu_category="M1",
        genre="VP",
        eu_body="AB",
        body="CI",
        displacement_cm3=1461,
        net_power_kw=66,
        energy="GO",
        fiscal_power_cv=4,
        seats=5,
        noise_db=73,
        noise_engine_speed=2813,
        co2_g_km=104,
        environment_class="X" * 17,
    ),
    certificate_cancelled=False,
    certificate_lost=False,
    certificate_stolen=False,
    certificate_duplicate=False,
    vehicle_stolen=False,
    first_registration=_FIRST,
    issue_date=_FIRST,
    first_registration_siv=_FIRST,
    last_change=_FIRST,
    import_date=_FIRST,
    imported=False,
    subject_to_inspection=True,
    operations=tuple(
        Operation(code, _FIRST)
        for code in (
            "CHANG_TIT_NORMAL",
            "DECLARATION_ACHAT",
            "DECLARATION_CESSION",
            "IMMAT_NORMALE",
        )
    ),
    holder_count=2,
    uncertain_origin=False,
    claim_count=0,
    fit_to_drive=True,
)
# No word has the empty filter: nothing that is typed matches one of these.
FINGERPRINTS = {
    HolderKind.PERSON: Fingerprint(HolderKind.PERSON, bytes(16), (bytes(16),)),
    HolderKind.SINGLE_FIELD: Fingerprint(
        HolderKind.SINGLE_FIELD, b"", (bytes(16), bytes(16))
    ),
    HolderKind.COMPANY: Fingerprint(HolderKind.COMPANY, bytes(32)),
}
PROOF = HolderProof((FINGERPRINTS[HolderKind.PERSON],), ((1, bytes(8)),))
