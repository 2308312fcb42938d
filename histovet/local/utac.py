"""A stand-in for UTAC: python -m histovet.local.utac --port 8010

It speaks the protocol of docs/inspections.md and knows every vehicle: inspections drawn
from the VIN, the same each time. A behaviour shows what the site does when UTAC fails.
"""

from __future__ import annotations

import argparse
import base64
import collections
import datetime as dt
import enum
import http.server
import json
import random
import signal
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "histovet"
PASSWORD = "development"  # nosec B105
SLOW_SECONDS = 5.0
DRIP_SECONDS = 0.1
RETRY_AFTER_SECONDS = 60
TOKEN_SECONDS = 3600


class Behaviour(enum.Enum):
    OK = "ok"
    SLOW = "slow"  # the right answer, too late
    DRIP = "drip"  # the right answer, a byte at a time, its headers too
    DOWN = "down"  # closes each connection without a word
    LYING = "lying"  # inspections of another VIN
    MALFORMED = "malformed"  # JSON that breaks off
    WRONG_SHAPE = "wrong_shape"  # JSON with a field missing
    UNAUTHORISED = "unauthorised"  # refuses the password
    FORGETFUL = "forgetful"  # forgets its tokens once, as after a restart
    UNKNOWN = "unknown"  # knows no vehicle (404)
    REFUSING = "refusing"  # finds each request invalid (406)
    TOO_MANY = "too_many"  # 429 with Retry-After
    BROKEN = "broken"  # 500
    REDIRECTING = "redirecting"  # sends elsewhere
    HUGE = "huge"  # an answer without end


