"""An enquiry → the record that it names, or nothing."""

from __future__ import annotations

from histovet.history.forms import Enquiry
from histovet.vault import decoy, records, releases
from histovet.vault.records import Opened


def retrieve(enquiry: Enquiry) -> Opened | None:
    """Return the record when identity and names are right, None otherwise.

    Whichever was wrong, the work is the same: a row is looked up, sealed bytes are
    opened and names are matched. Raises NoActiveRelease, and EnvelopeError for a row
    that was changed.
    """
    opened = records.read(enquiry.identity)
    release = opened.release if opened else releases.active()
    recorded = (opened.proof if opened else decoy.PROOF).fingerprints
    if enquiry.company is None:
        matched = release.fingerprinter.person_matches(
            enquiry.family_name, enquiry.given_names, recorded
        )
    else:
        matched = release.fingerprinter.company_matches(
            enquiry.company, enquiry.siren, recorded
        )
    return opened if matched else None
