"""Reports are read without a pause while releases are built, activated, changed by a
delta and rolled back: make proofs ONLY=serving."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from histovet.history import cookie
from histovet.history.report import Audience, masked_vin
from tests.attacks.serving import site
from tests.bench import registers
from tests.bench.registers import Drawn
from tests.demand import demand
from tests.partner import new_key
from tests.proofs import figures, reader
from tests.proofs.reader import JsonQuestion, PageQuestion, Question, Reader
from tests.publish import database_url

pytestmark = pytest.mark.proof

VEHICLES = 1_000_000
FILES = 8
EVENTS = 68_000
WORKERS = 2

RATE = 50
# Of each: by JSON, and on the seller's page.
QUESTIONS = 400
WARM_UP_SECONDS = 10
QUIET_SECONDS = 30
# On both sides of the moment in which a release becomes the active one.
MOMENT_SECONDS = 1
# What an operator does so that the job leaves the processors to the site.
NICE = ("nice", "-n", "10")


def test_serving(transactional_db, tmp_path):
    kept = registers.kept_folder()
    feed = registers.register(kept, vehicles=VEHICLES, files=FILES)
    delta = registers.delta(kept, feed, vehicles=VEHICLES, events=EVENTS, number=1)
    second, third = (manifest(feed, tmp_path, label) for label in ("second", "third"))
    after_third = manifest(delta, tmp_path, "delta", "--after", str(third))
    ended = certificates(delta.glob("remove*.csv.gz"))
    kept_on, sold = [], []
    for one in told_apart(registers.drawn(feed, 20 * QUESTIONS)):
        of_delta = (one.printed.plate, one.printed.proof) in ended
        (sold if of_delta else kept_on).append(one)

    job("ingest", feed, "--workers", WORKERS)
    key = new_key()
    questions: list[Question] = []
    for one in kept_on[:QUESTIONS]:
        questions += [by_json(one, key), on_page(one)]
    old = by_json(sold[0], key)
    phases = Phases()
    load = os.getloadavg()[0]
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with (
        site(environment, workers=2) as served,
        Reader(served.port, questions, RATE) as client,
    ):
        with phases.named("first answers of new processes"):
            time.sleep(WARM_UP_SECONDS)
        with phases.named("before"):
            time.sleep(QUIET_SECONDS)
        assert reader.ask(served.port, old) is None

        with phases.named("a release is built by a job of low priority"):
            job("ingest", feed, "--manifest", second, "--workers", WORKERS, under=NICE)
        phases.add_moment("activated, low priority", activated_at())
        with phases.named("a release is built by a job of equal priority"):
            job("ingest", feed, "--manifest", third, "--workers", WORKERS)
        phases.add_moment("activated, equal priority", activated_at())
        with phases.named("after both"):
            time.sleep(QUIET_SECONDS)

        with phases.named("a delta is applied by a job of low priority"):
            job("ingest", delta, "--manifest", after_third, under=NICE)
        assert reader.ask(served.port, old) == "JSON, status 404"
        with phases.named("after the delta"):
            time.sleep(QUIET_SECONDS)

        with phases.named("rolled back"):
            job("releases", "rollback")
        assert reader.ask(served.port, old) is None
        with phases.named("after the rollback"):
            time.sleep(QUIET_SECONDS)

    found = {
        name: reader.told(client.answers, begins, ends)
        for name, (begins, ends) in phases.all.items()
    }
    wrong = [answer.wrong for answer in client.answers if answer.wrong]
    figures.write(
        "serving",
        {
            "vehicles": VEHICLES,
            "events": EVENTS,
            "requests a second": RATE,
            # Over the cores, others work on this machine, and latencies are theirs too.
            "load average before": load,
            "answers": len(client.answers),
            "wrong": len(wrong),
            "phases": found,
        },
    )
    assert not wrong


class Phases:
    """What happened when, by time.time()."""

    def __init__(self) -> None:
        self.all: dict[str, tuple[float, float]] = {}

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        begins = time.time()
        yield
        self.all[name] = begins, time.time()

    def add_moment(self, name: str, at: float) -> None:
        self.all[name] = at - MOMENT_SECONDS, at + MOMENT_SECONDS


def by_json(one: Drawn, key: str) -> JsonQuestion:
    return JsonQuestion(
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        json.dumps(demand(typed(one))).encode(),
        *shown(one),
    )


def typed(one: Drawn) -> dict[str, str]:
    """Return what is typed into the form, as on the certificate, which prints its date
    as the form takes it."""
    printed = one.printed.form()
    if "-" in printed["issue_date"]:
        printed["issue_date"] = "/".join(reversed(printed["issue_date"].split("-")))
    return printed


def on_page(one: Drawn) -> PageQuestion:
    jar = HttpResponse()
    cookie.give(jar, one.registration.identity, now=int(timezone.now().timestamp()))
    sent = "; ".join(f"{name}={one.value}" for name, one in jar.cookies.items())
    return PageQuestion({"Cookie": sent}, *shown(one))


def told_apart(lines: Iterable[Drawn]) -> list[Drawn]:
    """Return those whose reports show who they are, and no two of them the same."""
    found: dict[tuple[str, str], Drawn] = {}
    for one in lines:
        record = one.registration.record
        if record.vehicle.vin and not record.certificate_cancelled:
            found.setdefault(shown(one), one)
    return list(found.values())


def shown(one: Drawn, audience: Audience = Audience.HOLDER) -> tuple[str, str]:
    record = one.registration.record
    return record.masked_plate, masked_vin(record.vehicle.vin or "", audience)


def certificates(paths: Iterator[Path]) -> set[tuple[str, str]]:
    """Return plate and formula number or date of each line."""
    found = set()
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file, delimiter=";"):
                proof = line.get("numero_formule") or line["date_emission_CI"]
                found.add((line["plaq_immat"], proof))
    return found


def manifest(folder: Path, elsewhere: Path, label: str, *options: str) -> Path:
    path = elsewhere / f"{label}.json"
    named = ["--label", label, "--as-of", "2021-10-27", "--out", path, *options]
    job("manifest", folder, *named)
    return path


def job(*arguments: object, under: tuple[str, ...] = ()) -> None:
    subprocess.run(
        [*under, sys.executable, "-m", "pseudonymizer", *map(str, arguments)],
        env={**os.environ, "DATABASE_URL": database_url()},
        check=True,
    )


def activated_at() -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(activated_at)) FROM vault_release"
        )
        (seconds,) = cursor.fetchone()
    return float(seconds)
