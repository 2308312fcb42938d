"""/chiffres and its files."""

import csv
import datetime as dt
import io
import re

import pytest
from django.utils import timezone

from histovet.usage import views
from histovet.usage.daily_counts import What
from histovet.usage.words import CALLED, REPORTS, TABLES

TODAY = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
COLUMNS = [
    "rapports_vendeurs", "rapports_acheteurs", "rapports_partenaires",
    "recherches_sans_resultat", "liens", "annonces_comparees", "documents",
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: TODAY)


@pytest.fixture
def autumn(rows):
    rows(
        {
            "2026-09-29": {What.SELLER_REPORT: 12_344, What.BUYER_REPORT: 11},
            "2026-10-02": {What.SELLER_REPORT: 803, What.PARTNER_REPORT: 9},
            "2026-11-24": {What.SELLER_REPORT: 26, What.NOT_FOUND: 15},
            "2026-11-26": {What.SELLER_REPORT: 77_777},
        }
    )


def text_of(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    page = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def test_every_thing_has_its_words_and_its_column_once():
    assert set(CALLED) == set(What)
    tables = [what for columns in TABLES.values() for what in columns]
    assert sorted(tables) == sorted(What)
    assert [called.column for called in CALLED.values()] == COLUMNS


def test_a_new_site_says_when_its_first_figures_come(client):
    for path, said in (
        ("/chiffres", "Les premiers chiffres paraîtront demain."),
        ("/en/figures", "The first figures will appear tomorrow."),
    ):
        answer = client.get(path)
        assert said in answer.content.decode()
        assert '<svg class="km counted"' not in answer.content.decode()
    for path, name in (("/chiffres.csv", "jour"), ("/chiffres-mois.csv", "mois")):
        assert client.get(path).content.decode() == ",".join([name, *COLUMNS]) + "\r\n"


def test_on_the_first_day_only_days_are_shown(client, rows):
    rows({"2026-11-25": {What.SELLER_REPORT: 33}})
    text = text_of(client, "/chiffres")
    assert (
        "Le 25 novembre 2026, ce site a donné 30 rapports à des vendeurs, moins de 10 à "
        "des acheteurs et moins de 10 à des partenaires." in text
    )
    assert "Rapports donnés chaque jour" in text
    assert "Mois par mois" not in text


def test_the_page_says_first_what_the_last_month_was(client, autumn):
    text = text_of(client, "/chiffres")
    assert text.startswith(
        'id="content" tabindex="-1"> Les chiffres du site En octobre 2026, ce site a '
        "donné 800 rapports à des vendeurs, moins de 10 à des acheteurs et moins de 10 "
        "à des partenaires."
    )
    english = text_of(client, "/en/figures")
    assert "In September 2026" not in english
    assert (
        "In October 2026 this site gave 800 reports to sellers, fewer than" in english
    )


def test_months_come_before_days_newest_first(client, autumn):
    page = client.get("/chiffres").content.decode()
    months = re.findall(r'<time datetime="(\d{4}-\d\d)">', page)
    days = re.findall(r'<time datetime="(\d{4}-\d\d-\d\d)">', page)
    assert months == ["2026-10", "2026-09"] * len(TABLES)
    assert days[:2] == ["2026-11-25", "2026-11-24"]
    assert len(days) == views.DAYS_SHOWN
    assert page.index("2026-09") < page.index("2026-11-25")
    assert page.count('<svg class="km counted"') == len(REPORTS)
    # Thousands apart, as each language does it.
    assert re.search(r"<td>12[\u00a0\u202f]340</td>", page)
    assert "<td>12,340</td>" in client.get("/en/figures").content.decode()


@pytest.mark.parametrize(
    "path", ["/chiffres", "/en/figures", "/chiffres.csv", "/chiffres-mois.csv"]
)
def test_no_exact_count_and_nothing_of_today_is_anywhere(client, autumn, path):
    plain = re.sub(r"[\u00a0\u202f,.]", "", client.get(path).content.decode())
    for exact in ("12344", "803", "77777", "77780", "2026-11-26", ">11<", ">26<"):
        assert exact not in plain


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_file_of_days_has_them_all_oldest_first(client, autumn):
    answer = client.get("/chiffres.csv")
    found = rows_of(answer)
    assert [row["jour"] for row in found[:2]] == ["2026-09-29", "2026-09-30"]
    assert len(found) == 58
    assert found[0] == dict.fromkeys(COLUMNS, "<10") | {
        "jour": "2026-09-29",
        "rapports_vendeurs": "12340",
        "rapports_acheteurs": "10",
    }
    assert found[1] == dict.fromkeys(COLUMNS, "<10") | {"jour": "2026-09-30"}
    assert found[-2]["recherches_sans_resultat"] == "20"
    assert found[-1]["jour"] == "2026-11-25"


def test_the_file_of_months_has_those_that_are_over(client, autumn):
    found = rows_of(client.get("/chiffres-mois.csv"))
    assert [(row["mois"], row["rapports_vendeurs"]) for row in found] == [
        ("2026-09", "12340"),
        ("2026-10", "800"),
    ]


@pytest.mark.parametrize("path", ["/chiffres.csv", "/chiffres-mois.csv"])
def test_a_file_may_be_kept_and_is_asked_for_again_cheaply(client, autumn, path):
    answer = client.get(path)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert not answer.cookies
    again = client.get(path, headers={"if-none-match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/chiffres", "/chiffres.csv", "/chiffres-mois.csv"])
def test_figures_are_only_read(client, path):
    assert client.post(path).status_code == 405


def test_read_again_it_asks_the_database_nothing(
    client, autumn, django_assert_num_queries
):
    client.get("/chiffres")
    with django_assert_num_queries(0):
        for path in ("/chiffres", "/en/figures", "/chiffres.csv"):
            assert client.get(path).status_code == 200


def test_it_is_found_from_everywhere(client):
    assert 'href="/chiffres"' in client.get("/").content.decode()
    assert 'href="/chiffres"' in client.get("/plan-du-site").content.decode()
    assert "/en/figures<" in client.get("/sitemap.xml").content.decode()
