"""Accounts: made by a command, finished on a page with the code that it printed."""

import base64
import datetime as dt
import io
import re

import pytest
from django.core.management import CommandError, call_command

from histovet.audit.models import Entry
from histovet.operators.keys import LABELS
from histovet.operators.models import Account, Session
from histovet.operators.second_factor import Factor
from pseudonymizer.key_ring import KeyRing, write_part
from tests.operators.conftest import PASSWORD, current_code, enrolled
from tests.test_settings import key, write_ring


def command(*words: str) -> str:
    out = io.StringIO()
    call_command("operator", *words, stdout=out)
    return out.getvalue()


def added(name: str = "claire") -> tuple[Account, str]:
    code = command("add", name).strip().splitlines()[-1]
    return Account.objects.get(name=name), code


def finish(client, account, given, /, **typed):
    content = {"name": account.name, "enrolment": given, "new": PASSWORD,
               "again": PASSWORD, "code": current_code(account)}  # fmt: skip
    return client.post("/activation", content | typed)


def test_an_account_is_made_finished_and_signs_in(dashboard, client):
    account, code = added("claire")
    page = client.post("/activation", {"name": " Claire ", "enrolment": code})
    text = page.content.decode()
    secret = re.search(r'class="code">([A-Z2-7 ]+)<', text)
    assert secret is not None and '<svg role="img"' in text
    # What the page shows is what the telephone then knows.
    shown = base64.b32decode(secret[1].replace(" ", ""))
    assert shown == Factor.of(account).secret
    done = finish(client, account, code)
    recovery = re.findall("<code>([A-Z2-7 ]{19})</code>", done.content.decode())
    assert len(set(recovery)) == 10
    assert not client.cookies.get("operator")
    account.refresh_from_db()
    typed = {"name": "claire", "password": PASSWORD, "code": recovery[0]}
    assert client.post("/connexion", typed).status_code == 302
    acts = Entry.objects.order_by("position").values_list("act", "actor_kind")
    assert list(acts) == [
        ("operator.add", "command"),
        ("operator.enrol", "operator"),
        ("operator.sign_in", "operator"),
    ]


def test_an_enrolment_code_is_used_once(dashboard, client):
    account, code = added()
    assert finish(client, account, code).status_code == 200
    again = finish(client, account, code)
    assert again.status_code == 403 and "svg role" not in again.content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        {"enrolment": "AAAA " * 6 + "AA"},
        {"enrolment": "court"},
        {"enrolment": "é" * 26},
        {"name": "denis"},
        {"name": "personne"},
    ],
)
def test_a_wrong_code_or_name_shows_no_secret(dashboard, client, typed):
    account, code = added()
    added("denis")
    answer = finish(client, account, code, **typed)
    assert answer.status_code == 403
    assert "Demandez-en un autre" in answer.content.decode()
    account.refresh_from_db()
    assert account.password == ""


def test_a_code_of_yesterday_is_over(later, dashboard, client):
    _, code = added()
    later(hours=23, minutes=59)
    assert (
        client.post("/activation", {"name": "claire", "enrolment": code}).status_code
        == 200
    )
    later(hours=24, seconds=1)
    assert (
        client.post("/activation", {"name": "claire", "enrolment": code}).status_code
        == 403
    )
    assert "enrolment over" in command("list")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"code": "000000"}, "Ce code n’est pas le bon"),
        ({"new": "court", "again": "court"}, "12 caractères au moins"),
        ({"new": "azertyuiop12", "again": "azertyuiop12x"}, "Pas le même"),
    ],
)
def test_what_is_wrong_keeps_the_enrolment(dashboard, client, typed, said):
    account, code = added()
    assert said in finish(client, account, code, **typed).content.decode()
    assert finish(client, account, code).status_code == 200
    account.refresh_from_db()
    assert account.password


def test_an_enrolment_code_in_the_row_of_another_lets_nobody_in(dashboard, client):
    """Who writes to the database puts the digest of their own code into another's row,
    whose page would show them the other's second factor."""
    enrolled("claire")
    denis, code = added("denis")
    Account.objects.filter(name="claire").update(
        enrolment_digest=denis.enrolment_digest, enrolment_until=denis.enrolment_until
    )
    for name, status in (("claire", 403), ("denis", 200)):
        page = client.post("/activation", {"name": name, "enrolment": code})
        assert page.status_code == status


def test_guesses_of_an_enrolment_code_have_a_budget(later, dashboard, client):
    account, code = added()
    for _ in range(5):
        wrong = {"name": "claire", "enrolment": "A" * 26}
        assert client.post("/activation", wrong).status_code == 403
    assert finish(client, account, code).status_code == 429


def test_a_reset_takes_everything_away(dashboard, client):
    operator = enrolled()
    operator.sign_in(client)
    before = bytes(Account.objects.get().factor)
    code = command("reset", "claire").strip().splitlines()[-1]
    account = Account.objects.get()
    assert bytes(account.factor) != before and not Session.objects.exists()
    assert client.get("/").status_code == 302
    assert operator.sign_in(client).status_code == 403
    assert operator.sign_in(client, code=operator.codes[0]).status_code == 403
    assert finish(client, account, code).status_code == 200


def test_suspended_accounts_are_listed_and_let_in_again(dashboard, client):
    operator = enrolled()
    command("suspend", "claire")
    assert command("list").startswith("claire  suspended")
    assert operator.sign_in(client).status_code == 403
    command("resume", "claire")
    assert operator.sign_in(client).status_code == 302
    assert f"{dt.datetime.now(dt.UTC):%Y-%m-%d}" in command("list")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "x"), "a name has 2 to 32"),
        (("add", "Élise"), "a name has 2 to 32"),
        (("add", "9lives"), "a name has 2 to 32"),
        (("add", "a b"), "a name has 2 to 32"),
        (("add", "a" * 33), "a name has 2 to 32"),
        (("add",), "give a name"),
        (("reset",), "give a name"),
        (("list", "claire"), "list takes no name"),
        (("suspend", "personne"), "no account of this name"),
        (("reset", "personne"), "no account of this name"),
    ],
)
def test_a_command_that_cannot_be_meant_says_why(db, words, why):
    with pytest.raises(CommandError, match=why):
        command(*words)
    assert not Account.objects.exists()


def test_a_name_is_taken_once(db):
    added()
    with pytest.raises(CommandError, match="there is an account of this name"):
        command("add", "CLAIRE")


def test_the_second_factor_is_sealed_anew_after_a_rotation(
    dashboard, client, settings, tmp_path
):
    """So that the old key can be retired."""

    def part(active: int) -> None:
        ring = KeyRing.read(
            write_ring(tmp_path / "ring.json", "site", {1: key(1), 2: key(2)}, active),
            "site",
        )
        write_part(settings.SITE_KEYS_PATH, ring, LABELS)

    part(1)
    operator = enrolled()
    part(2)
    assert operator.sign_in(client).status_code == 302
    operator.account.refresh_from_db()
    assert operator.account.key_version == 2
    assert client.get("/").status_code == 200


def test_six_digits_are_those_of_rfc_6238():
    """The vectors of its appendix B, of which six digits are the last six of eight."""
    factor = Factor(b"12345678901234567890", bytes(32))
    for moment, digits in (
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
    ):
        now = dt.datetime.fromtimestamp(moment, dt.UTC)
        assert factor.step_of(digits[2:], now, after=0) == moment // 30
        assert factor.step_of(digits[2:], now, after=moment // 30) is None
