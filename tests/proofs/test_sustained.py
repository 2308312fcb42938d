"""The API is asked and links are opened a hundred times a second, for ten minutes, with
a million vehicles: make proofs ONLY=sustained."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.utils import timezone

from histovet.history.report import Audience
from histovet.sharing import addresses, codes, links
from histovet.sharing.codes import Kind
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from tests.attacks.serving import Site, site
from tests.bench import registers
from tests.bench.registers import Drawn
from tests.partner import new_key
from tests.proofs import figures, reader
from tests.proofs.reader import JsonQuestion, OpeningQuestion, Question, Reader
from tests.proofs.servers import cpu_seconds, resident_mb
from tests.proofs.test_serving import by_json, job, shown, told_apart
from tests.publish import database_url

pytestmark = pytest.mark.proof

VEHICLES = 1_000_000
FILES = 8
RATE = 100
QUESTIONS = 400
WORKERS = 2
WARM_UP_SECONDS = 15
ALONE_SECONDS = 60
TOGETHER_SECONDS = 600
LOOK_SECONDS = 5
# What a worker's memory may have grown by when the ten minutes end, since the first.
GROWTH_MAX = 1.05


def test_sustained(transactional_db):
    feed = registers.register(registers.kept_folder(), vehicles=VEHICLES, files=FILES)
    job("ingest", feed, "--workers", WORKERS)
    key = new_key()
    kinds: dict[str, list[Question]] = {"by data": [], "by code": [], "opening": []}
    for one in told_apart(registers.drawn(feed, 20 * QUESTIONS)):
        if len(kinds["by data"]) == QUESTIONS:
            break
        if (secret := link_to(one)) is None:
            continue
        kinds["by data"].append(by_json(one, key))
        kinds["by code"].append(by_code(one, secret, key))
        kinds["opening"].append(opening(secret))
    together = [one for turn in zip(*kinds.values(), strict=True) for one in turn]

    load = os.getloadavg()[0]
    phases = {}
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with site(environment, workers=WORKERS) as served:
        with Reader(served.port, together, RATE):
            time.sleep(WARM_UP_SECONDS)
        for name, questions in kinds.items():
            phases[name] = phase(served, questions, ALONE_SECONDS)
        phases["together"] = phase(served, together, TOGETHER_SECONDS)
    figures.write(
        "sustained",
        {
            "vehicles": VEHICLES,
            "requests a second": RATE,
            "load average before": load,
            "phases": phases,
        },
    )
    for told in phases.values():
        assert not told["wrong"]
    memory = phases["together"]["MB of workers"]
    assert memory["last"] < GROWTH_MAX * memory["after a minute"]


def phase(served: Site, questions: list[Question], seconds: float) -> dict[str, Any]:
    """Return what a client was told in so many seconds, and what it cost."""
    before = cpu_seconds(served)
    with watched(served) as megabytes, Reader(served.port, questions, RATE) as client:
        began = time.time()
        time.sleep(seconds)
        ended = time.time()
    spent = {name: cpu - before[name] for name, cpu in cpu_seconds(served).items()}
    told = reader.told(client.answers, began, ended)
    asked = len(client.answers)
    return {
        **told,
        "ms of CPU a request": {
            name: round(1000 * cpu / asked, 3) for name, cpu in spent.items()
        },
        "MB of workers": {
            "after a minute": megabytes[min(60 // LOOK_SECONDS, len(megabytes) - 1)],
            "last": megabytes[-1],
        },
    }


@contextmanager
def watched(served: Site) -> Iterator[list[float]]:
    """Give the resident memory of all workers, in MB, as it is read every few
    seconds."""
    found = [resident_mb(served)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            found.append(resident_mb(served))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


def link_to(one: Drawn) -> bytes | None:
    """Return the secret of a new link, None for a vehicle that cannot be shared."""
    identity, now = one.registration.identity, timezone.now()
    opened = reading.read(identity)
    assert opened is not None
    try:
        life = dt.timedelta(days=1)
        return links.create(identity, opened, bytes(16), life=life, now=now)
    except links.NotShareable:
        return None


def by_code(one: Drawn, secret: bytes, key: str) -> JsonQuestion:
    return JsonQuestion(
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        json.dumps({"vehicule": {"code": codes.encode(secret, Kind.LINK)}}).encode(),
        *shown(one, Audience.OTHERS),
        path="/api/v1/report_by_code",
    )


def opening(secret: bytes) -> OpeningQuestion:
    token = "a" * 32
    fields = {"code": codes.encode(secret, Kind.LINK), "csrfmiddlewaretoken": token}
    return OpeningQuestion(
        {
            "Cookie": f"{settings.CSRF_COOKIE_NAME}={token}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        urlencode(fields).encode(),
        f"/r/{addresses.written(link_id(secret))}",
    )
