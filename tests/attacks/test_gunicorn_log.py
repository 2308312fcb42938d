"""gunicorn answers what never reaches the site, and quotes none of it in its log."""

import logging
import os

import pytest

from histovet.gunicorn import LevelFormatter
from tests.attacks.serving import site
from tests.publish import database_url

CANARY = b"ZQKANARIX"
START = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = (
    b"POST /api/v1/report_by_data HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
)

BROKEN = [
    # Request lines.
    b"%b\r\n\r\n",
    b"%b /\r\n\r\n",
    b"GET /%b HTTP/%b\r\n\r\n",
    b"GET /%b HTTP/7.5\r\n\r\n",
    b"GET  /%b HTTP/1.1\r\n\r\n",
    b"%b{} / HTTP/1.1\r\n\r\n",
    b"g%b / HTTP/1.1\r\n\r\n",
    b"GET //%b[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET http://%b]:x/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /%b" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
    b"GET /\xff%b\x00 HTTP/1.1\r\n\r\n",
    b"PROXY TCP4 %b %b 1 2\r\n",
    b"PRI * HTTP/2.0\r\n\r\n%b\r\n\r\n",
    # Headers.
    START + b"%b{}: x\r\n\r\n",
    START + b"%b\r\n\r\n",
    START + b"X: %b\x00\r\n\r\n",
    START + b"X: a\r\n %b\r\n\r\n",
    START + b"X: %b" + b"x" * 9000 + b"\r\n\r\n",
    START + b"%b: x\r\n" * 200 + b"\r\n",
    START + b"Content-Length: %b\r\n\r\n",
    START + b"Content-Length: 1\r\nContent-Length: 2%b\r\n\r\n",
    START + b"Transfer-Encoding: %b\r\n\r\n",
    START + b"Expect: %b\r\n\r\n",
    START + b"SCRIPT_NAME: /%b\r\n\r\n",
    START + b"PATH_INFO: /%b\r\n\r\n",
    START + b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: %b\r\n\r\n",
    START + b"Upgrade: %b\r\nConnection: %b\r\n\r\n",
    START + b"Authorization: Basic %b\r\nUser-Agent: %b\r\nReferer: %b\r\n\r\n",
    # Bodies.
    CHUNKED + b"%b\r\n",
    CHUNKED + b"5;%b\x00\r\nabcde\r\n",
    CHUNKED + b"2\r\n%b\r\n0\r\n\r\n",
    CHUNKED + b"0\r\n%b\x00: x\r\n\r\n",
    # What is well formed, and refused by the site itself.
    b"GET /%b?%b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"%b / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: seller=%b; csrf=%b\r\n\r\n",
]


@pytest.mark.django_db
def test_nothing_that_clients_send_is_in_the_output_of_gunicorn():
    with site({**os.environ, "DATABASE_URL": database_url()}) as running:
        for over_unix in (False, True):
            for request in BROKEN:
                sent = request.replace(b"%b", CANARY)
                running.send(sent, over_unix=over_unix)
        answer = running.send(START + b"Connection: close\r\n\r\n")
        written = running.log.read_text(errors="replace")
    assert answer.startswith(b"HTTP/1.1 200")
    assert CANARY.decode().lower() not in written.lower()
    # It does write, and what somebody who keeps it running needs.
    assert "INFO gunicorn.error Listening at: " in written
    assert "INFO gunicorn.error Booting worker with pid: " in written
    for kind in ("InvalidRequestLine", "InvalidHeader", "LimitRequestLine"):
        assert f"exception=gunicorn.http.errors.{kind} at=" in written
    assert "WARNING gunicorn.error by=" in written
    assert ":handle_error " in written


@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING, logging.CRITICAL])
def test_a_message_other_than_information_is_never_written(level):
    record = logging.LogRecord(
        "gunicorn.error", level, "arbiter.py", 7, "said %s", ("this",), None, "stop"
    )
    line = LevelFormatter().format(record)
    assert line.endswith(f"{record.levelname} gunicorn.error by=arbiter.py:7:stop")
