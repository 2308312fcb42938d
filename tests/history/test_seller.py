"""The seller's pages without a browser: the form, the one answer, the report."""

import logging
import re
import time

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from histovet.history import cookie
from pseudonymizer import normalise, synthetic
from tests.history.showcase import publish_showcase, typed
from tests.limits.work import fail
from tests.publish import publish

COOKIE = "seller"
LANGUAGES = [
    ("/vendeur", "/rapport", "/terminer"),
    ("/en/seller", "/en/report", "/en/end"),
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    # Counters are no model: what the test before counted is still there.
    cache.clear()


@pytest.fixture
def shown(transactional_db, tmp_path):
    return publish_showcase(tmp_path)


def report_of(client, vehicle, **changes):
    answer = client.post("/vendeur", typed(vehicle, **changes))
    assert answer.status_code == 303
    return client.get(answer.headers["Location"]).content.decode()


def without_what_was_typed(content: bytes) -> bytes:
    content = re.sub(rb'(<input type="text" [^>]*) value="[^"]*"', rb"\1", content)
    return re.sub(rb'(name="csrfmiddlewaretoken") value="[^"]*"', rb"\1", content)


@pytest.mark.parametrize(("form", "report", "end"), LANGUAGES)
def test_who_types_a_certificate_reads_its_report(client, shown, form, report, end):
    answer = client.post(form, typed(shown["clean"]))
    assert (answer.status_code, answer.headers["Location"]) == (303, report)
    page = client.get(report)
    assert page.status_code == 200
    assert "••" in page.content.decode()
    assert client.get(report).status_code == 200, "a reload"
    answer = client.post(end)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"{form}?suite=fini",
    )
    assert client.get(report).status_code == 303


@pytest.mark.parametrize("kind", ["clean", "company", "fni", "stolen", "import"])
def test_every_kind_of_certificate_opens_its_report(client, shown, kind):
    assert 'id="verdict"' in report_of(client, shown[kind])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("clean", "Rien à signaler"),
        ("stolen", "Véhicule déclaré volé"),
        ("pledged", "Véhicule gagé"),
        ("irreparable", "Véhicule économiquement irréparable"),
        ("import", "Véhicule importé"),
        ("cancelled", "Certificat annulé le"),
    ],
)
def test_the_page_says_what_the_register_says(client, shown, kind, words):
    assert words in report_of(client, shown[kind])


def test_irreparable_is_never_called_fit_to_drive(client, shown):
    page = report_of(client, shown["irreparable"])
    assert "ne peut pas être vendu" in page
    assert "Apte à circuler</th><td>Oui" not in page


def test_the_holder_is_not_named_and_the_plate_is_masked(client, shown):
    vehicle = shown["clean"]
    page = report_of(client, vehicle)
    for text in (vehicle.surname, vehicle.plate, vehicle.formula_number):
        assert text not in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"plate": "ZZ-999-ZZ"},
        {"formula_number": "2001AA00001"},
        {"family_name": "AUTRENOM"},
        {"given_names": "AUTREPRENOM"},
        {"plate": "ZZ-999-ZZ", "formula_number": "2001AA00001", "family_name": "X"},
    ],
    ids=["plate", "formula number", "family name", "given names", "all"],
)
def test_whatever_was_wrong_the_answer_has_the_same_status_and_bytes(
    client, shown, wrong
):
    vehicle = shown["clean"]
    expected = client.post("/vendeur", typed(vehicle, plate="QQ-111-QQ"))
    answer = client.post("/vendeur", typed(vehicle, **wrong))
    assert answer.status_code == expected.status_code == 200
    assert without_what_was_typed(answer.content) == without_what_was_typed(
        expected.content
    )
    headers = [
        {k: v for k, v in a.items() if k not in ("Content-Length", "X-Request-Id")}
        for a in (answer, expected)
    ]
    for one in headers:
        one.pop("Expires")
    assert headers[0] == headers[1]
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize(
    "wrong",
    [
        {"register": "FNI", "issue_date": "06/03/2008"},
        {"holder_kind": "company", "company_name": "AUTRE SOCIETE"},
    ],
    ids=["register", "kind of holder"],
)
def test_a_wrong_choice_is_answered_like_a_wrong_text(client, shown, wrong):
    answer = client.post("/vendeur", typed(shown["clean"], **wrong))
    assert answer.status_code == 200
    assert "Aucun véhicule ne correspond" in answer.content.decode()


def test_the_cookie_is_for_this_site_alone_and_half_an_hour(client, shown):
    answer = client.post("/vendeur", typed(shown["clean"]))
    given = answer.cookies[COOKIE]
    assert given["httponly"] is True
    assert given["samesite"] == "Lax"
    assert given["path"] == "/"
    assert given["max-age"] == 1800
    assert not given["domain"]


