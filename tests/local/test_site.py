import json
import shlex
import socket

from histovet.local.site import code_curl_line, curl_line, identities_table
from pseudonymizer.synthetic import Showcase
from tests.local.conftest import Machine

PERSON = Showcase(
    kind="clean",
    register="SIV",
    surname="D'ORVAL",
    given_names="ANNE LISE",
    company=None,
    siren=None,
    plate="AA-123-BB",
    formula_number="2019CQ86227",
    issue_date=None,
)
COMPANY = Showcase(
    kind="company",
    register="FNI",
    surname="",
    given_names="",
    company="GARAGE DU LAC",
    siren="552100554",
    plate="123 AB 75",
    formula_number=None,
    issue_date="2007-04-22",
)


def test_the_table_says_what_to_type():
    shown = identities_table([PERSON, COMPANY])
    assert [" ".join(line.split()) for line in shown] == [
        "Vehicle Register Holder Plate Certificate",
        "nothing to report SIV D'ORVAL, ANNE LISE AA-123-BB 2019CQ86227",
        "held by a company FNI GARAGE DU LAC, SIREN 552100554 123 AB 75 22/04/2007",
    ]


def body(line: str) -> object:
    words = shlex.split(line)
    asked = json.loads(words[words.index("--data") + 1])
    return asked["vehicule"]["certificat_immatriculation"]


def test_the_request_is_one_shell_line_in_the_shape_of_the_api():
    line = curl_line(PERSON, "hv_key", 8001)
    words = shlex.split(line)
    assert "http://127.0.0.1:8001/api/v1/report_by_data" in words
    assert "Authorization: Bearer hv_key" in words
    assert body(line) == {
        "titulaire": {"particulier": {"nom": "D'ORVAL", "prenoms": ["ANNE", "LISE"]}},
        "numero_immatriculation": "AA-123-BB",
        "numero_formule": "2019CQ86227",
    }
    assert body(curl_line(COMPANY, "hv_key", 8001)) == {
        "titulaire": {
            "personne_morale": {
                "raison_sociale": "GARAGE DU LAC",
                "siren": "552100554",
            }
        },
        "numero_immatriculation": "123 AB 75",
        "date_emission_certificat_immatriculation": "2007-04-22",
    }


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        machine = Machine(tmp_path)
        given = "postgresql://somebody@db.example.org/elsewhere"
        ended = machine.run("run", "--port", str(port), DATABASE_URL=given)
    assert ended.returncode == 1
    assert f"port {port} is not free" in ended.stderr
    assert "PORT=" in ended.stderr


def test_the_line_of_a_code_asks_with_it():
    line = shlex.split(code_curl_line("AAA-BBB", "hv_key", 8001))
    assert line[2] == "http://127.0.0.1:8001/api/v1/report_by_code"
    assert "Authorization: Bearer hv_key" in line
    assert json.loads(line[-1]) == {"vehicule": {"code": "AAA-BBB"}}
