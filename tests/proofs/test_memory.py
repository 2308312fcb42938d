"""The job's memory does not grow with what is delivered: make proofs ONLY=memory."""

import csv
import dataclasses
import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.synthetic import write_register
from tests.proofs import figures
from tests.publish import _drop_orphans, database_url
from tests.vehicles import (
    SIV_COLUMNS,
    csv_line,
    siv_line,
    write_delta,
    write_feed,
    write_manifest,
)

pytestmark = pytest.mark.proof

LINES = (50_000, 400_000)
# Of every process of the job; a tenth more for eight times the lines is noise.
MOST_MB = 150
GROWTH_MAX = 1.1

HOSTILE_BYTES = 400_000_000
EMPTY_LINES = 3_000_000
LONG_CELL_BYTES = 60_000
# A process of its own: a child keeps the peak of who started it, which is pytest here.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
# What no line holds, to be replaced.
NUMBER = "@@number@@"


@dataclasses.dataclass(frozen=True)
class Ended:
    """`peak_mb` is the largest resident set among its processes."""

    code: int
    peak_mb: float
    errors: str


def run(folder: Path, *options: str, share: float = 0.01) -> Ended:
    _drop_orphans()
    ended = subprocess.run(
        [
            *(sys.executable, "-c", MEASURED, sys.executable),
            *("-m", "pseudonymizer", "ingest", str(folder), *options),
        ],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "HISTOVET_MAX_REJECT_SHARE": str(share),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    peak_kb = int(ended.stdout.splitlines()[-1])
    return Ended(ended.returncode, peak_kb / 1024, ended.stderr)


def parts_of_lines(folder: Path) -> tuple[bytes, list[list[bytes]]]:
    """Return a header, and what stands before and after the number of a certificate in
    lines of real size."""
    write_register(folder, vehicles=2_000, seed=3, files=2)
    path = folder / "registrations-siv-0001.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    parts = [
        csv_line((line | {"numero_formule": NUMBER}).values()).encode()
        for line in lines
        if line["plaq_immat"]
    ]
    return csv_line(lines[0]).encode(), [part.split(NUMBER.encode()) for part in parts]


def write(path: Path, header: bytes, lines: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + b"\n")
        for line in lines:
            file.write(line)
    write_manifest(path.parent, path.parent.name)


def test_memory(transactional_db, tmp_path):
    found = {}
    real_header, parts = parts_of_lines(tmp_path / "made")

    def repeated(count: int) -> Iterator[bytes]:
        for number in range(count):
            before, after = parts[number % len(parts)]
            yield b"%b2015AB%07d%b\n" % (before, number, after)

    for count in LINES:
        folder = tmp_path / f"l{count}"
        write(folder / "registrations.csv.gz", real_header, repeated(count))
        ended = run(folder)
        assert ended.code == 0, ended.errors
        found[f"{count} lines"] = ended
    small, large = (found[f"{count} lines"].peak_mb for count in LINES)

    header = csv_line(SIV_COLUMNS).encode()
    good = csv_line(siv_line().values()).encode() + b"\n"
    block = b"x" * 1_000_000

    def endless() -> Iterator[bytes]:
        yield good
        for _ in range(HOSTILE_BYTES // len(block)):
            yield block

    def empty() -> Iterator[bytes]:
        yield good
        for _ in range(EMPTY_LINES // 1000):
            yield b"\n" * 1000

    def long_cells() -> Iterator[bytes]:
        for number in range(HOSTILE_BYTES // 10 // LONG_CELL_BYTES):
            yield (
                csv_line(
                    siv_line(
                        numero_formule=f"2015AB{number:05}",
                        anomalies="x" * LONG_CELL_BYTES,
                    ).values()
                ).encode()
                + b"\n"
            )

    for name, lines in (
        ("an endless line", endless),
        ("empty lines", empty),
        ("cells of 60 kB", long_cells),
    ):
        folder = tmp_path / name
        write(folder / "registrations.csv.gz", header, lines())
        # All of it is read: what is refused at the first reject proves nothing.
        found[name] = ended = run(folder, share=1.0)
        assert ended.code == 0, ended.errors
    base = write_feed(tmp_path / "base", [siv_line()])
    assert run(base).code == 0
    delta = tmp_path / "a delta of empty lines"
    write(delta / "upsert.csv.gz", header, empty())
    (delta / MANIFEST_NAME).unlink()
    write_delta(delta, base)
    found["a delta of empty lines"] = ended = run(delta)
    assert ended.code == 60, ended.errors
    figures.write(
        "memory",
        {
            "largest resident set, MB": {
                name: round(ended.peak_mb, 1) for name, ended in found.items()
            },
            "growth": round(large / small, 3),
        },
    )
    assert large < GROWTH_MAX * small
    assert all(ended.peak_mb < MOST_MB for ended in found.values())
