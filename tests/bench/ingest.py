"""What a full ingest costs: python -m tests.bench.ingest, or make bench-ingest.

Registrations alone, of real size, into PostgreSQL, by the job's own command on a
database of its own. The rate counts all that the job reports: comparing the files with
the manifest, loading, the index, the checks, activation. On a machine that does other
work too, compare processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import job, kernel, registers

VEHICLES = 1_000_000

# What an ingest has to reach.
REQUIRED = {"lines_per_s": 40_000, "peak_rss_mb": 600, "bytes_per_vehicle": 450}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-ingest", description=__doc__)
    parser.add_argument("--vehicles", type=int, default=VEHICLES)
    parser.add_argument("--files", type=int, default=registers.FILES)
    parser.add_argument("--workers", type=int, default=job.WORKERS)
    parser.add_argument(
        "--keep",
        type=Path,
        default=registers.kept_folder(),
        metavar="DIR",
        help="where registers are kept for the next time",
    )
    options = parser.parse_args()

    feed = registers.register(
        options.keep, vehicles=options.vehicles, files=options.files
    )
    with job.fresh_database() as url:
        run = job.ingest(url, feed, "--workers", str(options.workers))
        size = job.stored_size(url)
    steps = microseconds_by_step(feed)
    figures = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "of": f"{options.vehicles:,} registrations in {options.files} files, no "
        f"inspections, {options.workers} workers",
        **job.figures(run),
        "kernel_lines_per_s": round(kernel_lines_per_second(feed)),
        "mean_v_bytes": round(registers.mean_facts_bytes(feed)),
        **size,
        "real_bytes_per_vehicle": real_bytes_per_vehicle(),
        "steps_us": steps,
        "required": REQUIRED,
    }
    print_table(figures)
    path = Path(os.environ["HISTOVET_STATE"]) / "bench-ingest.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"\nAll figures: {path}")
    return 0


def real_bytes_per_vehicle() -> float | None:
    """Return the bytes a vehicle of the real extract, None without it."""
    named = os.environ.get("HISTOVET_REAL_EXTRACT", "").strip()
    if not named:
        return None
    with tempfile.TemporaryDirectory() as elsewhere, job.fresh_database() as url:
        manifest = f"{elsewhere}/manifest.json"
        described = ["--label", "real extract", "--as-of", "2021-10-26"]
        subprocess.run(
            [
                *(sys.executable, "-m", "pseudonymizer", "manifest", named),
                *(*described, "--out", manifest),
            ],
            check=True,
        )
        job.ingest(url, Path(named), "--manifest", manifest)
        return job.stored_size(url)["bytes_per_vehicle"]


def microseconds_by_step(feed: Path) -> dict[str, dict[str, float]]:
    """Return the table of steps, each layout weighted by its lines."""
    measured = [
        (share, kernel.microseconds_by_step(path)) for path, share in layouts(feed)
    ]
    return {
        step: {
            column: round(sum(share * m[step][column] for share, m in measured), 2)
            for column in columns
        }
        for step, columns in measured[0][1].items()
    }


def kernel_lines_per_second(feed: Path) -> float:
    return 1 / sum(
        share / kernel.kernel_lines_per_second(path) for path, share in layouts(feed)
    )


def layouts(feed: Path) -> list[tuple[Path, float]]:
    """Return a file of each layout with the share of lines that are of its layout."""
    files = json.loads((feed / "manifest.json").read_bytes())["files"]
    lines = {layout: 0 for layout in ("siv", "fni")}
    largest: dict[str, Path] = {}
    for file in sorted(files, key=lambda file: file["lines"]):
        layout = file["name"].split("-")[1]
        lines[layout] += file["lines"]
        largest[layout] = feed / file["name"]
    return [(largest[name], lines[name] / sum(lines.values())) for name in lines]


def print_table(figures: Mapping[str, Any]) -> None:
    print(f"\n{figures['machine']}: {figures['of']}\n")
    for name, value in figures.items():
        if isinstance(value, int | float):
            bound = REQUIRED.get(name)
            asked = "" if bound is None else f"   required {bound:,}"
            print(f"  {name:42}{value:>12,}{asked}")
    print(f"\n  {'µs of processor a line':42}{'':>12}")
    for name, value in figures["cpu_us_per_line"].items():
        print(f"    {name:40}{value:>12,}")
    print(f"\n  {'stage':42}{'seconds':>12}{'share':>8}")
    total = sum(figures["stage_seconds"].values())
    for name, value in figures["stage_seconds"].items():
        print(f"    {name:40}{value:>12,}{value / total:>8.1%}")
    steps = figures["steps_us"]
    columns = list(next(iter(steps.values()))) if steps else []
    print(f"\n  {'µs a line':42}" + "".join(f"{column:>12}" for column in columns))
    for step, values in steps.items():
        print(f"    {step:40}" + "".join(f"{v:>12,}" for v in values.values()))


if __name__ == "__main__":
    sys.exit(main())
