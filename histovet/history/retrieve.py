"""An enquiry → the record that it names, or nothing."""

from __future__ import annotations

from histovet.history.forms import Enquiry
from histovet.vault import decoy, reading, releases
from histovet.vault.reading import Opened
from pseudonymizer.records import HolderKind, Register


def retrieve(enquiry: Enquiry) -> Opened | None:
    """Return the record when identity and names are right, None otherwise.

    Whichever was wrong, the steps are the same: a row is looked up, sealed bytes are
    opened and names are matched with a holder of the kind that was typed. Raises
    NoActiveRelease, and EnvelopeError for a row that was changed.
    """
    opened = reading.read(enquiry.identity)
    release = opened.release if opened else releases.active()
    company = enquiry.company is not None
    recorded = tuple(
        fingerprint
        for fingerprint in (opened.proof.fingerprints if opened else ())
        if (fingerprint.kind is HolderKind.COMPANY) is company
    )
    compared = recorded or (decoy.FINGERPRINTS[_typed_kind(enquiry)],)
    if enquiry.company is None:
        matched = release.fingerprinter.person_matches(
            enquiry.family_name, enquiry.given_names, compared
        )
    else:
        matched = release.fingerprinter.company_matches(
            enquiry.company, enquiry.siren, compared
        )
    return opened if recorded and matched else None


def _typed_kind(enquiry: Enquiry) -> HolderKind:
    if enquiry.company is not None:
        return HolderKind.COMPANY
    if enquiry.identity.register is Register.SIV:
        return HolderKind.PERSON
    return HolderKind.SINGLE_FIELD
