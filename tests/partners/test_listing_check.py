"""An advert against the vehicle of a code, on real sealed records."""

import datetime as dt
import itertools
import json

import pytest
from django.db import connection
from django.utils import timezone

from histovet.history.forms import IdentityForm
from histovet.partners.failure_budget import A_DAY
from histovet.partners.listing_check import TOLERANCE_KM
from histovet.partners.models import PartnerUse
from histovet.partners.models import Scope as KeyScope
from histovet.sharing import claims, links
from histovet.sharing import models as sharing
from histovet.sharing.models import End
from histovet.vault import reading
from tests.attacks.test_hostile_requests import HOSTILE
from tests.history.showcase import publish_showcase, typed
from tests.partner import failures
from tests.partners import register
from tests.partners.demands import NO_LINK, Link
from tests.partners.shapes import assert_declared
from tests.partners.test_report_by_data import CANARY, problem
from tests.sharing.test_opening import in_parallel

PATH = "/api/v1/listing_check"
CODE_PATH = "/api/v1/report_by_code"
DAY = dt.timedelta(days=1)


@pytest.fixture
def check(ask):
    """Send claims with a code; return the answer."""

    def send(link, annonce, **arguments):
        body = {**link.demand, "annonce": annonce}
        return ask(body, **({"path": PATH} | arguments))

    return send


@pytest.fixture
def told(check):
    """Send claims with a code; return verdict and reason of each."""

    def send(link, annonce, **arguments):
        answer = check(link, annonce, **arguments)
        assert answer.status_code == 200, answer.content
        compared = answer.json()["annonce"]
        return {name: (c["verdict"], c["reason"]) for name, c in compared.items()}

    return send


WHOLE = {
    "marque": "Renault",
    "modele": "Clio IV 1.5 dCi 90",
    "date_premiere_immatriculation": "2012-03-06",
    "vin": "VF1RFB00X12345678",
}


def test_an_advert_that_tells_the_truth(make_link, told, check, ask):
    link = make_link()
    assert told(link, WHOLE) == {
        "marque": ("consistent", "equal"),
        "modele": ("consistent", "contained"),
        "date_premiere_immatriculation": ("consistent", "same_month"),
        "vin": ("consistent", "equal"),
    }
    document = ask({}, path="/api/v1/openapi.json", method="get").json()
    schema = document["components"]["schemas"]["ListingChecked"]
    assert_declared(document, schema, check(link, WHOLE).json())


def test_an_advert_that_does_not(make_link, told):
    lies = {
        "marque": "Peugeot",
        "modele": "208",
        "date_premiere_immatriculation": "2014-03",
        "vin": "VF3RFB00X12345679",
    }
    assert told(make_link(), lies) == dict.fromkeys(lies, ("inconsistent", "different"))


def test_what_the_register_does_not_know(make_link, told):
    assert told(
        make_link(register.COMPANY), {**WHOLE, "kilometrage": 1}
    ) == dict.fromkeys([*WHOLE, "kilometrage"], ("unknown", "not_recorded"))


def test_only_what_was_claimed_is_answered_and_nothing_of_the_record(make_link, check):
    answer = check(make_link(), {"marque": "Renault", "autre": 1})
    document = answer.json()
    assert list(document.pop("histovet")) == ["receipt"]
    assert document == {
        "annonce": {"marque": {"verdict": "consistent", "reason": "equal"}}
    }
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("registration", "claimed", "told_of_it"),
    [
        (register.FULL, "2012-03-28", ("consistent", "same_month")),
        (register.FULL, "2012-03", ("consistent", "same_month")),
        (register.FULL, "2012", ("consistent", "same_year")),
        (register.FULL, "2012-04-06", ("inconsistent", "different")),
        (register.FULL, "2011", ("inconsistent", "different")),
        (register.PLAIN_FNI, "1999-12-31", ("consistent", "same_year")),
        (register.PLAIN_FNI, "2000-01-01", ("inconsistent", "different")),
    ],
)
def test_first_registration_is_compared_as_coarsely_as_it_is_shown(
    make_link, told, registration, claimed, told_of_it
):
    sent = {"date_premiere_immatriculation": claimed}
    assert list(told(make_link(registration), sent).values()) == [told_of_it]


