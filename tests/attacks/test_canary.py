"""Property 2: what identifies a vehicle or a person goes through every door and is
seen again nowhere: no log, no error, no row, no counter, no mail."""

import base64
import io
import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from histovet.history.forms import IdentityForm
from histovet.limits import tickets
from histovet.limits.vehicles import A_DAY
from histovet.logs import LineFormatter
from histovet.sharing import addresses, codes
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link
from pseudonymizer.__main__ import main
from pseudonymizer.envelope import link_id
from tests import dump, vehicles
from tests.limits.work import brought_by, challenge_in, fail, solved
from tests.partner import new_key
from tests.poppler import text_of
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
    inspected = vehicles.inspections_line(
        vehicles.inspection("2020-03-02", 41_000),
        plaq_immat=PLATE,
        numero_formule=FORMULA,
    )
    vehicles.write_file(folder, "inspected.csv.gz", [inspected])
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
        certificate = {"certificat_immatriculation": _certificate(**changes)}
        return {"vehicule": certificate, "histovet": {"fin_vin": VIN}}

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
        "vin_end": VIN,
    }
    for _ in range(A_DAY):
        client.post("/vendeur", {**typed, "family_name": "AUTRE"})
    asked = client.post("/vendeur", {**typed, "vin_end": ""})
    assert 'id="id_vin_end_error"' in asked.content.decode()
    astray = client.post("/vendeur", {**typed, "formula_number": f"{FORMULA}1"})
    wrong = client.post("/en/seller", {**typed, "plate": ""})
    assert (astray.status_code, wrong.status_code) == (200, 200)
    found = client.post("/vendeur", typed)
    page = client.get(found.headers["Location"])
    assert (found.status_code, page.status_code) == (303, 200)
    assert not _seen(page.content.decode() + found.headers["Location"])
    papers = [client.post(path) for path in ("/rapport/pdf", "/rapport/situation.pdf")]
    for paper in papers:
        assert (paper.status_code, paper.content[:5]) == (200, b"%PDF-")
        assert not _seen(text_of(paper.content) + str(paper.headers))
        assert not _seen(paper.content.decode("latin-1"))
    return client.cookies.output()


def _pass_the_brake(monkeypatch) -> str:
    """Go on where an answer costs work or a wait; return what the browser keeps, and
    what it is asked and brings. Its pages hold what was typed, as any form."""
    monkeypatch.setattr(tickets, "WAIT_SECONDS", 0)
    typed = {
        "register": "SIV",
        "holder_kind": "person",
        "family_name": "AUTRE",
        "given_names": GIVEN,
        "plate": PLATE,
        "formula_number": FORMULA,
        "vin_end": VIN,
    }
    told = ""
    # One network each: it has one ticket at a time.
    for kind, address in (("altcha", "127.8.0.1"), ("ticket", "127.9.0.1")):
        client = Client(REMOTE_ADDR=address)
        fail(10, "seller", address)
        page = client.post("/vendeur", typed).content.decode()
        challenge = challenge_in(page)
        brought = brought_by(page)
        if kind == "altcha":
            brought = {"altcha": solved(challenge)}
        # Answered once, then asked again.
        for answered in (True, False):
            again = client.post("/vendeur", typed | brought)
            found = "Aucun véhicule ne correspond" in again.content.decode()
            assert (again.status_code, found) == (200, answered)
        told += challenge + brought[kind] + str(again.headers)
        told += client.cookies.output()
    return told


