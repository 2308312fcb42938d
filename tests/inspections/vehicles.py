"""Vehicles as the vault opens them, of a release that was never published."""

import datetime as dt
from types import SimpleNamespace
from uuid import UUID

from histovet.vault.reading import Opened
from pseudonymizer.normalise import siv_identity
from pseudonymizer.records import HolderProof, Record, Register, Release, Vehicle

NOW = dt.datetime.now(dt.UTC)
VIN = "VF1CANARY8X123456"
SIV = siv_identity("AB-123-CD", "2015AB12345")


def release(**changes) -> Release:
    row = {
        "number": 1,
        "uuid": UUID(int=7),
        "label": "essai",
        "as_of": dt.date(2022, 6, 1),
        "key_version": 1,
        "salt": bytes(range(32)),
        "manifest_sha256": bytes(32),
        "mac": bytes(32),
    }
    return Release(**(row | changes))


def opened(identity=SIV, *, vin=VIN, row=None, **facts) -> Opened:
    """Nothing but the row of the release is looked at where UTAC is asked."""
    record = Record(
        register=Register.SIV,
        masked_plate="AB-***-CD",
        vehicle=Vehicle(vin=vin),
        **({"subject_to_inspection": True} | facts),
    )
    ready = SimpleNamespace(row=row or release())
    return Opened(identity, record, HolderProof(), ready, is_withheld=False)