def test_in_production_the_cookie_is_bound_to_the_host_and_to_https(
    client, shown, settings
):
    settings.DEVELOPMENT = False
    answer = client.post("/vendeur", typed(shown["clean"]), secure=True)
    given = answer.cookies["__Host-seller"]
    assert given["secure"] is True
    assert given["path"] == "/"
    assert not given["domain"]
    assert client.get("/rapport", secure=True).status_code == 200
    cleared = client.post("/terminer", secure=True).cookies["__Host-seller"]
    assert (cleared["max-age"], cleared["secure"]) == (0, True)


def test_the_cookie_holds_the_identity_and_no_name(client, shown, rf):
    vehicle = shown["clean"]
    client.post("/vendeur", typed(vehicle))
    request = rf.get("/rapport")
    request.COOKIES[COOKIE] = client.cookies[COOKIE].value
    now = int(time.time())
    identity = cookie.identity_in(request, now=now)
    assert identity.plate == vehicle.plate.replace("-", "")
    assert cookie.identity_in(request, now=now + 31 * 60) is None
    longest = len(f"{identity.plate}{identity.formula_or_date}") + 5 + 8 + 15 + 16
    assert len(client.cookies[COOKIE].value) <= -(-longest // 3) * 4


def broken(value: str) -> dict[str, str]:
    other = "A" if value[40] != "A" else "B"
    return {
        "changed": value[:40] + other + value[41:],
        "cut": value[:-4],
        "longer": value + "AAAA",
        "no base64": "é!" + value[2:],
        "empty": "",
    }


@pytest.mark.parametrize("how", ["changed", "cut", "longer", "no base64", "empty"])
def test_a_broken_cookie_leads_to_the_form(client, shown, how):
    client.post("/vendeur", typed(shown["clean"]))
    client.cookies[COOKIE] = broken(client.cookies[COOKIE].value)[how]
    answer = client.get("/rapport")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Le rapport s’est refermé." in page


def test_without_a_cookie_the_report_leads_to_the_form(client):
    answer = client.get("/rapport")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/vendeur?suite=delai",
    )


def test_a_cookie_of_half_an_hour_ago_leads_to_the_form(client, shown, rf):
    vehicle = shown["clean"]
    identity = normalise.siv_identity(vehicle.plate, vehicle.formula_number)
    for age, status in ((1795, 200), (1801, 303)):
        response = HttpResponse()
        cookie.give(response, identity, now=int(time.time()) - age)
        client.cookies[COOKIE] = response.cookies[COOKIE].value
        assert client.get("/rapport").status_code == status


def test_a_certificate_that_left_the_register_leads_to_the_form(
    client, shown, tmp_path
):
    client.post("/vendeur", typed(shown["clean"]))
    synthetic.write_register(tmp_path / "next", vehicles=12, seed=8, files=2)
    publish(tmp_path / "next", label="suite")
    assert client.get("/rapport").status_code == 303


@pytest.mark.parametrize(
    ("path", "robots"),
    [
        ("/rapport", "noindex"),
        ("/en/report", "noindex"),
        # Who looks for the form finds it.
        ("/vendeur", None),
        ("/en/seller", None),
    ],
)
def test_no_cache_keeps_a_page_and_no_search_engine_a_report(
    client, shown, path, robots
):
    client.post("/vendeur", typed(shown["clean"]))
    for answer in (client.get(path), client.head(path)):
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers.get("X-Robots-Tag") == robots


@pytest.mark.parametrize("body", [{}, {"plate": "AA-1"}], ids=["empty", "not found"])
def test_answers_to_what_was_typed_are_kept_by_nobody(client, shown, body):
    vehicle = shown["clean"]
    body = typed(vehicle, **body) if body else {}
    for answer in (
        client.post("/vendeur", body),
        client.post("/vendeur", typed(vehicle)),
        client.post("/terminer"),
    ):
        assert "no-store" in answer.headers["Cache-Control"]


def test_reading_changes_nothing(client, shown):
    client.post("/vendeur", typed(shown["clean"]))
    before = client.cookies[COOKIE].value
    for path in ("/vendeur", "/rapport", "/en/report", "/vendeur?suite=fini"):
        assert COOKIE not in client.get(path).cookies
    assert client.get("/terminer").status_code == 405
    assert client.cookies[COOKIE].value == before


@pytest.mark.parametrize("path", ["/vendeur", "/terminer"])
def test_a_forged_form_is_refused(shown, path):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(path, typed(shown["clean"]))
    assert answer.status_code == 403
    assert COOKIE not in answer.cookies


def test_the_form_of_the_page_is_no_forged_one(shown):
    client = Client(enforce_csrf_checks=True)
    page = client.get("/vendeur").content.decode()
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    body = typed(shown["clean"]) | {"csrfmiddlewaretoken": token}
    assert client.post("/vendeur", body).status_code == 303


def test_nothing_typed_is_in_an_address_or_a_log(client, shown, caplog):
    vehicle = shown["clean"]
    caplog.set_level(logging.DEBUG)
    for body in (
        typed(vehicle),
        typed(vehicle, plate="ZQ-987-XW"),
        {"plate": "ZQ-987-XW"},
    ):
        answer = client.post("/vendeur", body)
        seen = answer.headers.get("Location", "") + caplog.text
        for text in (*body.values(), "ZQ987XW"):
            if len(text) > 6:
                assert text not in seen


