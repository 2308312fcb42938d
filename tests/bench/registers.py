"""Synthetic registers on disk, made once in a version, and certificates drawn of them.

$HISTOVET_STATE/registers/1000000-in-8/    registrations alone, with their manifest
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from isal import igzip

from pseudonymizer.errors import Unusable
from pseudonymizer.feed import LINE_BYTES_MAX, FeedFile
from pseudonymizer.manifest import MANIFEST_NAME, read_feed
from pseudonymizer.records import Registration
from pseudonymizer.registration import Layout
from pseudonymizer.synthetic import label
from tests.extract import Printed, printed_on

SEED = 7
FILES = 8


@dataclass(frozen=True)
class Drawn:
    """A line of a register: as printed on the certificate, and as the job reads it."""

    printed: Printed
    registration: Registration


def kept_folder() -> Path:
    return Path(os.environ["HISTOVET_STATE"]) / "registers"


def register(kept: Path, *, vehicles: int, files: int) -> Path:
    """Return the folder of this register, made unless it is there in this version."""
    folder = kept / f"{vehicles}-in-{files}"
    wanted = label(vehicles=vehicles, seed=SEED)
    manifest = folder / MANIFEST_NAME
    if manifest.exists() and json.loads(manifest.read_bytes())["label"] == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    # Renamed when whole, so that a kill leaves no part of a register.
    fresh = kept / f"{folder.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    counts = ["--vehicles", str(vehicles), "--files", str(files)]
    _job("synthesise", str(fresh), *counts, "--seed", str(SEED))
    _drop_inspections(fresh)
    as_of = json.loads((fresh / MANIFEST_NAME).read_bytes())["as_of"]
    _job("manifest", str(fresh), "--label", wanted, "--as-of", as_of)
    fresh.rename(folder)
    return folder


def delta(kept: Path, of: Path, *, vehicles: int, events: int, number: int) -> Path:
    """Return the folder of a delta to the register in `of`, newly made, without a
    manifest."""
    folder = kept / f"{of.name}-delta-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    size = ["--vehicles", str(vehicles), "--seed", str(SEED)]
    changed = ["--delta", str(events), "--number", str(number)]
    _job("synthesise", str(folder), *size, *changed)
    _drop_inspections(folder)
    return folder


def drawn(folder: Path, count: int, *, seed: int = 1) -> list[Drawn]:
    """Return lines drawn at random from all files, in random order; those that give
    no record are left out."""
    files = read_feed(folder, folder / MANIFEST_NAME).manifest.files
    rng = random.Random(seed)
    places = sorted(rng.sample(range(sum(f.lines for f in files)), count))
    found: list[Drawn] = []
    before = 0
    for file in files:
        wanted = {p - before for p in places if before <= p < before + file.lines}
        found += _lines(folder, file, wanted)
        before += file.lines
    rng.shuffle(found)
    return found


def _drop_inspections(folder: Path) -> None:
    # The requirement is about registrations; lines of inspections are short, and
    # would flatter every figure.
    for path in folder.glob("*inspections*.csv.gz"):
        path.unlink()


def _lines(folder: Path, file: FeedFile, wanted: set[int]) -> list[Drawn]:
    csv.field_size_limit(LINE_BYTES_MAX)
    found = []
    with io.BufferedReader(igzip.open(folder / file.name, "rb"), 2**20) as lines:
        (header,) = csv.reader([next(lines).decode()], delimiter=";")
        read = Layout.of(header).registration
        chosen = [line for place, line in enumerate(lines) if place in wanted]
    for row in csv.reader((line.decode() for line in chosen), delimiter=";"):
        printed = printed_on(dict(zip(header, row, strict=True)))
        try:
            found.append(Drawn(printed, read(row)))
        except Unusable:
            continue
    return found


def mean_facts_bytes(folder: Path, lines: int = 20_000) -> float:
    """Return the mean size of column `v` over lines drawn at random."""
    sizes = [len(one.printed.facts.encode()) for one in drawn(folder, lines)]
    return sum(sizes) / len(sizes)


def _job(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pseudonymizer", *arguments], check=True)
