"""What the site reads: the record of an identity, from the release that is active."""

import datetime as dt

import pytest
from django.db import connection

from histovet.vault import reading, releases
from histovet.vault.errors import NoActiveRelease
from histovet.vault.models import Release
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.normalise import fni_identity, siv_identity
from pseudonymizer.records import Inspection, Inspections
from tests.vehicles import (
    AS_OF,
    FNI_CERTIFICATE,
    fni_line,
    inspection,
    inspections_line,
    siv_line,
)

SIV = siv_identity("AA-123-AA", "2015AB12345")
FNI = fni_identity("123 ABC 75", dt.date(2008, 3, 6))
STRANGER = siv_identity("AA-123-AA", "2015AB12346")


def _execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def test_a_record_is_read_by_its_identity(publish):
    publish(siv_line({"couleur": "ROUGE"}), fni_line({"couleur": "VERT"}))
    opened = reading.read(SIV)
    assert opened.record.vehicle.colour == "ROUGE"
    assert opened.release.row.label == "essai"
    assert opened.release.fingerprinter.person_matches(
        "Lemoine", "Camille", opened.proof.fingerprints
    )
    assert reading.read(FNI).record.vehicle.colour == "VERT"


def test_an_identity_that_has_no_record_is_none(publish):
    publish(siv_line(), fni_line())
    assert reading.read(STRANGER) is None


def test_without_a_release_nothing_is_read(db):
    with pytest.raises(NoActiveRelease):
        reading.read(SIV)


def test_a_new_release_is_read_at_once(publish):
    publish(siv_line({"couleur": "ROUGE"}), label="un")
    assert reading.read(SIV).record.vehicle.colour == "ROUGE"
    publish(siv_line({"couleur": "VERT"}), label="deux")
    opened = reading.read(SIV)
    assert opened.record.vehicle.colour == "VERT"
    assert opened.release.row.label == "deux"


def test_a_vehicle_of_the_old_release_alone_is_none(publish):
    publish(siv_line(), fni_line(), label="un")
    assert reading.read(FNI) is not None
    publish(siv_line(), label="deux")
    assert reading.read(FNI) is None


def test_a_delta_is_read_at_once(publish):
    """By a process that has read from the release before."""
    folder = publish(siv_line({"couleur": "ROUGE"}), fni_line(), label="un")
    assert reading.read(SIV).record.vehicle.colour == "ROUGE"
    tomorrow = AS_OF + dt.timedelta(days=1)
    publish(
        siv_line({"couleur": "VERT"}),
        siv_line(numero_formule="2015AB12346"),
        label="delta",
        after=folder,
        remove=[fni_line()],
        as_of=tomorrow,
    )
    opened = reading.read(SIV)
    assert opened.record.vehicle.colour == "VERT"
    assert (opened.release.row.edition, opened.release.row.as_of) == (1, tomorrow)
    assert reading.read(STRANGER) is not None
    assert reading.read(FNI) is None


def test_a_row_of_an_earlier_delta_is_a_fault(publish):
    folder = publish(siv_line({"couleur": "ROUGE"}))
    ((before,),) = _execute("SELECT sealed FROM vault_record")
    publish(siv_line({"couleur": "VERT"}), label="delta", after=folder)
    _execute("UPDATE vault_record SET sealed = %s", before)
    with pytest.raises(EnvelopeError):
        reading.read(SIV)


def test_a_release_taken_away_is_noticed(publish):
    publish(siv_line())
    assert reading.read(SIV) is not None
    Release.objects.update(state="failed")
    with pytest.raises(NoActiveRelease):
        reading.read(SIV)


@pytest.mark.parametrize(
    "change",
    [
        "sealed = set_byte(sealed, 0, 2)",
        "sealed = set_byte(sealed, 1, 2)",
        "sealed = set_byte(sealed, 5, get_byte(sealed, 5) # 1)",
        "sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 128)",
        "sealed = substr(sealed, 1, length(sealed) - 1)",
        "sealed = sealed || '\\x00'",
        "sealed = ''",
        "generation = 1",
    ],
)
def test_a_changed_row_is_a_fault_and_never_not_found(publish, change):
    publish(siv_line())
    _execute(f"UPDATE vault_record SET {change}")
    with pytest.raises(EnvelopeError):
        reading.read(SIV)


def test_a_row_moved_to_another_identity_is_a_fault(publish):
    publish(siv_line())
    release = releases.reload()
    other = release.keys.record_id(reading.identity_bytes(STRANGER))
    _execute("UPDATE vault_record SET record_id = encode(%s, 'hex')::uuid", other)
    with pytest.raises(EnvelopeError):
        reading.read(STRANGER)


