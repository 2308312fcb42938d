import datetime as dt

import pytest

from histovet.inspections.plate import utac_plate
from pseudonymizer.normalise import fni_identity, siv_identity

ISSUED = dt.date(2008, 3, 6)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("AB-123-CD", "AB-123-CD"),
        ("ab 123 cd", "AB-123-CD"),
        # Typed for 0 and 1, or by those who do not know that the series leaves them out.
        ("AO-1O1-IB", "AO-101-IB"),
        # Mopeds, garages, and whatever else: as they are.
        ("A 11 A", "A11A"),
        ("W-111-AA", "W111AA"),
        ("1234567", "1234567"),
        ("1010101", "1010101"),
        ("AB-123-CDE", "AB123CDE"),
    ],
)
def test_a_plate_of_siv_has_its_hyphens(typed, sent):
    assert utac_plate(siv_identity(typed, "2015AB12345")) == sent


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("123 ABC 75", "123ABC75"),
        ("1234 AB 2A", "1234AB2A"),
        ("12-ZZ-2B", "12ZZ2B"),
        ("101 A 2B", "101A2B"),
        ("123 AOB 2A", "123AOB2A"),
        ("123 AB 971", "123AB971"),
        ("123 AB 20", "123AB20"),
        ("1 A 75", "1A75"),
        ("10 AOI 01", "10AOI01"),
        ("1001 IB 10", "1001IB10"),
        # No letter that only a letter can be.
        ("12 O 75", "12075"),
        ("1ABC234", "1ABC234"),
        ("AB-123-CD", "AB123CD"),
    ],
)
def test_a_plate_of_fni_is_in_one_piece(typed, sent):
    assert utac_plate(fni_identity(typed, ISSUED)) == sent
