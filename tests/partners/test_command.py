import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from histovet.partners.auth import authenticate
from histovet.partners.models import PartnerKey

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("partner", *arguments, stdout=out)
    return out.getvalue().splitlines()


def live(key: str) -> bool:
    return authenticate(key, timezone.now()) is not None


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
    assert PartnerKey.objects.get().scopes == ["report_by_code", "report_by_data"]


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
    ],
)
def test_bad_input_is_refused_with_what_to_do(arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert not PartnerKey.objects.exists()