class StandIn(http.server.ThreadingHTTPServer):
    """`behaviour` may be changed at any time, `token_seconds` too. `requests` counts
    what was asked by method and path, `headers` are those of the last request, `bodies`
    what was searched for."""

    daemon_threads = True

    def __init__(self, port: int = 0, behaviour: Behaviour = Behaviour.OK) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.behaviour = behaviour
        self.token_seconds = TOKEN_SECONDS
        self.requests: collections.Counter[str] = collections.Counter()
        self.bodies: list[dict[str, str]] = []
        self.headers: dict[str, str] = {}
        self.certificates: list[Any] = []
        self.tls: ssl.SSLContext | None = None
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self._tokens = 0
        self._forgotten = 0

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the request's own thread: a handshake that never ends holds up nobody else.
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)
            self.certificates.append(request.getpeercert())
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Whoever hung up has had enough, and a refused handshake is what it is for.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def new_token(self) -> str:
        with self.lock:
            self._tokens += 1
            claims = {"exp": int(time.time()) + self.token_seconds, "n": self._tokens}
        parts = [{"alg": "none"}, claims]
        return ".".join(_base64(json.dumps(part).encode()) for part in parts) + ".x"

    def accepts(self, token: str) -> bool:
        try:
            padded = token.split(".")[1] + "=="
            claims = json.loads(base64.urlsafe_b64decode(padded))
            number, ends_at = int(claims["n"]), int(claims["exp"])
        except (IndexError, KeyError, ValueError):
            return False
        with self.lock:
            if self.behaviour is Behaviour.FORGETFUL:
                self._forgotten = self._tokens
                self.behaviour = Behaviour.OK
            return number > self._forgotten and ends_at > time.time()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._count()
        if self.path == "/healthcheck":
            self._answer(200, {"status": 200})
        elif self.path == "/auth":
            self._authenticate()
        else:
            self._answer(404, {"status": 404})

    def do_POST(self) -> None:
        self._count()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != "/immat/search":
            self._answer(404, {"status": 404})
            return
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.server.accepts(token):
            self._answer(401, {"status": 401})
            return
        asked = json.loads(body)
        with self.server.lock:
            self.server.bodies.append(asked)
        self._search(asked["vin"])

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _count(self) -> None:
        with self.server.lock:
            self.server.requests[f"{self.command} {self.path}"] += 1
            self.server.headers = dict(self.headers.items())

    def _authenticate(self) -> None:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        is_known = self.headers.get("Authorization") == f"Basic {pair}"
        if not is_known or self.server.behaviour is Behaviour.UNAUTHORISED:
            self._answer(401, {"status": 401})
        elif self.server.behaviour is Behaviour.DOWN:
            self.close_connection = True
        else:
            self._answer(200, {"token": self.server.new_token()})

    def _search(self, vin: str) -> None:
        today = dt.datetime.now(dt.UTC).date()
        good = {
            "status": 200,
            "update_date": (today - dt.timedelta(days=1)).strftime("%d/%m/%Y"),
            "ct": drawn_inspections(vin, today),
        }
        statuses = {
            Behaviour.UNKNOWN: 404,
            Behaviour.REFUSING: 406,
            Behaviour.TOO_MANY: 429,
            Behaviour.BROKEN: 500,
            Behaviour.REDIRECTING: 307,
        }
        behaviour = self.server.behaviour
        if behaviour in statuses:
            status = statuses[behaviour]
            self._answer(status, {"status": status})
        elif behaviour is Behaviour.DOWN:
            self.close_connection = True
        elif behaviour is Behaviour.SLOW:
            self.server.ended.wait(SLOW_SECONDS)
            self._answer(200, good)
        elif behaviour is Behaviour.LYING:
            other = vin[:-1] + ("0" if vin[-1] != "0" else "1")
            self._answer(200, good | {"ct": drawn_inspections(other, today)})
        elif behaviour is Behaviour.MALFORMED:
            self._send(200, json.dumps(good).encode()[:-3])
        elif behaviour is Behaviour.WRONG_SHAPE:
            del good["update_date"]
            self._answer(200, good)
        elif behaviour is Behaviour.HUGE:
            self._send(200, json.dumps(good | {"pad": "x" * 10_000_000}).encode())
        else:
            self._answer(200, good)

    def _answer(self, status: int, document: object) -> None:
        self._send(status, json.dumps(document).encode())

    def _send(self, status: int, body: bytes) -> None:
        lines = [
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        if status == 429:
            lines.append(f"Retry-After: {RETRY_AFTER_SECONDS}")
        if status == 307:
            lines.append("Location: /elsewhere")
        answer = "\r\n".join([*lines, "", ""]).encode() + body
        if self.server.behaviour is not Behaviour.DRIP or self.path == "/auth":
            self.wfile.write(answer)
            return
        for byte in answer:
            if self.server.ended.wait(DRIP_SECONDS):
                return
            self.wfile.write(bytes((byte,)))


# The tenth character of a VIN where it tells the model year: thirty of them from 1980,
# and again from 2010. Source: ISO 3779 as makers use it; many in Europe do not.
_MODEL_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"
_FIRST_MODEL_YEAR = 1980


def drawn_inspections(vin: str, today: dt.date) -> list[dict[str, object]]:
    """Return what such a vehicle may have: every two years from its fourth on, until
    last year, a failed one followed by a second visit."""
    draw = random.Random(vin)
    year = _model_year(vin, today) or draw.randrange(today.year - 16, today.year - 6)
    mileage = draw.randrange(20_000, 70_000)
    found: list[dict[str, object]] = []

    def add(day: dt.date, nature: str, result: str) -> None:
        found.append(
            {
                "ct_id": len(found) + 1,
                "ct_pv": str(draw.randrange(10_000_000, 99_999_999)),
                "ct_centre": "S075A001",
                "ct_date": day.strftime("%d/%m/%Y"),
                "ct_deb": f"{draw.randrange(8, 19):02}:{draw.randrange(60):02}:00",
                "ct_fin": None,
                "ct_nature": nature,
                "ct_resultat": result,
                "ct_km": mileage,
                "ct_immat": None,
                "ct_vin": vin,
            }
        )

    for visited in range(year + 4, today.year, 2):
        day = dt.date(visited, draw.randrange(1, 12), draw.randrange(1, 29))
        fails = draw.random() < 0.2
        add(day, "VTP", "S" if fails else "A")
        if fails:
            mileage += draw.randrange(20, 300)
            add(day + dt.timedelta(days=draw.randrange(3, 30)), "CV", "A")
        mileage += draw.randrange(12_000, 36_000)
    return found


def _model_year(vin: str, today: dt.date) -> int | None:
    place = _MODEL_YEARS.find(vin[9:10]) if len(vin) == 17 else -1
    if place < 0:
        return None
    year = _FIRST_MODEL_YEAR + place
    return year + 30 if year + 30 <= today.year else year


@contextmanager
def running(
    behaviour: Behaviour = Behaviour.OK, tls: ssl.SSLContext | None = None
) -> Iterator[StandIn]:
    """A stand-in on a free port of this machine, in a thread, until the block ends."""
    server = StandIn(behaviour=behaviour)
    server.tls = tls
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def write_password(path: Path) -> Path:
    """Write what HISTOVET_UTAC_PASSWORD_FILE is to name, and return it."""
    path.write_text(PASSWORD + "\n", encoding="ascii")
    path.chmod(0o600)
    return path


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m histovet.local.utac", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument(
        "--behaviour", type=Behaviour, default=Behaviour.OK, metavar="NAME",
        help=", ".join(behaviour.value for behaviour in Behaviour),
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    try:
        server = StandIn(chosen.port, chosen.behaviour)
    except OSError as exc:
        parser.exit(1, f"port {chosen.port} cannot be had: {exc.strerror}\n")
    # Ctrl-C and TERM end it without a word: it holds nothing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
