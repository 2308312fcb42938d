"""An operator withholds one vehicle: the command, the row, what is read then."""

import datetime as dt
import io
import logging

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from histovet.logs import current_request_id
from histovet.vault import keys, reading, withholding
from histovet.vault.models import Withheld
from histovet.vault.withholding import (
    AlreadyWithheld,
    NotWithheld,
    Reason,
    ReferenceRefused,
)
from pseudonymizer.envelope import WithheldKeys, identity_bytes
from pseudonymizer.errors import KeyRingError
from pseudonymizer.normalise import fni_identity, siv_identity
from tests import dump
from tests.test_settings import key, write_ring
from tests.vehicles import fni_line, siv_line

SIV = siv_identity("AA-123-AA", "2015AB12345")
FNI = fni_identity("123 ABC 75", dt.date(2008, 3, 6))
# The same plate, another certificate.
OTHER = siv_identity("AA-123-AA", "2015AB12346")

SIV_LINES = "siv\nAA-123-AA\n2015AB12345\n"
FNI_LINES = "FNI\n123 abc 75\n06/03/2008\n"
ADD = ("--reason", "court_order", "--reference", "TJ Lyon 26/00123")


@pytest.fixture
def withhold(monkeypatch):
    """Run the command with these lines on standard input; return what it wrote."""

    def run(*arguments, typed="", is_terminal=False):
        stdin = io.StringIO(typed)
        stdin.isatty = lambda: is_terminal
        monkeypatch.setattr("sys.stdin", stdin)
        written = io.StringIO()
        call_command("withhold", *arguments, stdout=written)
        return written.getvalue()

    return run


@pytest.mark.parametrize(
    ("typed", "identity", "neighbour"), [(SIV_LINES, SIV, FNI), (FNI_LINES, FNI, SIV)]
)
def test_a_vehicle_is_withheld_and_no_other(
    publish, withhold, typed, identity, neighbour
):
    other = siv_line(numero_formule="2015AB12346")
    publish(siv_line(), fni_line(), other)
    assert not reading.read(identity).is_withheld
    withhold("add", *ADD, typed=typed)
    assert reading.read(identity).is_withheld
    assert not reading.read(neighbour).is_withheld
    assert not reading.read(OTHER).is_withheld


def test_it_is_withheld_in_the_next_release_too(publish, withhold):
    publish(siv_line(), label="un")
    withhold("add", *ADD, typed=SIV_LINES)
    publish(siv_line(), label="deux")
    opened = reading.read(SIV)
    assert (opened.release.row.label, opened.is_withheld) == ("deux", True)


def test_lifted_it_is_read_again_and_the_row_stays(publish, withhold):
    publish(siv_line())
    number = withhold("add", *ADD, typed=SIV_LINES).split()[0]
    assert "lifted" in withhold("lift", number)
    assert not reading.read(SIV).is_withheld
    with pytest.raises(CommandError, match="nothing is withheld as"):
        withhold("lift", number)
    again = withhold("add", *ADD, typed=SIV_LINES).split()[0]
    assert reading.read(SIV).is_withheld
    assert again != number
    lines = withhold("list").splitlines()
    assert [line.split()[0] for line in lines] == [number, again]
    assert "lifted" in lines[0]
    assert lines[1].endswith("UTC  court_order  TJ Lyon 26/00123  withheld")


def test_a_vehicle_is_withheld_once(publish, withhold):
    publish(siv_line())
    withhold("add", *ADD, typed=SIV_LINES)
    with pytest.raises(CommandError, match="withheld already"):
        withhold("add", *ADD, typed=SIV_LINES)
    row = Withheld.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_one_statement_reads_the_record_and_whether_it_is_withheld(publish, withhold):
    publish(siv_line())
    withhold("add", *ADD, typed=SIV_LINES)
    reading.read(SIV)
    with CaptureQueriesContext(connection) as asked:
        assert reading.read(SIV).is_withheld
    # Its own cursor is not Django's: another statement would be.
    assert len(asked) == 0


def test_a_vehicle_that_has_no_record_is_not_withheld(publish, withhold):
    publish(siv_line())
    with pytest.raises(CommandError, match="no vehicle of the active release"):
        withhold("add", *ADD, typed=FNI_LINES)
    assert not Withheld.objects.exists()


