"""Property 2: what identifies a vehicle or a person goes through every door and is
seen again nowhere: no log, no error, no row, no counter, no mail."""

import io
import json
import logging
import os
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from histovet.history.forms import IdentityForm
from histovet.logs import LineFormatter
from pseudonymizer.__main__ import main
from tests import dump, vehicles
from tests.partner import new_key
from tests.publish import publish

# Made so that no other value of the test can hold them.
FAMILY, GIVEN, COMPANY = "ZQCANARIX", "WXOKANARI", "KQWERTIX TRANSPORTS"
SIREN = "732829320"
PLATE, FORMULA, VIN = "ZQ-987-XW", "2019ZQ98761", "ZQ1XKANARI9876543"
PLATE_FNI, DATE = "9871 XZQ 61", "17/11/1987"
TOKEN = "hv_ZQKANARIXTOKENZQKANARIXTOKENZQKANARIXTOKEN"

CANARIES = (FAMILY, GIVEN, "KQWERTIX", SIREN, PLATE, FORMULA, VIN, PLATE_FNI, TOKEN)
DATES = (DATE, "1987-11-17")


def _seen(text: str) -> list[str]:
    """Return the canaries in the text, in any case, with or without separators."""
    plain = "".join(text.upper().split()).replace("-", "")
    wanted = (*CANARIES, *DATES)
    return [
        value
        for value in wanted
        if value.upper() in text.upper()
        or (value not in DATES and value.replace("-", "").replace(" ", "") in plain)
    ]


def _feed(folder: Path) -> Path:
    siv = vehicles.siv_line(
        {"vin": VIN, "pers_nom_naissance_tit": FAMILY},
        pers_nom_naissance_tit=FAMILY,
        pers_prenom_tit=GIVEN,
        plaq_immat=PLATE,
        numero_formule=FORMULA,
    )
    broken = vehicles.siv_line(
        pers_nom_naissance_tit=FAMILY, plaq_immat=PLATE, numero_formule="", v="{" + VIN
    )
    fni = vehicles.fni_line(
        pers_nom_naissance_tit="",
        pers_raison_soc_tit=COMPANY,
        pers_siren_tit=SIREN,
        plaq_immat=PLATE_FNI,
        date_emission_CI=DATE,
    )
    plain = vehicles.siv_lines(200)
    vehicles.write_file(folder, "siv.csv.gz", [siv, broken, *plain])
    vehicles.write_file(folder, "fni.csv.gz", [fni])
    return folder


def _certificate(**changes):
    person = {"particulier": {"nom": FAMILY, "prenoms": [GIVEN]}}
    return {
        "titulaire": person,
        "numero_immatriculation": PLATE,
        "numero_formule": FORMULA,
        **changes,
    }


