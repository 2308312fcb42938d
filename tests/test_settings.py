import base64
import datetime as dt
import ipaddress
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from histovet.operators.keys import LABELS
from pseudonymizer.key_ring import KeyRing, write_part
from tests.outside import folder_outside

REPOSITORY = Path(__file__).resolve().parent.parent


def key(version: int) -> bytes:
    """32 fixed bytes that look random enough for a ring."""
    return bytes((version * 31 + i * 7) % 256 for i in range(32))


def write_ring(
    path: Path,
    purpose: str,
    keys: dict[int, bytes],
    active: int,
    mode: int = 0o600,
    retired: Sequence[int] = (),
) -> Path:
    entries = [
        {"version": v, "key": base64.b64encode(k).decode(), "active": v == active}
        for v, k in keys.items()
    ]
    document = {"purpose": purpose, "keys": entries}
    if retired:
        document["retired"] = list(retired)
    path.write_text(json.dumps(document))
    path.chmod(mode)
    return path


def write_imprint(path: Path, **changes: str) -> Path:
    """What an operator says of themselves, each value as TOML."""
    said = {
        "name": '"Préfecture d’Essai"',
        "address": '"1 place du Marché\\n75000 Paris"',
        "phone": '"01 00 00 00 00"',
        "email": '"contact@histovet.example"',
        "director": '"La préfète d’Essai"',
        "host": '"Hébergeur d’Essai, 2 rue du Serveur, 59000 Lille, 03 00 00 00 00"',
        "data_protection": '"dpo@histovet.example"',
        "security": '"mailto:security@histovet.example"',
        "security_until": str(dt.date.today() + dt.timedelta(days=300)),
        **changes,
    }
    text = "".join(f"{name} = {value}\n" for name, value in said.items() if value)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def tmp_path():
    with folder_outside() as folder:
        yield folder


@pytest.fixture
def production(tmp_path):
    register = write_ring(tmp_path / "register.json", "register", {1: key(1)}, 1)
    site = write_ring(tmp_path / "site.json", "site", {1: key(2)}, 1)
    return {
        "DATABASE_URL": "postgresql://someone@db.example/histovet",
        "HISTOVET_REGISTER_KEYS": str(register),
        "HISTOVET_SITE_KEYS": str(site),
        "HISTOVET_HOSTS": "histovet.example",
        "HISTOVET_IMPRINT": str(write_imprint(tmp_path / "imprint.toml")),
        "HISTOVET_STATE": str(tmp_path / "state"),
    }


@pytest.fixture
def start(monkeypatch):
    """Read settings.py as a fresh process would, with these variables alone."""

    def run(environment: dict[str, str]) -> dict:
        for name in set(os.environ) - set(unrelated_variables()):
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(REPOSITORY / "histovet" / "settings.py"))

    return run


