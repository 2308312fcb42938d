"""Debian's nginx with the files of deploy/nginx, in front of a unix socket."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from histovet.local.state import REPOSITORY

# Debian's place, which only root's shell looks in.
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
HOST = "histovet.example"
DEPLOY = REPOSITORY / "deploy"
_UP_SECONDS = 30


@dataclass(frozen=True)
class Proxy:
    folder: Path
    http: int
    https: int
    metrics: int

    @property
    def logs(self) -> str:
        return "".join(
            path.read_text(errors="replace") for path in self.folder.glob("*.log")
        )

    def send(
        self, request: bytes, *, tls: bool = True, name: str = HOST, port: int = 0
    ) -> bytes:
        """Return the whole answer. Raises OSError when the connection is refused."""
        port = port or (self.https if tls else self.http)
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), _UP_SECONDS)
            )
            if tls:
                trusted = ssl.create_default_context(
                    cafile=str(self.folder / "tls/certificate.pem")
                )
                client = stack.enter_context(
                    trusted.wrap_socket(client, server_hostname=name)
                )
            client.sendall(request)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while part := client.recv(65536):
                    answer += part
            return answer


def written(answer: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers in small letters, and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    return int(first.split()[1]), [(name.lower(), v) for name, _, v in pairs], body


def asked(path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


@contextlib.contextmanager
def proxy(folder: Path, *upstreams: Path) -> Iterator[Proxy]:
    """Run nginx, its files in the folder, until the block ends."""
    assert NGINX is not None
    http, https, metrics, operators = _free_ports(4)
    _make_certificate(folder / "tls")
    # In nginx's own order, which is that of their names.
    config = "".join(
        path.read_text() for path in sorted((DEPLOY / "nginx").glob("*.conf"))
    )
    servers = [f"server unix:{path} max_fails=0;" for path in upstreams]
    for theirs, ours in (
        ("listen 80", f"listen 127.0.0.1:{http}"),
        ("listen 443", f"listen 127.0.0.1:{https}"),
        ("listen 10.0.5.2:9180", f"listen 127.0.0.1:{metrics}"),
        ("allow 10.0.5.9", "allow 127.0.0.1"),
        ("listen 10.0.3.10:443", f"listen 127.0.0.1:{operators}"),
        ("/tls/operators-", "/tls/"),
        ("server unix:/run/histovet/site.sock max_fails=0;", "\n".join(servers)),
        ("/etc/histovet/tls/", f"{folder}/tls/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/opt/histovet/", f"{REPOSITORY}/"),
    ):
        assert theirs in config, theirs
        config = config.replace(theirs, ours)
    (folder / "histovet.conf").write_text(config)
    paths = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    # What Debian's own nginx.conf says around ours, compression included.
    (folder / "nginx.conf").write_text(
        f"{user}worker_processes 2;\npid {folder}/pid;\ndaemon off;\n"
        f"error_log {folder}/main-error.log;\nevents {{ }}\nhttp {{\n{paths}"
        "    include /etc/nginx/mime.types;\n    gzip on;\n"
        f"    access_log {folder}/others.log;\n"
        f"    include {folder}/histovet.conf;\n}}\n"
    )
    command = [NGINX, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/main-error.log"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        _wait_for(process, https)
        yield Proxy(folder, http, https, metrics)
    finally:
        process.terminate()
        process.wait(_UP_SECONDS)


@dataclass
class Upstream:
    """What stands where gunicorn does, and keeps each request as nginx passed it on."""

    path: Path
    requests: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def upstream(path: Path) -> Iterator[Upstream]:
    kept = Upstream(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    kept.requests.append(_whole(client))
                    client.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                        b"X-Request-Id: 0123abcd\r\nConnection: close\r\n\r\nok"
                    )

        threading.Thread(target=serve, daemon=True).start()
        yield kept
        server.shutdown(socket.SHUT_RDWR)


def _whole(client: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def _make_certificate(folder: Path) -> None:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _UP_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.stderr is not None
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.05)
