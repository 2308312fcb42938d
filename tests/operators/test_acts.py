"""What operators do: each asks for the second factor again, and stands in the trail."""

import datetime as dt
import re
import unicodedata

import pytest
from django.db import connection
from django.utils import timezone

from histovet.audit.models import Entry
from histovet.operation.models import Maintenance
from histovet.operators.attempts import OF_ACCOUNT_AND_NETWORK
from histovet.operators.models import RecoveryCode, Session
from histovet.operators.signing_in import CODES_A_SESSION
from histovet.partners import acts
from histovet.partners.auth import KeySuspended, authenticate
from histovet.partners.models import KeyEnded, PartnerKey, PartnerUse
from tests.operators.conftest import BY_TEST, PASSWORD, enrolled

KEY = re.compile("hv_[A-Za-z0-9_-]{43}")


def new_key(name: str = "Garage d’Essai", **changes) -> tuple[PartnerKey, str]:
    now = timezone.now()
    terms = {
        "name": name,
        "scopes": ["report_by_code"],
        "rate": "10/s",
        "daily_quota": None,
        "expires_at": now + dt.timedelta(days=90),
        "now": now,
    }
    return PartnerKey.issue(**terms | changes)


@pytest.fixture
def key(dashboard):
    return new_key()


def latest(act: str) -> Entry:
    return Entry.objects.filter(act=act).latest("position")


ISSUE = {"name": " Place  du Marché ", "scopes": ["report_by_code", "listing_check"],
         "rate": "20/s", "daily_quota": "500", "last_day": ""}  # fmt: skip


def test_a_key_is_made_shown_once_and_works(signed_in, operator):
    answer = signed_in.post("/cles/nouvelle", {**ISSUE, "code": operator.code()})
    (key,) = set(KEY.findall(answer.content.decode()))
    partner = authenticate(key, timezone.now())
    assert partner is not None and partner.name == "Place du Marché"
    assert set(partner.scopes) == {"report_by_code", "listing_check"}
    assert (partner.rate, partner.daily_quota) == ("20/s", 500)
    entry = latest("partner.issue")
    assert (entry.actor_kind, entry.actor) == ("operator", "claire")
    assert entry.subject == f"{key[:9]}… Place du Marché" and "500/d" in entry.details
    for path in ("/cles", f"/cles/{partner.key_id}", "/journal", "/"):
        assert key not in signed_in.get(path).content.decode()


def test_sending_the_form_again_makes_no_second_key(signed_in, operator):
    content = {**ISSUE, "code": operator.code()}
    assert signed_in.post("/cles/nouvelle", content).status_code == 200
    again = signed_in.post("/cles/nouvelle", content)
    assert again.status_code == 403 and not KEY.search(again.content.decode())
    assert PartnerKey.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Écrivez le nom"),
        ({"name": "x" * 81}, "80 caractères au plus"),
        ({"name": "a\nb\x07"}, "Un nom d’une ligne"),
        ({"scopes": []}, "au moins un droit"),
        ({"scopes": ["everything"]}, "Ce droit n’existe pas"),
        ({"rate": "0/s"}, "10/s, 300/m ou 5000/h"),
        ({"rate": "10"}, "10/s, 300/m ou 5000/h"),
        ({"daily_quota": "0"}, "1 au moins"),
        ({"daily_quota": "beaucoup"}, "Un nombre entier"),
        ({"daily_quota": str(2**31)}, "au plus"),
        ({"last_day": "2020-01-01"}, "Ce jour est passé"),
        ({"last_day": "demain"}, "pas une date"),
        ({"last_day": "9999-12-31"}, "Dix ans au plus"),
        ({"code": ""}, "Tapez le code du second facteur"),
        ({"code": "000000"}, "Ce code n’est pas le bon"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_done(signed_in, operator, wrong, said):
    content = {**ISSUE, "code": operator.code(), **wrong}
    answer = signed_in.post("/cles/nouvelle", content)
    assert said in answer.content.decode()
    assert not PartnerKey.objects.exists()
    # A mistake elsewhere uses no code up.
    if "code" not in wrong:
        again = signed_in.post("/cles/nouvelle", {**content, **ISSUE})
        assert KEY.search(again.content.decode())


def test_a_key_is_suspended_and_resumed(signed_in, operator, key):
    row, secret = key
    page = f"/cles/{row.pk}"
    typed = {"why": "Fuite  signalée", "code": operator.code()}
    assert signed_in.post(page + "/suspendre", typed).headers["Location"] == page
    with pytest.raises(KeySuspended):
        authenticate(secret, timezone.now())
    assert "Fuite signalée" in signed_in.get(page).content.decode()
    assert latest("partner.suspend").details == "Fuite signalée"
    assert (
        signed_in.post(page + "/retablir", {"code": operator.code()}).status_code == 302
    )
    assert authenticate(secret, timezone.now()) is not None
    assert latest("partner.resume").result == "done"


def test_a_key_that_is_not_suspended_keeps_its_lines_when_it_is_resumed(
    signed_in, operator, key
):
    row, _ = key
    use = PartnerUse.objects.create(
        key_id=row.pk, day=timezone.now().date(), volume_line=500, night_line=100
    )
    answer = signed_in.post(f"/cles/{row.pk}/retablir", {"code": operator.code()})
    assert answer.status_code == 302
    use.refresh_from_db()
    assert (use.volume_line, use.night_line) == (500, 100)


def test_a_key_is_rotated_and_the_old_one_ends_when_it_was_said(
    later, signed_in, operator, key
):
    row, old = key
    typed = {"overlap": "24", "last_day": "", "code": operator.code()}
    answer = signed_in.post(f"/cles/{row.pk}/renouveler", typed)
    (new,) = set(KEY.findall(answer.content.decode()))
    for hours, works in ((23, True), (25, False)):
        moment = timezone.now() + dt.timedelta(hours=hours)
        assert (authenticate(old, moment) is not None) is works
        assert authenticate(new, moment) is not None
    assert latest("partner.rotate").details.startswith(new[:9])


def test_a_key_ends_for_good(signed_in, operator, key):
    row, secret = key
    page = f"/cles/{row.pk}"
    assert (
        signed_in.post(page + "/terminer", {"code": operator.code()}).status_code == 302
    )
    assert authenticate(secret, timezone.now()) is None
    # It can be neither rotated nor ended again, and the refusal stands in the trail.
    for act in ("terminer", "renouveler"):
        typed = {"code": operator.code(), "overlap": "0"}
        answer = signed_in.post(f"{page}/{act}", typed)
        assert "déjà suspendue ou terminée" in answer.content.decode()
    assert (
        latest("partner.end").result == latest("partner.rotate").result == "key_ended"
    )


def test_a_row_that_was_changed_is_told_and_gets_no_mac(signed_in, operator, key):
    row, secret = key
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE partners_key SET daily_quota = 7 WHERE id = %s", [row.pk]
        )
    page = f"/cles/{row.pk}"
    typed = {"why": "x", "code": operator.code()}
    answer = signed_in.post(page + "/suspendre", typed)
    assert "modifiée par un autre moyen" in answer.content.decode()
    assert latest("partner.suspend").result == "key_changed"
    assert "modifiée par un autre moyen" in signed_in.get("/").content.decode()
    assert authenticate(secret, timezone.now()) is None


