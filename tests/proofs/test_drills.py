"""What breaks on a day, what a visitor then saw and what the operator did:
make proofs ONLY=drills. docs/operations.md has the table.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from histovet.local import utac
from histovet.local.state import REPOSITORY
from tests.attacks.serving import Site, site
from tests.demand import demand
from tests.deploy.proxy import Proxy, asked, proxy, written
from tests.history.showcase import typed
from tests.outside import folder_outside
from tests.proofs import figures
from tests.proofs.place import WHOLE_VIN, Place, place, ready, told
from tests.proofs.servers import server
from tests.proofs.visitor import Page, Visitor

pytestmark = pytest.mark.proof

_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_SECONDS = 120
_FULL_BYTES = 1 << 20
_NO_INSPECTIONS = "La source des contrôles n’a pas répondu."


def kept(name: str, **seen: Any) -> None:
    figures.write(f"drill-{name}", seen)


@pytest.fixture(scope="module")
def here() -> Iterator[Place]:
    with folder_outside() as folder, place(folder, folder / "postgres") as made:
        yield made


@contextlib.contextmanager
def served(
    environment: dict[str, str], *, log_folder: Path | None = None
) -> Iterator[tuple[Site, Proxy]]:
    with (
        folder_outside() as folder,
        site(environment, log_folder=log_folder) as running,
        proxy(folder, running.unix) as front,
    ):
        until_it_answers(front)
        yield running, front


def until_it_answers(front: Proxy) -> None:
    """gunicorn listens before its worker has begun."""
    wait_until(lambda: written(front.send(asked("/healthz")))[0] == 200)


def reading(visitor: Visitor, certificate: dict[str, str]) -> Page:
    """Type a certificate and read the report."""
    visitor.get("/vendeur")
    sent = visitor.post("/vendeur", **certificate)
    return visitor.get("/rapport") if sent.status == 303 else sent


def walk(visitor: Visitor, made: Place) -> dict[str, Page]:
    """What somebody does on one visit, whatever comes of each."""
    pages = {"home": visitor.get("/"), "report": reading(visitor, typed(made.vehicle))}
    pages["owner's links"] = visitor.get("/liens")
    pages["new link"] = visitor.post("/liens", days="7")
    pages["style sheet"] = _style_sheet(visitor, pages["home"])
    pages["help"] = visitor.get("/aide")
    return pages


def _style_sheet(visitor: Visitor, home: Page) -> Page:
    path = home.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    return visitor.get(path or "/static/none.css")


def seen(pages: dict[str, Page]) -> dict[str, dict[str, str | int]]:
    return {name: page.seen() for name, page in pages.items()}


def partner(front: Proxy, made: Place) -> dict[str, str | int]:
    """What a partner's program gets: status, title and Retry-After."""
    request = asked(
        "/api/v1/report_by_data",
        f"Authorization: Bearer {made.bearer}",
        "Content-Type: application/json",
        method="POST",
        body=json.dumps(demand(typed(made.vehicle))).encode(),
    )
    status, headers, body = written(front.send(request))
    named = dict(headers)
    found: dict[str, str | int] = {"status": status}
    if "json" in named["content-type"]:
        found["title"] = json.loads(body).get("title", "")
    if "retry-after" in named:
        found["retry_after"] = named["retry-after"]
    return found


def assert_calm(pages: dict[str, Page]) -> None:
    assert [name for name, page in pages.items() if not page.calm] == []
    assert {page.status for page in pages.values()} <= {200, 303, 503}


