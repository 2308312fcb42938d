"""Lines of the extract and feeds made of them, for vehicles that do not exist."""

import datetime as dt
import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pseudonymizer.manifest import (
    MANIFEST_NAME,
    build_manifest,
    manifest_bytes,
    manifest_digest,
)

AS_OF = dt.date(2022, 6, 1)

_COLUMNS = (
    "id;idv;key;v;pers_raison_soc_tit;pers_siren_tit;pers_nom_naissance_tit;"
    "pers_prenom_tit;plaq_immat;{};utac_ask_ct;utac_encrypted_immat;utac_encrypted_vin;"
    "controle_qualite;categorie;anomalies;computed_at"
)
SIV_COLUMNS = tuple(_COLUMNS.format("numero_formule").split(";"))
FNI_COLUMNS = tuple(_COLUMNS.format("date_emission_CI").split(";"))
SIV_INSPECTION_COLUMNS = (
    "plaq_immat", "numero_formule", "controles_techniques", "date_mise_a_jour",
)  # fmt: skip
FNI_INSPECTION_COLUMNS = (
    "plaq_immat", "date_emission_CI", "controles_techniques", "date_mise_a_jour",
)  # fmt: skip

# What `siv_line` and `fni_line` name.
SIV_CERTIFICATE = {"plaq_immat": "AA-123-AA", "numero_formule": "2015AB12345"}
FNI_CERTIFICATE = {"plaq_immat": "123 ABC 75", "date_emission_CI": "06/03/2008"}

_FACTS: dict[str, Any] = {
    "date_update": "01/01/1900",
    "marque": "RENAULT",
    "nom_commercial": "CLIO",
    "couleur": "BLEU",
    "vin": "VF1B********12345",
    "date_premiere_immat": "06/03/2012",
    "dos_date_derniere_modif": "06/03/2015",
    "CTEC_RLIB_GENRE": "VP",
    "CTEC_PUISS_CV": 5,
    "pers_locataire": "NON",
    "perte_ci": "NON",
    "duplicata": "NON",
    "ci_vole": "NON",
    "vehicule_vole": "NON",
    "import": "NON",
    "annulation_ci": "NON",
    "nb_titulaires": 1,
    "nb_sinistres": 0,
    "is_apte_a_circuler": "OUI",
    "is_incertain": "NON",
    "historique": [
        {"opa_date": "2012-03-06T08:00:00.000Z", "opa_type": "IMMAT_NORMALE"}
    ],
}


def siv_line(facts: Mapping[str, Any] | None = None, **columns: str) -> dict[str, str]:
    """Return one SIV line by column; `facts` are changes to the JSON of `v`."""
    line = _line(facts, SIV_COLUMNS)
    line |= {"pers_nom_naissance_tit": "LEMOINE", "pers_prenom_tit": "CAMILLE"}
    return line | SIV_CERTIFICATE | columns


def fni_line(facts: Mapping[str, Any] | None = None, **columns: str) -> dict[str, str]:
    """Return one FNI line by column; `facts` are changes to the JSON of `v`."""
    line = _line(facts, FNI_COLUMNS)
    line |= {"pers_nom_naissance_tit": "LEMOINE CAMILLE"}
    return line | FNI_CERTIFICATE | columns


def inspections_line(*entries: Mapping[str, Any], **columns: str) -> dict[str, str]:
    """Return one line of inspections, of `siv_line`'s vehicle unless `columns` name
    another one."""
    return {
        **(FNI_CERTIFICATE if "date_emission_CI" in columns else SIV_CERTIFICATE),
        "controles_techniques": json.dumps(entries),
        "date_mise_a_jour": "2022-05-31",
        **columns,
    }


def inspection(
    date: str, mileage_km: int | str | None, nature: str = "VTP", result: str = "A"
) -> dict[str, Any]:
    """Return one entry of a line of inspections; `date` is as in the feed."""
    return {
        "ct_date": date,
        "ct_nature": nature,
        "ct_resultat": result,
        "ct_km": mileage_km,
    }


def siv_lines(count: int, first: int = 0) -> list[dict[str, str]]:
    """Return lines of as many different certificates."""
    return [
        siv_line(plaq_immat=f"AA-{n % 1000:03}-AA", numero_formule=f"2015AB{n:05}")
        for n in range(first, first + count)
    ]


def csv_line(cells: Iterable[str]) -> str:
    return ";".join(
        '"' + cell.replace('"', '""') + '"' if set(cell) & set('";\n') else cell
        for cell in cells
    )


def write_file(folder: Path, name: str, lines: list[dict[str, str]]) -> Path:
    """Write lines of one layout, or any text: a str in the list is a line as it is."""
    header = next((list(line) for line in lines if not isinstance(line, str)), [])
    texts = [csv_line(header or SIV_COLUMNS)]
    texts += [
        line if isinstance(line, str) else csv_line(line.values()) for line in lines
    ]
    return write_bytes(folder, name, "".join(text + "\n" for text in texts).encode())


def write_bytes(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.compress(content, compresslevel=1, mtime=0))
    return path


def write_manifest(folder: Path, label: str = "essai") -> Path:
    path = folder / MANIFEST_NAME
    path.write_bytes(manifest_bytes(build_manifest(folder, label, AS_OF)))
    return path


def write_feed(
    folder: Path, lines: Iterable[dict[str, str]], label: str = "essai"
) -> Path:
    """Write a whole feed, a file for each layout, and return its folder."""
    lines = list(lines)
    for name, columns in (
        ("registrations-siv", SIV_COLUMNS),
        ("registrations-fni", FNI_COLUMNS),
        ("inspections-siv", SIV_INSPECTION_COLUMNS),
        ("inspections-fni", FNI_INSPECTION_COLUMNS),
    ):
        if chosen := [line for line in lines if tuple(line) == columns]:
            write_file(folder, f"{name}.csv.gz", chosen)
    write_manifest(folder, label)
    return folder


def write_delta(
    folder: Path,
    before: Path,
    *,
    remove: Iterable[Mapping[str, str]] = (),
    upsert: Iterable[dict[str, str]] = (),
    as_of: dt.date = AS_OF,
) -> Path:
    """Write the delta that comes after the delivery in the folder `before`; of the lines
    to remove only what names their certificates."""
    for column in ("numero_formule", "date_emission_CI"):
        named = [
            {"plaq_immat": line["plaq_immat"], column: line[column]}
            for line in remove
            if column in line
        ]
        if named:
            write_file(folder, f"remove-{column[:4]}.csv.gz", named)
    lines = list(upsert)
    for number, columns in enumerate(dict.fromkeys(tuple(line) for line in lines)):
        chosen = [line for line in lines if tuple(line) == columns]
        write_file(folder, f"upsert-{number}.csv.gz", chosen)
    manifest = build_manifest(
        folder,
        folder.name,
        as_of,
        after=manifest_digest(before / MANIFEST_NAME),
    )
    (folder / MANIFEST_NAME).write_bytes(manifest_bytes(manifest))
    return folder


def _line(facts: Mapping[str, Any] | None, columns: tuple[str, ...]) -> dict[str, str]:
    line = dict.fromkeys(columns, "")
    line["v"] = json.dumps({**_FACTS, **(facts or {})})
    line["utac_ask_ct"] = "OUI"
    return line
