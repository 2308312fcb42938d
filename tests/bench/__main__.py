"""The figures of speed and size: python -m tests.bench, or make bench.

Each figure stands next to the ancestor's, where there is one. All are of one run, on a
database of their own; machines differ, so compare ratios.
"""

import argparse
import datetime as dt
import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import CSRF_SECRET_LENGTH
from django.utils import timezone

from pseudonymizer.synthetic import showcase
from tests.vehicles import write_file

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
            "inspections": publish_inspected(options.vehicles),
            "json": json_cost(options.requests, options.vehicles),
            "pages": page_cost(options.requests, options.vehicles),
            "document": document_cost(options.requests // 20, options.vehicles),
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
        # Their lines are short, and would flatter the figure.
        for inspections in feed.glob("inspections-*"):
            inspections.unlink()
        with tempfile.TemporaryDirectory() as manifests:
            for run in range(RUNS):
                manifest, report = (Path(manifests, f"{n}{run}") for n in "mr")
                named = ["--label", f"bench {run}", "--as-of", "2026-01-01"]
                _job("manifest", feed, *named, "--out", manifest)
                told_to = ["--manifest", manifest, "--report", report]
                used = _job("ingest", feed, *told_to, "--workers", 1)
                memory = max(memory, used)
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


def publish_inspected(vehicles: int) -> str:
    """Publish what the pages are measured on: each vehicle with inspections."""
    from tests import extract
    from tests.publish import publish

    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder, "feed")
        if "HISTOVET_REAL_EXTRACT" not in os.environ:
            _job("synthesise", feed, "--vehicles", vehicles, "--seed", SEED)
            publish(feed, label="synthetic with inspections")
            return "synthetic"
        feed.mkdir()
        for path in extract.folder().glob("*.csv.gz"):
            shutil.copy(path, feed)
        for register, column in (
            ("SIV", "numero_formule"),
            ("FNI", "date_emission_CI"),
        ):
            lines = [
                {
                    "plaq_immat": one.plate,
                    column: one.proof,
                    "controles_techniques": _FIVE_INSPECTIONS,
                }
                for one in extract.printed()
                if one.register == register
            ]
            write_file(feed, f"inspections-{register.lower()}.csv.gz", lines)
        publish(feed, label="real extract with inspections")
    return "five made up for each vehicle of the real extract"


_FIVE_INSPECTIONS = json.dumps(
    [
        {
            "ct_date": f"{2021 - 2 * ago}-03-02",
            "ct_nature": "VTP",
            "ct_resultat": "A",
            "ct_km": 150_000 - 20_000 * ago,
        }
        for ago in range(5)
    ]
)


def document_cost(requests: int, vehicles: int) -> dict[str, Any]:
    """The seller's report as a signed PDF, from the request to the last byte."""
    from histovet.history import cookie
    from histovet.history.forms import IdentityForm

    now = int(timezone.now().timestamp())
    sellers = []
    for fields in _certificates(vehicles)[:200]:
        form = IdentityForm(fields)
        form.is_valid()
        jar = HttpResponse()
        cookie.give(jar, form.enquiry.identity, now=now)
        token = "a" * CSRF_SECRET_LENGTH
        sent = f"{_sent_back(jar)}; {settings.CSRF_COOKIE_NAME}={token}"
        if _answer("GET", "/rapport", b"", HTTP_COOKIE=sent)[1].count(b"/rapport/pdf"):
            sellers.append(sent)
    body = urlencode({"csrfmiddlewaretoken": "a" * CSRF_SECRET_LENGTH}).encode()
    kind = "application/x-www-form-urlencoded"
    # Each other report takes the typesetter as long as the first one: none is kept.
    return _cost(
        lambda number: _answer(
            "POST",
            "/rapport/pdf",
            body,
            HTTP_COOKIE=sellers[number % len(sellers)],
            CONTENT_TYPE=kind,
        )[0],
        requests,
        "200 OK",
        warm_up=5,
    )


def json_cost(requests: int, vehicles: int) -> dict[str, Any]:
    """An answer by data, quota and key included."""
    from tests.partner import new_key

    key = new_key()
    bodies = [json.dumps(body).encode() for body in _demands(vehicles)]

    def ask(number: int) -> str:
        body = bodies[number % len(bodies)]
        return _answer(
            "POST",
            "/api/v1/report_by_data",
            body,
            CONTENT_TYPE="application/json",
            HTTP_AUTHORIZATION=f"Bearer {key}",
        )[0]

    return _cost(ask, requests, "200 OK")