def test_a_row_moved_to_another_release_is_a_fault(publish):
    publish(siv_line(), label="un")
    old = _execute("SELECT sealed FROM vault_record")[0][0]
    publish(siv_line(), label="deux")
    number = releases.reload().row.number
    _execute(f"UPDATE vault_record_{number} SET sealed = %s", old)
    with pytest.raises(EnvelopeError):
        reading.read(SIV)


@pytest.mark.parametrize(
    "change",
    [
        {"label": "autre"},
        {"as_of": dt.date(2030, 1, 1)},
        {"inspections_as_of": dt.date(2022, 6, 1)},
        {"salt": bytes(32)},
        {"mac": bytes(32)},
        {"manifest_sha256": bytes(32)},
        {"uuid": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_a_changed_release_row_is_refused(publish, change):
    publish(siv_line())
    Release.objects.update(**change)
    with pytest.raises(EnvelopeError):
        releases.reload()
    # And it is not the one that is read from then on.
    with pytest.raises(EnvelopeError):
        reading.read(SIV)


def test_a_release_is_made_ready_once(publish):
    publish(siv_line())
    first = releases.reload()
    assert releases.reload() is first
    assert releases.active() is first
    assert reading.read(SIV).release is first


INSPECTED = inspections_line(
    inspection("06/03/2016", "54321"),
    inspection("2018-03-02", 81000, result="S"),
    inspection("2018-03-02", 81002, nature="CV"),
)
INSPECTIONS = Inspections(
    (
        Inspection(dt.date(2018, 3, 2), "CV", "A", 81002),
        Inspection(dt.date(2018, 3, 2), "VTP", "S", 81000),
        Inspection(dt.date(2016, 3, 6), "VTP", "A", 54321),
    ),
    dt.date(2022, 5, 31),
)


def test_inspections_are_read_by_the_identity(publish):
    publish(siv_line(), fni_line(), INSPECTED, inspections_line(**FNI_CERTIFICATE))
    opened = reading.read(SIV)
    assert opened.release.row.inspections_as_of == dt.date(2022, 6, 1)
    assert reading.read_inspections(SIV, opened.release) == INSPECTIONS
    # Known to the source, which has recorded none.
    assert reading.read_inspections(FNI, opened.release) == Inspections(
        (), dt.date(2022, 5, 31)
    )


def test_inspections_that_the_release_has_not_are_none(publish):
    publish(siv_line(), fni_line(), INSPECTED)
    assert reading.read_inspections(FNI, releases.reload()) is None


def test_a_release_without_inspections_is_not_asked(publish, monkeypatch):
    publish(siv_line())
    release = releases.reload()
    assert release.row.inspections_as_of is None
    monkeypatch.setattr(reading, "one_row", None)
    assert reading.read_inspections(SIV, release) is None


def test_inspections_are_read_while_their_release_has_a_partition(publish):
    publish(siv_line(), INSPECTED, label="un")
    release = releases.reload()
    publish(siv_line(), label="deux")
    assert reading.read_inspections(SIV, release) == INSPECTIONS
    publish(siv_line(), label="trois")
    assert Release.objects.get(label="un").state == "dropped"
    assert reading.read_inspections(SIV, release) is None


@pytest.mark.parametrize(
    "change",
    ["sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 128)", "generation = 1"],
)
def test_changed_inspections_are_a_fault_and_never_not_found(publish, change):
    publish(siv_line(), INSPECTED)
    _execute(f"UPDATE vault_record SET {change}")
    release = releases.reload()
    with pytest.raises(EnvelopeError):
        reading.read_inspections(SIV, release)


def test_a_record_in_the_place_of_inspections_is_a_fault(publish):
    publish(siv_line(), INSPECTED)
    # Two rows, and each gets what the other had.
    _execute(
        "UPDATE vault_record a SET sealed = b.sealed FROM vault_record b"
        " WHERE a.record_id <> b.record_id"
    )
    release = releases.reload()
    with pytest.raises(EnvelopeError):
        reading.read(SIV)
    with pytest.raises(EnvelopeError):
        reading.read_inspections(SIV, release)


def test_nothing_of_the_keys_is_shown(publish):
    publish(siv_line())
    shown = repr(reading.read(SIV).release)
    assert "ReleaseKeys" not in shown
    assert "RowKeys" not in shown
    assert "Fingerprinter" not in shown
