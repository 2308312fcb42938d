"""What docs/partners.md shows is run as it stands, against a site that serves it."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec.structs
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from histovet.sharing import links
from histovet.vault import reading
from pseudonymizer import normalise
from tests.history.showcase import publish_showcase
from tests.partners import register

TEXT = (Path(__file__).parents[2] / "docs" / "partners.md").read_text()
HOST = "https://histovet.example"
CURLS = [
    re.sub(r"^    ", "", shown, flags=re.MULTILINE)
    for shown in re.findall(r"^    curl .*?(?=\n\n)", TEXT, re.DOTALL | re.MULTILINE)
]
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
(SANDBOX,) = re.findall(
    r"^    python - DIR > demand\.json <<'END'\n(.*?)^    END$",
    TEXT,
    re.DOTALL | re.MULTILINE,
)
CALLS = ("report_by_data", "report_by_code", "listing_check", "link_status", "usage")
# The company of the Python example, in the register before 2009.
OLD_COMPANY = msgspec.structs.replace(
    register.COMPANY,
    identity=normalise.fni_identity("123 ABC 75", dt.date(2005, 12, 31)),
)


@pytest.fixture
def shown(transactional_db, live_server, make_key):
    """Serve what the document speaks of; return the variables of its examples."""
    # Others may have searched these vehicles in vain.
    cache.clear()
    register.publish_records(register.FULL, OLD_COMPANY)
    identity = register.FULL.identity
    links.create(
        identity,
        reading.read(identity),
        bytes(16),
        life=dt.timedelta(days=1),
        now=timezone.now(),
        random=lambda size: bytes(range(size)),
    )
    return {**os.environ, "HISTOVET_KEY": make_key()[1], "HOST": live_server.url}


def run(command, shown):
    done = subprocess.run(
        command, env=shown, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def curl(call, shown):
    command = next(one for one in CURLS if one.split()[1].endswith(f"/{call}"))
    quiet = command.replace(HOST, shown["HOST"]).replace("curl ", "curl --silent ", 1)
    return run(["sh", "-c", quiet], shown)


def python(call, shown):
    """The whole program of the first example, with the demand of each further one."""
    whole = PYTHON[0]
    if call != "report_by_data":
        _, _, after = TEXT.partition(f"`{call}`:\n\n```python\n")
        assert after, call
        demand = after.partition("```")[0]
        whole = re.sub(
            r"^demand = .*?^\}\n",
            lambda _: demand,
            whole,
            flags=re.DOTALL | re.MULTILINE,
        )
    program = whole.replace(
        f"{HOST}/api/v1/report_by_data", f"{shown['HOST']}/api/v1/{call}"
    )
    assert HOST not in program
    return run([sys.executable, "-c", program + "\nprint(json.dumps(report))"], shown)


def test_every_call_has_its_curl_line():
    assert {one.split()[1].rpartition("/")[2] for one in CURLS} == set(CALLS)


def test_the_curl_lines(shown):
    report = curl("report_by_data", shown)
    certificate = report["vehicule"]["certificat_immatriculation"]
    assert certificate["numero_immatriculation_anonymisee"] == "AB-1**-CD"
    assert report["histovet"]["precisions"] == {}
    assert curl("link_status", shown) == {"live": False}
    assert curl("report_by_code", shown)["histovet"]["precisions"] != {}
    compared = curl("listing_check", shown)["annonce"]
    verdicts = {name: one["verdict"] for name, one in compared.items()}
    assert verdicts == {
        "marque": "consistent",
        "modele": "consistent",
        "date_premiere_immatriculation": "consistent",
        "kilometrage": "unknown",
        "vin": "consistent",
    }
    assert curl("link_status", shown) == {"live": True}
    assert curl("usage", shown)["today"]["reports"] == 2


def test_the_python_programs(shown):
    report = python("report_by_data", shown)
    assert report["vehicule"]["certificat_immatriculation"]["titulaire"] == {
        "personne_morale": {
            "raison_sociale_anonymisee": "G. D. P. S.",
            "siren_anonymise": "123******",
            "code_postal": "75011",
        }
    }
    assert python("report_by_code", shown)["histovet"]["precisions"] != {}
    assert set(python("listing_check", shown)["annonce"]) == {"marque", "modele"}
    assert python("link_status", shown) == {"live": True}
    usage = PYTHON[-1].replace(HOST, shown["HOST"])
    program = f"import json, os, urllib.request\n{usage}\nprint(json.dumps(usage))"
    assert run([sys.executable, "-c", program], shown)["today"]["reports"] == 2


def test_the_demand_for_a_sandbox(transactional_db, tmp_path, capsys):
    publish_showcase(tmp_path / "register")
    done = subprocess.run(
        [sys.executable, "-", str(tmp_path / "register")],
        input=textwrap.dedent(SANDBOX),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (tmp_path / "demand.json").write_text(done.stdout)
    call_command("sandbox_code", str(tmp_path / "demand.json"))
    assert re.search(
        "^([A-Z2-7]{3}-){8}[A-Z2-7]{3}$", capsys.readouterr().out, re.MULTILINE
    )
