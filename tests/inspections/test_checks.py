import pytest
from django.core.checks import run_checks

from tests.inspections.certificates import Authority

OURS = {"histovet.E031", "histovet.E032", "histovet.E033", "histovet.E034"}


def found() -> list[str]:
    problems = run_checks(tags=["histovet"])
    assert all(problem.hint for problem in problems)
    return [str(problem.id) for problem in problems if problem.id in OURS]


@pytest.fixture
def good(settings):
    settings.UTAC_URL = "https://utac.example"
    settings.UTAC_USER, settings.UTAC_PASSWORD = "histovet", "secret"
    return settings


def test_without_utac_there_is_nothing_to_say():
    assert found() == []


def test_whole_settings_pass(good):
    assert found() == []


@pytest.mark.parametrize(
    "url",
    ["http://utac.example", "http://10.0.0.1", "http://127.0.0.1.example"],
)
def test_plain_http_to_another_machine_is_refused(good, url):
    good.UTAC_URL = url
    assert found() == ["histovet.E031"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8010", "http://localhost:1/a", "http://[::1]:80"]
)
def test_plain_http_on_this_machine_passes(good, url):
    good.UTAC_URL = url
    assert found() == []


@pytest.mark.parametrize("missing", ["UTAC_USER", "UTAC_PASSWORD"])
def test_a_name_needs_its_password(good, missing):
    setattr(good, missing, "")
    assert found() == ["histovet.E032"]


def test_an_address_needs_both(good):
    good.UTAC_USER = good.UTAC_PASSWORD = ""
    assert found() == ["histovet.E032"]


def test_a_certificate_needs_its_key(good, tmp_path):
    certificate, key = Authority(tmp_path).issue("histovet")
    good.UTAC_CERTIFICATE = certificate
    assert found() == ["histovet.E032"]
    good.UTAC_CERTIFICATE, good.UTAC_PRIVATE_KEY = None, key
    assert found() == ["histovet.E032"]
    good.UTAC_CERTIFICATE = certificate
    assert found() == []


def test_a_key_of_another_certificate_is_refused(good, tmp_path):
    authority = Authority(tmp_path)
    good.UTAC_CERTIFICATE, _ = authority.issue("one")
    _, good.UTAC_PRIVATE_KEY = authority.issue("two")
    assert found() == ["histovet.E033"]


def test_an_authority_that_is_none_is_refused(good, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    good.UTAC_CA = file
    assert found() == ["histovet.E033"]


def test_settings_without_an_address_are_a_mistake(good):
    good.UTAC_URL = ""
    assert found() == ["histovet.E034"]
