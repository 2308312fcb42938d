"""The units of deploy/systemd: what systemd says of them, and what they run."""

import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from histovet.local.state import REPOSITORY
from histovet.operators.keys import LABELS
from pseudonymizer.key_ring import KeyRing, write_part
from tests.deploy.proxy import written
from tests.deploy.units import UNITS, Host, installed, unit
from tests.outside import folder_outside
from tests.publish import database_url
from tests.test_settings import key, write_imprint, write_ring

SERVICES = ("histovet-site.service", "histovet-hourly@.service", "histovet-job.service",
            "histovet-operators.service")  # fmt: skip
# What every service is denied, whatever else it needs.
HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictNamespaces": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
    "LimitCORE": "0",
}
_ENDED_SECONDS = 60


@pytest.fixture
def host(transactional_db):
    """A host whose credentials are as systemd shows them: of root, mode 0440."""
    with folder_outside() as folder:
        for number, name in enumerate(("register", "site"), start=1):
            write_ring(folder / name, name, {1: key(number)}, 1, mode=0o440)
        ring = KeyRing.read(folder / "site", "site")
        write_part(folder / "operators", ring, LABELS)
        (folder / "operators").chmod(0o440)
        state = folder / "state"
        variables = {
            "DATABASE_URL": database_url(),
            "HISTOVET_STATE": str(state),
            "HISTOVET_IMPRINT": str(write_imprint(folder / "imprint.toml")),
        }
        yield Host(folder, variables)


def collect_static_files(host: Host) -> None:
    """Without them the site does not start."""
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"],
        cwd=REPOSITORY,
        env=host.environment(unit("histovet-site.service")),
        check=True,
        capture_output=True,
    )


def hourly() -> list[str]:
    """The commands that are to run every hour, as the documents list them."""
    comment = (UNITS / "histovet-hourly@.service").read_text().partition("[Unit]")[0]
    return re.findall(r"[a-z]+_[a-z_]+", comment)


def test_every_command_that_purges_is_run_every_hour():
    found = {
        path.stem
        for path in (REPOSITORY / "histovet").glob("*/management/commands/*.py")
        if path.stem.startswith(("purge_", "end_"))
    }
    assert set(hourly()) == found
    operations = (REPOSITORY / "docs/operations.md").read_text()
    assert [n for n in found if f"histovet-hourly@{n}.timer" not in operations] == []


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="no systemd; apt-get install systemd",
)
def test_systemd_has_nothing_to_say_about_them(tmp_path):
    for path in UNITS.iterdir():
        (tmp_path / path.name).write_text(installed(path.read_text()))
    names = []
    for path in sorted(UNITS.iterdir()):
        name = path.name.replace("@.", "@end_links.")
        if name != path.name:
            (tmp_path / name).write_text((tmp_path / path.name).read_text())
        names.append(str(tmp_path / name))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    of_ours = [line for line in told.stderr.splitlines() if "histovet" in line]
    assert (told.returncode, of_ours) == (0, [])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_denied_what_it_does_not_need(name):
    lines = dict(unit(name).lines)
    assert {key: lines.get(key) for key in HARDENED} == HARDENED
    assert lines["User"] in ("histovet-site", "histovet-job", "histovet-operator")


def test_the_job_is_handed_no_ring_of_the_site():
    assert unit("histovet-job.service").all("LoadCredential") == [
        "register:/etc/histovet/register.json"
    ]


def test_the_dashboard_is_handed_a_part_of_one_ring_alone():
    service = unit("histovet-operators.service")
    assert service.all("LoadCredential") == ["operators:/etc/histovet/operators.json"]


def test_the_hourly_commands_run_as_the_unit_says(host):
    service = unit("histovet-hourly@.service")
    for name in hourly():
        done = host.run(service, name)
        assert (done.returncode, done.stderr) == (0, ""), name
        assert re.search(r"\d", done.stdout), name


def test_the_job_runs_as_its_unit_says(host):
    """Without a feed it refuses in its own words, and with its own exit code."""
    done = host.run(unit("histovet-job.service"))
    assert done.returncode == 20
    assert "manifest" in done.stderr


@pytest.mark.parametrize(
    ("name", "address", "path_asked"),
    [
        ("histovet-site.service", "histovet.example", "/"),
        ("histovet-operators.service", "exploitation.histovet.example", "/connexion"),
    ],
)
def test_a_service_answers_on_the_socket_that_it_is_handed(
    host, name, address, path_asked
):
    service = unit(name)
    path = host.credentials / "socket"
    log = host.credentials / "log"
    collect_static_files(host)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(64)
        process = host.serve(service, listening, log)
        try:
            # Connected before anybody listens to it: it waits.
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(_ENDED_SECONDS)
                client.connect(str(path))
                client.sendall(
                    f"GET {path_asked} HTTP/1.0\r\nHost: {address}\r\n".encode()
                    + b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
                )
                answer = b""
                while part := client.recv(65536):
                    answer += part
        finally:
            process.terminate()
            process.wait(_ENDED_SECONDS)
    assert written(answer)[0] == 200, log.read_text()
    assert process.returncode == 0
    # The socket is systemd's: what ends does not take it away.
    assert path.exists()
