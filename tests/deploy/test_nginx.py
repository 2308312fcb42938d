"""Debian's nginx, with the file that deploy/ gives, in front of the site."""

import json
import re
import ssl

import pytest

from histovet.partners.problems import Problem, problem_document
from tests.attacks.serving import site
from tests.attacks.test_forwarding import production  # noqa: F401
from tests.deploy.proxy import DEPLOY, HOST, NGINX, asked, proxy, upstream, written
from tests.outside import folder_outside

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx; apt-get install nginx")

CANARY = "ZQKANARIX"
HSTS = "max-age=63072000; includeSubDomains; preload"


@pytest.fixture
def folder():
    # The path of a unix socket is short.
    with folder_outside() as made:
        yield made


@pytest.fixture
def behind(folder):
    """nginx, and what stands behind it."""
    with upstream(folder / "socket") as kept, proxy(folder, kept.path) as running:
        yield running, kept


def test_forged_forwarding_headers_are_written_anew(behind):
    running, kept = behind
    forged = (
        f"X-Forwarded-For: 192.0.2.7, {CANARY}",
        "X-Forwarded-For: 192.0.2.8",
        "X_Forwarded_For: 192.0.2.9",
        "X-Forwarded-Proto: http",
        f"X-Forwarded-Host: {CANARY}.example",
        "X-Forwarded-Port: 1",
        "X-Real-IP: 192.0.2.10",
        f"X-Request-Id: {CANARY}",
        f"Forwarded: for={CANARY};proto=http",
        f"Via: {CANARY}",
    )
    assert written(running.send(asked("/", *forged)))[0] == 200
    (request,) = kept.requests
    assert CANARY.encode() not in request
    assert b"192.0.2." not in request
    _, headers, _ = written(b"HTTP/1.1 200\r\n" + request.partition(b"\r\n")[2])
    # Nothing else reaches the site of what a client may write there.
    assert sorted(headers) == [
        ("host", HOST),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
    ]


def test_no_log_tells_who_asked_for_what(behind):
    running, kept = behind
    for request in (
        asked(f"/r/{CANARY}?{CANARY}", f"Referer: {CANARY}", f"User-Agent: {CANARY}"),
        asked("/", method=CANARY),
        asked("/", method="POST", body=CANARY.encode() * 10_000),
        asked(f"/{CANARY}/" + "x" * 9000),
        f"GET /{CANARY} HTTP/1.1\r\n\r\n".encode(),
        f"{CANARY}\r\n\r\n".encode(),
        asked(f"/r/{CANARY}%00"),
    ):
        assert CANARY.encode() not in running.send(request)
        running.send(request, tls=False)
    kept.path.unlink()
    assert written(running.send(asked(f"/r/{CANARY}")))[0] == 503
    logs = running.logs
    assert CANARY not in logs
    assert "/r/" not in logs
    assert "127.0.0.1" not in logs
    # What somebody who keeps it running needs is there.
    assert "method=GET status=200" in logs
    assert "request_id=0123abcd" in logs
    assert "status=413" in logs
    assert "status=503" in logs and "upstream_status=502" in logs


def test_a_body_has_its_limit_and_the_api_says_its_own(behind):
    running, kept = behind
    large = b"x" * 70_000
    assert written(running.send(asked("/x", method="POST", body=large)))[0] == 413
    assert kept.requests == []
    for path in ("/api/v1/x", "/histovec/api/v1/x"):
        assert written(running.send(asked(path, method="POST", body=large)))[0] == 200
        huge = asked(path, method="POST", body=b"x" * 300_000)
        assert written(running.send(huge))[0] == 413
    assert len(kept.requests) == 2


def test_plain_http_leads_to_https_and_other_hosts_nowhere(behind):
    running, kept = behind
    status, headers, _ = written(running.send(asked("/vendeur"), tls=False))
    assert (status, dict(headers)["location"]) == (301, f"https://{HOST}/vendeur")
    elsewhere = asked("/").replace(HOST.encode(), b"other.example")
    assert running.send(elsewhere, tls=False) == b""
    with pytest.raises(ssl.SSLError):
        running.send(asked("/"), name="other.example")
    assert kept.requests == []


