"""The register again, in which some vehicles are no longer what they were."""

import csv
import datetime as dt
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.vehicles import write_file

Line = dict[str, str]


def write_changed(
    register: Path, folder: Path, changes: Mapping[str, Mapping[str, str]]
) -> None:
    """Copy the feed in `register` to `folder`. `changes` are columns by plate, as it is
    on the certificate; those of `v` are facts in JSON, and join what is there."""
    left = {_bare(plate): dict(columns) for plate, columns in changes.items()}
    # Another certificate is that of the inspections too.
    new_numbers = {plate: new.get("numero_formule") for plate, new in left.items()}
    for path in sorted(register.glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file, delimiter=";"))
        for line in lines:
            plate = _bare(line["plaq_immat"])
            if "v" in line:
                _change(line, left.pop(plate, {}))
            elif number := new_numbers.get(plate):
                line["numero_formule"] = number
        write_file(folder, path.name, lines)
    assert not left, "no line has these plates"


def another_holder() -> Line:
    return {"pers_nom_naissance_tit": "QUENTIN", "pers_prenom_tit": "ODETTE"}


def another_certificate() -> Line:
    return {"numero_formule": "2021ZZ90909"}


def cancelled() -> Line:
    return _facts(annulation_ci="OUI", date_annulation_ci="20/10/2021")


def operation(code: str, day: dt.date, **more: str) -> Line:
    """One more operation in the history."""
    made = {"opa_date": f"{day}T11:00:00.000Z", "opa_type": code, **more}
    return _facts(historique=[made])


def lent_by(creditor: str) -> Line:
    """One pledge, since a day that stays the same."""
    pledge = {"date": "2020-03-02T11:00:00.000Z", "nom_creancier": creditor}
    return _facts(sit_adm={"gages": [pledge]})


def painted(colour: str) -> Line:
    return _facts(couleur=colour)


def _facts(**facts: Any) -> Line:
    return {"v": json.dumps(facts)}


def _change(line: Line, columns: Line) -> None:
    new = json.loads(columns.pop("v", "{}"))
    facts = json.loads(line["v"])
    operations = new.pop("historique", [])
    facts |= new
    if operations:
        facts["historique"] = operations + facts["historique"]
        facts.pop("new_historique", None)
    line |= columns
    line["v"] = json.dumps(facts, ensure_ascii=False)


def _bare(plate: str) -> str:
    return plate.replace("-", "")
