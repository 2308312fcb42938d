"""The cost of an ingest and of a lookup as the register grows: make bench-growth.

Figures go to $HISTOVET_STATE/proofs/growth.json. Ten million vehicles take 5 GB for the
files, which are kept for the next time, and 4 GB for the database.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench import job, registers
from tests.proofs import figures

VEHICLES = (100_000, 1_000_000, 10_000_000)

# Of each size, what is shown side by side.
COLUMNS = (
    ("lines/s", lambda f: f["lines_per_s"]),
    ("lines/s by cpu", lambda f: f["lines_per_s_by_cpu"]),
    ("job µs", lambda f: f["cpu_us_per_line"]["job"]),
    ("PG µs", lambda f: f["cpu_us_per_line"]["postgres"]),
    ("MB", lambda f: f["peak_rss_mb"]),
    ("bytes", lambda f: f["bytes_per_vehicle"]),
    ("index s", lambda f: f["stage_seconds"]["index"]),
    ("index µs", lambda f: f["index_us_per_vehicle"]),
    ("check s", lambda f: f["stage_seconds"]["check"]),
    ("p50 ms", lambda f: f["lookups"]["again"]["p50 ms"]),
    ("p99 ms", lambda f: f["lookups"]["again"]["p99 ms"]),
    ("first p50", lambda f: f["lookups"]["first"]["p50 ms"]),
    ("first p99", lambda f: f["lookups"]["first"]["p99 ms"]),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    parser.add_argument("--vehicles", type=int, nargs="+", default=VEHICLES)
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
    found = {}
    for vehicles in options.vehicles:
        feed = registers.register(options.keep, vehicles=vehicles, files=options.files)
        found[vehicles] = measured(feed, options.workers)
    figures.write("growth", {f"{vehicles:,}": f for vehicles, f in found.items()})
    print("\n" + "".join(f"{name:>15}" for name in ("vehicles", *dict(COLUMNS))))
    for vehicles, f in found.items():
        cells = (f"{value(f):>15,}" for _, value in COLUMNS)
        print(f"{vehicles:>15,}" + "".join(cells))
    return 0


def measured(feed: Path, workers: int) -> dict[str, Any]:
    """Publish the register on a database of its own, and look vehicles up in it."""
    with job.fresh_database() as url:
        run = job.ingest(url, feed, "--workers", str(workers))
        looked_up = subprocess.run(
            [sys.executable, "-m", "tests.bench.lookups", str(feed)],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
            stdout=subprocess.PIPE,
        )
        rows = run.report["rows"]
        return {
            **job.figures(run),
            **job.stored_size(url),
            "index_us_per_vehicle": round(run.stages["index"] / rows * 1e6, 2),
            "lookups": json.loads(looked_up.stdout),
        }


if __name__ == "__main__":
    sys.exit(main())