def _drive_partner(key: str, secret: bytes, unknown: bytes) -> str:
    """Ask with a link's code for all that a partner may; return what it is told."""
    code = codes.encode(secret, Kind.LINK)
    advert = {"marque": FAMILY, "modele": PLATE, "vin": VIN}
    vehicle = {"vehicule": {"code": code}}
    client = Client(
        headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False
    )

    def ask(call, body):
        return client.post(f"/api/v1/{call}", body, content_type="application/json")

    answers = [
        ask("report_by_code", vehicle),
        ask("listing_check", {**vehicle, "annonce": advert}),
        ask("link_status", vehicle),
        client.get("/api/v1/usage"),
        client.get("/api/v1/usage", {"code": code, "plate": PLATE}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert answers[2].json() == {"live": True}
    vin = answers[1].json()["annonce"]["vin"]
    assert vin == {"verdict": "consistent", "reason": "equal"}
    dead = {"vehicule": {"code": codes.encode(unknown, Kind.LINK)}}
    answers += [
        ask("link_status", dead),
        ask("listing_check", dead | {"annonce": advert}),
    ]
    assert [answer.status_code for answer in answers[-2:]] == [200, 404]
    refused = [
        ask("listing_check", {**vehicle, "annonce": {VIN: PLATE}}),
        ask("listing_check", {**vehicle, "annonce": {"kilometrage": VIN}}),
        ask(
            "listing_check",
            {**vehicle, "annonce": {"date_premiere_immatriculation": DATE}},
        ),
        ask("listing_check", {"vehicule": {"code": code + VIN}, "annonce": advert}),
        ask("link_status", {"vehicule": {code: FAMILY}}),
        ask("link_status", f'{{"{code}'),
        ask(f"link_status/{code}", vehicle),
    ]
    assert {answer.status_code for answer in refused} == {400, 404}
    # Three adverts, and the fourth.
    fourth = [
        ask("listing_check", {**vehicle, "annonce": {"modele": f"{PLATE} {number}"}})
        for number in range(3)
    ]
    assert [answer.status_code for answer in fourth] == [200, 200, 403]
    # The database is away, and the request fails with the code in its variables.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sharing_link RENAME TO away")
    try:
        broken = [
            ask("listing_check", {**vehicle, "annonce": advert}),
            ask("link_status", vehicle),
        ]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO sharing_link")
    assert all(answer.status_code >= 500 for answer in broken)
    return "".join(
        answer.content.decode() + str(answer.headers)
        for answer in (*answers, *refused, *fourth, *broken)
    )


def _write_to_the_operator(client: Client) -> str:
    """Send what a message is not to carry, and once while nobody takes mail; return the
    addresses that it led to. A page that refuses shows what was typed, as any form."""
    typed = {
        "subject": "erreur",
        "message": f"{PLATE} ou {PLATE_FNI}, formule {FORMULA}, {VIN} {TOKEN}",
    }
    sent = client.post("/contact", typed)
    assert (sent.status_code, len(mail.outbox)) == (303, 1)
    after = client.get(sent.headers["Location"])
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=1,
    ):
        named = {**typed, "message": f"{FAMILY} {GIVEN}, {PLATE}"}
        assert client.post("/contact", named).status_code == 503
    return sent.headers["Location"] + after.content.decode()


def _codes_on(page: str) -> list[str]:
    """Return the codes that a page shows to be typed, without their hyphens."""
    grouped = re.findall(
        r'<p class="code"[^>]*>((?:[A-Z2-7]{3}-){8}[A-Z2-7]{3})<', page
    )
    return [code.replace("-", "") for code in grouped]


def _written(secret: bytes, kind: Kind) -> Iterator[str]:
    """Yield what a secret looks like, wherever and however somebody wrote it."""
    code = codes.encode(secret, kind)
    yield code
    # Without its check, which a leak may cut off.
    yield code[:-1]
    yield codes.grouped(code)
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")
    # As bytes are in a dump that is read as Latin-1, and in what prints them.
    yield secret.decode("latin-1")
    yield repr(secret)[2:-1]


def _secrets_seen(text: str, secrets: dict[str, tuple[bytes, Kind]]) -> list[str]:
    """Return the names of the secrets in the text; of what is written in letters the
    case does not matter."""
    lower = text.lower()
    return [
        name
        for name, (secret, kind) in secrets.items()
        if any(one in text or one.lower() in lower for one in _written(secret, kind))
    ]


def _drive_links(key: str) -> tuple[str, dict[str, tuple[bytes, Kind]]]:
    """Make links, open them in every way, well and badly, by a partner too, and end
    them. Return what may hold no canary, and the secrets that were used."""
    typed = {
        "register": "SIV",
        "holder_kind": "person",
        "family_name": FAMILY,
        "given_names": GIVEN,
        "plate": PLATE,
        "formula_number": FORMULA,
        "vin_end": VIN,
    }
    seller, answers = Client(), []
    assert seller.post("/vendeur", typed).status_code == 303
    shown = {}
    for days in ("1", "7", "30"):
        made = seller.post("/liens", {"days": days})
        page = seller.get(made.headers["Location"])
        assert (made.status_code, page.status_code) == (303, 200)
        answers.append(made)
        link, owner = _codes_on(page.content.decode())
        shown[f"link of {days}"] = codes.decode(link, Kind.LINK), Kind.LINK
        shown["owner"] = codes.decode(owner, Kind.OWNER), Kind.OWNER
        # The page of who made it shows both, and nothing else of the certificate.
        seen = _secrets_seen(page.content.decode(), shown)
        assert set(seen) == {"owner", f"link of {days}"}
        assert not _seen(page.content.decode())
    first, second, third = [
        secret for secret, kind in shown.values() if kind is Kind.LINK
    ]
    owner_code = codes.encode(shown["owner"][0], Kind.OWNER)

    def at(secret, language=""):
        return f"{language}/r/{addresses.written(link_id(secret))}"

    def code(secret):
        return codes.encode(secret, Kind.LINK)

    unknown = bytes(range(90, 106))
    shown["unknown"] = unknown, Kind.LINK
    reader, typist = Client(), Client()
    answers += [
        # By link, by code, in another language, again.
        reader.get(at(first)),
        reader.post(at(first), {"code": code(first)}),
        reader.get(at(first)),
        reader.post(at(first, "/en"), {"code": f"http://x{at(first)}#{code(first)}"}),
        reader.get(at(first, "/en")),
        typist.post("/acheteur", {"code": codes.grouped(code(second)).lower()}),
        typist.get(at(second)),
    ]
    assert [answer.status_code for answer in answers[-7:]] == [
        200, 303, 200, 303, 200, 303, 200,
    ]  # fmt: skip
    refused = [
        reader.post("/acheteur", {"code": code(unknown)}),
        reader.post(at(third), {"code": code(unknown)}),
        reader.post(at(second), {"code": code(third)}),
        Client(enforce_csrf_checks=True).post(at(third), {"code": code(third)}),
        reader.put(at(third), code(third)),
        reader.get(f"/acheteur/{code(third)}"),
        reader.get(f"/{code(third)}", {"code": code(third)}),
        reader.get(f"/r/{code(third)}"),
        reader.post(f"/r/{third.hex()}", {"code": code(third)}),
    ]
    assert {answer.status_code for answer in refused} == {403, 404, 405}
    answers += refused
    # What is typed of a car stays in the form, as what is mistyped does.
    for what in (
        {"vin": VIN},
        {"vin": VIN[:-1] + "9"},
        {"plate": PLATE},
        {"plate": "X"},
    ):
        assert reader.post(f"{at(first)}/verifier", what).status_code == 200
    paper = reader.get(f"{at(first)}/rapport.pdf")
    given = seller.post(at(first).replace("/r/", "/liens/") + "/rapport.pdf")
    for one in (paper, given):
        assert (one.status_code, one.content[:5]) == (200, b"%PDF-")
        assert not _seen(text_of(one.content) + str(one.headers))
    # The paper that its owner printed is to show the link's code; nothing else does.
    assert not _secrets_seen(text_of(paper.content) + str(given.headers), shown)
    told = _drive_partner(key, first, unknown)
    # Its owner reads who compared and opened it, under which receipts, and prints it for
    # the car: the code stands there, and nothing of the certificate.
    listed = seller.get("/liens").content.decode()
    for number in re.findall(r'"receipt":"([^"]+)"', told):
        assert number in listed
    sheet = seller.get(at(first).replace("/r/", "/liens/") + "/affiche")
    assert sheet.status_code == 200
    assert not _seen(listed + sheet.content.decode())
    assert set(_secrets_seen(sheet.content.decode(), shown)) == {"link of 1"}
    # What is mistyped stays in the form, so its page is no place to look; the rest is.
    mistyped = code(third)[:-1] + ("A" if code(third)[-1] != "A" else "B")
    for door in ("/acheteur", at(third)):
        for text in (code(third)[:-1], mistyped, owner_code):
            assert reader.post(door, {"code": text}).status_code == 200
    other = Client()
    assert other.post("/vendeur", typed).status_code == 303
    answers += [
        other.get("/liens"),
        other.post("/liens/code-de-gestion", {"code": owner_code}),
        other.get("/liens"),
        other.get(at(first).replace("/r/", "/liens/") + "x"),
        other.post(at(first).replace("/r/", "/liens/") + "/fin"),
        reader.get(at(first)),
        reader.post(at(first), {"code": code(first)}),
    ]
    assert answers[-1].status_code == 404
    # The row of one is changed by somebody, which is logged.
    Link.objects.filter(pk=link_id(third)).update(scope=1)
    answers.append(reader.post(at(third), {"code": code(third)}))
    Link.objects.filter(pk=link_id(third)).update(scope=0)
    # The database is away, and the request fails with the secret in its variables.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sharing_link RENAME TO away")
    broken = Client(raise_request_exception=False)
    try:
        answers += [
            broken.post(at(third), {"code": code(third)}),
            broken.post("/acheteur", {"code": code(third)}),
        ]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO sharing_link")
    assert [answer.status_code for answer in answers[-3:]] == [404, 500, 500]
    answers.append(other.post("/liens/fin"))
    assert Link.objects.filter(end=None).count() == 0
    assert Link.objects.filter(end=End.REVOKED_BY_OWNER).count() == 3
    kept = "".join(one.cookies.output() for one in (seller, reader, typist, other))
    return kept + told + "".join(
        str(answer.headers) + answer.content.decode() for answer in answers
    ), shown


def _server_logs() -> str:
    # Not the whole folder: another process of the suite empties its own part meanwhile.
    state = Path(os.environ["HISTOVET_STATE"])
    return "".join(
        path.read_text(errors="replace")
        for path in state.glob("postgres-*/server.log*")
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
    secret = bytes(range(200, 216))
    for written in _written(secret, Kind.LINK):
        for text in (f"x{written}y", f"x{written.lower()}y"):
            assert _secrets_seen(text, {"it": (secret, Kind.LINK)}) == ["it"]
    assert _secrets_seen("nothing", {"it": (secret, Kind.LINK)}) == []


@pytest.mark.django_db(transaction=True)
def test_no_canary_is_seen_again(tmp_path, capfd, log, monkeypatch):
    feed = _feed(tmp_path / "feed")
    publish(feed, label="canary")
    key = new_key()
    refusals = _ask_everything(Client(), key)

    cache.clear()
    cookies = _type_into_the_site(Client())
    after_a_message = _write_to_the_operator(Client())
    braked = _pass_the_brake(monkeypatch)
    answers_of_links, secrets = _drive_links(key)
    assert len(secrets) == 5

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
    assert "histovet.sharing.opening" in log.getvalue()
    assert "status=500" in log.getvalue()
    assert "histovet.pages.views" in log.getvalue()
    everywhere = {
        "refusals of the API": "".join(refusals),
        "cookies of the site": cookies,
        "what follows a message": after_a_message,
        "proofs, tickets and cookies of a brake": braked,
        "cookies and answers of links": answers_of_links,
        "errors of the form": form.errors.as_text(),
        "standard output": printed.out,
        "standard error": printed.err,
        "log": log.getvalue(),
        "PostgreSQL's log": _server_logs(),
        "mail": "".join(
            f"{message.message()}{message.body}" for message in mail.outbox
        ),
        "database": b"\n".join(dump.values()).decode("latin-1"),
    }
    found = {
        place: _seen(text) + _secrets_seen(text, secrets)
        for place, text in everywhere.items()
    }
    assert {place: seen for place, seen in found.items() if seen} == {}


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
