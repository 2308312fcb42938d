"""Nobody's forwarding headers are believed but those of HISTOVET_TRUSTED_PROXIES."""

import os
import subprocess
import sys

import pytest

from histovet.local.state import REPOSITORY
from tests.attacks.serving import site
from tests.outside import folder_outside
from tests.test_settings import key, write_imprint, write_ring


@pytest.fixture(scope="module")
def production():
    """The environment of a site that answers plain http with a way to https."""
    with folder_outside() as folder:
        register = write_ring(folder / "register.json", "register", {1: key(1)}, 1)
        ring = write_ring(folder / "site.json", "site", {1: key(2)}, 1)
        environment = {
            **os.environ,
            "DATABASE_URL": "postgresql://nobody@/nowhere",
            "HISTOVET_REGISTER_KEYS": str(register),
            "HISTOVET_SITE_KEYS": str(ring),
            "HISTOVET_HOSTS": "histovet.example",
            "HISTOVET_IMPRINT": str(write_imprint(folder / "imprint.toml")),
            "HISTOVET_STATE": str(folder),
            "HISTOVET_DEBUG": "0",
            # The development key lies in the repository, where no site may keep it.
            "HISTOVET_SIGNING_KEY": "",
            "HISTOVET_SIGNING_CERTIFICATE": "",
            # What gunicorn would otherwise take for its own.
            "FORWARDED_ALLOW_IPS": "*",
        }
        command = [sys.executable, "manage.py", "collectstatic", "--noinput"]
        subprocess.run(
            command, cwd=REPOSITORY, env=environment, check=True, capture_output=True
        )
        yield environment


def asked(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: histovet.example", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def test_without_proxies_no_header_makes_http_https(production):
    with site({**production, "HISTOVET_TRUSTED_PROXIES": ""}) as running:
        for header in (
            "X-Unrelated: 1",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Protocol: ssl",
            "X-Forwarded-Ssl: on",
            "X_Forwarded_Proto: https",
            "Forwarded: proto=https",
            "wsgi.url_scheme: https",
            "SCRIPT_NAME: /elsewhere",
        ):
            for over_unix in (False, True):
                answer = running.send(asked("/", header), over_unix=over_unix)
                assert status(answer) == 301, header
                assert b"Location: https://histovet.example/\r\n" in answer


def test_a_proxy_says_https_and_never_where_the_site_begins(production):
    trusted = {**production, "HISTOVET_TRUSTED_PROXIES": "127.0.0.1,unix"}
    https = "X-Forwarded-Proto: https"
    with site(trusted) as running:
        for over_unix in (False, True):

            def code(path: str, *headers: str, over_unix: bool = over_unix) -> int:
                answer = running.send(asked(path, *headers), over_unix=over_unix)
                return status(answer)

            assert code("/", https) == 200
            assert code("/", "X_Forwarded_Proto: https") == 301
            assert code("/elsewhere/", https, "SCRIPT_NAME: /elsewhere") == 404
            assert code("/", https, "PATH_INFO: /elsewhere") == 200
