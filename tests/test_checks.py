import ipaddress
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks

from histovet import imprint
from tests.test_settings import key, write_imprint, write_ring


@pytest.fixture
def good(tmp_path, settings):
    """Settings as in production, which no check minds."""
    settings.DEVELOPMENT = False
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["histovet.example"]
    settings.CSRF_COOKIE_SECURE = True
    settings.CSRF_COOKIE_NAME = "__Host-csrf"
    settings.CONTACT_FROM = settings.CONTACT_TO = ""
    settings.IMPRINT = imprint.read(write_imprint(tmp_path / "imprint.toml"))
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)
    settings.REGISTER_KEYS_PATH = write_ring(
        tmp_path / "register.json", "register", {1: key(1)}, 1
    )
    settings.SITE_KEYS_PATH = write_ring(tmp_path / "site.json", "site", {1: key(2)}, 1)
    # pytest's own folders may lie in the repository.
    settings.BASE_DIR = tmp_path / "repository"
    return settings


def found() -> list[str]:
    problems = run_checks(tags=["histovet"])
    assert all(problem.hint for problem in problems)
    return [problem.id for problem in problems]


def policy(**changes: list[str]) -> dict:
    directives = dict(django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"])
    for name, sources in changes.items():
        directives[name.replace("_", "-")] = sources
    return {"DIRECTIVES": directives}


def test_production_settings_pass(good):
    assert found() == []


def networks(*names: str) -> tuple:
    return tuple(ipaddress.ip_network(name) for name in names)


@pytest.mark.parametrize(
    "network",
    [
        *("0.0.0.0/0", "128.0.0.0/1", "1.0.0.0/8", "203.0.0.0/15", "10.0.0.0/7"),
        *("::/0", "2000::/3", "2001:db8::/31", "fc00::/6"),
        # All of IPv4, or much of it, as a socket for both shows it.
        *("::ffff:0:0/96", "::ffff:0.0.0.0/97", "::ffff:1.0.0.0/104", "::/80"),
        *("::fffe:0:0/95", "64:ff9b::/96", "64:ff9b::/64"),
    ],
)
def test_a_proxy_network_that_holds_the_internet_is_refused(good, network):
    good.TRUSTED_PROXIES = networks(network)
    assert found() == ["histovet.E001"]


@pytest.mark.parametrize(
    "names",
    [
        ("0.0.0.0/8", "1.0.0.0/8"),
        ("198.18.0.0/16", "198.19.0.0/16"),
        ("2001:db8::/32", "2001:db9::/32"),
        ("::ffff:203.0.0.0/112", "203.1.0.0/16"),
    ],
)
def test_wide_networks_are_seen_in_pieces(good, names):
    good.TRUSTED_PROXIES = networks(*names)
    assert "histovet.E001" in found()


def test_networks_of_ones_own_pass(good):
    good.TRUSTED_PROXIES = networks(
        *("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "127.0.0.0/8"),
        *("203.0.0.0/16", "198.51.100.7/32", "::ffff:203.0.0.0/112"),
        *("::ffff:10.0.0.0/104", "fc00::/7", "fe80::/10", "2001:db8::/32", "::1/128"),
    )
    assert found() == []


@pytest.mark.parametrize("hosts", [["*"], ["histovet.example", "*"], []])
def test_any_host_is_refused_outside_development(good, hosts):
    good.ALLOWED_HOSTS = hosts
    assert found() == ["histovet.E002"]


def test_development_on_a_public_name_is_refused(good):
    good.DEVELOPMENT = True
    assert found() == ["histovet.E003"]


def test_development_on_this_machine_passes(good):
    good.DEVELOPMENT = True
    good.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    good.CSRF_COOKIE_SECURE = False
    good.CSRF_COOKIE_NAME = "csrf"
    assert found() == []


@pytest.mark.parametrize("name", ["REGISTER_KEYS_PATH", "SITE_KEYS_PATH"])
def test_a_key_ring_in_the_repository_is_refused(good, tmp_path, name):
    # The repository is moved around the ring rather than a key into the repository.
    path: Path = getattr(good, name)
    (tmp_path / "inside").mkdir()
    setattr(good, name, path.rename(tmp_path / "inside" / path.name))
    good.BASE_DIR = tmp_path / "inside"
    assert found() == ["histovet.E004"]


def test_a_link_into_the_repository_is_refused(good, tmp_path):
    (tmp_path / "inside").mkdir()
    target = good.SITE_KEYS_PATH.rename(tmp_path / "inside" / "site.json")
    good.SITE_KEYS_PATH.symlink_to(target)
    good.BASE_DIR = tmp_path / "inside"
    assert found() == ["histovet.E004"]


def test_development_rings_may_lie_in_the_state_folder(good, tmp_path):
    good.DEVELOPMENT = True
    good.ALLOWED_HOSTS = ["127.0.0.1"]
    good.BASE_DIR = tmp_path.parent
    good.STATE_DIR = tmp_path
    assert found() == []


def test_a_key_ring_that_others_may_read_is_refused(good):
    good.SITE_KEYS_PATH.chmod(0o644)
    assert found() == ["histovet.E005"]


def test_a_key_ring_that_went_away_is_refused(good):
    good.REGISTER_KEYS_PATH.unlink()
    assert found() == ["histovet.E005"]


def test_rings_that_share_a_key_are_refused(good):
    write_ring(good.SITE_KEYS_PATH, "site", {1: key(2), 2: key(1)}, 1)
    assert found() == ["histovet.E006"]


def test_connections_kept_twice_are_refused(good, monkeypatch):
    monkeypatch.setitem(good.DATABASES["default"], "CONN_MAX_AGE", 60)
    assert found() == ["histovet.E007"]


@pytest.mark.parametrize(
    "loose",
    [
        {"script_src": ["'self'", "'unsafe-inline'"]},
        {"script_src": ["'unsafe-eval'"]},
        {"style_src": ["'self'", "'unsafe-hashes'"]},
        {"img_src": ["'self'", "data:"]},
        {"connect_src": ["*"]},
        {"default_src": ["'self'"]},
        {"base_uri": ["'self'"]},
        {"frame_ancestors": []},
    ],
)
def test_a_loose_policy_is_refused(good, loose):
    good.CONTENT_SECURITY_POLICY = policy(**loose)
    assert found() == ["histovet.E008"]


def test_a_policy_that_lets_forms_go_anywhere_is_refused(good):
    directives = policy()["DIRECTIVES"]
    del directives["form-action"]
    good.CONTENT_SECURITY_POLICY = {"DIRECTIVES": directives}
    assert found() == ["histovet.E008"]


@pytest.mark.parametrize(
    ("name", "value"), [("CSRF_COOKIE_SECURE", False), ("CSRF_COOKIE_NAME", "csrf")]
)
def test_a_cookie_over_plain_http_is_refused(good, name, value):
    setattr(good, name, value)
    assert found() == ["histovet.E009"]


def test_debug_pages_are_refused(good):
    good.DEBUG = True
    assert found() == ["histovet.E010"]


@pytest.mark.parametrize("name", ["USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT"])
def test_a_host_name_of_the_clients_choice_is_refused(good, name):
    setattr(good, name, True)
    assert found() == ["histovet.E011"]


def test_a_site_without_its_static_files_is_refused(good, tmp_path):
    good.STATIC_ROOT = tmp_path
    problems = run_checks(tags=["histovet"], include_deployment_checks=True)
    assert [problem.id for problem in problems] == ["histovet.E012"]
    assert found() == []
