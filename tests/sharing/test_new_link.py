"""What a seller may choose of a link, what is refused, and what comes of it."""

import datetime as dt
import re

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from histovet.sharing.forms import NewLinkForm
from histovet.sharing.models import Link, Scope
from histovet.sharing.opening import open_link
from histovet.sharing.receipts import ByPartner
from pseudonymizer.normalise import PARIS
from tests.sharing.test_seller_views import (
    DAY,
    Made,
    listed,
    make,
    opens,
    seller_of,
    today,
)

pytestmark = pytest.mark.django_db

# Half past eleven in the evening of 20 October, in Paris; the night to the 25th has an
# hour more.
EVENING = dt.datetime(2026, 10, 20, 21, 30, 0, 999_999, tzinfo=dt.UTC)


def sent(**fields: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({"days": "7", **fields})
    return data


def form(now=EVENING, **fields: str) -> NewLinkForm:
    return NewLinkForm(sent(**fields), now=now)


@pytest.mark.parametrize(
    ("until", "expires"),
    [
        ("2026-10-20", "2026-10-20T21:59:59+00:00"),
        ("20/10/2026", "2026-10-20T21:59:59+00:00"),
        ("2026-10-24", "2026-10-24T21:59:59+00:00"),
        # Winter time from here on.
        ("2026-10-25", "2026-10-25T22:59:59+00:00"),
        ("2027-01-18", "2027-01-18T22:59:59+00:00"),
    ],
)
def test_a_link_lives_to_the_end_of_the_day_in_paris(until, expires):
    chosen = form(until=until)
    assert chosen.is_valid()
    assert EVENING.replace(microsecond=0) + chosen.life == dt.datetime.fromisoformat(
        expires
    )


@pytest.mark.parametrize(
    "until", ["2026-10-19", "2027-01-19", "2026-01-01", "0001-01-01", "9999-12-31"]
)
def test_no_day_is_past_or_farther_than_ninety(until):
    chosen = form(until=until)
    assert not chosen.is_valid()
    assert chosen.errors == {
        "until": ["Choisissez un jour d’ici 90 jours, aujourd’hui compris."]
    }


@pytest.mark.parametrize("until", ["demain", "2026-13-01", "2026-02-30", "20-10-26"])
def test_what_is_no_day_is_said_so(until):
    chosen = form(until=until)
    assert list(chosen.errors) == ["until"]
    assert "31/12/2026" in chosen.errors["until"][0]
    assert until not in str(chosen.errors)


def test_in_the_last_second_of_a_day_it_is_over():
    late = dt.datetime(2026, 10, 20, 23, 59, 59, 1, PARIS)
    assert not form(late, until="2026-10-20").is_valid()
    assert form(late - dt.timedelta(seconds=1), until="2026-10-20").is_valid()
    assert form(late, until="2026-10-21").is_valid()


def test_a_day_goes_before_a_number_of_days_and_is_enough():
    both, alone = (
        form(until="2026-10-22"),
        NewLinkForm(QueryDict("until=2026-10-22"), now=EVENING),
    )
    assert both.is_valid()
    assert alone.is_valid()
    assert both.life == alone.life < 3 * DAY


@pytest.mark.parametrize("most", ["2", "0", "-3", "1001", "3.5", "trois", "9" * 30])
def test_no_maximum_is_below_three_or_without_sense(most):
    chosen = form(max_openings=most)
    assert not chosen.is_valid()
    assert chosen.errors == {
        "max_openings": ["Tapez un nombre d’ouvertures de 3 à 1000, ou rien."]
    }


@pytest.mark.parametrize("scope", ["1", "FULL", "<b>", "full,sober"])
def test_there_are_two_scopes(scope):
    assert list(form(scope=scope).errors) == ["scope"]


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("", ""),
        ("   ", ""),
        (" Acheteuse \t de\njeudi ", "Acheteuse de jeudi"),
        ("é" * 40, "é" * 40),
        ("🚗" * 40, "🚗" * 40),
        ("<b>&", "<b>&"),
    ],
)
def test_a_label_is_kept_without_what_nobody_sees(typed, label):
    chosen = form(label=typed)
    assert chosen.is_valid()
    assert chosen.terms["label"] == label


@pytest.mark.parametrize("typed", ["x" * 41, "a\0b"])
def test_a_label_that_is_none_is_refused(typed):
    assert list(form(label=typed).errors) == ["label"]


def test_the_usual_case_is_what_it_was():
    usual = form()
    assert usual.is_valid()
    assert usual.life == 7 * DAY
    assert usual.terms == {"scope": Scope.FULL, "max_openings": None, "label": ""}


@pytest.mark.parametrize(
    ("fields", "unfolded"),
    [
        ({}, False),
        ({"scope": "full"}, False),
        ({"days": "8"}, False),
        ({"scope": "sober"}, True),
        ({"label": "a"}, True),
        ({"max_openings": "3"}, True),
        ({"max_openings": "x"}, True),
        ({"until": "2026-10-22"}, True),
    ],
)
def test_choices_that_were_made_are_shown_again(fields, unfolded):
    assert form(**fields).is_unfolded is unfolded


