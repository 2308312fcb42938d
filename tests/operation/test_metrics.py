"""/metrics: who may read it, what it counts, and that it names nobody."""

import ipaddress
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from gunicorn.arbiter import Arbiter
from prometheus_client.parser import text_string_to_metric_families

from histovet import metrics
from histovet.inspections import retrieve
from histovet.limits import clients
from histovet.local.state import REPOSITORY
from histovet.operation import gauges
from histovet.operation.reasons import Reason
from tests.attacks.serving import Site, site
from tests.attacks.test_forwarding import asked, production, status  # noqa: F401
from tests.publish import database_url

CANARY = "ZQKANARIX"
Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(text: str) -> dict[Sample, float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def here() -> dict[Sample, float]:
    return samples(metrics.exposition().decode())


def value(found: dict[Sample, float], name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def open_to_us(settings):
    """The test's own client comes from 127.0.0.1."""
    settings.METRICS_NETWORKS = (ipaddress.ip_network("127.0.0.0/30"),)


@pytest.mark.parametrize(
    ("networks", "remote", "answered"),
    [
        ("10.0.5.9/32", "10.0.5.9", True),
        ("10.0.5.9/32", "::ffff:10.0.5.9", True),
        ("2001:db8::9/128", "2001:db8::9", True),
        ("10.0.5.9/32", "10.0.5.10", False),
        ("10.0.5.9/32", "2001:db8::9", False),
        ("10.0.5.9/32", "nonsense", False),
        # A socket has no address: it is named by a word of its own.
        ("10.0.5.9/32", "", False),
        ("", "127.0.0.1", False),
        ("", "", False),
    ],
)
def test_who_may_read_is_the_peer_itself(client, settings, networks, remote, answered):
    settings.METRICS_NETWORKS = tuple(
        ipaddress.ip_network(one) for one in networks.split(",") if one
    )
    answer = client.get("/metrics", REMOTE_ADDR=remote)
    assert answer.status_code == (200 if answered else 404)
    assert ("histovet_requests" in answer.content.decode()) is answered


def test_the_peer_of_a_socket_may_read_by_setting_alone(client, settings):
    settings.METRICS_SOCKET_PEER = True
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404
    # nginx stands on the same socket, and says of whom it asks for.
    forwarded = {"x-forwarded-for": "10.0.5.9"}
    assert client.get("/metrics", REMOTE_ADDR="", headers=forwarded).status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
        "X-Real-IP", "Forwarded", "Via",
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.5.9", "for=127.0.0.1", ""])
def test_a_header_can_only_take_the_right_away(client, open_to_us, header, text):
    """What came through a proxy is for nobody, whoever it says that it came from."""
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={header: text}).status_code == 404
    far = client.get("/metrics", headers={header: text}, REMOTE_ADDR="192.0.2.1")
    assert far.status_code == 404


def test_who_may_not_is_shown_the_page_of_any_unknown_address(client):
    def shown(path: str) -> str:
        return re.sub(r"/(metrics|nowhere)\b", "/x", client.get(path).content.decode())

    assert shown("/metrics") == shown("/nowhere")
    assert client.post("/metrics").status_code == 404


@pytest.mark.parametrize("path", ["/metrics/", "/en/metrics", "/METRICS"])
def test_it_has_one_address(client, open_to_us, path):
    assert client.get(path).status_code == 404


def test_it_is_a_text_of_prometheus_and_is_only_read(client, open_to_us):
    answer = client.get("/metrics", headers={"host": "10.1.2.3:9000"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == metrics.CONTENT_TYPE
    assert answer.headers["Cache-Control"] == "no-store"
    assert samples(answer.content.decode())
    refused = client.post("/metrics")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("networks", "proxies", "said"),
    [
        ("0.0.0.0/0", "", "in which anyone may stand"),
        ("128.0.0.0/1", "", "in which anyone may stand"),
        ("::/0", "", "in which anyone may stand"),
        ("::ffff:0:0/96", "", "in which anyone may stand"),
        ("10.0.5.0/24", "10.0.5.1/32", "where a proxy of HISTOVET_TRUSTED_PROXIES"),
        ("10.0.5.1/32", "10.0.0.0/8", "where a proxy of HISTOVET_TRUSTED_PROXIES"),
        ("10.0.5.9/32", "10.0.5.1/32", ""),
        ("2001:db8::9/128", "10.0.5.1/32", ""),
    ],
)
def test_a_network_that_must_not_read_is_refused(settings, networks, proxies, said):
    settings.METRICS_NETWORKS = (ipaddress.ip_network(networks),)
    settings.TRUSTED_PROXIES = tuple(
        ipaddress.ip_network(one) for one in proxies.split(",") if one
    )
    found = [one for one in run_checks(tags=["histovet"]) if one.id == "histovet.E014"]
    assert [said in one.msg for one in found] == ([True] if said else [])


# What it counts


def test_a_request_is_counted_by_the_name_of_its_address(client):
    before = here()
    client.get("/aide")
    client.get("/en/help")
    client.get("/nowhere")
    client.post("/aide")
    client.generic("BREW", "/aide")
    after = here()

    def more(**labels: str) -> float:
        name = "histovet_requests_total"
        return value(after, name, **labels) - value(before, name, **labels)

    assert more(route="help", method="GET", status="200") == 2
    assert more(route="none", method="GET", status="404") == 1
    assert more(route="help", method="POST", status="405") == 1
    assert more(route="help", method="(other)", status="405") == 1
    count = "histovet_request_seconds_count"
    assert value(after, count, route="help") - value(before, count, route="help") == 4
    assert value(after, "histovet_requests_in_progress") == 0


def test_probes_are_not_counted(client, open_to_us):
    before = here()
    for path in ("/healthz", "/readyz", "/metrics"):
        client.get(path)
    name = "histovet_requests_total"
    assert {key: one for key, one in here().items() if key[0] == name} == {
        key: one for key, one in before.items() if key[0] == name
    }


def test_each_reason_is_shown(client):
    gauges.show_readiness([Reason.RELEASE_TOO_OLD], timezone.now().date())
    found = here()
    shown = {
        reason.value: value(found, "histovet_not_ready", reason=reason.value)
        for reason in Reason
    }
    assert shown == dict.fromkeys((one.value for one in Reason), 0) | {
        "release_too_old": 1
    }
    age = time.time() - value(found, "histovet_release_as_of_timestamp_seconds")
    assert 0 <= age < 86400
    gauges.show_readiness([Reason.NO_ACTIVE_RELEASE], None)
    assert value(here(), "histovet_release_as_of_timestamp_seconds") == 0


@pytest.mark.django_db
def test_the_brake_is_shown_when_it_is_on(settings):
    settings.BRAKE_FAILURES = 3
    cache.clear()
    now = timezone.now()
    for number in range(3):
        request = RequestFactory().get("/", REMOTE_ADDR=f"192.0.2.{number}")
        clients.count_failure(request, "seller", now)
        clients.count_failure(request, "contact", now)
    clients.count_failure(request, "opening", now)
    gauges.show_failed_tries(now)
    found = here()
    shown = {
        purpose: (
            value(found, "histovet_failed_tries", purpose=purpose),
            value(found, "histovet_brake", purpose=purpose),
        )
        for purpose in clients.PURPOSES
    }
    assert shown == {
        "seller": (3, 1),
        "opening": (1, 0),
        "car": (0, 0),
        "contact": (3, 0),
    }
    assert not clients.is_calm(RequestFactory().get("/"), "seller", now)


def test_every_purpose_of_the_site_is_shown():
    found = set()
    for path in (gauges.settings.BASE_DIR / "histovet").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r'count_failure\(request, "(\w+)", now\)', text))
    assert found == set(clients.PURPOSES)


