"""What a report is told by the register's own inspections: published by the job."""

import datetime as dt

import pytest

from histovet.inspections.inspected import Absence, Inspected, Source
from histovet.inspections.retrieve import inspected
from histovet.vault import reading
from pseudonymizer.normalise import siv_identity
from pseudonymizer.records import Inspection
from tests.inspections.vehicles import NOW
from tests.publish import publish
from tests.vehicles import inspection, inspections_line, siv_line, write_feed

pytestmark = pytest.mark.django_db(transaction=True)

SIV = siv_identity("AA-123-AA", "2015AB12345")
AS_OF = dt.date(2021, 10, 26)
WHOLE_VIN = "VF1CANARY8X123456"


def read(folder, *lines):
    publish(write_feed(folder, lines))
    return inspected(reading.read(SIV), NOW)


def test_a_feed_without_inspections_connects_none(tmp_path):
    assert read(tmp_path, siv_line()) == Inspected(absence=Absence.NOT_CONNECTED)


def test_the_inspections_of_the_feed_are_shown(tmp_path):
    found = read(
        tmp_path, siv_line(), inspections_line(inspection("14/03/2019", 98429))
    )
    assert [one.date for one in found.inspections] == [dt.date(2019, 3, 14)]
    assert isinstance(found.inspections[0], Inspection)
    assert (found.source, found.absence) == (Source.REGISTER, None)
    assert found.as_of == AS_OF


def test_a_vehicle_without_a_row_has_none(tmp_path):
    other = inspections_line(
        inspection("14/03/2019", 98429), numero_formule="2015AB99999"
    )
    assert read(tmp_path, siv_line(), other) == Inspected(
        (), Source.REGISTER, AS_OF, Absence.NONE_RECORDED
    )


def test_a_vehicle_with_an_empty_row_has_none(tmp_path):
    empty = inspections_line(date_mise_a_jour="01/10/2019")
    assert read(tmp_path, siv_line(), empty) == Inspected(
        (), Source.REGISTER, AS_OF, Absence.NONE_RECORDED
    )


@pytest.mark.parametrize("facts", [{"annulation_ci": "OUI"}, {}])
def test_what_is_known_of_a_vehicle_that_is_not_subject_is_shown(tmp_path, facts):
    line = siv_line(facts) if facts else siv_line(utac_ask_ct="NON")
    found = read(tmp_path, line, inspections_line(inspection("14/03/2019", 98429)))
    assert len(found.inspections) == 1
    assert found.absence is None


@pytest.mark.parametrize("facts", [{"annulation_ci": "OUI"}, {}])
def test_a_vehicle_that_is_not_subject_and_has_none_is_not_subject(tmp_path, facts):
    line = siv_line(facts) if facts else siv_line(utac_ask_ct="NON")
    found = read(tmp_path, line, inspections_line())
    assert found == Inspected(absence=Absence.NOT_SUBJECT)


def test_utac_wins_where_it_can_be_asked(tmp_path, connected):
    lines = (
        siv_line({"vin": WHOLE_VIN}),
        inspections_line(inspection("14/03/2019", 98429)),
    )
    found = read(tmp_path, *lines)
    assert found.source is Source.UTAC
    assert connected.bodies == [{"immat": "AA-123-AA", "vin": WHOLE_VIN}]


def test_with_a_masked_vin_the_register_is_read_although_utac_is_set(
    tmp_path, connected
):
    found = read(
        tmp_path, siv_line(), inspections_line(inspection("14/03/2019", 98429))
    )
    assert found.source is Source.REGISTER
    assert len(found.inspections) == 1
    assert connected.requests == {}
