"""The image of deploy/container, made and run: make proofs ONLY=container."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from histovet.local.state import REPOSITORY
from pseudonymizer import synthetic
from pseudonymizer.__main__ import main
from tests.deploy import image as images
from tests.deploy.image import (
    Container,
    Image,
    built,
    container,
    run_once,
)
from tests.history.showcase import SEED, VEHICLES
from tests.outside import folder_outside
from tests.proofs import figures
from tests.proofs.servers import server
from tests.test_settings import key, write_imprint, write_ring

pytestmark = pytest.mark.proof

JOB = "/opt/histovet/deploy/container/job"
_UP_SECONDS = 60
_BYTES = 600e6
_MISSING = [name for name in images.PROGRAMS if not shutil.which(name)]
_RING = re.compile(rb'"purpose": ?"(register|site)", ?"keys": ?\[')
_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64}")
_BUILDERS = re.compile(
    r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|ld|as|make|tcc|rustc|cargo|pip3?)(-[0-9.]+)?"
)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    if os.geteuid() != 0 or _MISSING:
        pytest.skip(f"needs root and {', '.join(_MISSING)}; apt-get install mmdebstrap")
    with folder_outside() as folder:
        root = folder / "root"
        root.mkdir()
        yield built(root)


def files_of(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            yield path, path.lstat()


def secrets_in(root: Path) -> list[str]:
    found = []
    for path, status in files_of(root):
        if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20:
            content = path.read_bytes()
            if _RING.search(content) or _PRIVATE.search(content):
                found.append(str(path.relative_to(root)))
    return found


def test_no_secret_is_in_the_image(image, tmp_path):
    write_ring(tmp_path / "ring", "site", {1: key(1)}, 1)
    shutil.copy(os.environ["HISTOVET_SIGNING_KEY"], tmp_path / "key.pem")
    assert sorted(secrets_in(tmp_path)) == ["key.pem", "ring"]
    assert secrets_in(image.root) == []


def test_nothing_of_the_image_can_be_written_or_takes_powers(image):
    uid = int(image.user.partition(":")[0])
    writable, powers = [], []
    for path, status in files_of(image.root):
        name, mode = str(path.relative_to(image.root)), status.st_mode
        sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
        if not stat.S_ISLNK(mode) and not stat.S_ISCHR(mode):
            others = mode & stat.S_IWOTH and not sticky
            if others or uid in (status.st_uid, status.st_gid):
                writable.append(name)
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            powers.append(name)
    assert (writable, powers) == ([], [])


def test_nothing_in_the_image_builds_or_installs(image):
    programs = [
        str(path.relative_to(image.root))
        for path, status in files_of(image.root)
        if path.parent.name in ("bin", "sbin") and _BUILDERS.fullmatch(path.name)
    ]
    assert programs == []
    assert not (image.root / "opt/histovet/histovet/local").exists()
    assert not (image.root / "opt/histovet/tests").exists()
    assert not list((image.root / "opt/histovet/venv").rglob("pip/__init__.py"))


def test_the_image_serves_and_publishes(image):
    """Two containers of the site and one of the job on one database; ordinary users, on
    a root that nobody can write."""
    with folder_outside() as folder, server(folder / "postgres") as url:
        environment, mounts = a_host(folder, url)
        feed = folder / "feed"
        synthetic.write_register(feed, vehicles=VEHICLES, seed=SEED, files=2)
        named = ["--label", "essai", "--as-of", str(dt.date.today())]
        assert main(["manifest", str(feed), *named]) == 0
        readable(feed)
        ingested = run_once(
            *(image, environment, mounts | {feed: "/srv/feed"}),
            *(JOB, "ingest", "/srv/feed", "--workers", "1"),
        )
        assert ingested.returncode == 0, ingested.stderr
        with (
            container(image, folder / "log-1", environment, mounts) as first,
            container(image, folder / "log-2", environment, mounts) as second,
        ):
            seconds = [until_it_answers(one) for one in (first, second)]
            for one in (first, second):
                assert is_ordinary(one)
                assert fetched(one, "/").startswith("200 ")
                assert "L’historique d’un véhicule" in fetched(one, "/")
                assert fetched(one, "/vendeur").startswith("200 ")
                assert fetched(one, "/readyz").startswith("200 ")
                refused = one.run("/bin/sh", "-c", "echo x > /opt/histovet/manage.py")
                assert refused.returncode != 0
                assert "Read-only file system" in refused.stderr
            logs = first.log.read_text() + second.log.read_text()
    assert "Traceback" not in logs and '"ERROR"' not in logs, logs
    figures.write(
        "container",
        {
            "MB": round(size(image.root) / 1e6),
            "MB of the environment": round(
                size(image.root / "opt/histovet/venv") / 1e6
            ),
            "packages of Debian": packages(image.root),
            "seconds until it answers": seconds,
        },
    )
    assert size(image.root) < _BYTES


def a_host(folder: Path, url: str) -> tuple[dict[str, str], dict[Path, str]]:
    """Rings as an engine hands secrets over, and the database's socket."""
    uid = 10001
    secrets = folder / "secrets"
    secrets.mkdir()
    for number, name in enumerate(("register", "site"), start=1):
        ring = write_ring(secrets / name, name, {1: key(number)}, 1, mode=0o400)
        os.chown(ring, uid, uid)
    write_imprint(secrets / "imprint.toml")
    readable(secrets)
    socket = Path(url.partition("?host=")[2].replace("%2F", "/"))
    socket.chmod(0o755)
    for path in socket.glob(".s.*"):
        path.chmod(0o777)
    environment = {
        "DATABASE_URL": f"{url.partition('?')[0]}?host=/run/postgresql",
        "HISTOVET_REGISTER_KEYS": "/run/secrets/register",
        "HISTOVET_SITE_KEYS": "/run/secrets/site",
        "HISTOVET_IMPRINT": "/run/secrets/imprint.toml",
        "HISTOVET_HOSTS": "histovet.example",
        "HISTOVET_TRUSTED_PROXIES": "127.0.0.1/32",
    }
    return environment, {secrets: "/run/secrets", socket: "/run/postgresql"}


