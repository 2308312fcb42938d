"""deploy/container/Containerfile as an engine would follow it, without one: in a root made
by mmdebstrap, with chroot for RUN and namespaces for what an engine isolates."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from histovet.local.state import REPOSITORY
from tests.deploy.proxy import DEPLOY

CONTAINERFILE = DEPLOY / "container/Containerfile"
PROGRAMS = ("mmdebstrap", "unshare", "nsenter", "chroot", "mount", "ip")
_SUITE = "bookworm"
_SECONDS = 120
# What Debian's own slim images leave out.
_SLIM = [
    f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")
]
_MIRROR = "http://deb.debian.org/debian"
# Where the machine keeps what it trusts; building needs it, and no image has it.
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass
class Image:
    """What the instructions made: a folder, and how its programs are started."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def instructions() -> list[tuple[str, str]]:
    text = CONTAINERFILE.read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub("(?m)^#.*\n", "", text)).splitlines()
    return [(n, v.strip()) for n, _, v in (line.partition(" ") for line in lines) if n]


def built(root: Path) -> Image:
    """Follow the recipe. Raises CalledProcessError for a step that fails."""
    image = Image(root)
    for name, value in instructions():
        if name == "FROM":
            assert value == f"docker.io/library/debian:{_SUITE}-slim"
            command = ["mmdebstrap", "--quiet", "--variant=minbase", *_SLIM, _SUITE]
            subprocess.run([*command, str(root), _MIRROR], check=True)
        elif name == "COPY":
            source, target = value.split()
            assert source == "."
            _copy(root / target.strip("/"))
        elif name == "RUN":
            _run(image, shlex.split(value))
        elif name == "ENV":
            pairs = (pair.partition("=") for pair in shlex.split(value))
            image.variables |= {key: given for key, _, given in pairs}
        elif name == "WORKDIR":
            image.folder = value
        elif name == "USER":
            image.user = value
        elif name == "HEALTHCHECK":
            image.health = json.loads(value.partition("CMD ")[2])
        elif name == "ENTRYPOINT":
            image.entrypoint = json.loads(value)
        else:
            assert name == "EXPOSE", name
    return image


def _copy(target: Path) -> None:
    for name in context():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target / name)


def context() -> list[str]:
    """Return what git knows of, as far as .dockerignore lets it through."""
    patterns = (REPOSITORY / ".dockerignore").read_text().splitlines()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    names = filter(None, listed.stdout.split("\0"))
    return [name for name in names if _lets_through(patterns, name)]


def _lets_through(patterns: list[str], name: str) -> bool:
    """The last pattern that fits decides, of the file or of a folder above it.
    Source: docs.docker.com, .dockerignore."""
    is_in = True
    places = [name, *map(str, Path(name).parents)]
    for pattern in patterns:
        if pattern and not pattern.startswith("#"):
            plain = pattern.removeprefix("!").removeprefix("**/")
            ends = (f"*/{plain}", plain) if "**/" in pattern else (plain,)
            if any(fnmatch.fnmatch(p, e) for p in places for e in ends):
                is_in = pattern.startswith("!")
    return is_in


def _run(image: Image, command: list[str]) -> None:
    """As a step of a build: as root, with the machine's way to the network."""
    lent = image.root / "run/trusted.pem"
    shutil.copy(_TRUSTED, lent)
    resolver = image.root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", resolver)
    machine = {n: v for n, v in os.environ.items() if n.lower().endswith("_proxy")}
    subprocess.run(
        [
            *("unshare", "--mount", "--pid", "--fork"),
            *(f"--mount-proc={image.root}/proc", "chroot", str(image.root)),
            *command,
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PIP_CERT": "/run/trusted.pem"}
        | machine,
        check=True,
    )
    lent.unlink()
    resolver.unlink()


_INSIDE = r"""
set -e
root=$1 user=$2 folder=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
    mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2
done
shift
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777,size=16m none "$root/tmp"
mount -t proc none "$root/proc"
mount -t tmpfs -o mode=755 none "$root/dev"
mkdir -m 1777 "$root/dev/shm"
for name in null zero random urandom; do
    touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"
done
ip link set lo up
exec chroot --userspec="$user" --groups= "$root" \
    /bin/sh -c 'cd "$0"; PATH=$IMAGE_PATH; export PATH; exec "$@"' "$folder" "$@"
"""


@dataclass(frozen=True)
class Container:
    """`pid` is that of its first program, out here."""

    image: Image
    pid: int
    log: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one more program in it, as the image's user."""
        uid, _, gid = self.image.user.partition(":")
        entered = ["nsenter", "--target", str(self.pid), "--mount", "--net", "--root"]
        return subprocess.run(
            [*entered, "--wd", "--setuid", uid, "--setgid", gid, "--", *command],
            env=self.image.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )

    def is_running(self) -> bool:
        return Path(f"/proc/{self.pid}/root").exists()


@contextlib.contextmanager
def container(
    image: Image, log: Path, environment: dict[str, str], mounts: dict[Path, str]
) -> Iterator[Container]:
    """Run the image: a read-only root, a network of its own, nothing else of the machine
    but `mounts`."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            _started(image, mounts, image.entrypoint),
            env=_given(image, environment),
            stdout=file,
            stderr=file,
        )
    first = _first_program(process)
    try:
        yield Container(image, first, log)
    finally:
        # As an engine stops it; unshare itself only waits.
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGTERM)
        process.wait(_SECONDS)


def run_once(
    image: Image,
    environment: dict[str, str],
    mounts: dict[Path, str],
    *command: str,
) -> subprocess.CompletedProcess[str]:
    """Run another entry point of the image to its end."""
    return subprocess.run(
        _started(image, mounts, command),
        env=_given(image, environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )


def _started(
    image: Image, mounts: dict[Path, str], command: Sequence[str]
) -> list[str]:
    bound = [part for pair in mounts.items() for part in map(str, pair)]
    return [
        *("unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork"),
        *("--kill-child=TERM", "sh", "-c", _INSIDE, "sh", str(image.root)),
        *(image.user, image.folder, *bound, "--", *command),
    ]


def _given(image: Image, environment: dict[str, str]) -> dict[str, str]:
    of_image = {n: v for n, v in image.variables.items() if n != "PATH"}
    path = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "IMAGE_PATH": image.variables["PATH"],
    }
    return of_image | environment | path


def _first_program(process: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _SECONDS
    while not (pids := children.read_text().split()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    return int(pids[0])