def wait_until(true: Callable[[], bool], seconds: float = _SECONDS) -> float:
    """Return how long it took, in seconds."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return round(time.monotonic() - began, 2)


# The database


@pytest.mark.parametrize("away_seconds", [2, 45])
def test_the_database_goes_and_comes_back(away_seconds):
    """However long it was away, the site goes on at once."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(folder_outside())
        data = folder / "postgres"
        first = contextlib.ExitStack()
        made = first.enter_context(place(folder, data))
        running, front = stack.enter_context(served(made.environment()))
        visitor = Visitor(front.send)
        before = walk(visitor, made)
        assert before["report"].status == 200
        first.close()
        wait_until(lambda: "database_unreachable" in ready(running))
        began = time.monotonic()
        away = walk(visitor, made)
        home_seconds = _seconds_of(lambda: visitor.get("/"))
        while_away = {"readyz": ready(running), "partner": partner(front, made)}
        time.sleep(max(0.0, away_seconds - (time.monotonic() - began)))
        with server(data, migrated=False):
            returned = wait_until(lambda: visitor.get("/rapport").status == 200)
            failed = sum(visitor.get("/rapport").status != 200 for _ in range(50))
            wait_until(lambda: ready(running) == [])
            after = walk(visitor, made)
        log = told(running.log.read_text())
    kept(
        f"database-{away_seconds}s",
        visitor=seen(away),
        **while_away,
        home_seconds=home_seconds,
        seconds_until_a_report_after=returned,
        failed_of_the_next_50=failed,
        log=log,
    )
    assert_calm(away)
    assert away["home"].status == away["help"].status == 200
    assert away["report"].status == away["new link"].status == 503
    assert away["report"].headers["retry-after"] == "60"
    assert while_away["partner"]["status"] == 503
    assert home_seconds < 1
    assert returned < 2
    assert failed == 0
    assert {page.status for page in after.values()} <= {200, 303}


def _seconds_of(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return round(time.monotonic() - began, 3)


def test_the_disk_of_the_database_is_full():
    """What is there is read; what would have to be kept says that it was not."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(folder_outside())
        disk = stack.enter_context(small_disk(folder / "disk", megabytes=220))
        made = stack.enter_context(place(folder, disk / "postgres"))
        running, front = stack.enter_context(served(made.environment()))
        visitor = Visitor(front.send)
        # No link is made: the first one asks for room that an empty table has not.
        assert reading(visitor, typed(made.vehicle)).status == 200
        ballast = fill(disk)
        grow_until_it_fails(made.url)
        full = {
            name: [walk(Visitor(front.send), made)[name] for _ in range(3)][-1]
            for name in ("home", "report", "new link", "help")
        }
        still = visitor.get("/rapport")
        operator = {"readyz": ready(running), "partner": partner(front, made)}
        ballast.unlink()
        wait_until(lambda: walk(Visitor(front.send), made)["new link"].status == 303)
        after = walk(Visitor(front.send), made)
        log = told(running.log.read_text())
    kept(
        "database-disk-full",
        visitor=seen(full),
        reread=still.seen(),
        **operator,
        log=log,
    )
    assert_calm(full)
    assert full["home"].status == full["help"].status == 200
    assert full["new link"].status == operator["partner"]["status"] == 503
    assert any("DiskFull" in line for line in log)
    assert {page.status for page in after.values()} <= {200, 303}


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave not a byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (_FULL_BYTES, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
    return ballast


def grow_until_it_fails(url: str) -> None:
    """Use up the free space within the tables that visitors write to."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM limits_counter")
        with pytest.raises(psycopg.errors.DiskFull):
            while True:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS filler (x text STORAGE PLAIN)"
                )
                connection.execute("INSERT INTO filler SELECT repeat('x', 6000)")


# The release and the rings


def test_no_release_is_active(here):
    with served(here.environment()) as (running, front):
        visitor = Visitor(front.send)
        assert reading(visitor, typed(here.vehicle)).status == 200
        with states_of_releases(here.url, "active", "failed"):
            wait_until(lambda: "no_active_release" in ready(running))
            pages = walk(visitor, here)
            operator = {"readyz": ready(running), "partner": partner(front, here)}
        wait_until(lambda: ready(running) == [])
        again = reading(visitor, typed(here.vehicle))
        log = told(running.log.read_text())
    kept("release-missing", visitor=seen(pages), **operator, log=log)
    assert_calm(pages)
    assert pages["report"].status == 503
    assert pages["home"].status == 200
    assert again.status == 200


@contextlib.contextmanager
def states_of_releases(url: str, before: str, meanwhile: str) -> Iterator[None]:
    change = "UPDATE vault_release SET state = %s WHERE state = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(change, (meanwhile, before))
        try:
            yield
        finally:
            connection.execute(change, (before, meanwhile))


