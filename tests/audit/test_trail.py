"""The trail: added to, never changed; what was taken away shows."""

import datetime as dt
import io
import os
import pwd
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from histovet.audit import trail
from histovet.audit.models import ActorKind, Entry
from histovet.audit.trail import Actor, Head, TrailBroken, verify
from histovet.partners.models import PartnerKey
from histovet.vault.keys import site_ring
from pseudonymizer.envelope import Hmac
from tests.test_settings import key, write_ring

NOW = dt.datetime(2026, 11, 27, 9, 0, tzinfo=dt.UTC)
ADA = Actor.operator("ada")


@pytest.fixture
def five(db) -> list[Head]:
    return [
        trail.add(ADA, "partner.suspend", f"hv_{i}", details="essai", now=NOW)
        for i in range(5)
    ]


def whole():
    return verify(Entry.objects.order_by("position"))


def write(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def command(*words: str) -> str:
    out = io.StringIO()
    call_command("audit", *words, stdout=out)
    return out.getvalue()


def test_entries_follow_each_other_and_are_verified(five):
    assert [head.position for head in five] == [1, 2, 3, 4, 5]
    found = whole()
    assert (found.head, found.entries, found.unreadable) == (five[-1], 5, 0)


def test_a_mac_is_that_of_the_specification(five):
    """SPEC.md section 13, written out."""
    entry = Entry.objects.get(position=2)
    ring = site_ring()
    values = [b"2", b"1795770000000000", b"operator", b"ada", b"partner.suspend",
              b"hv_1", b"done", b"essai", b"%d" % ring.active]  # fmt: skip
    message = five[0].mac
    for value in values:
        message += b"\x01" + len(value).to_bytes(4, "big") + value
    assert bytes(entry.mac) == Hmac(ring.derive("audit row")).digest(message)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'eve'",
        "actor_kind = 'command'",
        "at = at + interval '1 microsecond'",
        "act = 'partner.resume'",
        "subject = 'hv_9'",
        "result = 'refused'",
        "details = ''",
        "details = 'essaI'",
        "mac = set_byte(mac, 3, 255 - get_byte(mac, 3))",
        # Moved from one value into the next.
        "subject = 'hv_2d', details = 'one'",
    ],
)
def test_a_row_that_was_changed_is_found(five, change):
    write(f"UPDATE audit_entry SET {change} WHERE position = 3")
    with pytest.raises(TrailBroken) as broken:
        whole()
    assert broken.value.position in (3, 4)
    with pytest.raises(CommandError, match=r"not as it was written: entry [34]"):
        command("verify")


@pytest.mark.parametrize("version", [-1, 0, 2, 32767])
def test_a_row_that_was_changed_and_names_a_key_that_never_was_is_found(five, version):
    """With its MAC kept, the rows after it hold."""
    write(
        f"UPDATE audit_entry SET actor = 'eve', key_version = {version}"
        " WHERE position = 3"
    )
    with pytest.raises(CommandError, match="entry 3: its key is one that never was"):
        command("verify")


@pytest.mark.parametrize("position", [1, 3])
def test_a_row_that_was_taken_away_is_found(five, position):
    write(f"DELETE FROM audit_entry WHERE position = {position}")
    with pytest.raises(TrailBroken) as broken:
        whole()
    assert broken.value.position == position
    # Closing the gap does not help.
    write(
        f"UPDATE audit_entry SET position = {position} WHERE position = {position + 1}"
    )
    with pytest.raises(TrailBroken):
        whole()


def test_two_rows_that_changed_places_are_found(five):
    write("UPDATE audit_entry SET position = 99 WHERE position = 2")
    write("UPDATE audit_entry SET position = 2 WHERE position = 4")
    write("UPDATE audit_entry SET position = 4 WHERE position = 99")
    with pytest.raises(TrailBroken):
        whole()


def test_an_end_that_was_cut_off_is_found_with_the_end_that_was_noted(five):
    noted = str(five[-1])
    assert "5 entries are as they were written" in command("verify", "--known", noted)
    write("DELETE FROM audit_entry WHERE position = 5")
    assert "4 entries" in command("verify")
    with pytest.raises(CommandError, match="entry 5: it was seen and is not there"):
        command("verify", "--known", noted)
    trail.add(ADA, "partner.suspend", "another", now=NOW)
    with pytest.raises(CommandError, match="entry 5: it is another one"):
        command("verify", "--known", noted)


@pytest.mark.parametrize("text", ["", "5", "x:y", "0:0011223344556677", "5:00"])
def test_an_end_that_is_none_is_refused(db, text):
    with pytest.raises(CommandError, match="this is no end of the trail"):
        command("verify", "--known", text)


def test_an_end_is_logged_out_of_reach_of_the_database(db, caplog):
    caplog.set_level("INFO")
    head = trail.add(ADA, "partner.end", "hv_1 Partenaire", details="secret canari")
    assert f"entry={head}" in caplog.text
    assert "Partenaire" not in caplog.text and "canari" not in caplog.text


def test_what_is_undone_leaves_no_entry_and_no_gap(five):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        trail.add(ADA, "partner.end", "hv_1")
        raise ZeroDivisionError
    assert trail.add(ADA, "partner.end", "hv_2").position == 6
    assert whole().entries == 6


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_leave_no_gap_and_no_fork():
    def writer() -> None:
        try:
            for i in range(5):
                trail.add(ADA, "partner.end", f"hv_{i}")
        finally:
            connection.close()

    threads = [threading.Thread(target=writer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert whole().entries == 20


def test_who_runs_a_command_is_named(db):
    actor = Actor.of_this_command()
    assert actor.kind is ActorKind.COMMAND
    assert actor.name == pwd.getpwuid(os.getuid()).pw_name


def test_commands_write_the_trail(db):
    printed = io.StringIO()
    call_command("partner", "Essai", stdout=printed)
    shown = PartnerKey.objects.get().shown
    for words in (("--suspend", shown, "--why", "fuite"), ("--resume", shown),
                  ("--rotate", shown, "--overlap", "1h"), ("Essai", "--replace")):  # fmt: skip
        call_command("partner", *words, stdout=io.StringIO())
    for words in (("begin", "--minutes", "5"), ("end",), ("end",)):
        call_command("maintenance", *words, stdout=io.StringIO())
    acts = list(Entry.objects.order_by("position").values_list("act", flat=True))
    assert acts == [
        "partner.issue", "partner.suspend", "partner.resume", "partner.rotate",
        "partner.issue", "partner.suspend", "partner.suspend",
        "maintenance.begin", "maintenance.end",
    ]  # fmt: skip
    assert set(Entry.objects.values_list("actor_kind", flat=True)) == {"command"}
    assert whole().entries == len(acts)
    secret = printed.getvalue().strip().splitlines()[-1]
    told = command("show")
    assert secret not in told and f"{shown}… Essai" in told
    assert len(command("show", "--last", "2").splitlines()) == 2


def test_entries_under_a_retired_key_are_told(five, settings, tmp_path):
    settings.SITE_KEYS_PATH = write_ring(
        tmp_path / "s.json", "site", {7: key(7)}, 7, retired=[site_ring().active]
    )
    trail.add(ADA, "partner.end", "hv_1", now=timezone.now())
    found = whole()
    assert (found.entries, found.unreadable) == (6, 5)
    told = "5 of them under retired keys, not checked, the last of them entry 5\n"
    assert told in command("verify")
    # That one is missing shows all the same.
    write("DELETE FROM audit_entry WHERE position = 2")
    with pytest.raises(TrailBroken):
        whole()
