"""Name, password and second factor, and each way to be refused."""

import datetime as dt
import logging

import pytest
from django import conf
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.utils import timezone

from histovet.audit.models import Entry
from histovet.operators import accounts, attempts, sessions
from histovet.operators.models import Account, Attempt, Session
from tests.operators.conftest import BY_TEST, PASSWORD, current_code, enrolled

COOKIE = "operator"


def latest() -> tuple[str, str, str]:
    entry = Entry.objects.latest("position")
    return entry.act, entry.actor, entry.result


def test_who_has_all_three_sees_the_state_of_the_site(operator, client):
    answer = operator.sign_in(client)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    cookie = answer.cookies[COOKIE]
    assert (
        cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
    )
    assert cookie["max-age"] == 1800 and not cookie["domain"]
    assert client.get("/").status_code == 200
    assert latest() == ("operator.sign_in", "claire", "done")


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": PASSWORD + " "},
        {"password": PASSWORD.upper()},
        {"name": "clair"},
        {"code": "000000"},
        {"code": "0000 0000 0000 0000"},
        {"code": "AAAA BBBB CCCC DDDD"},
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(operator, client, wrong):
    seen = operator.sign_in(client, **wrong)
    nobody = client.post(
        "/connexion", {"name": "personne", "password": "x", "code": "123456"}
    )
    assert seen.status_code == nobody.status_code == 403
    assert COOKIE not in seen.cookies
    assert "n’est pas le bon" in seen.content.decode()
    assert latest()[2] == "refused"
    for typed in (PASSWORD, "personne"):
        assert typed not in seen.content.decode()
        assert not Entry.objects.filter(subject__contains=typed).exists()


@pytest.mark.parametrize("missing", ["name", "password", "code"])
def test_one_factor_alone_opens_nothing(operator, client, missing):
    typed = {"name": "claire", "password": PASSWORD, "code": operator.code()}
    del typed[missing]
    answer = client.post("/connexion", typed)
    assert answer.status_code == 200 and COOKIE not in answer.cookies
    assert "Tapez " in answer.content.decode()
    assert client.get("/").headers["Location"] == "/connexion"


def test_a_code_is_used_once(operator, client):
    code = operator.code()
    assert operator.sign_in(client, code=code).status_code == 302
    other = Client()
    assert operator.sign_in(other, code=code).status_code == 403
    # Nor the one before it, which the drift would allow.
    older = current_code(operator.account, -1)
    assert operator.sign_in(other, code=older).status_code == 403


@pytest.mark.parametrize(
    ("steps", "status"), [(-2, 403), (-1, 302), (0, 302), (1, 302), (2, 403)]
)
def test_a_clock_may_be_one_step_away(operator, client, steps, status):
    Account.objects.update(factor_step=0)
    code = current_code(operator.account, steps)
    assert operator.sign_in(client, code=code).status_code == status


def test_a_wrong_password_uses_no_code_up(operator, client):
    code = operator.code()
    assert operator.sign_in(client, password="x", code=code).status_code == 403
    assert operator.sign_in(client, code=code).status_code == 302


def test_a_recovery_code_is_used_once_however_it_is_typed(operator, client):
    code = operator.codes[3].lower().replace(" ", "-")
    assert operator.sign_in(client, code=code).status_code == 302
    assert operator.sign_in(Client(), code=operator.codes[3]).status_code == 403
    assert operator.sign_in(Client(), code=operator.codes[4]).status_code == 302


def test_the_code_of_another_operator_is_none(operator, client):
    other = enrolled("denis")
    assert operator.sign_in(client, code=other.code()).status_code == 403
    assert operator.sign_in(client, code=other.codes[0]).status_code == 403


def test_the_second_factor_of_another_row_is_none(operator, client, caplog):
    """Who writes to the database puts their own sealed factor into another's row."""
    other = enrolled("denis")
    Account.objects.filter(name="claire").update(factor=other.account.factor)
    assert operator.sign_in(client, code=other.code()).status_code == 403
    assert "second factor of an operator cannot be opened" in caplog.text


def test_a_suspended_account_is_refused_and_its_sessions_end(signed_in, operator):
    accounts.suspend(BY_TEST, operator.account, timezone.now())
    assert signed_in.get("/").headers["Location"] == "/connexion"
    assert operator.sign_in(Client()).status_code == 403
    accounts.resume(BY_TEST, operator.account, timezone.now())
    assert signed_in.get("/").status_code == 302
    assert operator.sign_in(Client()).status_code == 302


def test_an_account_that_is_not_finished_is_refused(dashboard, client):
    account, _ = accounts.make(BY_TEST, "paul", timezone.now())
    for password in ("", "!", PASSWORD):
        typed = {"name": "paul", "password": password, "code": current_code(account)}
        assert COOKIE not in client.post("/connexion", typed).cookies


# Sessions


def test_half_an_hour_without_a_page_ends_a_session(later, signed_in):
    later(minutes=29)
    assert signed_in.get("/").status_code == 200
    # The answer gave the cookie anew.
    later(minutes=58)
    assert signed_in.get("/").status_code == 200
    later(minutes=58 + 31)
    assert signed_in.get("/").status_code == 302


def test_eight_hours_end_a_session_that_is_used(later, signed_in):
    for minutes in range(25, 8 * 60, 25):
        later(minutes=minutes)
        assert signed_in.get("/").status_code == 200
    later(minutes=8 * 60 + 1)
    assert signed_in.get("/").status_code == 302


