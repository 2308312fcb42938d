"""The figures of speed and size: python -m tests.bench, or make bench.

Each figure stands next to the ancestor's, where there is one. All are of one run, on a
database of their own; machines differ, so compare ratios.
"""

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

from pseudonymizer.synthetic import showcase

VEHICLES = 60_000
SEED = 7
REQUESTS = 2_000
RUNS = 3

# Measured on the ancestor's own code, on the same kind of machine.
ANCESTOR = {
    "ingest lines/s (its encryption alone, one core)": 6_450,
    "bytes a vehicle": 2_400,
    "JSON ms of CPU (in-memory store)": 0.60,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--vehicles", type=int, default=VEHICLES)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")
    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        figures = {
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
            "ingest": ingest_speed(options.vehicles),
            "size": stored_size(),
            "json": json_cost(options.requests, options.vehicles),
            "ancestor": ANCESTOR,
        }
    finally:
        connection.creation.destroy_test_db(
            os.environ["DATABASE_URL"], verbosity=0, keepdb=False
        )
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    print(text)
    state = Path(os.environ["HISTOVET_STATE"])
    (state / "bench.json").write_text(text + "\n", encoding="utf-8")
    return 0


def ingest_speed(vehicles: int) -> dict[str, Any]:
    """Publish a synthetic register with one worker, several times over."""
    rates, memory, size = [], 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder, "feed")
        _job("synthesise", feed, "--vehicles", vehicles, "--seed", SEED)
        with tempfile.TemporaryDirectory() as manifests:
            for run in range(RUNS):
                manifest, report = (Path(manifests, f"{n}{run}") for n in "mr")
                named = ["--label", f"bench {run}", "--as-of", "2026-01-01"]
                _job("manifest", feed, *named, "--out", manifest)
                memory = max(
                    memory,
                    _job("ingest", feed, "--manifest", manifest, "--report", report),
                )
                told = json.loads(report.read_bytes())
                rates.append(told["lines"] / told["seconds"])
        size = _facts_mean(feed)
    return {
        "lines": vehicles,
        "mean bytes of v": round(size),
        "workers": 1,
        "lines/s into PostgreSQL, median": round(statistics.median(rates)),
        "lines/s, each run": [round(rate) for rate in rates],
        "largest resident set, MB": round(memory / 1024),
    }


def stored_size() -> dict[str, Any]:
    """Bytes a vehicle of the real extract, of the synthetic register without it."""
    from django.db import connection

    from tests.publish import publish

    extract = os.environ.get("HISTOVET_REAL_EXTRACT")
    if extract:
        publish(Path(extract), label="real extract")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.rows, pg_table_size(t), pg_indexes_size(t) FROM vault_release r, "
            "to_regclass('vault_record_' || r.number) AS t WHERE r.state = 'active'"
        )
        rows, table, index = cursor.fetchone()
    return {
        "of": "real extract" if extract else "synthetic register",
        "vehicles": rows,
        "bytes a vehicle, index included": round((table + index) / rows),
        "of which index": round(index / rows),
    }


def json_cost(requests: int, vehicles: int) -> dict[str, Any]:
    """CPU of one answer by data: this process and its PostgreSQL backend."""
    from django.db import connection

    from histovet.wsgi import application
    from tests.partner import new_key

    key = new_key()
    bodies = [json.dumps(body).encode() for body in _demands(vehicles)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    for body in bodies[:200]:
        _ask(application, key, body)
    latencies = []
    own, other = time.process_time(), _cpu_seconds(backend)
    for number in range(requests):
        started = time.perf_counter()
        status = _ask(application, key, bodies[number % len(bodies)])
        latencies.append(time.perf_counter() - started)
        if status != "200 OK":
            raise SystemExit(f"the API answered {status}")
    application_ms = (time.process_time() - own) / requests * 1000
    database_ms = (_cpu_seconds(backend) - other) / requests * 1000
    latencies.sort()
    return {
        "requests": requests,
        "ms of CPU a request": round(application_ms + database_ms, 3),
        "of which application": round(application_ms, 3),
        "of which PostgreSQL": round(database_ms, 3),
        "p50 ms": round(latencies[requests // 2] * 1000, 2),
        "p99 ms": round(latencies[requests * 99 // 100] * 1000, 2),
    }


def _job(*arguments: object) -> int:
    """Run one command of the job on this database; return its peak memory in kB."""
    from tests.publish import database_url

    process = subprocess.Popen(
        [sys.executable, "-m", "pseudonymizer", *map(str, arguments)],
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[0]} failed")
    return usage.ru_maxrss


def _facts_mean(feed: Path) -> float:
    import csv
    import gzip

    csv.field_size_limit(2**24)
    sizes = []
    for path in feed.glob("*.csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            sizes += [len(line["v"]) for line in csv.DictReader(file, delimiter=";")]
    return statistics.mean(sizes)


def _demands(vehicles: int) -> list[dict[str, Any]]:
    """What partners send: the certificates of the extract, or of the showcase."""
    from tests import extract
    from tests.demand import demand

    if "HISTOVET_REAL_EXTRACT" in os.environ:
        return [demand(one.form()) for one in extract.printed()]
    return [
        demand(
            {
                "register": one.register,
                "holder_kind": "company" if one.company else "person",
                "family_name": one.surname,
                "given_names": one.given_names,
                "company_name": one.company or "",
                "siren": one.siren or "",
                "plate": one.plate,
                "formula_number": one.formula_number or "",
                "issue_date": "/".join(reversed((one.issue_date or "").split("-"))),
            }
        )
        for one in showcase(vehicles=vehicles, seed=SEED)
    ]


def _ask(application: Any, key: str, body: bytes) -> str:
    status = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/report_by_data",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
    }
    answer = application(environ, lambda line, headers, _=None: status.append(line))
    for _ in answer:
        pass
    answer.close()
    return status[0]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
