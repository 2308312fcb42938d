"""Asks UTAC for the inspections of one vehicle.

`GET /auth` with name and password gives a token, `POST /immat/search` with it the
answer. The protocol and what each failure does: docs/inspections.md.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpcore
import msgspec
from msgspec import Struct

from histovet.inspections.access import Access, tls_context
from histovet.inspections.breaker import Breaker
from histovet.inspections.connections import Connector
from histovet.inspections.errors import AnswerRefused, UtacFailed, UtacPaused
from histovet.inspections.utac_answer import read_answer
from pseudonymizer.normalise import PARIS
from pseudonymizer.records import Inspections

ANSWER_BYTES_MAX = 64 * 1024
# A token that ends while a request is under way would cost another one.
_TOKEN_MARGIN_SECONDS = 30
_CONNECTIONS = 8
# Servers commonly close after a minute or more; one that closes first is seen.
_IDLE_SECONDS = 15.0
_UNKNOWN = (404, 406)


class _Authenticated(Struct, frozen=True):
    token: str


class _Claims(Struct, frozen=True):
    exp: float


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    ends_at: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = field(repr=False)
    retry_after: str


class Client:
    """One for a process: threads share its connections, its token and its breaker."""

    def __init__(self, access: Access, breaker: Breaker) -> None:
        """Raises OSError for a certificate, key or authority that cannot be used."""
        self._access = access
        self._breaker = breaker
        self._connector = Connector()
        # No environment, redirect or cookie has a say in what this pool does.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls_context(access),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=self._connector,
        )
        self._token: _Token | None = None
        self._authenticating = threading.Lock()

    def ask(self, plate: str, vin: str, now: dt.datetime) -> Inspections:
        """Return what UTAC knows, nothing when it does not know the vehicle.

        Takes `timeout_seconds` at most, whatever the other side does. Raises UtacPaused
        at once while the source is left alone, UtacFailed and AnswerRefused.
        """
        if not self._breaker.lets_through():
            raise UtacPaused("paused")
        until = time.monotonic() + self._access.timeout_seconds
        try:
            found = self._search(plate, vin, now, until)
        except UtacFailed as exc:
            self._breaker.failed(exc.reason, exc.pause_seconds)
            raise
        except AnswerRefused:
            # Of this vehicle alone: what is wrong with one must not hide all others.
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return found

    @property
    def is_paused(self) -> bool:
        """Whether it failed lately and has not answered since."""
        return self._breaker.is_open

    def close(self) -> None:
        self._pool.close()

    def _search(
        self, plate: str, vin: str, now: dt.datetime, until: float
    ) -> Inspections:
        body = msgspec.json.encode({"immat": plate, "vin": vin})
        token = self._valid_token(now, until, refused=None)
        answer = self._post(body, token, until)
        if answer.status == 401:
            # It may end a token before its time.
            token = self._valid_token(now, until, refused=token)
            answer = self._post(body, token, until)
        today = now.astimezone(PARIS).date()
        if answer.status in _UNKNOWN:
            return Inspections(updated=today)
        if answer.status != 200:
            raise _failure(answer, now)
        return read_answer(answer.body, vin=vin, today=today)

    def _post(self, body: bytes, token: _Token, until: float) -> _Answer:
        headers = {
            "Authorization": f"bearer {token.text}",
            "Content-Type": "application/json",
        }
        return self._exchange("POST", "/immat/search", headers, body, until)

    def _valid_token(
        self, now: dt.datetime, until: float, *, refused: _Token | None
    ) -> _Token:
        """Return the token that threads share, a new one in place of `refused`."""
        if not self._authenticating.acquire(timeout=max(0, until - time.monotonic())):
            raise UtacFailed("timeout")
        try:
            token = self._token
            ends_before = now.timestamp() + _TOKEN_MARGIN_SECONDS
            if token is None or token is refused or token.ends_at <= ends_before:
                token = self._token = self._authenticate(now, until)
            return token
        finally:
            self._authenticating.release()

    def _authenticate(self, now: dt.datetime, until: float) -> _Token:
        pair = f"{self._access.user}:{self._access.password}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        answer = self._exchange("GET", "/auth", headers, None, until)
        if answer.status != 200:
            raise _failure(answer, now)
        try:
            text = msgspec.json.decode(answer.body, type=_Authenticated).token
            claims = text.split(".")[1]
            # Ours to read, not to verify: it came from whom we send it to.
            padded = claims + "=" * (-len(claims) % 4)
            decoded = base64.urlsafe_b64decode(padded)
            ends_at = msgspec.json.decode(decoded, type=_Claims).exp
        except (msgspec.DecodeError, ValueError, IndexError):
            raise UtacFailed("no_token") from None
        if not (text.isascii() and text.isprintable() and " " not in text):
            raise UtacFailed("no_token")
        return _Token(text, ends_at)

    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        until: float,
    ) -> _Answer:
        sent: list[tuple[bytes | str, bytes | str]] = [("Accept", "application/json")]
        sent += headers.items()
        if self._access.token:
            sent.append(("Token", self._access.token))
        left = until - time.monotonic()
        if left <= 0:
            raise UtacFailed("timeout")
        # Moments, not lengths: see connections.py. The pool alone has its own clock.
        timeout = {"connect": until, "read": until, "write": until, "pool": left}
        try:
            with self._pool.stream(
                method,
                self._access.url + path,
                headers=sent,
                content=body,
                extensions={"timeout": timeout},
            ) as response:
                content = b""
                for chunk in response.iter_stream():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        raise UtacFailed("too_long")
                return _Answer(
                    response.status, content, _header(response, b"retry-after")
                )
        # Without the cause: what a library says of an address is not ours to repeat.
        except (httpcore.TimeoutException, TimeoutError):
            raise UtacFailed("timeout") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise UtacFailed("unreachable") from None


# Made when first asked for, in the process that asks: connections and locks do not
# survive a fork.
@functools.lru_cache(maxsize=1)
def client(access: Access) -> Client:
    """Return this process's client.

    Raises OSError for a certificate that cannot be used; histovet.E033 says so before.
    """
    return Client(access, Breaker(time.monotonic))


os.register_at_fork(after_in_child=client.cache_clear)


def _header(response: httpcore.Response, name: bytes) -> str:
    found = (value for key, value in response.headers if key.lower() == name)
    return next(found, b"").decode("latin-1")


def _failure(answer: _Answer, now: dt.datetime) -> UtacFailed:
    pause = _seconds_to_wait(answer.retry_after, now) if answer.status == 429 else None
    return UtacFailed(f"status_{answer.status}", pause)


def _seconds_to_wait(retry_after: str, now: dt.datetime) -> int | None:
    """Return whole seconds, None for none. Source: RFC 9110, section 10.2.3."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        # Longer than a century is no number to convert.
        seconds = int(text[:10])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        seconds = int((moment - now).total_seconds())
    return seconds if seconds > 0 else None