def page_cost(requests: int, vehicles: int) -> dict[str, Any]:
    """The seller's report, the buyer's, and the opening of a link by its code."""
    from histovet.history import cookie
    from histovet.history.forms import IdentityForm
    from histovet.sharing import addresses, codes, cookies, links
    from histovet.sharing.codes import Kind
    from histovet.vault import reading
    from pseudonymizer.envelope import link_id

    now = timezone.now()
    sellers, buyers, posts = [], [], []
    for fields in _certificates(vehicles)[:200]:
        form = IdentityForm(fields)
        form.is_valid()
        identity = form.enquiry.identity
        opened = reading.read(identity)
        if opened is None or opened.record.certificate_cancelled:
            continue
        jar = HttpResponse()
        cookie.give(jar, identity, now=int(now.timestamp()))
        sellers.append(_sent_back(jar))
        secret = links.create(
            identity, opened, bytes(16), life=dt.timedelta(days=1), now=now
        )
        address = addresses.written(link_id(secret))
        jar = HttpResponse()
        until = int(now.timestamp()) + 24 * 3600
        cookies.give_link(jar, address, secret, now=int(now.timestamp()), until=until)
        buyers.append((f"/r/{address}", _sent_back(jar)))
        posts.append((f"/r/{address}", codes.encode(secret, Kind.LINK)))

    def read_own(number: int) -> str:
        jar = sellers[number % len(sellers)]
        return _answer("GET", "/rapport", b"", HTTP_COOKIE=jar)[0]

    def read_shared(number: int) -> str:
        path, jar = buyers[number % len(buyers)]
        return _answer("GET", path, b"", HTTP_COOKIE=jar)[0]

    token = "a" * CSRF_SECRET_LENGTH

    def open_link(number: int) -> str:
        path, code = posts[number % len(posts)]
        body = urlencode({"code": code, "csrfmiddlewaretoken": token}).encode()
        jar = f"{settings.CSRF_COOKIE_NAME}={token}"
        kind = "application/x-www-form-urlencoded"
        return _answer("POST", path, body, HTTP_COOKIE=jar, CONTENT_TYPE=kind)[0]

    sizes = [len(_answer("GET", path, b"", HTTP_COOKIE=jar)[1]) for path, jar in buyers]
    return {
        "seller's report": _cost(read_own, requests, "200 OK"),
        "buyer's report": _cost(read_shared, requests, "200 OK"),
        "opening of a link": _cost(open_link, requests, "303 See Other"),
        "bytes of a buyer's report, largest": max(sizes),
    }


def _cost(
    ask: Callable[[int], str], requests: int, expected: str, *, warm_up: int = 200
) -> dict[str, Any]:
    """CPU of one request: this process and its PostgreSQL backends."""
    from django.db import connection

    for number in range(warm_up):
        ask(number)
    # Whichever of the pool answers.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend'"
        )
        backends = [pid for (pid,) in cursor.fetchall()]
    latencies = []
    own, other = time.process_time(), sum(map(_cpu_seconds, backends))
    for number in range(requests):
        started = time.perf_counter()
        status = ask(number)
        latencies.append(time.perf_counter() - started)
        if status != expected:
            raise SystemExit(f"the site answered {status}, not {expected}")
    application_ms = (time.process_time() - own) / requests * 1000
    database_ms = (sum(map(_cpu_seconds, backends)) - other) / requests * 1000
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
    for path in feed.glob("registrations-*.csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            sizes += [len(line["v"]) for line in csv.DictReader(file, delimiter=";")]
    return statistics.mean(sizes)


def _certificates(vehicles: int) -> list[dict[str, str]]:
    """What the form is given: the certificates of the extract, or of the showcase."""
    from tests import extract

    if "HISTOVET_REAL_EXTRACT" in os.environ:
        return [one.form() for one in extract.printed()]
    return [
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
        for one in showcase(vehicles=vehicles, seed=SEED)
    ]


def _demands(vehicles: int) -> list[dict[str, Any]]:
    from tests.demand import demand

    return [demand(fields) for fields in _certificates(vehicles)]


def _sent_back(response: Any) -> str:
    """Return the cookies of a response as a browser sends them back."""
    return "; ".join(f"{name}={one.value}" for name, one in response.cookies.items())


def _answer(method: str, path: str, body: bytes, **headers: str) -> tuple[str, bytes]:
    from histovet.wsgi import application

    status: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
        **headers,
    }
    answer = application(environ, lambda line, headers, _=None: status.append(line))
    content = b"".join(answer)
    answer.close()
    return status[0], content


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