@pytest.mark.parametrize("ring", ["register", "site"])
def test_a_key_ring_cannot_be_read(here, ring):
    """While the site runs nothing is noticed but by the operator; a start is refused."""
    path = here.folder / ring
    content = path.read_bytes()
    with served(here.environment()) as (running, front):
        visitor = Visitor(front.send)
        assert reading(visitor, typed(here.vehicle)).status == 200
        path.write_bytes(content[: len(content) // 2])
        try:
            wait_until(lambda: "key_ring_unreadable" in ready(running))
            pages = walk(visitor, here)
            reasons = ready(running)
            started = start(here.environment())
        finally:
            path.write_bytes(content)
        wait_until(lambda: ready(running) == [])
        log = told(running.log.read_text())
    with folder_outside() as folder, proxy(folder, folder / "nobody") as front:
        nobody = Visitor(front.send).get("/")
    kept(
        f"ring-{ring}",
        visitor=seen(pages),
        readyz=reasons,
        log=log,
        start={"status": started.returncode, "log": told(started.stderr)},
        visitor_without_a_site=nobody.seen(),
    )
    assert {page.status for page in pages.values()} <= {200, 303}
    assert reasons == ["key_ring_unreadable"]
    assert started.returncode == 3
    variable = f"HISTOVET_{ring.upper()}_KEYS"
    assert variable in started.stderr and "Traceback" not in started.stderr
    assert nobody.status == 503 and nobody.calm


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start a site that is to refuse."""
    command = [sys.executable, "-m", "gunicorn", "--config", "python:histovet.gunicorn"]
    return subprocess.run(
        [*command, "--workers", "1", "--bind", "127.0.0.1:0"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


# The disks of the site


def test_the_disk_of_the_logs_is_full(here):
    """Nobody notices: a line that cannot be written is lost, and nothing else is."""
    with (
        folder_outside() as folder,
        small_disk(folder / "logs", megabytes=1) as disk,
        served(here.environment(), log_folder=disk) as (running, front),
    ):
        ballast = fill(disk)
        size = running.log.stat().st_size
        pages = walk(Visitor(front.send), here)
        missing = [front.send(asked(f"/CANARY-{n}")) for n in range(20)]
        while_full = running.log.stat().st_size - size
        ballast.unlink()
        front.send(asked("/CANARY-last"))
        log = running.log.read_text()
    kept(
        "log-disk-full",
        visitor=seen(pages),
        bytes_logged_meanwhile=while_full,
        log=told(log),
    )
    assert {page.status for page in pages.values()} <= {200, 303}
    assert {written(answer)[0] for answer in missing} == {404}
    assert "CANARY" not in log
    assert "route=(no page)" in log or '"(no page)"' in log


def test_static_files_are_gone_while_the_site_runs(here):
    """Pages are as before, without their look; nothing else starts."""
    with served(here.environment()) as (running, front):
        state = here.folder / "state"
        state.rename(here.folder / "elsewhere")
        try:
            pages = walk(Visitor(front.send), here)
            started = start(here.environment())
        finally:
            (here.folder / "elsewhere").rename(state)
        log = told(running.log.read_text())
    kept(
        "static-gone",
        visitor=seen(pages),
        log=log,
        start={"status": started.returncode, "log": told(started.stderr)},
    )
    # A file that was not asked for before is gone; what it was for still reads.
    del pages["style sheet"]
    assert {page.status for page in pages.values()} <= {200, 303}
    assert "histovet.E012" in started.stderr


# Others that the site asks


@pytest.mark.parametrize("fault", ["nobody", "slow", "broken"])
def test_inspections_are_away(here, fault, tmp_path):
    """The report comes without them, and says so."""
    with utac.running() as asked_of:
        url = asked_of.url
        if fault != "nobody":
            asked_of.behaviour = utac.Behaviour[fault.upper()]
        else:
            url = "http://127.0.0.1:1"
        environment = here.environment(
            HISTOVET_UTAC_URL=url,
            HISTOVET_UTAC_USER="histovet",
            HISTOVET_UTAC_PASSWORD_FILE=str(utac.write_password(tmp_path / "password")),
        )
        with served(environment) as (running, front):
            visitor = Visitor(front.send)
            page = reading(visitor, WHOLE_VIN)
            seconds = [_seconds_of(lambda: visitor.get("/rapport")) for _ in range(6)]
            reasons, log = ready(running), told(running.log.read_text())
    kept(
        f"inspections-{fault}",
        visitor=page.seen(),
        says=page.lines_with(_NO_INSPECTIONS),
        seconds_of_a_report=seconds,
        readyz=reasons,
        log=log,
    )
    assert page.status == 200
    assert page.lines_with(_NO_INSPECTIONS)
    assert max(seconds) < 5


# Nodes


def test_one_node_of_two_is_killed_and_then_the_other(here):
    with (
        folder_outside() as folder,
        site(here.environment()) as first,
        site(here.environment()) as second,
        proxy(folder, first.unix, second.unix) as front,
    ):
        visitor = Visitor(front.send)
        before = walk(visitor, here)
        kill(first)
        one = [walk(visitor, here) for _ in range(4)]
        kill(second)
        none = {"home": visitor.get("/"), "report": visitor.get("/rapport")}
        nobody = partner(front, here)
    kept(
        "nodes",
        visitor_with_one=seen(one[0]),
        visitor_with_none=seen(none),
        partner_with_none=nobody,
    )
    assert before["report"].status == 200
    assert {page.status for pages in one for page in pages.values()} <= {200, 303}
    assert {page.status for page in none.values()} == {503}
    assert_calm(none)


def kill(running: Site) -> None:
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
    for one in (str(running.pid), *children.split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(one), 9)


# The clock


@pytest.mark.parametrize("offset", ["+1h", "-1h", "+1d", "-1d"])
def test_the_clock_of_one_node_is_wrong(here, offset):
    """What one node gives the other takes or refuses with what to do; the operator is
    told within a second."""
    assert _FAKETIME.exists(), "apt-get install faketime"
    with folder_outside() as folder:
        _wrong_clock(here, folder, offset)


# libfaketime fails a sleep to a moment of the monotonic clock, which it leaves as it is.
_SLEEP = """
import select, time
time.sleep = lambda seconds: select.select((), (), (), seconds)
"""


def _wrong_clock(here: Place, folder: Path, offset: str) -> None:
    (folder / "sitecustomize.py").write_text(_SLEEP)
    signs = signing(folder)
    wrong_clock = here.environment(
        PYTHONPATH=str(folder),
        LD_PRELOAD=str(_FAKETIME),
        FAKETIME=offset,
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        # gunicorn keeps the beat of its workers in the times of files.
        NO_FAKE_STAT="1",
        **signs,
    )
    with (
        served(here.environment(**signs)) as (right, front),
        served(wrong_clock) as (wrong, front_of_wrong),
    ):
        owner = Visitor(front.send)
        assert reading(owner, typed(here.vehicle)).status == 200
        day = _link(owner, days="1")
        ninety = _link(owner, days="30")
        found = {
            "report typed there": reading(
                Visitor(front_of_wrong.send), typed(here.vehicle)
            ),
            "report opened here, read there": _moved(owner, front_of_wrong, "/rapport"),
            "links made here, listed there": _moved(owner, front_of_wrong, "/liens"),
            "link of a day, opened there": _opened(front_of_wrong, day),
            "link of 30 days, opened there": _opened(front_of_wrong, ninety),
        }
        there = Visitor(front_of_wrong.send)
        reading(there, typed(here.vehicle))
        found["document of there"] = there.post("/rapport/pdf")
        found["report opened there, read here"] = _moved(there, front, "/rapport")
        wait_until(lambda: "clock_wrong" in ready(wrong))
        operator = {"readyz": ready(wrong), "readyz_of_the_other": ready(right)}
        log = told(wrong.log.read_text())
    kept(f"clock{offset}", visitor=seen(found), **operator, log=log)
    assert operator["readyz"] == ["clock_wrong"]
    assert operator["readyz_of_the_other"] == []
    assert found["report typed there"].status == 200
    assert found["link of 30 days, opened there"].status in (200, 303)
    for name, page in found.items():
        assert page.status < 500, name


def signing(folder: Path) -> dict[str, str]:
    """Copies: a server takes no key from within the repository."""
    names = ("HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE")
    return {name: str(shutil.copy2(os.environ[name], folder)) for name in names}


def _link(owner: Visitor, days: str) -> str:
    """Return the link's code."""
    owner.get("/liens")
    made = owner.post("/liens", days=days)
    assert made.status == 303, made.text
    page = owner.get(made.headers["location"].removeprefix("https://histovet.example"))
    return page.text.partition('id="code">')[2].partition("<")[0]


def _moved(visitor: Visitor, front: Proxy, path: str) -> Page:
    return Visitor(front.send, dict(visitor.cookies)).get(path)


def _opened(front: Proxy, code: str) -> Page:
    buyer = Visitor(front.send)
    buyer.get("/acheteur")
    return buyer.post("/acheteur", code=code)
