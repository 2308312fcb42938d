"""An enquiry → the record that it names, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from histovet.history.forms import Enquiry
from histovet.history.vin_end import is_vin_end
from histovet.vault import decoy, reading, releases
from histovet.vault.reading import Opened
from pseudonymizer.holder import HOLDERS_MAX
from pseudonymizer.records import Fingerprint, HolderKind, Register


def retrieve(enquiry: Enquiry, *, compares_vin_end: bool = False) -> Opened | None:
    """Return the record when identity and names are right, and the end of the VIN if it
    is compared, None otherwise.

    Whichever was wrong, the steps are the same: a row is looked up, sealed bytes are
    opened and names are matched with as many holders of each kind. Raises
    NoActiveRelease, and EnvelopeError for a row that was changed.
    """
    opened = reading.read(enquiry.identity)
    return held_by(enquiry, opened, compares_vin_end=compares_vin_end)


def held_by(
    enquiry: Enquiry, opened: Opened | None, *, compares_vin_end: bool
) -> Opened | None:
    """Return what `retrieve` does, of what the identity opened."""
    release = opened.release if opened else releases.active()
    company = enquiry.company is not None
    recorded = tuple(
        fingerprint
        for fingerprint in (opened.proof.fingerprints if opened else ())
        if (fingerprint.kind is HolderKind.COMPANY) is company
    )
    compared = compared_with(enquiry, recorded)
    if enquiry.company is None:
        matched = release.fingerprinter.person_matches(
            enquiry.family_name, enquiry.given_names, compared
        )
    else:
        matched = release.fingerprinter.company_matches(
            enquiry.company, enquiry.siren, compared
        )
    vin = (opened.record if opened else decoy.RECORD).vehicle.vin
    is_end = is_vin_end(enquiry.vin_end, vin) or not compares_vin_end
    return opened if recorded and matched and is_end else None


def compared_with(
    enquiry: Enquiry, recorded: Iterable[Fingerprint]
) -> tuple[Fingerprint, ...]:
    """Return the holders recorded, and with them decoys up to the most that any record
    of this register can have: what is recorded takes no time of its own."""
    most = Counter({HolderKind.SINGLE_FIELD: HOLDERS_MAX})
    if enquiry.company is not None:
        most = Counter({HolderKind.COMPANY: 1})
    elif enquiry.identity.register is Register.SIV:
        most[HolderKind.PERSON] = 1
    recorded = tuple(recorded)
    missing = most - Counter(fingerprint.kind for fingerprint in recorded)
    return (*recorded, *(decoy.FINGERPRINTS[kind] for kind in missing.elements()))