@pytest.mark.parametrize(
    ("claimed", "told_of_it"),
    [
        ("VF1RFB00X12345678", ("consistent", "equal")),
        ("vf1 rfb00x-12345678", ("consistent", "equal")),
        ("VF1RZZ99Z99945678", ("inconsistent", "different")),
        ("VF1RFB00X12345679", ("inconsistent", "different")),
        ("VF1RFB00X1234567", ("unknown", "not_comparable")),
        ("", ("unknown", "not_comparable")),
    ],
)
def test_the_vin_is_compared_with_the_registers_though_the_report_hides_its_end(
    make_link, told, ask_code, claimed, told_of_it
):
    link = make_link()
    technical = ask_code(link).json()["vehicule"]["certificat_immatriculation"]
    shown = technical["caracteristiques_techniques"]["vin_anonymise"]
    assert shown == "VF1R*************"
    assert told(link, {"vin": claimed}) == {"vin": told_of_it}


@pytest.mark.parametrize(
    ("claimed", "told_of_it"),
    [
        ("VF3AZZ99Z99912345", ("consistent", "equal_where_shown")),
        ("VF3AZZ99Z99912346", ("inconsistent", "different")),
    ],
)
def test_of_a_masked_vin_what_the_register_hides_is_compared_with_nothing(
    make_link, told, claimed, told_of_it
):
    link = make_link(register.PLAIN_FNI)
    assert told(link, {"vin": claimed}) == {"vin": told_of_it}


# Mileage, with the inspections of a register


@pytest.fixture
def driven(transactional_db, tmp_path):
    """Return a link to a vehicle with inspections, and its last reading in km."""
    vehicle = publish_showcase(tmp_path)["clean"]
    form = IdentityForm(typed(vehicle))
    assert form.is_valid()
    identity = form.enquiry.identity
    opened = reading.read(identity)
    secret = links.create(identity, opened, bytes(16), life=7 * DAY, now=timezone.now())
    return Link(identity, secret)


@pytest.fixture
def last_km(driven, ask):
    body = {**driven.demand, "options": {"controles_techniques": True}}
    read = ask(body, path=CODE_PATH).json()["controles_techniques"]["historique"]
    return next(one["km"] for one in read if "km" in one)


def test_a_mileage_below_the_last_reading(driven, last_km, told):
    assert last_km > 2 * TOLERANCE_KM
    tolerated = max(TOLERANCE_KM, last_km // 100)
    for claimed, told_of_it in (
        (last_km + 50_000, ("consistent", "not_below_last_reading")),
        (last_km - tolerated, ("consistent", "not_below_last_reading")),
        (last_km - tolerated - 1, ("inconsistent", "below_last_reading")),
    ):
        assert told(driven, {"kilometrage": claimed}) == {"kilometrage": told_of_it}


def test_a_binary_search_is_useless(driven, last_km, check):
    """Whoever halves what is left learns three bits, and keeps at them."""
    low, high, answered = 0, 1_048_576, 0
    for _ in range(20):
        middle = (low + high) // 2
        answer = check(driven, {"kilometrage": middle})
        if answer.status_code != 200:
            problem(answer, 403, "claims-used-up")
            continue
        answered += 1
        below = answer.json()["annonce"]["kilometrage"]["verdict"] == "inconsistent"
        low, high = (middle, high) if below else (low, middle)
    assert answered == claims.CLAIM_SETS_MAX
    assert high - low == 1_048_576 >> claims.CLAIM_SETS_MAX


# No oracle


def sets():
    return ({"kilometrage": km} for km in itertools.count(1, 10_000))


def test_three_distinct_claims_a_link_and_partner(make_link, check, make_key):
    link, other_link = make_link(), make_link(register.PLAIN_FNI)
    first, second, third, fourth = itertools.islice(sets(), 4)
    answers = [check(link, one).json()["annonce"] for one in (first, second, third)]
    problem(check(link, fourth), 403, "claims-used-up")
    # Those that were answered are answered alike, in any order and number.
    for _ in range(2):
        for sent, answer in zip((first, second, third), answers, strict=True):
            assert check(link, sent).json()["annonce"] == answer
    problem(check(link, fourth), 403, "claims-used-up")
    assert check(other_link, fourth).status_code == 200
    # Of the same partner with another key; then of another.
    _, again = make_key(name="ESSAI")
    problem(check(link, fourth, with_key=again), 403, "claims-used-up")
    _, another = make_key(name="Autre")
    assert check(link, fourth, with_key=another).status_code == 200


def test_one_advert_is_one_however_it_is_typed(make_link, check):
    link = make_link()
    for sent in (
        {"marque": "Renault", "date_premiere_immatriculation": "2012-03"},
        {"marque": " RENAULT ", "date_premiere_immatriculation": "2012-03-28"},
        {"marque": "renault", "date_premiere_immatriculation": "2012-03-01"},
    ):
        assert check(link, sent).status_code == 200
    assert len(bytes(link.row.claims)) == 24


def test_one_claim_more_is_another_advert(make_link, check):
    link = make_link()
    for sent in itertools.islice(sets(), 3):
        assert check(link, sent).status_code == 200
    for more in ({"marque": "Renault"}, {"kilometrage": 1, "marque": "x"}):
        problem(check(link, more), 403, "claims-used-up")


@pytest.mark.django_db(transaction=True)
def test_six_at_once_are_three(driven):
    numbers = iter(range(6))

    def try_one():
        return claims.admit(driven.secret, "essai", b"%d" % next(numbers))

    admitted = in_parallel(6, try_one)
    assert admitted.count(claims.Admission.ADMITTED) == claims.CLAIM_SETS_MAX
    assert admitted.count(claims.Admission.USED_UP) == 3
    assert len(bytes(driven.row.claims)) == 24 * claims.CLAIM_SETS_MAX


# What is kept, and how long


def test_what_was_claimed_is_kept_as_a_digest_that_the_link_keys(make_link, check):
    link, other = make_link(), make_link()
    for one in (link, other):
        assert check(one, WHOLE).status_code == 200
    kept, of_other = bytes(link.row.claims), bytes(other.row.claims)
    # Two links of one vehicle, one partner and one advert have nothing in common.
    assert kept[:8] != of_other[:8] and kept[8:] != of_other[8:]
    for text in (b"VF1RFB00X12345678", b"renault", b"clio", b"essai", b"2012"):
        assert text not in kept


@pytest.mark.parametrize("why", [End.REVOKED_BY_OWNER, End.EXPIRED])
def test_it_is_erased_when_the_link_ends(make_link, check, why):
    link = make_link()
    assert check(link, WHOLE).status_code == 200
    assert link.row.claims is not None
    assert links.of_vehicle(link.identity).end(why, timezone.now()) == 1
    assert link.row.claims is None


def test_a_compromised_key_erases_it_too(make_link, check):
    link = make_link()
    assert check(link, WHOLE).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM sharing_end_key_uses('site', %s::smallint)",
            [link.row.key_version],
        )
    assert link.row.end == End.KEY_COMPROMISED
    assert link.row.claims is None


