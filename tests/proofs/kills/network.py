"""A connection that is cut, and a network that goes silent."""

import contextlib
import os
import selectors
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator


class Relay:
    """Passes connections on to the server, and can reset them all."""

    def __init__(self, address: str, port: int) -> None:
        self._to = address, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._cut, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Reset every connection, at both ends."""
        self._cut.set()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _relay(self) -> None:
        with selectors.DefaultSelector() as ready, self._listener:
            ready.register(self._listener, selectors.EVENT_READ)
            while not self._ended.is_set():
                if self._cut.is_set():
                    while self._pairs:
                        self._reset(ready, next(iter(self._pairs)))
                    self._cut.clear()
                for key, _ in ready.select(0.005):
                    if key.fileobj is self._listener:
                        self._accept(ready)
                    elif key.fileobj in self._pairs:
                        self._pass(ready, key.fileobj)

    def _accept(self, ready: selectors.BaseSelector) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self._to)
        except OSError:
            client.close()
            return
        for one, other in ((client, server), (server, client)):
            self._pairs[one] = other
            ready.register(one, selectors.EVENT_READ)

    def _pass(self, ready: selectors.BaseSelector, source: socket.socket) -> None:
        try:
            content = source.recv(65536)
            if content:
                self._pairs[source].sendall(content)
                return
        except OSError:
            pass
        self._reset(ready, source)

    def _reset(self, ready: selectors.BaseSelector, end: socket.socket) -> None:
        other = self._pairs.pop(end)
        del self._pairs[other]
        for one in (end, other):
            ready.unregister(one)
            # Closed with a reset instead of a farewell.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()


def can_be_silent() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextlib.contextmanager
def silence(address: str) -> Iterator[None]:
    """Drop every packet to and from an address of this machine."""
    route = ["blackhole", address, "table", "local"]
    subprocess.run(["ip", "route", "replace", *route], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "route", "del", *route], check=True)