def unrelated_variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HISTOVET_", "DJANGO_")) and name != "DATABASE_URL"
    }


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=unrelated_variables() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_state_folder_is_the_repositorys_unless_named(production, start):
    del production["HISTOVET_STATE"]
    assert start(production)["STATE_DIR"] == REPOSITORY / ".state"
    elsewhere = start(production | {"HISTOVET_STATE": "/srv/histovet"})
    assert elsewhere["STATIC_ROOT"] == Path("/srv/histovet/static")
    beside = start(production | {"HISTOVET_STATE": "other"})
    assert beside["STATE_DIR"] == REPOSITORY / "other"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("DATABASE_URL", "make run"),
        ("HISTOVET_REGISTER_KEYS", "python -m pseudonymizer keys init"),
        ("HISTOVET_SITE_KEYS", "python -m pseudonymizer keys init"),
        ("HISTOVET_HOSTS", "host names"),
    ],
)
@pytest.mark.parametrize("absent", ["unset", "empty"])
def test_a_missing_variable_is_named_with_what_to_do(
    production, start, name, advice, absent
):
    if absent == "unset":
        del production[name]
    else:
        production[name] = "  "
    with pytest.raises(ImproperlyConfigured) as refused:
        start(production)
    assert str(refused.value).startswith(f"{name} is not set")
    assert advice in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("HISTOVET_DEBUG", "yes", "neither 0 nor 1"),
        ("HISTOVET_DEBUG", "True", "neither 0 nor 1"),
        ("HISTOVET_BRAKE_FAILURES", "0", "1 or more"),
        ("HISTOVET_BRAKE_FAILURES", "-5", "no number"),
        ("HISTOVET_BRAKE_FAILURES", "1e3", "no number"),
        ("HISTOVET_HOSTS", "https://histovet.example", "no host name"),
        ("HISTOVET_HOSTS", "histovet.example:8000", "no host name"),
        ("HISTOVET_HOSTS", "histovet.example/path", "no host name"),
        ("HISTOVET_HOSTS", "good.example, bad example", "no host name"),
        ("HISTOVET_TRUSTED_PROXIES", "10.0.0.1/24", "no network"),
        ("HISTOVET_TRUSTED_PROXIES", "proxy.example", "no network"),
        ("HISTOVET_TRUSTED_PROXIES", "10.0.0.0/24;10.1.0.0/24", "no network"),
        ("HISTOVET_TRUSTED_PROXIES", "*", "no network"),
        ("DATABASE_URL", "mysql://someone@db.example/histovet", "PostgreSQL"),
        ("DATABASE_URL", "sqlite:///histovet.db", "PostgreSQL"),
        ("DATABASE_URL", "unknown://db.example/histovet", "no database URL"),
        ("DATABASE_URL", "db.example", "no database URL"),
        ("DATABASE_URL", "postgresql://db.example:port/histovet", "no database URL"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(
    production, start, name, value, why
):
    with pytest.raises(ImproperlyConfigured) as refused:
        start(production | {name: value})
    assert str(refused.value).startswith(name)
    assert why in str(refused.value)


def test_a_refused_database_url_does_not_print_its_password(production):
    production["DATABASE_URL"] = "postgresql://a:verysecret@db.example:port/histovet"
    done = manage(production, "manage.py", "check")
    assert done.returncode != 0
    assert "DATABASE_URL is no database URL" in done.stderr
    assert "verysecret" not in done.stderr + done.stdout


@pytest.mark.parametrize("variable", ["HISTOVET_REGISTER_KEYS", "HISTOVET_SITE_KEYS"])
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("missing", "cannot be read"),
        ("readable by others", "chmod 600"),
        ("short", "of 31 bytes"),
        ("repeated", "twice"),
        ("of the other purpose", "another ring was given"),
        ("no active key", "one active key"),
        ("no JSON", "is not JSON"),
    ],
)
def test_a_key_ring_that_cannot_be_used_stops_the_start(
    production, start, tmp_path, variable, fault, why
):
    purpose = "register" if variable == "HISTOVET_REGISTER_KEYS" else "site"
    other = "site" if purpose == "register" else "register"
    ring = tmp_path / "ring.json"
    if fault == "readable by others":
        write_ring(ring, purpose, {1: key(3)}, 1, mode=0o644)
    elif fault == "short":
        write_ring(ring, purpose, {1: key(3)[:31]}, 1)
    elif fault == "repeated":
        write_ring(ring, purpose, {1: key(3), 2: key(3)}, 1)
    elif fault == "of the other purpose":
        write_ring(ring, other, {1: key(3)}, 1)
    elif fault == "no active key":
        write_ring(ring, purpose, {1: key(3)}, 2)
    elif fault == "no JSON":
        ring.write_text("key")
        ring.chmod(0o600)
    with pytest.raises(ImproperlyConfigured) as refused:
        start(production | {variable: str(ring)})
    assert str(refused.value).startswith(f"{variable}: ")
    assert why in str(refused.value)