@pytest.mark.parametrize("act", ["renouveler", "suspendre", "retablir", "terminer"])
@pytest.mark.parametrize("code", ["", "000000", "used", "of another"])
def test_no_act_without_the_second_factor_again(signed_in, operator, key, act, code):
    row, _ = key
    if code == "used":
        code = operator.code()
        signed_in.post("/maintenance/fin", {"code": code})
    elif code == "of another":
        code = enrolled("denis").code()
    before = PartnerKey.objects.values().get(pk=row.pk)
    typed = {"why": "x", "overlap": "0", "code": code}
    answer = signed_in.post(f"/cles/{row.pk}/{act}", typed)
    assert answer.status_code in (200, 403)
    assert PartnerKey.objects.values().get(pk=row.pk) == before
    assert PartnerKey.objects.count() == 1


def test_the_fifth_wrong_code_ends_the_session(signed_in, operator, key):
    path = f"/cles/{key[0].pk}/suspendre"
    typed = {"why": "x", "code": "000000"}
    for _ in range(CODES_A_SESSION - 1):
        assert signed_in.post(path, typed).status_code == 403
    answer = signed_in.post(path, typed)
    assert answer.headers["Location"] == "/connexion"
    assert not Session.objects.exists()
    assert latest("operator.confirm").result == "refused"


def test_a_get_asks_and_changes_nothing(signed_in, key):
    row, secret = key
    for act in ("renouveler", "suspendre", "retablir", "terminer"):
        page = signed_in.get(f"/cles/{row.pk}/{act}?code=1&why=x&overlap=0")
        assert page.status_code == 200
    assert authenticate(secret, timezone.now()) is not None


@pytest.mark.parametrize("act", ["", "/renouveler", "/suspendre"])
def test_a_key_that_is_not_there_is_no_page(signed_in, act):
    assert signed_in.get(f"/cles/999{act}").status_code == 404
    assert signed_in.get(f"/cles/x{act}").status_code == 404
    assert signed_in.get(f"/cles/{10**30}{act}").status_code == 404


def test_use_by_day_is_of_this_key(signed_in, key):
    row, _ = key
    other, _ = new_key("Autre")
    today = timezone.now().date()
    PartnerUse.objects.create(key_id=row.pk, day=today, requests=41, reports=31)
    PartnerUse.objects.create(key_id=other.pk, day=today, requests=700, failures=61)
    page = signed_in.get(f"/cles/{row.pk}").content.decode()
    assert "<td>41</td><td>31</td><td>0</td>" in page and "700" not in page
    state = signed_in.get("/").content.decode()
    assert "741 demandes" in state and "61 recherches sans résultat" in state


# Maintenance


