"""The endpoint of codes, from a link to the answer, on real sealed records."""

import copy
import datetime as dt
import json
import re

import msgspec.structs
import pytest
from django.db import connection
from django.utils import timezone

from histovet.partners.failure_budget import A_DAY, A_DAY_AND_PLATE
from histovet.partners.models import PartnerKey, PartnerUse
from histovet.partners.models import Scope as KeyScope
from histovet.sharing import codes, links
from histovet.sharing.models import End, Scope
from histovet.vault.models import Release
from pseudonymizer.normalise import PARIS
from pseudonymizer.records import Operation
from tests.partner import failures
from tests.partners import demands, register
from tests.partners.conftest import CODE_PATH
from tests.partners.demands import CERTIFICATE, NO_LINK, Link, by_code, changed
from tests.partners.shapes import assert_ancestors_shape, at
from tests.partners.test_report_by_data import CANARY, assert_headers, problem, said

ANCESTOR_PATH = "/histovec/api/v1/report_by_code"
TECHNICAL = f"{CERTIFICATE}/caracteristiques_techniques"
PERSON = f"{CERTIFICATE}/titulaire/particulier"
MONTHS = f"{CERTIFICATE}/nombre_de_mois_depuis_date_emission_certificat_immatriculation"
MONTH, YEAR = ("2019-01-01", "month"), ("2008-01-01", "year")
DAY = dt.timedelta(days=1)

# Whose first certificate is the one it still has, and which the register touched since.
FIRST_HOLDER = msgspec.structs.replace(
    register.FULL,
    record=msgspec.structs.replace(
        register.FULL.record,
        updated=dt.date(2019, 1, 8),
        first_registration=dt.date(2019, 1, 6),
        import_date=dt.date(2019, 1, 6),
        operations=(Operation("IMMAT_NORMALE", dt.date(2019, 1, 6)),),
    ),
)


def operation(code: str, day: dt.date):
    """The first vehicle with one operation more."""
    record = register.FULL.record
    return msgspec.structs.replace(
        register.FULL,
        record=msgspec.structs.replace(
            record, operations=(Operation(code, day), *record.operations)
        ),
    )


def end(link: Link, why: End) -> None:
    assert links.of_vehicle(link.identity).end(why, timezone.now()) == 1