def test_a_link_that_ended_keeps_no_claims(make_link):
    link = make_link()
    links.of_vehicle(link.identity).end(End.REVOKED_BY_OWNER, timezone.now())
    assert claims.admit(link.secret, "essai", b"x") is claims.Admission.ENDED
    with pytest.raises(Exception, match="sharing_link_forgets_claims"):
        sharing.Link.objects.filter(pk=link.row.pk).update(claims=b"x")


# Who may ask, and what counts


def test_the_scope_is_needed(make_link, check, make_key):
    others = [scope.value for scope in KeyScope if scope is not KeyScope.LISTING_CHECK]
    _, key = make_key(scopes=others)
    problem(check(make_link(), WHOLE, with_key=key), 403, "scope-missing")


def test_it_is_no_opening_and_no_report(make_link, check, make_key):
    link = make_link(max_openings=3)
    _, key = make_key(daily_quota=1)
    for _ in range(3):
        assert check(link, WHOLE, with_key=key).status_code == 200
    assert link.row.openings == 0 and link.row.last_opened_on is None


def test_the_owner_has_the_receipt_of_each_answer(make_link, check):
    link = make_link()
    numbers = {check(link, WHOLE).json()["histovet"]["receipt"] for _ in range(2)}
    left = sharing.Receipt.objects.values_list("number", "partner", "of_advert")
    assert set(left) == {(number, "Essai", True) for number in numbers}
    assert len(numbers) == 2


def test_a_link_that_was_opened_as_often_as_it_may_be_is_not_compared_with(
    make_link, check, ask_code
):
    link = make_link(max_openings=3)
    for _ in range(3):
        assert check(link, WHOLE).status_code == 200
        assert ask_code(link).status_code == 200
    problem(check(link, WHOLE), 404, "report-not-found")
    assert link.row.ended_at is None, "its readers read on"


def test_a_code_that_opens_nothing_is_a_failure(make_link, check, key):
    ended = make_link()
    links.of_vehicle(ended.identity).end(End.REVOKED_BY_OWNER, timezone.now())
    expired = make_link(register.PLAIN_FNI, now=timezone.now() - 8 * DAY)
    answers = [check(link, WHOLE) for link in (NO_LINK, ended, expired)]
    for answer in answers:
        problem(answer, 404, "report-not-found")
    assert len({answer.content for answer in answers}) == 1
    assert failures() == 3
    # The one that was over by the clock is ended now.
    assert expired.row.end == End.EXPIRED
    PartnerUse.objects.update(failures=A_DAY)
    problem(check(make_link(register.COMPANY), WHOLE), 429, "too-many-failures")