def test_what_is_typed_in_the_address_is_not_read(client, shown):
    page = client.get("/vendeur", typed(shown["clean"])).content.decode()
    assert shown["clean"].surname not in page
    assert shown["clean"].plate not in page


def test_what_was_typed_stays(client, db):
    body = {
        "register": "FNI",
        "holder_kind": "company",
        "plate": '12 "A" <b>',
        "issue_date": "31/02/2005",
        "company_name": "DUPONT & FILS",
        "siren": "12",
        "family_name": "autre cas",
    }
    page = client.post("/vendeur", body).content.decode()
    assert 'value="12 &quot;A&quot; &lt;b&gt;"' in page
    assert 'value="31/02/2005"' in page
    assert 'value="DUPONT &amp; FILS"' in page
    assert 'value="autre cas"' in page
    assert re.search(r'value="FNI" checked', page)
    assert re.search(r'value="company" checked', page)


def test_each_error_stands_at_its_field_and_in_the_summary(client, db):
    body = {
        "register": "FNI",
        "holder_kind": "company",
        "plate": "",
        "issue_date": "31/02/2005",
        "siren": "12",
    }
    answer = client.post("/vendeur", body)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "<title>À corriger" in page
    summary = re.findall(r'<li><a href="#(\w+)">([^<]+)</a></li>', page)
    assert [name for name, _ in summary] == [
        "id_plate", "id_issue_date", "id_company_name", "id_siren",
    ]  # fmt: skip
    for name, error in summary:
        assert f'<p class="error" id="{name}_error">{error}</p>' in page
        (field,) = re.findall(rf'<input type="text" id="{name}"[^>]*>', page)
        assert 'aria-invalid="true"' in field
        assert f'aria-describedby="{name}_hint {name}_error"' in field


def test_nothing_chosen_shows_both_choices_and_asks(client, db):
    page = client.post("/vendeur", {}).content.decode()
    assert "checked" not in page
    for name in ("id_register", "id_holder_kind"):
        assert f'<a href="#{name}">' in page
        assert f'<p class="error" id="{name}_error">' in page
        assert f'id="{name}"' in page


def test_a_text_too_long_says_what_to_do(client, db):
    body = {"register": "SIV", "holder_kind": "person", "family_name": "A" * 201}
    page = client.post("/vendeur", body).content.decode()
    assert page.count("Ce texte est trop long. Recopiez la rubrique seule.") == 2


@pytest.mark.parametrize(
    "date", ["19/10/1996", "19.10.1996", "19-10-1996", "19101996", "19 octobre 1996",
             "1996-10-19", "19 10 1996", "le 19 oct. 1996"]
)  # fmt: skip
def test_a_date_is_read_in_every_usual_form(client, shown, date):
    vehicle = shown["fni"]
    assert vehicle.issue_date == "1996-10-19"
    report_of(client, vehicle, issue_date=date)


def test_before_a_release_the_page_says_when_to_come_back(client, db):
    body = {"register": "SIV", "holder_kind": "person", "family_name": "X"}
    body |= {"plate": "AA-1", "formula_number": "1"}
    answer = client.post("/vendeur", body)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "no-store" in answer.headers["Cache-Control"]
    assert "revenez dans quelques minutes" in answer.content.decode()


def test_home_leads_to_the_form(client):
    assert 'href="/vendeur"' in client.get("/").content.decode()
    assert 'href="/en/seller"' in client.get("/en/").content.decode()


@pytest.mark.parametrize(("french", "english"), [("/vendeur", "/en/seller")])
def test_the_other_language_is_the_same_page(client, french, english):
    assert f'href="{english}"' in client.get(french).content.decode()
    assert f'href="{french}"' in client.get(english).content.decode()


def test_register_labels_stay_french_in_the_english_page(client, shown):
    client.post("/en/seller", typed(shown["clean"]))
    page = client.get("/en/report").content.decode()
    assert '<span lang="fr">Genre national</span>' in page
    assert re.search(
        r'<span lang="fr">Première immatriculation, véhicule neuf</span>', page
    )
    assert "Nothing to report" in page
    assert "Non renseigné" not in page


def test_beyond_its_budget_a_network_is_told_when_to_come_back(client, shown):
    for n in range(10):
        wrong = typed(shown["clean"], plate=f"ZZ-{n:03}-ZZ")
        assert client.post("/vendeur", wrong).status_code == 200
    # The rest takes a proof of work each: sharing/test_brake.py.
    fail(20, "seller")
    right = typed(shown["clean"])
    answer = client.post("/vendeur", right)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    beside = client.post("/vendeur", right, REMOTE_ADDR="127.9.0.1")
    assert beside.status_code == 303, "another network is not held up"
    forged = client.post("/vendeur", right, headers={"X-Forwarded-For": "192.0.2.9"})
    assert forged.status_code == 429


def test_those_who_find_their_vehicle_are_not_counted(client, shown):
    for _ in range(40):
        assert client.post("/vendeur", typed(shown["clean"])).status_code == 303