@pytest.mark.parametrize("path", [CODE_PATH, ANCESTOR_PATH])
@pytest.mark.parametrize(
    ("registration", "by_data", "coarse", "place", "besides"),
    [
        (
            register.FULL,
            demands.FULL,
            {
                f"{TECHNICAL}/date_emission": MONTH,
                "/vehicule/historique/0/date": MONTH,
                "/histovet/other_oppositions/0/date": MONTH,
            },
            (f"{PERSON}/code_postal", "31"),
            # To the first day of January, not to the 6th.
            {"/histovet/tenures/1/months": 81},
        ),
        (
            register.PLAIN_FNI,
            demands.FNI,
            {
                f"{TECHNICAL}/date_emission": YEAR,
                "/vehicule/historique/0/date": YEAR,
            },
            None,
            # From the first day of 2008, not from the 6th of March.
            {
                MONTHS: 165,
                # No months to a day of 2008 that is not told.
                "/histovet/tenures": [
                    {
                        "begins_with": "/vehicule/historique/0",
                        "current": True,
                        "rank": 1,
                    }
                ],
            },
        ),
        (
            register.COMPANY,
            demands.COMPANY,
            {f"{TECHNICAL}/date_emission": ("2015-04-01", "month")},
            (f"{CERTIFICATE}/titulaire/personne_morale/code_postal", "75"),
            {},
        ),
        (
            FIRST_HOLDER,
            demands.FULL,
            {
                f"{CERTIFICATE}/date_premiere_immatriculation": MONTH,
                f"{TECHNICAL}/date_emission": MONTH,
                "/vehicule/historique/0/date": MONTH,
                "/vehicule/import_en_france/date_import": MONTH,
                "/histovet/other_oppositions/0/date": MONTH,
            },
            (f"{PERSON}/code_postal", "31"),
            # The release's date, not that of the register's last touch.
            {
                "/vehicule/date_mise_a_jour": "2021-10-26",
                "/histovet/as_of": "2021-10-26",
                "/histovet/sources/register/as_of": "2021-10-26",
                MONTHS: 33,
                "/histovet/tenures/0/months": 33,
            },
        ),
    ],
)
def test_it_answers_what_report_by_data_does_but_for_what_is_coarse(
    make_link, ask, ask_code, path, registration, by_data, coarse, place, besides
):
    register.publish_records(registration)
    link = make_link(registration)
    answer = ask_code(link, path=path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert_headers(answer)
    assert_ancestors_shape(answer.json())
    expected = ask(by_data).json()
    assert expected["histovet"]["precisions"] == {}
    changes = {pointer: date for pointer, (date, _) in coarse.items()} | besides
    if place is not None:
        changes[place[0]] = place[1]
    for pointer, value in changes.items():
        set_at(expected, pointer, value)
    technical = expected["vehicule"]["certificat_immatriculation"][
        "caracteristiques_techniques"
    ]
    if vin := technical.get("vin_anonymise"):
        technical["vin_anonymise"] = vin[:4] + "*" * (len(vin) - 4)
    expected["histovet"]["precisions"] = {
        pointer: precision for pointer, (_, precision) in coarse.items()
    }
    assert without_receipt(answer.json()) == expected


def without_receipt(document):
    """Every report has its own."""
    number = document["histovet"].pop("receipt")
    assert re.fullmatch("[A-Z2-7]{5}-[A-Z2-7]{5}", number)
    return document


def set_at(document, pointer: str, value) -> None:
    parent, _, name = pointer.rpartition("/")
    place = at(document, parent)
    assert name in place, pointer
    place[name] = value


def test_the_ancestors_options_are_understood(make_link, ask_code):
    asked = make_link().demand | {
        "uuid": "5f0b6f5e-7c9f-4ad4-a3f5-2f3c8f8c9c0a",
        "options": {"controles_techniques": True, "ignore_utac_cache": True},
    }
    document = ask_code(asked).json()
    assert document["controles_techniques"]["donnee_disponible"] is False


@pytest.mark.parametrize(
    "written", ["{grouped}", " {code}\n", "https://histovet.example/r/x#{code}"]
)
def test_a_code_is_understood_however_it_was_copied(make_link, ask_code, written):
    code = make_link().code
    typed = written.format(code=code, grouped=codes.grouped(code).lower())
    assert ask_code(by_code(typed)).status_code == 200


def test_without_administrative_details_nobody_is_named(make_link, ask_code):
    full = without_receipt(ask_code(make_link()).json())
    link = make_link(scope=Scope.WITHOUT_ADMINISTRATIVE_DETAILS)
    answer = ask_code(link)
    expected = copy.deepcopy(full)
    situation = expected["vehicule"]["situation_administrative"]
    del situation["gages"][0]["nom_creancier"]
    del situation["declarations_valant_saisie"][0]["nom_personne_morale"]
    assert without_receipt(answer.json()) == expected
    assert_ancestors_shape(answer.json())
    for name in ("BANQUE DU LAC", "TRESORERIE"):
        assert name in json.dumps(full)
        assert name.encode() not in answer.content


def test_each_report_is_one_opening(make_link, ask_code):
    link = make_link()
    for count in (1, 2, 3):
        assert ask_code(link).status_code == 200
        assert link.row.openings == count
    assert failures() == 0


def test_the_owner_has_the_receipt_of_each_report(make_link, ask_code, make_key):
    link = make_link()
    _, other = make_key(name="Garage du Lac")
    answers = [ask_code(link), ask_code(link), ask_code(link, with_key=other)]
    told = [answer.json()["histovet"]["receipt"] for answer in answers]
    today = timezone.now().astimezone(PARIS).date()
    stored = set(link.row.receipts.values_list("number", "partner", "day"))
    names = ["Essai", "Essai", "Garage du Lac"]
    assert stored == {
        (number, name, today) for number, name in zip(told, names, strict=True)
    }


def test_no_receipt_without_a_report(make_link, ask_code, make_key):
    link = make_link(max_openings=1)
    _, other = make_key(scopes=[KeyScope.REPORT_BY_DATA.value])
    problem(ask_code(link, with_key=other), 403, "scope-missing")
    assert not link.row.receipts.exists()
    assert ask_code(link).status_code == 200
    assert ask_code(link).status_code == 404
    assert link.row.receipts.count() == 1


def test_the_holders_own_report_has_no_receipt(published, ask):
    assert "receipt" not in ask(demands.FULL).json()["histovet"]


def test_a_link_opens_as_often_as_its_maximum(make_link, ask_code):
    link = make_link(max_openings=3)
    assert [ask_code(link).status_code for _ in range(5)] == [200] * 3 + [404] * 2
    assert (link.row.openings, link.row.end) == (3, End.EXHAUSTED)
    assert link.row.capsule is None


def test_whatever_ended_a_link_the_answer_has_the_same_status_and_bytes(
    make_link, ask_code
):
    over = {"unknown": NO_LINK}
    over["revoked by its owner"] = make_link(register.PLAIN_FNI)
    end(over["revoked by its owner"], End.REVOKED_BY_OWNER)
    over["revoked by who has the certificate"] = make_link(register.COMPANY)
    end(over["revoked by who has the certificate"], End.REVOKED_BY_CERTIFICATE)
    over["expired"] = make_link(now=timezone.now() - 2 * DAY, days=1)
    over["exhausted"] = make_link(register.PLAIN_FNI, max_openings=1)
    assert ask_code(over["exhausted"]).status_code == 200
    over["sold"] = make_link()
    over["gone"] = make_link(register.COMPANY)
    today = timezone.now().astimezone(PARIS).date()
    register.publish_records(
        operation("DECLARATION_CESSION", today), register.PLAIN_FNI
    )
    answers = {name: ask_code(link) for name, link in over.items()}
    first = answers["unknown"]
    problem(first, 404, "report-not-found")
    for name, answer in answers.items():
        assert answer.status_code == 404, name
        assert answer.content == first.content, name
        assert said(answer) == said(first), name
    ends = {name: link.row.end for name, link in over.items() if link is not NO_LINK}
    assert ends == {
        "revoked by its owner": End.REVOKED_BY_OWNER,
        "revoked by who has the certificate": End.REVOKED_BY_CERTIFICATE,
        "expired": End.EXPIRED,
        "exhausted": End.EXHAUSTED,
        "sold": End.CHANGED_HANDS,
        "gone": End.CERTIFICATE_GONE,
    }
    openings = {
        name: link.row.openings for name, link in over.items() if link is not NO_LINK
    }
    assert openings == dict.fromkeys(ends, 0) | {"exhausted": 1}
    # The same that data which find nothing get.
    data = changed(demands.FULL, f"{CERTIFICATE}/numero_formule", "2019ZZ99999")
    assert ask_code(data, path="/api/v1/report_by_data").content == first.content
    assert failures() == len(over) + 1


def test_a_code_that_cannot_be_read_is_no_failure(make_link, ask_code):
    link = make_link()
    for _ in range(A_DAY_AND_PLATE + 2):
        answer = ask_code(by_code(CANARY + link.code[:-1]))
        document = problem(answer, 400, "invalid-request")
    (error,) = document["errors"]
    assert (error["field"], error["code"]) == ("/vehicule/code", "code_unreadable")
    assert error["message"].endswith("comparez-les un à un.")
    assert failures() == 0
    assert link.row.openings == 0


def test_it_speaks_french_whatever_page_came_before(published, ask_code, client):
    assert client.get("/en/").status_code == 200
    answer = ask_code(by_code(""), **{"accept-language": "en"})
    (error,) = problem(answer, 400, "invalid-request")["errors"]
    assert error["code"] == "code_missing"
    assert error["message"].startswith("Tapez le code")


def test_a_demand_with_data_is_told_what_is_missing(published, ask_code):
    (error,) = problem(ask_code(demands.FULL), 400, "invalid-request")["errors"]
    assert (error["field"], error["code"]) == ("/vehicule/code", "missing")


def test_the_scope_is_needed(make_link, ask_code, make_key):
    link = make_link()
    _, other = make_key(scopes=[KeyScope.REPORT_BY_DATA.value])
    problem(ask_code(link, with_key=other), 403, "scope-missing")
    # Whatever is sent.
    problem(ask_code({}, with_key=other), 403, "scope-missing")
    assert link.row.openings == 0
    _, enough = make_key(scopes=[KeyScope.REPORT_BY_CODE.value])
    assert ask_code(link, with_key=enough).status_code == 200


def test_without_a_key_nothing_is_answered(make_link, ask_code):
    link = make_link()
    problem(ask_code(link, with_key=None), 401, "key-refused")
    assert link.row.openings == 0


@pytest.mark.parametrize("path", [CODE_PATH, ANCESTOR_PATH])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_another_method(published, ask_code, method, path):
    answer = ask_code("", path=path, method=method)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"


def test_a_failure_beyond_the_budget_tells_nothing(published, ask_code):
    """As when requests run side by side, and the budget ends in between."""
    key = PartnerKey.objects.get()
    PartnerUse.objects.create(
        key_id=key.pk, day=timezone.now().date(), failures=A_DAY - 1
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION pg_temp.another() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN new.failures = new.failures + 1; RETURN new; END $$;
            CREATE TRIGGER another BEFORE UPDATE OF failures ON partners_use
            FOR EACH ROW EXECUTE FUNCTION pg_temp.another()
            """
        )
    problem(ask_code(NO_LINK), 429, "too-many-failures")


def test_without_quota_left_a_live_code_and_a_dead_one_get_one_answer(
    make_link, ask_code, make_key
):
    link = make_link()
    _, small = make_key(daily_quota=1)
    assert ask_code(link, with_key=small).status_code == 200
    live, dead = (ask_code(one, with_key=small) for one in (link, NO_LINK))
    problem(live, 429, "quota-exceeded")
    assert live.content == dead.content
    assert failures() == 0
    assert link.row.openings == 1


def test_beyond_its_rate_a_key_opens_nothing(make_link, ask_code, make_key):
    link = make_link()
    _, slow = make_key(rate="1/h")
    answers = [ask_code(link, with_key=slow) for _ in range(4)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    for answer in limited:
        problem(answer, 429, "rate-exceeded")
    assert link.row.openings == len(answers) - len(limited)


def test_before_a_release_is_published_it_says_when_to_come_back(make_link, ask_code):
    link = make_link()
    Release.objects.all().delete()
    answers = [ask_code(one) for one in (link, NO_LINK)]
    for answer in answers:
        problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "60"
    assert (link.row.openings, link.row.ended_at) == (0, None)


def test_a_changed_record_is_a_fault_and_does_not_end_the_link(make_link, ask_code):
    link = make_link()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_record SET sealed = set_byte(sealed, 60,"
            " get_byte(sealed, 60) # 1)"
        )
    problem(ask_code(link), 500, "broken")
    assert (link.row.openings, link.row.ended_at) == (0, None)