def test_the_secret_key_is_derived_from_the_site_ring_alone(
    production, start, tmp_path
):
    before = start(production)["SECRET_KEY"]
    other_register = write_ring(tmp_path / "r2.json", "register", {1: key(9)}, 1)
    other_site = write_ring(tmp_path / "s2.json", "site", {1: key(8)}, 1)
    register_changed = start(
        production | {"HISTOVET_REGISTER_KEYS": str(other_register)}
    )
    site_changed = start(production | {"HISTOVET_SITE_KEYS": str(other_site)})
    assert register_changed["SECRET_KEY"] == before
    assert site_changed["SECRET_KEY"] != before
    assert before not in (key(2).hex(), base64.b64encode(key(2)).decode())
    assert len(before) == 64


def test_older_site_keys_still_verify_and_the_newest_is_tried_first(
    production, start, tmp_path
):
    alone = start(production)["SECRET_KEY"]
    rotated = write_ring(
        tmp_path / "rotated.json", "site", {1: key(2), 2: key(5), 3: key(6)}, 3
    )
    settings = start(production | {"HISTOVET_SITE_KEYS": str(rotated)})
    assert settings["SECRET_KEY"] != alone
    assert len(settings["SECRET_KEY_FALLBACKS"]) == 2
    assert settings["SECRET_KEY_FALLBACKS"][1] == alone