def test_the_site_is_closed_and_opened(signed_in, operator):
    typed = {"minutes": "45", "code": operator.code()}
    assert signed_in.post("/maintenance", typed).status_code == 302
    closed = Maintenance.objects.get()
    assert closed.until is not None
    assert (
        dt.timedelta(minutes=44)
        < closed.until - closed.since
        <= dt.timedelta(minutes=45)
    )
    assert latest("maintenance.begin").details == "45 min"
    assert "fermé pour maintenance" in signed_in.get("/").content.decode()
    assert (
        signed_in.post("/maintenance/fin", {"code": operator.code()}).status_code == 302
    )
    assert not Maintenance.objects.exists()
    assert latest("maintenance.end").actor == "claire"


@pytest.mark.parametrize("minutes", ["0", "1441", "-5", "1e3", "tard"])
def test_an_end_that_cannot_be_announced_is_refused(signed_in, operator, minutes):
    typed = {"minutes": minutes, "code": operator.code()}
    assert "error" in signed_in.post("/maintenance", typed).content.decode()
    assert not Maintenance.objects.exists()


def test_of_two_acts_at_once_neither_makes_the_key_unreadable(operator, key):
    """Who ends a key has read it before another operator, or the site, suspended it."""
    now = timezone.now()
    read_before = PartnerKey.objects.get(pk=key[0].pk)
    acts.suspend(BY_TEST, key[0], now, "fuite")
    acts.end(BY_TEST, read_before, now)
    row = PartnerKey.objects.get(pk=key[0].pk)
    assert row.is_intact() and row.suspended_why == "fuite" and row.expires_at <= now
    other, _ = new_key("Autre")
    before = PartnerKey.objects.get(pk=other.pk)
    acts.suspend(BY_TEST, other, now, "fuite")
    with pytest.raises(KeyEnded):
        acts.rotate(
            BY_TEST, before, now, ends_at=now, expires_at=now + dt.timedelta(days=1)
        )
    assert latest("partner.rotate").result == "key_ended"
    assert PartnerKey.objects.filter(name="Autre").count() == 1


# One's own account


NEW = "quatre bateaux sur la colline"


def change(client, operator, **typed):
    content = {"old": PASSWORD, "new": NEW, "again": NEW, "code": operator.code()}
    return client.post("/compte/mot-de-passe", content | typed)


def test_a_new_password_ends_every_session(signed_in, operator, client):
    answer = change(signed_in, operator)
    assert answer.headers["Location"] == "/connexion"
    assert not Session.objects.exists()
    assert signed_in.get("/").status_code == 302
    assert operator.sign_in(client).status_code == 403
    assert operator.sign_in(client, password=NEW).status_code == 302
    assert latest("operator.password").result == "done"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"old": "x"}, "pas votre mot de passe"),
        ({"new": "court", "again": "court"}, "12 caractères au moins"),
        ({"new": "claire en vacances", "again": "x"}, "Trop facile"),
        ({"new": "aaaaaaaaaaaaaaaa", "again": "x"}, "Trop facile"),
        ({"new": "histovet est à moi", "again": "x"}, "Trop facile"),
        ({"again": NEW + "!"}, "Pas le même"),
        ({"code": "000000"}, "Ce code n’est pas le bon"),
    ],
)
def test_a_password_that_is_refused_changes_nothing(signed_in, operator, typed, said):
    assert said in change(signed_in, operator, **typed).content.decode()
    operator.account.refresh_from_db()
    assert operator.sign_in(signed_in).status_code == 302


def test_whoever_has_a_session_alone_cannot_go_on_guessing_its_password(
    later, signed_in, operator
):
    for _ in range(OF_ACCOUNT_AND_NETWORK):
        assert (
            "pas votre mot de passe"
            in change(signed_in, operator, old="x").content.decode()
        )
    assert latest("operator.password").result == "refused"
    answers = {
        re.sub('csrfmiddlewaretoken" value="[^"]+', "", answer.content.decode())
        for answer in (
            change(signed_in, operator, old="x", code="000000"),
            change(signed_in, operator, code="000000"),
            change(signed_in, operator),
        )
    }
    assert len(answers) == 1 and "Trop d’essais" in answers.pop()
    later(minutes=16)
    assert change(signed_in, operator).status_code == 302


def test_a_password_is_the_same_however_a_keyboard_composed_it(signed_in, operator):
    composed = unicodedata.normalize("NFC", "forêt d’été près du lac")
    split = unicodedata.normalize("NFD", composed)
    assert composed != split
    change(signed_in, operator, new=composed, again=composed)
    assert operator.sign_in(signed_in, password=split).status_code == 302


def test_new_recovery_codes_replace_the_old_ones(signed_in, operator, client):
    answer = signed_in.post("/compte/codes", {"code": operator.code()})
    shown = re.findall("<code>([A-Z2-7 ]{19})</code>", answer.content.decode())
    assert len(set(shown)) == 10 == RecoveryCode.objects.count()
    assert operator.sign_in(client, code=operator.codes[0]).status_code == 403
    assert operator.sign_in(client, code=shown[0]).status_code == 302