def _ask_everything(client: Client, key: str) -> list[str]:
    """Go through the doors of the API; return what may hold no canary."""
    path = "/api/v1/report_by_data"

    def ask(body, *, where=path, bearer=key, content_type="application/json"):
        return client.post(
            where,
            body if isinstance(body, str) else json.dumps(body),
            content_type=content_type,
            headers={"Authorization": f"Bearer {bearer}"},
        )

    def demand(**changes):
        return {"vehicule": {"certificat_immatriculation": _certificate(**changes)}}

    company = {"personne_morale": {"raison_sociale": COMPANY, "siren": SIREN}}
    fni = {
        "titulaire": company,
        "numero_immatriculation": PLATE_FNI,
        "numero_formule": None,
        "date_emission_certificat_immatriculation": "1987-11-17",
    }
    fni_demand = demand(**fni)
    del fni_demand["vehicule"]["certificat_immatriculation"]["numero_formule"]
    found = [ask(demand()), ask(fni_demand)]
    assert [answer.status_code for answer in found] == [200, 200]
    refused = [
        ask(demand(numero_formule=f"{FORMULA}0")),
        ask(demand(numero_formule=None)),
        ask(demand(numero_immatriculation=[PLATE])),
        ask(demand(date_emission_certificat_immatriculation=DATE)),
        ask({FAMILY: PLATE}),
        ask(f"{{{FAMILY}"),
        ask(demand(), bearer=TOKEN),
        ask(demand(), where=f"/api/v1/{PLATE}"),
        ask(demand(), where=f"/histovec/api/v1/{FORMULA}"),
        ask(demand(), content_type="text/plain"),
        ask(demand(inconnu=VIN * 2000)),
        client.get(path, {"plate": PLATE, "name": FAMILY}),
        client.get(f"/{PLATE}/{FAMILY}"),
        client.get(f"/en/{FORMULA}"),
        client.post(f"/{FAMILY}", {"plate": PLATE}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused)
    return [answer.content.decode() + str(answer.headers) for answer in refused]


def _type_into_the_site(client: Client) -> str:
    """Go from the form to the report, and astray; return what the browser keeps. What
    was typed stays in the form, so its pages are no place to look."""
    typed = {
        "register": "SIV",
        "holder_kind": "person",
        "family_name": FAMILY,
        "given_names": GIVEN,
        "plate": PLATE,
        "formula_number": FORMULA,
    }
    astray = client.post("/vendeur", {**typed, "formula_number": f"{FORMULA}1"})
    wrong = client.post("/en/seller", {**typed, "plate": ""})
    assert (astray.status_code, wrong.status_code) == (200, 200)
    found = client.post("/vendeur", typed)
    page = client.get(found.headers["Location"])
    assert (found.status_code, page.status_code) == (303, 200)
    assert not _seen(page.content.decode() + found.headers["Location"])
    return client.cookies.output()


def _server_logs() -> str:
    state = Path(os.environ["HISTOVET_STATE"])
    return "".join(
        path.read_text(errors="replace") for path in state.rglob("server.log*")
    )


@pytest.fixture
def log():
    """What the site's own handler writes, as it is configured, for every level."""
    root, text = logging.getLogger(), io.StringIO()
    (handler,) = [h for h in root.handlers if isinstance(h.formatter, LineFormatter)]
    stream, level = handler.setStream(text), root.level
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    handler.setStream(stream)


def test_a_canary_is_found_when_it_is_there():
    assert _seen(f"x {FAMILY.lower()} y") == [FAMILY]
    assert _seen("zq987xw") == [PLATE]
    assert _seen("1987-11-17") == ["1987-11-17"]
    assert _seen("nothing") == []


@pytest.mark.django_db(transaction=True)
def test_no_canary_is_seen_again(tmp_path, capfd, log):
    feed = _feed(tmp_path / "feed")
    publish(feed, label="canary")
    key = new_key()
    refusals = _ask_everything(Client(), key)

    cookies = _type_into_the_site(Client())

    # Doors that refuse a delivery.
    (feed / "siv.csv.gz").write_bytes((feed / "siv.csv.gz").read_bytes()[:-20])
    named = ["--label", "x", "--as-of", "2026-01-01", "--out", str(tmp_path / "m")]
    assert main(["manifest", str(feed), *named]) != 0

    form = IdentityForm(
        {
            "register": PLATE,
            "holder_kind": FAMILY,
            "plate": PLATE * 30,
            "issue_date": DATE,
            "siren": SIREN * 3,
        }
    )
    assert not form.is_valid()

    printed = capfd.readouterr()
    assert "django.request" in log.getvalue()
    everywhere = {
        "refusals of the API": "".join(refusals),
        "cookies of the site": cookies,
        "errors of the form": form.errors.as_text(),
        "standard output": printed.out,
        "standard error": printed.err,
        "log": log.getvalue(),
        "PostgreSQL's log": _server_logs(),
        "mail": "".join(str(message.message()) for message in mail.outbox),
        "database": b"\n".join(dump.values()).decode("latin-1"),
    }
    assert {
        place: _seen(text) for place, text in everywhere.items() if _seen(text)
    } == {}


@pytest.mark.django_db
def test_postgresql_writes_no_parameter_into_its_log():
    with connection.cursor() as cursor:
        for setting in (
            "log_parameter_max_length",
            "log_parameter_max_length_on_error",
        ):
            cursor.execute(f"SHOW {setting}")
            (value,) = cursor.fetchone()
            if not _server_logs():
                pytest.skip("another PostgreSQL than the one of make test")
            assert value == "0"
