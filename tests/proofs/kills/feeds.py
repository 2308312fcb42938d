"""Two states of one register, a delta for each, and what their lines name."""

import csv
import dataclasses
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pseudonymizer.envelope import identity_bytes
from pseudonymizer.errors import Unusable
from pseudonymizer.feed import FeedReader
from pseudonymizer.layout import line_reader
from pseudonymizer.manifest import (
    MANIFEST_NAME,
    Manifest,
    build_manifest,
    manifest_bytes,
)
from pseudonymizer.records import Holder, Identity, Registration
from pseudonymizer.synthetic import write_register
from tests.vehicles import AS_OF, write_delta, write_file, write_manifest

VEHICLES = 20_000
FILES = 6
SEED = 5
# Per file of registrations: spoiled lines, lines of another file once more, lines that
# only the first state has.
SPOILED, TWICE, LEFT_OUT = 12, 8, 100
SOLD, GONE, CHANGED, UNKNOWN = 400, 300, 2_000, 5

Line = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Variant:
    """A state of the register; `label` of its releases begins with its name."""

    name: str
    folder: Path
    manifest: Manifest
    delta_folder: Path
    delta_manifest: Manifest

    def full(self, where: Path, number: int) -> Path:
        """Write a manifest of its own for a round; its digest makes a new release."""
        label = f"{self.name} {number}"
        path = where / f"{number}-full.json"
        path.write_bytes(
            manifest_bytes(msgspec.structs.replace(self.manifest, label=label))
        )
        return path

    def delta(self, where: Path, number: int, after: bytes) -> Path:
        path = where / f"{number}-delta.json"
        changed = msgspec.structs.replace(
            self.delta_manifest, label=f"delta {number}", after=after.hex()
        )
        path.write_bytes(manifest_bytes(changed))
        return path


@dataclasses.dataclass(frozen=True)
class Named:
    """What a line names; `holders` is None for inspections."""

    identity: Identity
    holders: tuple[Holder, ...] | None

    @property
    def key(self) -> tuple[bool, bytes]:
        return self.holders is None, identity_bytes(self.identity)


def make(folder: Path) -> list[Variant]:
    write_register(folder / "made", vehicles=VEHICLES, seed=SEED, files=FILES)
    made = {
        path.name: _lines(path) for path in sorted((folder / "made").glob("*.csv.gz"))
    }
    return [
        _variant(folder, "one", made, "BLEU", 0),
        _variant(folder, "two", made, "VERT", LEFT_OUT),
    ]


def named(variants: list[Variant]) -> dict[tuple[bool, bytes], Named]:
    """Return all that any line of any delivery names, in a fixed order."""
    found: dict[tuple[bool, bytes], Named] = {}
    for variant in variants:
        for folder in (variant.folder, variant.delta_folder):
            for path in sorted(folder.glob("[!r]*.csv.gz")) + sorted(
                folder.glob("registrations*.csv.gz")
            ):
                for one in _named(path):
                    found.setdefault(one.key, one)
    return dict(sorted(found.items()))


def _named(path: Path) -> Iterator[Named]:
    with FeedReader(path) as reader:
        read = line_reader(reader.header)
        for batch in reader:
            for row in batch.rows:
                try:
                    line = read(row)
                except Unusable:
                    continue
                is_record = isinstance(line, Registration)
                yield Named(line.identity, line.holders if is_record else None)


def _lines(path: Path) -> list[Line]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _variant(
    folder: Path, name: str, made: dict[str, list[Line]], colour: str, left_out: int
) -> Variant:
    full, delta = folder / name, folder / f"{name}-delta"
    registrations: list[Line] = []
    for file, lines in made.items():
        kept = lines[left_out:]
        if "v" in kept[0]:
            kept = [_coloured(line, colour) for line in kept]
            # Neither the vehicles of the delta nor those that are asked for.
            registrations += kept[1_000:2_600]
            spoiled = [line | {"plaq_immat": ""} for line in kept[-SPOILED:]]
            twice = [_coloured(line, "GRIS") for line in kept[-2 * TWICE : -TWICE]]
            kept = [*kept[:500], *spoiled, *kept[500:], *twice]
        write_file(full, file, kept)
    write_manifest(full, name)
    manifest = build_manifest(full, name, AS_OF)
    random.Random(SEED).shuffle(registrations)
    siv = [line for line in registrations if line.get("numero_formule")]
    sold = siv[:SOLD]
    gone = registrations[-GONE:]
    chosen = {id(line) for line in (*sold, *gone)}
    changed = [line for line in registrations if id(line) not in chosen][:CHANGED]
    write_delta(
        delta,
        full,
        remove=[*sold, *gone, *(_unknown(siv[0], n) for n in range(UNKNOWN))],
        upsert=[
            *(_coloured(line, "ROUGE") for line in changed),
            *(
                line | {"numero_formule": f"2022ZZ{n:05}"}
                for n, line in enumerate(sold)
            ),
        ],
    )
    path = delta / MANIFEST_NAME
    delta_manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    path.unlink()
    (full / MANIFEST_NAME).unlink()
    return Variant(name, full, manifest, delta, delta_manifest)


def _coloured(line: Line, colour: str) -> Line:
    facts = json.loads(line["v"])
    return line | {"v": json.dumps(facts | {"couleur": colour})}


def _unknown(line: Line, number: int) -> Line:
    return line | {"numero_formule": f"2001ZZ{number:05}"}
