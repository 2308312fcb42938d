"""How many sales a second the site stands: form, report, link, opening, PDF, through
gunicorn with a million vehicles: make proofs ONLY=journey_load. HISTOVET_PROOF_ROWS
gives another number of vehicles.

A rate is stood when every session goes its whole way and the 99th percentile of each step
is within its bound. Client, site and PostgreSQL share the machine: the figures say too
what the site and PostgreSQL alone would take.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.utils import timezone

from histovet.sharing.liveness import is_handed_over
from histovet.vault import reading
from tests.attacks.serving import Site, site
from tests.bench import registers
from tests.bench.registers import Drawn
from tests.proofs import figures, journey
from tests.proofs.journey import Browser, Way, Wrong
from tests.proofs.reader import Steady, at_share
from tests.proofs.servers import cpu_seconds
from tests.proofs.test_serving import job, told_apart
from tests.publish import database_url

pytestmark = pytest.mark.proof

VEHICLES = int(os.environ.get("HISTOVET_PROOF_ROWS", "1000000"))
FILES = 8
WORKERS = 2
# So many sessions of one vehicle make fewer links than it may have.
DRAWN = 4_000
THREADS = 64

WARM_UP_SECONDS = 10
WARM_UP_RATE = 2
PHASE_SECONDS = 20
# Of what the processor time of one session would let all cores do; the client takes its
# part of them. Then halfway between the last that is stood and the first that is not.
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
P99_MS = {"PDF": 1000.0}
P99_MS_OTHERS = 300.0

# 300 sessions a second on 8 cores, says the ancestor's README.
ANCESTOR_A_CORE = 37.5
SESSIONS: dict[str, tuple[Way, str]] = {
    "report": (
        journey.report,
        "a seller loads the form, sends it and reads the report: 3 requests",
    ),
    "journey without PDF": (
        journey.opened,
        "the same, then the list of links, a link made and shown, and a buyer who "
        + "loads it, opens it and reads the report: 9 requests",
    ),
    "journey": (
        journey.whole,
        "the same, then the report as a signed PDF: 10 requests",
    ),
}


def test_journey_load(transactional_db):
    feed = registers.register(registers.kept_folder(), vehicles=VEHICLES, files=FILES)
    job("ingest", feed, "--workers", WORKERS)
    vehicles = shareable(told_apart(registers.drawn(feed, min(DRAWN, VEHICLES))))
    load = os.getloadavg()[0]
    # Its development certificate signs, and a client's address is told by a proxy.
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "HISTOVET_TRUSTED_PROXIES": "127.0.0.1",
    }
    told = {}
    for name, (way, session) in SESSIONS.items():
        # New processes: what one kind leaves behind is not another's.
        with site(environment, workers=WORKERS) as served:
            told[name] = {"session": session, **sustained(served, vehicles, way)}
    figures.write(
        "journey_load",
        {
            "vehicles": VEHICLES,
            "cores": cores(),
            "load average before": load,
            "p99 ms within": {**P99_MS, "every other step": P99_MS_OTHERS},
            "ancestor": "300 sessions/s on 8 cores, its README: an arrival of its load "
            "test asks its API for one report as JSON, and no page, link or PDF",
            **told,
        },
    )
    for kind in told.values():
        assert kind["sustained"], kind["phases"]


def sustained(served: Site, vehicles: Sequence[Drawn], way: Way) -> dict[str, Any]:
    """Return the highest rate that is stood, and what it was found by."""
    # Without end; a step of it is one call, which several threads may make.
    turns = zip(itertools.count(), itertools.cycle(vehicles), strict=False)
    phase(served, turns, way, WARM_UP_RATE, WARM_UP_SECONDS)
    begun = phase(served, turns, way, WARM_UP_RATE, WARM_UP_SECONDS)
    highest = 1000 * cores() / of_servers(begun)
    phases: list[dict[str, Any]] = []
    best = None
    for share in SHARES:
        phases.append(phase(served, turns, way, share * highest, PHASE_SECONDS))
        if not phases[-1]["stood"]:
            lower = SHARES[0] / 2 if best is None else share - 0.05
            phases.append(phase(served, turns, way, lower * highest, PHASE_SECONDS))
            break
        best = phases[-1]
    if phases[-1]["stood"]:
        best = phases[-1]
    return {"sustained": best and rates(best), "phases": phases}


def rates(best: dict[str, Any]) -> dict[str, Any]:
    """Return the rate of a phase, and that of its processor time."""
    a_core = best["sessions a second"] / cores()
    by_cpu = 1000 / of_servers(best)
    return {
        "sessions a second, all cores, client included": best["sessions a second"],
        "a core, client included": round(a_core, 1),
        "a core, by processor time of site and PostgreSQL": round(by_cpu, 1),
        "of the ancestor's 37.5 a core": {
            "client included": round(a_core / ANCESTOR_A_CORE, 2),
            "by processor time of site and PostgreSQL": round(
                by_cpu / ANCESTOR_A_CORE, 2
            ),
        },
    }


def phase(
    served: Site,
    turns: Iterator[tuple[int, Drawn]],
    way: Way,
    rate: float,
    seconds: int,
) -> dict[str, Any]:
    """Return what sessions at this rate took, and what they cost."""
    taken: list[tuple[str, float]] = []
    wrong: Counter[str] = Counter()

    def act(turn: int, due: float) -> None:
        number, one = next(turns)
        seller = Browser(served.port, address(18, number), taken, due)
        buyer = Browser(served.port, address(19, number), taken)
        try:
            way(seller, buyer, one)
        except Wrong as exc:
            wrong[str(exc)] += 1

    before, own, began = cpu_seconds(served), time.process_time(), time.time()
    with Steady(act, rate, THREADS):
        time.sleep(seconds)
    lasted = time.time() - began
    cpu = {name: spent - before[name] for name, spent in cpu_seconds(served).items()}
    cpu["client"] = time.process_time() - own
    steps: defaultdict[str, list[float]] = defaultdict(list)
    for step, duration in taken:
        steps[step].append(1000 * duration)
    sessions = len(steps["form"])
    p99 = {step: at_share(sorted(found), 0.99) for step, found in steps.items()}
    return {
        "sessions a second": round(rate, 1),
        "sessions": sessions,
        "seconds until the last ended": round(lasted, 1),
        "wrong": dict(wrong),
        "stood": not wrong
        and all(p99[step] <= P99_MS.get(step, P99_MS_OTHERS) for step in p99),
        "p50 ms": {step: at_share(sorted(found), 0.5) for step, found in steps.items()},
        "p99 ms": p99,
        "ms of CPU a session": {
            name: round(1000 * spent / sessions, 2) for name, spent in cpu.items()
        },
    }


def of_servers(told: dict[str, Any]) -> float:
    """Return the milliseconds of a session that are not the client's."""
    cost: dict[str, float] = told["ms of CPU a session"]
    return cost["site"] + cost["PostgreSQL"]


def address(network: int, number: int) -> str:
    """Return one of 65,536 addresses that nobody has. Source: RFC 2544, appendix C.2.2."""
    return f"198.{network}.{number // 256 % 256}.{number % 256}"


def shareable(vehicles: Sequence[Drawn]) -> list[Drawn]:
    today = timezone.now().date()
    found = []
    for one in vehicles:
        opened = reading.read(one.registration.identity)
        # Who has no tag, and who has sold, gives no link.
        if opened is None or not opened.proof.tags:
            continue
        if not is_handed_over(opened.record, since=today):
            found.append(one)
    return found


def cores() -> int:
    return len(os.sched_getaffinity(0))
