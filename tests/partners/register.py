"""A release of a few vehicles built by hand, in the transaction of the test."""

import datetime as dt
import os
from uuid import UUID, uuid4

from django.db import connection

from histovet.vault.keys import register_ring
from histovet.vault.models import Release
from pseudonymizer import codec, holder, normalise, records
from pseudonymizer.envelope import ReleaseKeys, identity_bytes, release_mac
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    HolderProof,
    Initials,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
    Registration,
    Seizure,
    Suspension,
    Vehicle,
)

AS_OF = dt.date(2021, 10, 26)
LABEL = "2021-10"
DAY = dt.date

FULL_VEHICLE = Vehicle(
    make="RENAULT",
    variant="M10RENVP123",
    cnit="M10RENVP123A456",
    model="CLIO",
    vin="VF1RFB00X12345678",
    colour="BLEU",
    approval_type="CE",
    approval_number="E2*2001/116*0327*63",
    max_technical_mass_kg=1735,
    max_laden_mass_kg=1735.0,
    max_train_mass_kg=2635,
    mass_in_service_kg=1245,
    unladen_mass_kg=1170,
    eu_category="M1",
    genre="VP",
    eu_body="AB",
    body="CI",
    displacement_cm3=1461.5,
    net_power_kw=66.0,
    energy="GO",
    fiscal_power_cv=4,
    power_to_mass=0.05,
    seats=5,
    standing_places=1,
    noise_db=74,
    noise_engine_speed=2000,
    co2_g_km=90,
    environment_class="2001/116*2006/96EURO5",
)

FULL = Registration(
    normalise.siv_identity("AB-123-CD", "2019AB12345"),
    holder.person("LEMOINE", "CAMILLE ANNE"),
    Record(
        register=Register.SIV,
        masked_plate="AB-1**-CD",
        initials=Initials(family="L.", given="C. A."),
        postal_code="31520",
        leased=True,
        vehicle=FULL_VEHICLE,
        certificate_cancelled=False,
        certificate_lost=True,
        certificate_stolen=False,
        certificate_duplicate=True,
        vehicle_stolen=True,
        first_registration=DAY(2012, 3, 6),
        issue_date=DAY(2019, 1, 6),
        first_registration_siv=DAY(2012, 3, 6),
        last_change=DAY(2019, 1, 6),
        import_date=DAY(2012, 3, 6),
        imported=True,
        first_registration_abroad=DAY(2011, 2, 1),
        origin_code="D",
        origin_name="ALLEMAGNE",
        usages=("COL",),
        operations=(
            Operation("CHANG_TIT_NORMAL", DAY(2019, 1, 6)),
            Operation(
                "DECLARATION_CESSION", DAY(2018, 12, 23), True, DAY(2018, 12, 28)
            ),
            Operation("INSCRIRE_DVS", None),
            Operation("DEC_VE", DAY(2016, 5, 1), procedure="77"),
            Operation("OPERATION_INCONNUE", DAY(2014, 5, 1)),
            Operation("IMMAT_NORMALE_PREM_VO", DAY(2012, 3, 6)),
        ),
        suspensions=(
            Suspension("PVE", DAY(2016, 5, 2), False, True),
            Suspension("PJU"),
        ),
        oppositions=(
            Opposition("oves", DAY(2016, 5, 3)),
            Opposition("oveis", DAY(2016, 5, 4)),
            Opposition("otcis", DAY(2016, 5, 5)),
            Opposition("otcis_pv", DAY(2016, 5, 6)),
            Opposition("otcis_pv"),
            Opposition("nouvelle", DAY(2019, 1, 6)),
        ),
        pledges=(Pledge(DAY(2017, 1, 1), "BANQUE DU LAC"), Pledge()),
        seizures=(Seizure(DAY(2017, 2, 1), "TRESORERIE"), Seizure()),
        procedures=(
            DamageProcedure(
                "77",
                True,
                ExpertStep(DAY(2016, 5, 1), "1234", True, True),
                ExpertStep(DAY(2016, 6, 1), None, False, None),
            ),
        ),
        holder_count=2,
        claim_count=1,
        last_claim=DAY(2016, 5, 1),
        last_resolution=DAY(2016, 7, 1),
        fit_to_drive=False,
        quality=("date_unreadable:sit_adm.dvs.date",),
    ),
)