def test_without_a_release_the_command_says_so(db, withhold):
    with pytest.raises(CommandError, match="no active release"):
        withhold("add", *ADD, typed=SIV_LINES)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "there are 0"),
        ("SIV\nAA-123-AA\n", "there are 2"),
        (SIV_LINES + "2015AB12345\n", "there are 4"),
        ("AA-123-AA\n2015AB12345\nSIV\n", "the first line is the register"),
        ("SIV\n--\n2015AB12345\n", "plate_missing"),
        ("SIV\nAA-123-AA\n??\n", "formula_number_missing"),
        ("FNI\n123 ABC 75\n31/02/2008\n", "date_impossible"),
        ("FNI\n123 ABC 75\nunknown\n", "date_unreadable"),
    ],
)
def test_what_is_no_certificate_is_refused_and_not_repeated(db, withhold, typed, why):
    with pytest.raises(CommandError, match=why) as refused:
        withhold("add", *ADD, typed=typed)
    for text in ("AA-123-AA", "2015AB12345", "123 ABC 75", "31/02/2008"):
        assert text not in str(refused.value)


def test_a_terminal_is_asked_line_by_line(publish, withhold, capsys):
    publish(siv_line())
    withhold("add", *ADD, typed=SIV_LINES, is_terminal=True)
    assert "Register (SIV or FNI)" in capsys.readouterr().out
    assert reading.read(SIV).is_withheld
    with pytest.raises(CommandError, match="three answers"):
        withhold("add", *ADD, typed="SIV\n", is_terminal=True)


@pytest.mark.parametrize(
    "reference",
    ["", " ", "x" * 61, "a\nb", "a\tb", " TJ", "TJ\u202e1", "AA-123-AA", "pv aa 123 aa",
     "PV 2015AB12345", "pv 2015 AB 12345 du 3"],
)  # fmt: skip
def test_a_reference_is_short_printable_and_names_no_vehicle(db, reference):
    with pytest.raises(ReferenceRefused):
        withholding.withhold(SIV, Reason.OTHER, reference, now=timezone.now())
    assert not Withheld.objects.exists()


@pytest.mark.parametrize("reference", ["x", "é" * 60, "n° 26/00123, p. 4", "AA-123-AB"])
def test_any_other_reference_is_kept_as_it_is(db, reference):
    withholding.withhold(SIV, Reason.OTHER, reference, now=timezone.now())
    assert Withheld.objects.get().reference == reference


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "--reason", "because", "--reference", "x"),
        ("add", "--reason", "other"),
        ("add", "--reference", "x"),
        ("lift",),
        ("lift", "x"),
        (),
    ],
)
def test_other_arguments_are_refused(db, withhold, arguments):
    with pytest.raises(CommandError):
        withhold(*arguments, typed=SIV_LINES)


@pytest.mark.parametrize(
    "changes", [{"reason": "because"}, {"reference": ""}, {"tag": bytes(15)}]
)
def test_the_database_refuses_other_values(db, changes):
    row = {"tag": bytes(16), "key_version": 1, "reason": "other", "reference": "x"}
    with pytest.raises(IntegrityError):
        Withheld.objects.create(**(row | changes), since=timezone.now())


def test_what_never_was_withheld_is_not_lifted(db):
    with pytest.raises(NotWithheld):
        withholding.lift(1, now=timezone.now())


def test_neither_the_database_nor_the_log_names_the_vehicle(publish, withhold, caplog):
    publish(siv_line(), fni_line())
    caplog.set_level(logging.DEBUG)
    number = withhold("add", *ADD, typed=SIV_LINES).split()[0]
    withhold("add", *ADD, typed=FNI_LINES)
    withhold("lift", number)
    lines = [r.getMessage() for r in caplog.records if r.name.endswith("withholding")]
    assert lines[0] == (
        f"withheld id={number} reason=court_order reference=TJ Lyon 26/00123"
    )
    assert lines[2].startswith(f"lifted id={number} reason=court_order")
    held = b"\n".join(dump.values()).upper()
    assert b"TJ LYON" in held, "the canary"
    for name in ("AA-123-AA", "AA123AA", "2015AB12345", "123ABC75", "2008-03-06"):
        assert name.encode() not in held
        assert not any(name in line for line in caplog.messages)


