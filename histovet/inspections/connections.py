"""Connections on which everything ends at one moment, however slowly bytes arrive.

httpcore gives each read and write a time-out of its own, so that a byte now and then
keeps a request alive for ever. Here its time-outs are moments on the monotonic clock.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpcore

_Found = TypeVar("_Found")

# A resolver that does not answer holds its thread for as long as its own configuration
# says; a second one lets another name be found meanwhile.
_RESOLVERS = 2


class Connector(httpcore.NetworkBackend):
    """Connects within what is left until `timeout`, finding the name included."""

    def __init__(self) -> None:
        self._sync = httpcore.SyncBackend()
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, "utac-resolver")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        until = _moment(timeout)
        found = self._within(
            until, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        failed = httpcore.ConnectError("the name has no address")
        for address in dict.fromkeys(str(entry[4][0]) for entry in found):
            try:
                stream = self._sync.connect_tcp(
                    address,
                    port,
                    _left(until, httpcore.ConnectTimeout),
                    local_address,
                    socket_options,
                )
            except httpcore.ConnectError as exc:
                failed = exc
            else:
                return TimedStream(stream)
        raise failed

    def _within(self, until: float, call: Callable[[], _Found]) -> _Found:
        future = self._resolvers.submit(call)
        try:
            return future.result(_left(until, httpcore.ConnectTimeout))
        except TimeoutError as exc:
            future.cancel()
            raise httpcore.ConnectTimeout from exc
        except OSError as exc:
            raise httpcore.ConnectError from exc


class TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _left(_moment(timeout), httpcore.ReadTimeout)
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(_moment(timeout), httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        # OpenSSL's binding gives a whole handshake this time, not each read of it.
        left = _left(_moment(timeout), httpcore.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _moment(timeout: float | None) -> float:
    if timeout is None:
        raise ValueError("every request has a moment at which it ends")
    return timeout


def _left(until: float, over: type[httpcore.TimeoutException]) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise over
    return left