PLAIN_FNI = Registration(
    normalise.fni_identity("123 ABC 75", DAY(2008, 3, 6)),
    holder.single_field("LEMOINE CAMILLE"),
    Record(
        register=Register.FNI,
        masked_plate="1** ABC **",
        initials=Initials(family="L. C."),
        vehicle=Vehicle(make="PEUGEOT", vin="VF3A********12345", seats=5),
        certificate_cancelled=False,
        vehicle_stolen=False,
        first_registration=DAY(1999, 3, 6),
        issue_date=DAY(2008, 3, 6),
        operations=(Operation("CHANG_TIT_NORMAL", DAY(2008, 3, 6)),),
        holder_count=1,
        claim_count=0,
        fit_to_drive=True,
    ),
)

COMPANY = Registration(
    normalise.siv_identity("EE-001-FF", "2015ZZ00001"),
    holder.company("GARAGE DU PONT SARL", "123456789"),
    Record(
        register=Register.SIV,
        masked_plate="EE-0**-FF",
        initials=Initials(company="G. D. P. S.", siren_prefix="123"),
        postal_code="75011",
        certificate_cancelled=False,
        issue_date=DAY(2015, 4, 1),
    ),
)

CANCELLED = Registration(
    normalise.siv_identity("GG-002-HH", "2011YY00002"),
    holder.person("OUBLIE", "JEAN"),
    Record(
        register=Register.SIV,
        masked_plate="GG-0**-HH",
        initials=Initials(family="O.", given="J."),
        vehicle=Vehicle(make="CITROEN", vin="VF7A********12345"),
        certificate_cancelled=True,
        certificate_cancelled_on=DAY(2015, 6, 1),
        first_registration=DAY(2011, 2, 3),
    ),
)

EVERYTHING = (FULL, PLAIN_FNI, COMPANY, CANCELLED)


def publish_records(*registrations: Registration) -> Release:
    """Make a release of these the active one."""
    ring = register_ring()
    row = records.Release(
        number=0,
        uuid=uuid4(),
        label=LABEL,
        as_of=AS_OF,
        key_version=ring.active,
        salt=os.urandom(32),
        manifest_sha256=os.urandom(32),
        mac=b"",
    )
    release = Release.objects.create(
        uuid=row.uuid,
        label=row.label,
        as_of=row.as_of,
        key_version=row.key_version,
        salt=row.salt,
        mac=release_mac(ring, row),
        manifest_sha256=row.manifest_sha256,
    )
    keys = ReleaseKeys(ring, version=ring.active, salt=row.salt, release=row.uuid)
    with connection.cursor() as cursor:
        cursor.execute("SELECT vault_add_partition(%s::smallint)", [release.number])
        for registration in registrations:
            cursor.execute(
                "INSERT INTO vault_record (release_number, record_id, generation,"
                " sealed) VALUES (%s, %s, %s, %s)",
                [release.number, *_sealed(keys, registration)],
            )
    Release.objects.filter(state=Release.State.ACTIVE).update(
        state=Release.State.PREVIOUS
    )
    release.state = Release.State.ACTIVE
    release.save(update_fields=["state"])
    return release


def _sealed(keys: ReleaseKeys, registration: Registration) -> tuple[UUID, int, bytes]:
    fingerprinter = holder.Fingerprinter(keys.bigram_table, keys.siren_tag)
    proof = HolderProof(
        tuple(fingerprinter.fingerprint(one) for one in registration.holders),
        keys.holder_tags(holder.holder_bytes(registration.holders)),
    )
    identity = identity_bytes(registration.identity)
    content = codec.encode(registration.record, proof)
    row = keys.seal(identity, content, codec.DICTIONARY)
    return UUID(bytes=row.record_id), row.generation, row.sealed


def break_reading(sqlstate: str, message: str) -> None:
    """Have PostgreSQL raise this for every record that is read, in this test."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE OR REPLACE FUNCTION vault_read_record(
                number smallint, edition integer, id uuid, OUT release_active boolean,
                OUT generation smallint, OUT sealed bytea
            ) LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{sqlstate}'; END
            $$
            """
        )