@pytest.mark.parametrize(
    ("annonce", "field", "code"),
    [
        ({}, "/annonce", "missing"),
        ({"autre": "x"}, "/annonce", "missing"),
        ({"marque": None}, "/annonce/marque", "type"),
        ({"marque": 1}, "/annonce/marque", "type"),
        ({"marque": "x" * 201}, "/annonce/marque", "too_long"),
        ({"kilometrage": -1}, "/annonce/kilometrage", "type"),
        ({"kilometrage": 10**30}, "/annonce/kilometrage", "type"),
        ({"kilometrage": True}, "/annonce/kilometrage", "type"),
        ({"kilometrage": "85000"}, "/annonce/kilometrage", "type"),
        *(
            (
                {"date_premiere_immatriculation": text},
                "/annonce/date_premiere_immatriculation",
                "date_unreadable",
            )
            for text in ("", "2012-13", "0000", "06/03/2012", "２０１２", "2012\n")
        ),
        (
            {"date_premiere_immatriculation": "2012-02-30"},
            "/annonce/date_premiere_immatriculation",
            "date_impossible",
        ),
    ],
)
def test_what_cannot_be_read_is_not_counted(make_link, check, annonce, field, code):
    link = make_link()
    document = problem(check(link, annonce), 400, "invalid-request")
    assert [(e["field"], e["code"]) for e in document["errors"]] == [(field, code)]
    assert link.row.claims is None


# What a hostile partner sends


@pytest.mark.parametrize(
    "field", ["marque", "modele", "date_premiere_immatriculation", "vin"]
)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_that_is_code_somewhere_is_text(make_link, check, field, text):
    link = make_link()
    before = sharing.Link.objects.count()
    answer = check(link, {field: text})
    assert answer.status_code in (200, 400, 413)
    if answer.status_code == 200:
        told = answer.json()["annonce"][field]
        assert told["verdict"] in ("inconsistent", "unknown")
    for trace in (b"15838", b"7919", b"root:", b"PostgreSQL", b"alert"):
        assert trace not in answer.content
    assert sharing.Link.objects.count() == before


@pytest.mark.parametrize(
    "text",
    [
        "ＲＥＮＡＵＬＴ", "RENAU\u200bLT", "Ｒenault", "RE\u0301NAULT", "\u202eRENAULT\u202c",
        "RENAULT" + "\u0301" * 150,
    ],
)  # fmt: skip
def test_letters_that_look_or_fold_alike_are_the_same(make_link, told, text):
    assert told(make_link(), {"marque": text}) == {"marque": ("consistent", "equal")}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8000,
        b'{"annonce":' * 700,
        b'{"annonce":{"marque":' + b'{"a":' * 1500,
        b'{"vehicule":{"code":"x"},"annonce":{"marque":"\xff"}}',
        b'{"vehicule":{"code":"x"},"annonce":{"marque":"\\ud800"}}',
        b'{"vehicule":{"code":"x"},"annonce":{"kilometrage":1e999}}',
        b'{"vehicule":{"code":"x"},"annonce":{"kilometrage":NaN}}',
        b"null",
    ],
)
@pytest.mark.parametrize("path", [PATH, "/api/v1/link_status"])
def test_deep_and_broken_json_is_refused(published, ask, path, body):
    problem(ask(body, path=path), 400, "invalid-request")


@pytest.mark.parametrize("path", [PATH, "/api/v1/link_status"])
def test_a_body_that_is_too_long_is_refused(published, ask, path):
    body = json.dumps({**NO_LINK.demand, "annonce": {}, "x": "y" * 8192})
    problem(ask(body, path=path), 413, "body-too-large")
    problem(ask("{}", path=path, content_type="text/plain"), 415, "not-json")


def test_nothing_that_was_sent_is_repeated_or_logged(make_link, check, caplog):
    link = make_link()
    for sent in (
        {"marque": CANARY, "modele": CANARY, "vin": CANARY},
        {"date_premiere_immatriculation": CANARY},
        {"kilometrage": CANARY},
    ):
        assert CANARY.encode() not in check(link, sent).content
    assert CANARY not in caplog.text
    assert link.code not in caplog.text
