import datetime as dt
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from histovet.partners.auth import KeySuspended, authenticate
from histovet.partners.models import SCOPES, PartnerKey

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("partner", *arguments, stdout=out)
    return out.getvalue().splitlines()


def live(key: str) -> bool:
    try:
        return authenticate(key, timezone.now()) is not None
    except KeySuspended:
        return False


def test_the_key_is_the_last_line():
    lines = run("Garage  du Pont")
    assert live(lines[-1])
    row = PartnerKey.objects.get()
    assert row.name == "Garage du Pont"
    assert (row.scopes, row.rate, row.daily_quota) == (["report_by_code"], "10/s", None)
    assert row.expires_at - timezone.now() > dt.timedelta(days=364)
    assert "Garage du Pont" in lines[0]
    assert sum(lines[-1] in line for line in lines) == 1


def test_everything_may_be_chosen():
    last_day = timezone.now().date() + dt.timedelta(days=3)
    scopes = ("--scope", "report_by_data", "--scope", "report_by_code")
    chosen = ("--rate", "300/m", "--daily-quota", "500", "--expires", str(last_day))
    run("Essai", *scopes, *chosen)
    row = PartnerKey.objects.get()
    assert row.scopes == ["report_by_code", "report_by_data"]
    assert (row.rate, row.daily_quota) == ("300/m", 500)
    # The last day belongs to it.
    assert row.expires_at.date() == last_day + dt.timedelta(days=1)


def test_all_scopes():
    run("Essai", "--all-scopes", "--rate", "100/s")
    assert PartnerKey.objects.get().scopes == sorted(SCOPES)


def test_a_second_key_leaves_the_first():
    first, second = run("Essai")[-1], run("Essai")[-1]
    assert live(first) and live(second)


def test_replace_suspends_the_other_keys_of_the_name():
    first, other = run("Essai")[-1], run("Autre")[-1]
    lines = run("Essai", "--replace")
    assert not live(first)
    assert live(other) and live(lines[-1])
    assert "suspended 1 other keys of Essai" in lines


def test_a_key_is_suspended_and_resumed_by_its_beginning():
    key = run("Essai")[-1]
    run("--suspend", key[:9])
    assert not live(key)
    run("--resume", key)
    assert live(key)


def test_replace_knows_the_name_however_it_is_typed():
    first = run("Café du Pont")[-1]
    lines = run("CAFÉ DU PONT", "--replace")
    assert not live(first)
    assert "suspended 1 other keys of CAFÉ DU PONT" in lines


def test_a_row_that_was_changed_is_listed_and_left_as_it_is():
    key = run("Essai", "--daily-quota", "5")[-1]
    PartnerKey.objects.update(daily_quota=None)
    (line,) = run("--list")
    assert "  changed  " in line
    for option in ("--suspend", "--resume"):
        with pytest.raises(CommandError, match="make a new one"):
            run(option, key)
    assert "suspended 0 other keys of Essai" in run("Essai", "--replace")
    assert not live(key)


def test_a_rotated_key_has_the_same_terms_and_the_old_one_ends_later():
    chosen = ("--rate", "300/m", "--daily-quota", "500", "--all-scopes")
    old_key = run("Essai", *chosen)[-1]
    before = timezone.now()
    lines = run("--rotate", old_key[:9], "--overlap", "48h")
    assert live(old_key) and live(lines[-1])
    old, new = PartnerKey.objects.order_by("pk")
    for term in ("name", "folded_name", "scopes", "rate", "daily_quota"):
        assert getattr(old, term) == getattr(new, term)
    assert new.expires_at - before > dt.timedelta(days=364)
    overlap = dt.timedelta(hours=48)
    assert before + overlap <= old.expires_at <= timezone.now() + overlap
    after = old.expires_at
    assert authenticate(old_key, after - dt.timedelta(seconds=1))
    assert authenticate(old_key, after) is None
    assert authenticate(lines[-1], after)
    assert lines[0].startswith(f"{old.shown}…") and lines[1].startswith(f"{new.shown}…")
    assert sum(lines[-1] in line for line in lines) == 1


