"""Every certificate of the real extract finds its report; slips do, strangers do not.

The rates: make proofs ONLY=matching.
"""

import dataclasses
import random

import pytest

from histovet.history.forms import IdentityForm
from histovet.history.retrieve import compared_with, retrieve
from histovet.vault import decoy
from histovet.vault.errors import NoActiveRelease
from pseudonymizer import holder
from pseudonymizer.holder import Fingerprinter
from pseudonymizer.records import HolderKind
from tests import extract, slips
from tests.publish import publish


def found(typed):
    form = IdentityForm(typed)
    assert form.is_valid(), sorted(form.errors)
    return retrieve(form.enquiry)


@pytest.fixture
def certificates(transactional_db):
    publish(extract.folder())
    return extract.printed()


def test_nothing_is_found_before_a_release(db):
    typed = {"register": "SIV", "holder_kind": "person", "family_name": "X"}
    form = IdentityForm({**typed, "plate": "AA-1", "formula_number": "1"})
    assert form.is_valid()
    with pytest.raises(NoActiveRelease):
        retrieve(form.enquiry)


def test_every_real_certificate_typed_as_printed_finds_its_record(certificates):
    missed = [i for i, one in enumerate(certificates) if found(one.form()) is None]
    assert len(certificates) > 2000
    assert len(missed) == 0


def test_every_real_certificate_is_found_with_the_end_of_its_vin_and_with_no_other(
    certificates,
):
    short = 0
    for one in certificates:
        form = IdentityForm(one.form())
        assert form.is_valid()
        vin = retrieve(form.enquiry).record.vehicle.vin
        short += len(vin) != 17
        for end, is_found in ((vin[-4:], True), ("ZZZZ", False), ("", False)):
            enquiry = dataclasses.replace(form.enquiry, vin_end=end)
            found = retrieve(enquiry, compares_vin_end=True)
            assert (found is not None) is is_found
    assert short == 1


def test_a_sample_of_slips_is_found_and_of_strangers_is_not(certificates):
    rng = random.Random(5)
    sample = rng.sample(certificates, 200)
    typed = [slip for rule in slips.RULES for one in sample for slip in rule(one, rng)]
    rate = sum(found(slip) is not None for slip in typed) / len(typed)
    assert len(typed) > 500
    assert rate >= 0.97
    strangers = slips.strangers(certificates, 500, rng)
    assert sum(found(typed) is not None for _, typed in strangers) == 0


@pytest.mark.parametrize("wrong", ["plate", "formula_number"])
def test_a_wrong_identity_finds_nothing(certificates, wrong):
    one = next(c for c in certificates if c.register == "SIV")
    assert found(one.form(**{wrong: "ZZ00000"})) is None


def test_the_day_before_the_date_of_the_certificate_finds_nothing(certificates):
    one = next(c for c in certificates if c.proof.endswith("/1999"))
    other = next(
        f"{day:02}{one.proof[2:]}" for day in (7, 8) if f"{day:02}" != one.proof[:2]
    )
    assert found(one.form(issue_date=other)) is None


PERSON, ONE_FIELD = HolderKind.PERSON, HolderKind.SINGLE_FIELD


@pytest.mark.parametrize(
    ("changes", "records", "kinds"),
    [
        (
            {"register": "SIV"},
            [
                (),
                holder.person("MARTEAU", "PAUL"),
                holder.person("MARTEAU PAUL", ""),
                holder.person("MARTEAU PAUL ET FERRIOL EVE", ""),
            ],
            {PERSON: 1, ONE_FIELD: 2},
        ),
        (
            {"register": "FNI", "issue_date": "06/03/1999"},
            [
                (),
                holder.single_field("MARTEAU PAUL"),
                holder.single_field("MARTEAU PAUL ET FERRIOL EVE"),
            ],
            {ONE_FIELD: 2},
        ),
        (
            {"register": "SIV", "holder_kind": "company", "company_name": "GARAGE"},
            [(), holder.company("ATELIERS", "123456789")],
            {HolderKind.COMPANY: 1},
        ),
    ],
)
def test_names_are_matched_with_as_many_holders_whatever_is_recorded(
    changes, records, kinds
):
    typed = {"holder_kind": "person", "family_name": "X", "formula_number": "1"}
    form = IdentityForm({"plate": "AA-1", **typed, **changes})
    assert form.is_valid(), sorted(form.errors)
    fingerprinter = Fingerprinter(bytes(range(256)) * 6, str.encode)
    for holders in records:
        recorded = tuple(fingerprinter.fingerprint(one) for one in holders)
        compared = compared_with(form.enquiry, recorded)
        assert compared[: len(recorded)] == recorded
        found = [fingerprint.kind for fingerprint in compared]
        assert {kind: found.count(kind) for kind in found} == kinds


@pytest.mark.parametrize("kind", decoy.FINGERPRINTS)
def test_nothing_matches_a_decoy(kind):
    """Not even what was typed of letters that no name holds."""
    fingerprinter = Fingerprinter(bytes(range(256)) * 6, str.encode)
    for name in ("MARTIN", "LE GOFF", "A", "", "-", "123", "ÉÉ"):
        recorded = [decoy.FINGERPRINTS[kind]]
        assert not fingerprinter.person_matches(name, "", recorded)
        assert not fingerprinter.person_matches(name, name, recorded)
        assert not fingerprinter.company_matches(name, None, recorded)