def test_without_a_process_that_answers_there_is_a_page_and_a_document(folder):
    with proxy(folder, folder / "nobody") as running:
        status, headers, body = written(running.send(asked("/vendeur")))
        named = dict(headers)
        assert status == 503
        assert named["retry-after"] == "60"
        assert named["cache-control"] == "no-store"
        assert named["content-type"] == "text/html; charset=utf-8"
        assert named["content-security-policy"].startswith("default-src 'none'")
        assert body == (DEPLOY / "nginx/histovet-unavailable.html").read_bytes()
        posted = asked("/api/v1/report_by_code", method="POST", body=b"{}")
        status, headers, body = written(running.send(posted))
        assert (status, dict(headers)["retry-after"]) == (503, "60")
        assert dict(headers)["content-type"] == "application/problem+json"
        assert json.loads(body) == problem_document(Problem.UNAVAILABLE)
        for _, one in (("", headers), ("", list(named.items()))):
            assert dict(one)["strict-transport-security"] == HSTS


def test_the_site_behind_it(production, folder):  # noqa: F811
    trusted = {**production, "HISTOVET_TRUSTED_PROXIES": "unix"}
    with site(trusted) as served, proxy(folder, served.unix) as running:
        for path, status in (
            ("/", 200),
            ("/en/", 200),
            ("/nowhere", 404),
            ("/healthz", 200),
            # For who stands on this machine.
            ("/readyz", 404),
            ("/metrics", 404),
        ):
            answer = written(running.send(asked(path)))
            assert answer[0] == status, path
            hsts = [v for name, v in answer[1] if name == "strict-transport-security"]
            assert hsts == [HSTS], path
        number = dict(written(running.send(asked("/nowhere")))[1])["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", number)
        lines = [line for line in served.log.read_text().splitlines() if number in line]
        (logged,) = map(json.loads, lines)
        assert logged["status"] == 404
        assert f"request_id={number}" in running.logs
        # On its socket, as docs/operations.md asks.
        ready = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
        answer = written(served.send(ready, over_unix=True))
        assert answer[0] == 503


FORGED = ("X-Forwarded-For: 192.0.2.7", "X-Real-IP: 192.0.2.7", f"Via: {CANARY}")


def test_metrics_have_an_address_of_their_own_and_nothing_else_does(
    folder,
    production,  # noqa: F811
):
    variables = dict.fromkeys(
        ("HISTOVET_TRUSTED_PROXIES", "HISTOVET_METRICS_NETWORKS"), "unix"
    )
    with (
        site({**production, **variables}) as served,
        proxy(folder, served.unix) as running,
    ):

        def inside(path: str, *headers: str, method: str = "GET") -> int:
            request = asked(path, *headers, method=method)
            return written(running.send(request, tls=False, port=running.metrics))[0]

        assert inside("/metrics") == 200
        # What a collector's own proxy would say takes nothing away, and gives nothing.
        assert inside("/metrics", *FORGED) == 200
        assert inside("/metrics", method="POST") == 403
        for path in ("/", "/readyz", "/vendeur", "/metrics/", "/api/v1/usage"):
            assert inside(path) == 404, path
        for path in ("/metrics", "/metrics?x", "//metrics", "/%6detrics", "/./metrics"):
            for headers in ((), FORGED, ("X-Forwarded-For:",)):
                assert written(running.send(asked(path, *headers)))[0] == 404, path
                plain = written(running.send(asked(path, *headers), tls=False))
                assert plain[0] == 301, path


def test_who_is_not_named_reads_no_metrics(behind, folder):
    running, kept = behind
    config = (folder / "histovet.conf").read_text()
    assert config.count("allow 127.0.0.1;") == 1
    assert "deny all;" in config.partition("allow 127.0.0.1;")[2].splitlines()[1]
    request = asked("/metrics")
    assert written(running.send(request, tls=False, port=running.metrics))[0] == 200
    assert b"x-forwarded" not in kept.requests[0].lower()
