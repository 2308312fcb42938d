"""The real extract as its holders see it: what is printed on each certificate.

Read in place, where HISTOVET_REAL_EXTRACT says; never copied.
"""

import csv
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

csv.field_size_limit(2**24)


@dataclass(frozen=True)
class Printed:
    """One certificate, and the facts of its line as the register wrote them."""

    register: str
    plate: str
    proof: str
    family_name: str
    given_names: str
    company: str
    siren: str
    facts: str

    @property
    def is_company(self) -> bool:
        return bool(self.company)

    def form(self, **changes: str) -> dict[str, str]:
        """Return what is typed into the form when it is copied without a slip."""
        return {
            "register": self.register,
            "holder_kind": "company" if self.is_company else "person",
            "family_name": self.family_name,
            "given_names": self.given_names,
            "company_name": self.company,
            "siren": self.siren,
            "plate": self.plate,
            "formula_number": self.proof if self.register == "SIV" else "",
            "issue_date": self.proof if self.register == "FNI" else "",
            **changes,
        }


def folder() -> Path:
    """Return the folder of the extract, or skip the test with what to set."""
    named = os.environ.get("HISTOVET_REAL_EXTRACT")
    if not named:
        pytest.skip("set HISTOVET_REAL_EXTRACT to the folder of the real extract")
    return Path(named)


def lines() -> Iterator[dict[str, str]]:
    """Yield each line of each file as its columns."""
    for path in sorted(folder().glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter=";")


def printed() -> list[Printed]:
    return [printed_on(line) for line in lines()]


def printed_on(line: dict[str, str]) -> Printed:
    return Printed(
        register="SIV" if "numero_formule" in line else "FNI",
        plate=line["plaq_immat"],
        proof=line.get("numero_formule") or line["date_emission_CI"],
        family_name=line["pers_nom_naissance_tit"],
        given_names=line["pers_prenom_tit"],
        company=line["pers_raison_soc_tit"],
        siren=line["pers_siren_tit"],
        facts=line["v"],
    )