@pytest.mark.django_db
def test_pool_and_sources_of_this_process_are_shown(settings):
    gauges.show_this_process(timezone.now())
    found = here()
    opened = value(found, "histovet_pool_connections", state="open")
    assert opened >= value(found, "histovet_pool_connections", state="idle")
    assert value(found, "histovet_signing_until_timestamp_seconds") > time.time()
    assert value(found, "histovet_inspections_paused") == 0
    settings.UTAC_URL, settings.SIGNING_FILES = "http://127.0.0.1:1", None
    source = retrieve.utac.client(retrieve.configured())
    for _ in range(3):
        source._breaker.failed("essai")
    gauges.show_this_process(timezone.now())
    assert value(here(), "histovet_inspections_paused") == 1
    assert value(here(), "histovet_signing_until_timestamp_seconds") == 0
    retrieve.utac.client.cache_clear()


def test_warnings_and_errors_of_the_log_are_counted():
    logger = logging.getLogger("histovet.operation.watch")
    labels = {"level": "ERROR", "logger": logger.name}
    before = here()
    logger.error("essai %s", CANARY)
    logger.info("essai")
    name = "histovet_log_lines_total"
    assert value(here(), name, **labels) - value(before, name, **labels) == 1
    assert CANARY not in metrics.exposition().decode()


# Labels identify nobody