def test_production_speaks_https_and_keeps_its_cookies_to_itself(production, start):
    settings = start(production)
    assert settings["DEBUG"] is False
    assert settings["DEVELOPMENT"] is False
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
    assert settings["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert settings["CSRF_COOKIE_SECURE"] is True
    assert settings["ALLOWED_HOSTS"] == ["histovet.example"]


def test_development_runs_on_this_machine_over_plain_http(production, start):
    del production["HISTOVET_HOSTS"]
    settings = start(production | {"HISTOVET_DEBUG": "1"})
    assert settings["DEBUG"] is False
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert settings["SECURE_HSTS_SECONDS"] == 0
    assert not settings["CSRF_COOKIE_NAME"].startswith("__")
    assert settings["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]


def test_no_forwarded_header_is_believed_without_a_named_proxy(production, start):
    settings = start(production)
    assert settings["TRUSTED_PROXIES"] == ()
    assert settings["TRUST_SOCKET_PEER"] is False
    assert settings["SECURE_PROXY_SSL_HEADER"] is None
    assert "USE_X_FORWARDED_HOST" not in settings


def test_named_proxies_become_networks(production, start):
    listed = "10.0.0.0/24, 2001:db8::/32,192.0.2.1"
    settings = start(production | {"HISTOVET_TRUSTED_PROXIES": listed})
    assert settings["TRUSTED_PROXIES"] == (
        ipaddress.ip_network("10.0.0.0/24"),
        ipaddress.ip_network("2001:db8::/32"),
        ipaddress.ip_network("192.0.2.1/32"),
    )
    assert settings["TRUST_SOCKET_PEER"] is False
    assert settings["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_the_peer_on_a_unix_socket_is_trusted_by_its_own_word(production, start):
    settings = start(production | {"HISTOVET_TRUSTED_PROXIES": "unix"})
    assert settings["TRUSTED_PROXIES"] == ()
    assert settings["TRUST_SOCKET_PEER"] is True
    assert settings["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_the_pool_keeps_the_connections(production, start):
    database = start(production)["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"]["pool"]["max_size"] >= 2


def test_a_socket_folder_in_the_database_url_is_kept(production, start):
    production["DATABASE_URL"] = "postgresql://someone@/histovet?host=/run/postgresql"
    database = start(production)["DATABASES"]["default"]
    assert database["OPTIONS"]["host"] == "/run/postgresql"
    assert database["NAME"] == "histovet"


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("collected") / "static"


@pytest.fixture
def deployed(production, collected):
    """With its static files, of which the first collects and the others have a copy."""
    static = Path(production["HISTOVET_STATE"], "static")
    if collected.exists():
        shutil.copytree(collected, static)
    else:
        done = manage(production, "manage.py", "collectstatic", "--noinput")
        assert done.returncode == 0, done.stderr
        shutil.copytree(static, collected)
    return production


def test_check_deploy_has_nothing_to_say(deployed):
    done = manage(deployed, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_server_does_not_start_against_our_checks(deployed):
    done = manage(
        deployed | {"HISTOVET_TRUSTED_PROXIES": "0.0.0.0/0"},
        "-c",
        "import histovet.wsgi",
    )
    assert done.returncode != 0
    assert "histovet.E001" in done.stderr


def test_a_server_does_not_start_without_its_static_files(production):
    done = manage(production, "-c", "import histovet.wsgi")
    assert done.returncode != 0
    assert "histovet.E012" in done.stderr
    assert "collectstatic" in done.stderr


def test_a_server_does_not_start_when_nobody_answers_for_it(deployed):
    done = manage(deployed | {"HISTOVET_IMPRINT": ""}, "-c", "import histovet.wsgi")
    assert done.returncode != 0
    assert "histovet.E061" in done.stderr
    assert "docs/pages.md" in done.stderr


def test_a_server_starts_in_production_without_a_word_and_with_every_page(deployed):
    program = "import sys, histovet.wsgi; sys.exit('pyhanko.sign' not in sys.modules)"
    done = manage(deployed, "-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_files_are_for_no_other_site(production, start, client):
    assert start(production)["WHITENOISE_ALLOW_ALL_ORIGINS"] is False
    answer = client.get("/static/css/histovet.css")
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


# The process of the dashboard


@pytest.fixture
def operators(production, tmp_path):
    part = tmp_path / "operators.json"
    ring = KeyRing.read(Path(production["HISTOVET_SITE_KEYS"]), "site")
    write_part(part, ring, LABELS)
    kept = ("DATABASE_URL", "HISTOVET_STATE")
    return {name: production[name] for name in kept} | {
        "HISTOVET_SERVES": "operators",
        "HISTOVET_OPERATORS_KEYS": str(part),
        "HISTOVET_OPERATORS_HOSTS": "exploitation.histovet.example",
    }


def test_the_dashboard_has_neither_keys_nor_pages_of_the_site(
    production, operators, start
):
    dashboard, site = start(operators), start(production)
    assert "REGISTER_KEYS_PATH" not in dashboard
    assert dashboard["SECRET_KEY"] != site["SECRET_KEY"]
    assert dashboard["ROOT_URLCONF"] == "histovet.operators.urls"
    assert dashboard["ALLOWED_HOSTS"] == ["exploitation.histovet.example"]
    assert dashboard["CSRF_COOKIE_NAME"] == "__Host-operators-csrf"
    assert dashboard["CSRF_COOKIE_SAMESITE"] == "Strict"
    assert dashboard["MIDDLEWARE"][-1] == "histovet.operators.access.SignedInAlone"
    for room in ("history", "sharing", "pages"):
        assert f"histovet.{room}" not in dashboard["INSTALLED_APPS"]
    assert "histovet.operators.urls" != site["ROOT_URLCONF"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"HISTOVET_SERVES": "both"}, "HISTOVET_SERVES is none of site, operators"),
        ({"HISTOVET_OPERATORS_KEYS": ""}, "HISTOVET_OPERATORS_KEYS is not set"),
        ({"HISTOVET_OPERATORS_HOSTS": ""}, "HISTOVET_OPERATORS_HOSTS is not set"),
    ],
)
def test_a_dashboard_that_lacks_something_does_not_start(
    operators, start, changes, why
):
    with pytest.raises(ImproperlyConfigured, match=why):
        start(operators | changes)


def test_each_process_refuses_the_ring_of_the_other(production, operators, start):
    whole, part = production["HISTOVET_SITE_KEYS"], operators["HISTOVET_OPERATORS_KEYS"]
    with pytest.raises(ImproperlyConfigured, match="which the dashboard must not"):
        start(operators | {"HISTOVET_OPERATORS_KEYS": whole})
    with pytest.raises(ImproperlyConfigured, match="the part of a ring that operators"):
        start(production | {"HISTOVET_SITE_KEYS": part})


def test_the_dashboard_is_checked_before_it_serves(operators, tmp_path):
    done = manage(operators, "manage.py", "check", "--deploy", "--tag", "histovet")
    # Nothing but the static files, which nobody collected here.
    assert "histovet.E012" in done.stderr and "1 issue" in done.stderr, done.stderr