def readable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.iterdir():
        if path.stat().st_uid == 0:
            path.chmod(0o644)


def until_it_answers(one: Container) -> float:
    """Return the seconds until the image's own check of health passes."""
    began = time.monotonic()
    while (checked := one.run(*one.image.health)).returncode:
        assert one.is_running(), one.log.read_text()
        assert time.monotonic() - began < _UP_SECONDS, checked.stderr
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)


_FETCH = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=10)
headers = {"Host": "histovet.example", "X-Forwarded-Proto": "https"}
connection.request("GET", sys.argv[1], headers=headers)
answer = connection.getresponse()
sys.stdout.buffer.write(str(answer.status).encode() + b" " + answer.read())
"""


def fetched(one: Container, path: str) -> str:
    """Return status and body, asked within the container as a proxy would."""
    done = one.run("/opt/histovet/venv/bin/python", "-c", _FETCH, path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_ordinary(one: Container) -> bool:
    """Tell whether all ids of the first program are the image's, without a power."""
    lines = Path(f"/proc/{one.pid}/status").read_text()
    ids = re.findall(r"^[UG]id:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$", lines, re.MULTILINE)
    powers = re.search(r"^CapEff:\t(\w+)$", lines, re.MULTILINE)
    assert powers is not None
    return {i for one in ids for i in one} == {"10001"} and not int(powers[1], 16)


def size(folder: Path) -> int:
    return sum(
        status.st_blocks * 512
        for path, status in files_of(folder)
        if stat.S_ISREG(status.st_mode)
    )


def packages(root: Path) -> int:
    listed = subprocess.run(
        ["chroot", str(root), "dpkg-query", "--show"],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return len(listed.stdout.splitlines())