def test_the_overlap_is_two_weeks_and_the_last_day_may_be_chosen():
    last_day = timezone.now().date() + dt.timedelta(days=90)
    key = run("Essai")[-1]
    before = timezone.now()
    run("--rotate", key, "--expires", str(last_day))
    old, new = PartnerKey.objects.order_by("pk")
    assert 0 <= (old.expires_at - before).total_seconds() - 14 * 86400 < 60
    assert new.expires_at.date() == last_day + dt.timedelta(days=1)


def test_rotating_lengthens_no_life():
    last_day = timezone.now().date() + dt.timedelta(days=2)
    key = run("Essai", "--expires", str(last_day))[-1]
    ends = PartnerKey.objects.get().expires_at
    run("--rotate", key)
    assert PartnerKey.objects.order_by("pk")[0].expires_at == ends


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (lambda key: run("--suspend", key), "suspended or has expired"),
        (
            lambda key: PartnerKey.objects.update(rate="9999/s"),
            "changed by other means",
        ),
    ],
)
def test_a_key_that_is_refused_is_not_rotated(before, said):
    key = run("Essai")[-1]
    before(key)
    with pytest.raises(CommandError, match=said):
        run("--rotate", key)
    assert PartnerKey.objects.count() == 1


def test_the_list_says_why_a_key_is_suspended():
    key = run("Essai")[-1]
    run("--suspend", key, "--why", "  left on a\n public page ")
    (line,) = run("--list")
    assert "  suspended (left on a public page)  " in line
    run("--resume", key)
    (line,) = run("--list")
    assert "  live  " in line and "public" not in line


def test_the_list_as_json():
    assert json.loads("".join(run("--list", "--json"))) == []
    key = run("Garage du Pont", "--daily-quota", "5")[-1]
    assert live(key)
    run("--suspend", key, "--why", "asked for")
    text = "\n".join(run("--list", "--json"))
    assert key not in text
    (listed,) = json.loads(text)
    row = PartnerKey.objects.get()
    assert listed == {
        "id": row.pk,
        "begins_with": key[:9],
        "partner": "Garage du Pont",
        "state": "suspended",
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "rate": "10/s",
        "daily_quota": 5,
        "scopes": ["report_by_code"],
        "suspended_at": row.suspended_at.isoformat(),
        "suspended_why": "asked for",
        "last_used_on": str(row.last_used_on),
    }


def test_the_list_shows_no_key():
    key = run("Essai")[-1]
    (line,) = run("--list")
    assert key[:9] in line
    assert key not in line
    assert "live" in line and "last used never" in line
    authenticate(key, timezone.now())
    run("--suspend", key[:9])
    (line,) = run("--list")
    assert "suspended" in line and str(timezone.now().date()) in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give one of"),
        (("Essai", "--list"), "give one of"),
        (("--list", "--suspend", "hv_"), "give one of"),
        (("  ",), "1 to 80 characters"),
        (("x" * 81,), "1 to 80 characters"),
        (("Essai", "--scope", "everything"), "invalid choice"),
        (("Essai", "--scope", "report_by_data", "--all-scopes"), "not both"),
        (("Essai", "--rate", "fast"), "no rate"),
        (("Essai", "--rate", "0/s"), "no rate"),
        (("Essai", "--rate", "10/d"), "no rate"),
        (("Essai", "--daily-quota", "0"), "no quota"),
        (("Essai", "--daily-quota", "-1"), "no quota"),
        (("Essai", "--expires", "2000-01-01"), "in the past"),
        (("Essai", "--expires", "tomorrow"), "write YYYY-MM-DD"),
        (("--suspend", "hv_nobody"), "0 keys begin like this"),
        (("--rotate", "hv_nobody"), "0 keys begin like this"),
        (("--rotate", "hv_nobody", "--overlap", "0d"), "no overlap"),
        (("--rotate", "hv_nobody", "--overlap", "2w"), "no overlap"),
        (("--rotate", "hv_nobody", "--rate", "9/s"), "terms of the old one"),
        (("--rotate", "hv_nobody", "--replace"), "terms of the old one"),
        (("Essai", "--overlap", "2d"), "goes with --rotate"),
        (("Essai", "--json"), "goes with --list"),
        (("Essai", "--why", "x"), "goes with --suspend"),
        (("--suspend", "hv_nobody", "--why", " "), "1 to 80 characters"),
        (("--suspend", "hv_nobody", "--why", "x" * 81), "1 to 80 characters"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert not PartnerKey.objects.exists()