def every_path() -> Iterator[str]:
    """Yield an address for each pattern, with canaries where something may be put in."""

    def walk(patterns: list, before: str) -> Iterator[str]:
        for pattern in patterns:
            path = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path)
            else:
                assert isinstance(pattern, URLPattern)
                yield path

    for path in walk(get_resolver().url_patterns, "/"):
        path = re.sub(r"<public_id:\w+>", (CANARY + "0123456789")[:16], path)
        path = path.replace("^(?:histovec/)?api/", "api/")
        assert not re.search(r"[<(^]", path), path
        yield path


@pytest.mark.django_db
def test_no_label_holds_what_a_client_sent(client):
    cache.clear()
    labels = {"authorization": f"Bearer {CANARY}", "user-agent": CANARY}
    for path in every_path():
        for method in ("GET", "POST", CANARY):
            client.generic(
                method,
                f"{path}?{CANARY}=1",
                f"plate={CANARY}&code={CANARY}".encode(),
                content_type="application/x-www-form-urlencoded",
                headers=labels,
            )
        client.get(f"{path}/{CANARY}")
    client.get(f"/r/{CANARY}")
    client.get("/", headers={"host": f"{CANARY}.example"})
    text = metrics.exposition().decode()
    assert CANARY.lower() not in text.lower()
    # Each is a word of ours, whatever was asked.
    words = {
        "route": r"[\w.:-]+",
        "method": "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|\\(other\\)",
        "status": r"[1-5]\d\d",
        "reason": "|".join(Reason),
        "purpose": "|".join(clients.PURPOSES),
        "state": "open|idle",
        "level": "WARNING|ERROR|CRITICAL",
        "logger": r"[\w.]+",
        "le": r"[\d.]+|\+Inf",
    }
    for _name, found in samples(text):
        for label, word in found:
            assert re.fullmatch(words[label], word), (label, word)
    routes = {
        one
        for _name, found in samples(text)
        for label, one in found
        if label == "route"
    }
    assert len(routes) < 60


# On a node of two workers


def counted_by(node: Site, *, path: str) -> dict[Sample, float]:
    request = f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode()
    answer = node.send(request, over_unix=True)
    assert status(answer) == 200, answer
    return samples(answer.partition(b"\r\n\r\n")[2].decode())


def _has_room(path: Path) -> bool:
    file = path.stat()
    return file.st_blocks * 512 >= file.st_size >= 256 * 1024


def test_all_workers_of_a_node_count_together(transactional_db, tmp_path):
    environment = {
        **os.environ,
        # Other nodes are being tested at the same time.
        "TMPDIR": str(tmp_path),
        "DATABASE_URL": database_url(),
        "HISTOVET_METRICS_NETWORKS": "unix",
    }
    ok = {"route": "help", "method": "GET", "status": "200"}
    with site(environment, workers=2) as node:
        request = b"GET /aide HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        for _ in range(30):
            assert status(node.send(request)) == 200
        found = counted_by(node, path="/metrics")
        assert value(found, "histovet_requests_total", **ok) == 30
        # Over TCP nobody is asked for.
        tcp = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert status(node.send(tcp)) == 404
        # A page that is not there when it is written to ends the process. The second
        # worker may still be starting.
        deadline = time.monotonic() + 30
        while not all(map(_has_room, _folders(tmp_path).pop().iterdir())):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers = re.findall(r"Booting worker with pid: (\d+)", node.log.read_text())
        os.kill(int(workers[0]), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(set(re.findall(r"worker with pid: (\d+)", node.log.read_text()))) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for _ in range(10):
            assert status(node.send(request)) == 200
        # What the one that was killed had counted is not lost.
        found = counted_by(node, path="/metrics")
        assert value(found, "histovet_requests_total", **ok) == 40
        assert value(found, "histovet_not_ready", reason="no_active_release") == 1
        assert value(found, "histovet_requests_in_progress") == 0
        assert _folders(tmp_path)
    assert not _folders(tmp_path)


def _folders(temporary: Path) -> set[Path]:
    return set(temporary.glob("histovet-metrics-*"))


def test_a_folder_without_room_stops_the_start_with_a_line(db):
    """A limit on what one file may hold stands for a file system that is full."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [
        *(sys.executable, "-m", "gunicorn", "--config", "python:histovet.gunicorn"),
        *("--bind", "127.0.0.1:0"),
    ]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": database_url()},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == Arbiter.WORKER_BOOT_ERROR
    assert "error: there is no room for metrics in " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("forged", ["X-Forwarded-For: 127.0.0.1", "Via: x"])
def test_what_nginx_hands_on_is_for_nobody(production, forged):  # noqa: F811
    trusting = {"HISTOVET_TRUSTED_PROXIES": "unix", "HISTOVET_METRICS_NETWORKS": "unix"}
    with site({**production, **trusting}) as running:
        request = asked("/metrics", "X-Forwarded-Proto: https", forged)
        assert status(running.send(request, over_unix=True)) == 404