def chosen(seller: Client, **fields: str) -> Made:
    answer = seller.post("/liens", {"days": "7", **fields})
    assert answer.status_code == 303, answer.content.decode()
    public_id = answer.headers["Location"].rpartition("/")[2]
    page = seller.get(answer.headers["Location"]).content.decode()
    (code,) = re.findall(r'id="code">([^<]+)</p>', page)
    return Made(public_id, "", code, "")


def test_all_that_was_chosen_comes_of_it(shown):
    seller = seller_of(shown["pledged"])
    until = today() + 40 * DAY
    link = chosen(
        seller,
        until=f"{until}",
        scope="sober",
        max_openings="3",
        label="Annonce <du> jeudi",
    )
    row = link.row
    assert row.expires_at.astimezone(PARIS) == dt.datetime.combine(
        until, dt.time(23, 59, 59), PARIS
    )
    assert (row.scope, row.max_openings) == (1, 3)
    for page in (listed(seller), seller.get(link.path).content.decode()):
        assert "Annonce &lt;du&gt; jeudi" in page
        assert "Sans les détails administratifs, 3 ouvertures au plus" in page
    assert "Annonce" not in listed(seller_of(shown["pledged"]))
    assert [opens(link) for _ in range(4)] == [True] * 3 + [False]
    page = listed(seller)
    assert "Annonce &lt;du&gt; jeudi" in page
    assert "Ouvert autant de fois que permis" in page


def test_what_is_refused_makes_no_link_and_is_shown_again(shown):
    seller = seller_of(shown["clean"])
    fields = {"days": "7", "max_openings": "2", "label": "Jeudi", "scope": "sober"}
    answer = seller.post("/liens", fields)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert '<a href="#id_max_openings">' in page
    assert '<details class="more" open>' in page
    assert 'value="Jeudi"' in page
    assert 'value="sober" checked' in page
    assert "Une donnée est à corriger" in page
    page = seller.post("/liens", fields | {"label": "x" * 41}).content.decode()
    assert "2 données sont à corriger" in page
    assert not Link.objects.exists()


def test_the_owner_reads_days_and_receipts(shown):
    seller = seller_of(shown["clean"])
    link = make(seller, 30)
    now = timezone.now()
    garage = ByPartner("Garage <du> Lac", "garage <du> lac")
    found = open_link(link.secret, now, partner=garage)
    for days in range(1, 10):
        assert open_link(link.secret, now + days * DAY) is not None
    page = listed(seller)
    assert f"par Garage &lt;du&gt; Lac, reçu <code>{found.receipt}</code>" in page
    table = page[page.index('<table class="days">') : page.index("</table>")]
    assert table.count("<tr>") == 1 + 7 + 1
    # One on each of seven days, three before.
    assert re.findall(r"</svg> (\d+)</td>", table) == ["1"] * 7
    assert table.endswith("Plus tôt</th><td>3</td></tr>\n</tbody>")
    for _ in range(40):
        open_link(link.secret, now, partner=garage)
    page = listed(seller)
    assert "Les 41 reçus de professionnels" in page
    assert page.count("Garage &lt;du&gt; Lac") == 30
    assert "et 11 plus anciens" in page
    # They are its owner's to read.
    assert "Garage" not in listed(seller_of(shown["clean"]))


def test_the_sheet_is_the_link_and_nothing_of_the_vehicle(shown):
    seller = seller_of(shown["clean"])
    link = make(seller)
    page = seller.get(f"{link.path}/affiche").content.decode()
    assert (
        f'<a class="button quiet" href="{link.path}/affiche">'
        in seller.get(link.path).content.decode()
    )
    sheet = page[page.index('<article class="sheet"') : page.index("</article>")]
    for text in (link.code, "http://testserver/acheteur", "<svg", "Jusqu’au"):
        assert text in sheet
    vehicle = shown["clean"]
    for text in (vehicle.surname, vehicle.plate, vehicle.formula_number, "•"):
        assert text not in page
    assert link.owner_code not in page


def test_before_it_is_printed_the_sheet_warns_of_what_the_link_is(shown):
    seller = seller_of(shown["clean"])
    full = seller.get(make(seller).path + "/affiche").content.decode()
    careful = chosen(seller, scope="sober", max_openings="50", label="Vitre")
    sober = seller.get(careful.path + "/affiche").content.decode()
    passers = "qui passe devant le véhicule peut lire le rapport"
    for page in (full, sober):
        assert page.index(passers) < page.index('<article class="sheet"')
    for warning in ("qui a gagé ou saisi", "sans limite de nombre"):
        assert warning in full
        assert warning not in sober
    assert "s’il a été beaucoup lu" in sober
    # What its owner calls it is nobody else's.
    assert "Vitre" not in sober[sober.index('<article class="sheet"') :]


def test_the_sheet_is_its_owners_alone(shown):
    seller = seller_of(shown["clean"])
    link, ended = make(seller), make(seller)
    seller.post(ended.path + "/fin")
    assert seller.get(ended.path + "/affiche").headers["Location"] == "/liens"
    assert seller_of(shown["clean"]).get(link.path + "/affiche").status_code == 404
    assert Client().get(link.path + "/affiche").status_code == 303
    assert seller.post(link.path + "/affiche").status_code == 405
    answer = seller.get(f"/en/links/{link.public_id}/sheet")
    assert "Read its history here" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