@pytest.fixture
def site_ring(settings, tmp_path):
    """Give the site a ring of these versions, the last of them active."""
    settings.SITE_KEYS_PATH = tmp_path / "site.json"

    def written(*versions):
        keys = {version: key(version) for version in versions}
        write_ring(settings.SITE_KEYS_PATH, "site", keys, versions[-1])

    written(1)
    return written


def test_a_vehicle_stays_withheld_when_the_site_has_a_new_key(
    publish, withhold, site_ring
):
    publish(siv_line())
    withhold("add", *ADD, typed=SIV_LINES)
    site_ring(1, 2)
    assert reading.read(SIV).is_withheld
    with pytest.raises(AlreadyWithheld):
        withholding.withhold(SIV, Reason.OTHER, "x", now=timezone.now())


def test_renewed_it_needs_the_older_key_no_more(publish, withhold, site_ring):
    publish(siv_line(), fni_line())
    line = withhold("add", *ADD, typed=SIV_LINES)
    site_ring(1, 2)
    assert withhold("renew", typed=SIV_LINES) == line.replace("key 1", "key 2")
    site_ring(2)
    assert reading.read(SIV).is_withheld
    assert not reading.read(FNI).is_withheld
    withhold("lift", line.split()[0])
    assert not reading.read(SIV).is_withheld


def test_renewed_a_vehicle_withheld_twice_is_withheld_once(
    publish, withhold, site_ring
):
    """As two rings at once may leave it."""
    publish(siv_line())
    withhold("add", *ADD, typed=SIV_LINES)
    site_ring(1, 2, 3)
    Withheld.objects.create(
        tag=WithheldKeys(keys.site_ring()).tags(identity_bytes(SIV))[2],
        key_version=2,
        reason=Reason.OTHER,
        reference="x",
        since=timezone.now(),
    )
    number = withhold("renew", typed=SIV_LINES).split()[0]
    site_ring(3)
    assert reading.read(SIV).is_withheld
    withhold("lift", number)
    assert not reading.read(SIV).is_withheld


def test_what_is_not_withheld_is_not_renewed(publish, withhold, site_ring):
    publish(siv_line(), fni_line())
    number = withhold("add", *ADD, typed=SIV_LINES).split()[0]
    with pytest.raises(CommandError, match="no vehicle with this certificate"):
        withhold("renew", typed=FNI_LINES)
    withhold("lift", number)
    with pytest.raises(CommandError, match="no vehicle with this certificate"):
        withhold("renew", typed=SIV_LINES)


@pytest.mark.parametrize(
    ("version", "ring"),
    [(1, (2,)), (1, (2, 3)), (3, (1, 2)), (4, (2, 6)), (32767, (1, 2)), (9, (8, 10))],
)
def test_while_the_ring_lacks_the_key_of_a_withheld_vehicle_nothing_is_read(
    publish, withhold, site_ring, version, ring
):
    """Nobody can tell which vehicle it is: it would be shown again."""
    publish(siv_line(), fni_line())
    site_ring(version)
    number = withhold("add", *ADD, typed=SIV_LINES).split()[0]
    site_ring(*ring)
    for identity in (SIV, FNI, OTHER):
        with pytest.raises(KeyRingError, match="nobody can tell which"):
            reading.read(identity)
    withhold("lift", number)
    assert not reading.read(SIV).is_withheld


@pytest.mark.parametrize("request_id", ["", "a request"])
def test_a_ring_that_comes_while_a_record_is_read_is_read_at_once(
    publish, withhold, site_ring, monkeypatch, request_id
):
    """What another process withheld under a key that was new a moment ago."""
    publish(siv_line())
    site_ring(2)
    withhold("add", *ADD, typed=SIV_LINES)
    site_ring(1)
    asked = reading.one_row

    def rotated_meanwhile(*arguments):
        found = asked(*arguments)
        site_ring(1, 2)
        return found

    monkeypatch.setattr(reading, "one_row", rotated_meanwhile)
    token = current_request_id.set(request_id)
    try:
        assert reading.read(SIV).is_withheld
    finally:
        current_request_id.reset(token)
