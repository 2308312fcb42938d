"""Both sides show a certificate: the stand-in demands ours, we demand its authority."""

import ssl
import time

import pytest

from histovet.inspections.access import tls_context
from histovet.inspections.breaker import Breaker
from histovet.inspections.errors import UtacFailed
from histovet.inspections.utac import Client
from histovet.local.utac import running
from tests.inspections.certificates import Authority
from tests.inspections.conftest import access
from tests.inspections.vehicles import NOW, VIN


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def server(authority):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.issue("server"))
    tls.load_verify_locations(authority.path)
    tls.verify_mode = ssl.CERT_REQUIRED
    with running(tls=tls) as stand_in:
        yield stand_in


def ask(server, **changes):
    client = Client(access(server.url, **changes), Breaker(time.monotonic))
    try:
        return client.ask("AB-123-CD", VIN, NOW)
    finally:
        client.close()


def test_our_certificate_is_shown_and_theirs_is_checked(server, authority):
    certificate, key = authority.issue("histovet")
    found = ask(
        server, certificate=certificate, private_key=key, authority=authority.path
    )
    assert found.inspections
    names = {dict(part[0] for part in seen["subject"])["commonName"]
             for seen in server.certificates}  # fmt: skip
    assert names == {"histovet"}


def test_without_our_certificate_there_is_no_answer(server, authority):
    with pytest.raises(UtacFailed) as failed:
        ask(server, authority=authority.path)
    assert failed.value.reason == "unreachable"
    assert server.requests == {}


def test_a_certificate_of_another_authority_is_refused_by_them(
    server, authority, tmp_path
):
    certificate, key = Authority(tmp_path, "stranger").issue("impostor")
    with pytest.raises(UtacFailed):
        ask(server, certificate=certificate, private_key=key, authority=authority.path)
    assert server.requests == {}


def test_a_server_of_another_authority_is_refused_by_us(server, authority, tmp_path):
    certificate, key = authority.issue("histovet")
    stranger = Authority(tmp_path, "stranger")
    for trusted in (stranger.path, None):
        with pytest.raises(UtacFailed) as failed:
            ask(server, certificate=certificate, private_key=key, authority=trusted)
        assert failed.value.reason == "unreachable"
    assert server.requests == {}


def test_a_server_of_another_name_is_refused_by_us(server, authority):
    certificate, key = authority.issue("histovet")
    url = server.url.replace("127.0.0.1", "localhost")
    client = Client(
        access(url, certificate=certificate, private_key=key, authority=authority.path),
        Breaker(time.monotonic),
    )
    with pytest.raises(UtacFailed):
        client.ask("AB-123-CD", VIN, NOW)
    assert server.requests == {}


def test_a_key_with_a_password_is_refused_and_not_asked_for(authority):
    certificate, key = authority.issue("histovet", password=b"secret")
    with pytest.raises(OSError):
        tls_context(access("https://x", certificate=certificate, private_key=key))


def test_a_key_of_another_certificate_is_refused(authority):
    certificate, _ = authority.issue("one")
    _, key = authority.issue("two")
    with pytest.raises(OSError):
        tls_context(access("https://x", certificate=certificate, private_key=key))