def test_signing_out_ends_the_session_and_not_the_cookie_alone(signed_in):
    kept = signed_in.cookies[COOKIE].value
    answer = signed_in.post("/deconnexion")
    assert answer.cookies[COOKIE].value == ""
    other = Client()
    other.cookies[COOKIE] = kept
    assert other.get("/").headers["Location"] == "/connexion"
    assert latest() == ("operator.sign_out", "claire", "done")


def test_signing_out_is_no_address_to_follow(signed_in):
    assert signed_in.get("/deconnexion").status_code == 405
    assert signed_in.get("/").status_code == 200


def test_a_page_that_is_read_writes_nothing(signed_in, django_assert_num_queries):
    with connection.execute_wrapper(_refuse_writes):
        for path in ("/", "/cles", "/publications", "/limites", "/journal",
                     "/maintenance", "/compte", "/cles/nouvelle"):  # fmt: skip
            assert signed_in.get(path).status_code == 200, path


def _refuse_writes(execute, sql, params, many, context):
    assert sql.lstrip().upper().startswith("SELECT"), sql
    return execute(sql, params, many, context)


@pytest.mark.parametrize("change", ["flip", "cut", "other", "empty"])
def test_a_cookie_that_was_not_given_opens_nothing(signed_in, operator, change):
    value = signed_in.cookies[COOKIE].value
    changed = {
        "flip": value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:],
        "cut": value[:-8],
        "other": "AQAB" * 20,
        "empty": "",
    }[change]
    other = Client()
    other.cookies[COOKIE] = changed
    answer = other.get("/")
    assert answer.headers["Location"] == "/connexion"


def test_the_database_holds_neither_factor_nor_session(signed_in, operator):
    """A dump signs nobody in."""
    code = operator.codes[0].replace(" ", "")
    with connection.cursor() as cursor:
        held = b""
        for table in ("account", "session", "recovery", "attempt"):
            cursor.execute(f"SELECT t::text FROM operators_{table} t")
            held += "\n".join(text for (text,) in cursor.fetchall()).encode()
    from histovet.operators.second_factor import Factor

    factor = Factor.of(operator.account)
    for secret in (factor.secret, factor.recovery_key):
        assert secret.hex().encode() not in held
    assert code.encode() not in held and PASSWORD.encode() not in held
    secret = sessions._cookie.content(
        _with_cookie(signed_in), now=int(timezone.now().timestamp())
    )
    assert secret is not None and secret.hex().encode() not in held
    assert Session.objects.count() == 1


def _with_cookie(client):
    request = client.get("/").wsgi_request
    request.COOKIES[COOKIE] = client.cookies[COOKIE].value
    return request


# Budgets


def test_the_sixth_failure_from_a_network_waits_and_then_is_looked_at(
    later, operator, client
):
    for _ in range(attempts.OF_ACCOUNT_AND_NETWORK):
        assert operator.sign_in(client, password="x").status_code == 403
    answer = operator.sign_in(client)
    assert answer.status_code == 429 and COOKIE not in answer.cookies
    assert "Réessayez dans" in answer.content.decode()
    # From elsewhere the same account is let in: nobody is locked out.
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert operator.sign_in(elsewhere).status_code == 302
    later(minutes=attempts.WINDOW_MINUTES)
    assert operator.sign_in(client, code=_code_of(operator)).status_code == 302


def _code_of(operator) -> str:
    Account.objects.update(factor_step=0)
    return current_code(operator.account)


def test_a_network_that_tries_many_names_is_stopped(later, dashboard, client):
    for i in range(attempts.OF_NETWORK):
        typed = {"name": f"nom{i}", "password": "x", "code": "123456"}
        assert client.post("/connexion", typed).status_code == 403
    typed = {"name": "encore", "password": "x", "code": "123456"}
    assert client.post("/connexion", typed).status_code == 429


def test_an_account_that_many_networks_try_is_stopped_for_a_while(later, operator):
    for i in range(attempts.OF_ACCOUNT):
        one = Client(REMOTE_ADDR=f"198.51.{i}.7")
        assert operator.sign_in(one, password="x").status_code == 403
    fresh = Client(REMOTE_ADDR="203.0.113.9")
    assert operator.sign_in(fresh).status_code == 429
    later(minutes=attempts.WINDOW_MINUTES)
    assert operator.sign_in(fresh, code=_code_of(operator)).status_code == 302


def test_passwords_are_hashed_with_scrypt():
    assert conf.settings.PASSWORD_HASHERS == [
        "django.contrib.auth.hashers.ScryptPasswordHasher"
    ]
    # 16 MB and five passes: a guess costs what it costs.
    cost = make_password("x", hasher="scrypt").split("$")[1]
    assert int(cost) >= 2**14


def test_who_succeeds_uses_nothing_up(operator):
    for _ in range(2 * attempts.OF_ACCOUNT_AND_NETWORK):
        assert operator.sign_in(Client()).status_code == 302
    assert set(Attempt.objects.values_list("failures", flat=True)) == {0}


def test_attempts_name_nobody_and_are_forgotten(later, operator, client):
    operator.sign_in(client, password="x")
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM operators_attempt t")
        (held,) = cursor.fetchone()
    assert "127.0.0.1" not in held and "claire" not in held
    later(hours=1)
    operator.sign_in(client, code=_code_of(operator))
    assert not Attempt.objects.filter(
        window__lt=timezone.now() - dt.timedelta(minutes=20)
    ).exists()


def test_nothing_that_was_typed_is_logged(operator, client, caplog):
    caplog.set_level(logging.DEBUG)
    code = operator.code()
    operator.sign_in(client, code=code, password="motdepasse-canari")
    operator.sign_in(client, name="nom-canari")
    operator.sign_in(client)
    for text in (PASSWORD, "canari", code):
        assert text not in caplog.text
