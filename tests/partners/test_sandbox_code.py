"""The command that makes a code to try."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from histovet.sharing.models import Link
from tests.partners import demands
from tests.partners.demands import by_code


def run(demand, tmp_path, *options):
    file = tmp_path / "demand.json"
    file.write_text(demand if isinstance(demand, str) else json.dumps(demand))
    out = io.StringIO()
    call_command("sandbox_code", str(file), *options, stdout=out)
    return out.getvalue().splitlines()[-1]


def test_its_last_line_is_a_code(published, ask_code, tmp_path):
    code = run(demands.FULL, tmp_path, "--days", "90")
    assert ask_code(by_code(code)).status_code == 200
    row = Link.objects.get()
    assert (row.expires_at - row.created_at).days == 90


def test_it_reads_standard_input(published, ask_code, monkeypatch):
    text = io.BytesIO(json.dumps(demands.FNI).encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(text))
    out = io.StringIO()
    call_command("sandbox_code", "-", stdout=out)
    assert ask_code(by_code(out.getvalue().strip())).status_code == 200


@pytest.mark.parametrize(
    ("demand", "options", "told"),
    [
        ("{", (), "no demand by data"),
        ({"vehicule": {}}, (), "certificat_immatriculation missing"),
        (demands.CANCELLED, (), "over at once"),
        (demands.FULL, ("--days", "91"), "from 1 to 90"),
        (demands.FULL, ("--days", "0"), "from 1 to 90"),
        (
            demands.changed(
                demands.FULL, f"{demands.CERTIFICATE}/numero_formule", "2019ZZ99999"
            ),
            (),
            "no vehicle",
        ),
    ],
)
def test_what_it_refuses(published, tmp_path, demand, options, told):
    with pytest.raises(CommandError, match=told):
        run(demand, tmp_path, *options)
    assert not Link.objects.exists()


def test_a_file_that_is_not_there(db, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("sandbox_code", str(tmp_path / "none.json"))
