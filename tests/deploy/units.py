"""deploy/systemd as systemd reads it, run without systemd: the command of a unit, its
environment, credentials and limits, and nothing else."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from histovet.local.state import REPOSITORY
from tests.deploy.proxy import DEPLOY

UNITS = DEPLOY / "systemd"


@dataclass(frozen=True)
class Unit:
    lines: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


def unit(name: str) -> Unit:
    lines = []
    for line in (UNITS / name).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            lines.append((key, value))
    return Unit(tuple(lines))


def installed(text: str) -> str:
    """The text with the paths of this checkout instead of an installation's."""
    return text.replace(
        "/opt/histovet/venv/bin", str(Path(sys.executable).parent)
    ).replace("/opt/histovet", str(REPOSITORY))


@dataclass(frozen=True)
class Host:
    """`credentials` holds what LoadCredential names; `variables` win over the files of
    environment, as a host's own do."""

    credentials: Path
    variables: dict[str, str]

    def environment(self, of: Unit) -> dict[str, str]:
        made = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
            "LANG": "C",
            # An installation compiles once; here each process would.
            "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"],
        }
        for line in of.all("Environment"):
            for pair in shlex.split(line.replace("%d", str(self.credentials))):
                name, _, value = pair.partition("=")
                made[name] = value
        file = DEPLOY / "etc" / Path(of.one("EnvironmentFile")).name
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.partition("=")
                made[name] = value
        # What a host edits in the file, and nothing that no file gives.
        return made | {n: v for n, v in self.variables.items() if n in made}

    def command(self, of: Unit, instance: str = "") -> list[str]:
        limits = [f"--core={of.one('LimitCORE')}"]
        limits += [f"--nofile={value}" for value in of.all("LimitNOFILE")]
        started = installed(of.one("ExecStart")).replace("%i", instance)
        return ["prlimit", *limits, "--", *shlex.split(started)]

    def run(self, of: Unit, instance: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(of, instance),
            cwd=installed(of.one("WorkingDirectory")),
            env=self.environment(of),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def serve(
        self, of: Unit, listening: socket.socket, log: Path
    ) -> subprocess.Popen[bytes]:
        """Start with a socket handed over as number 3. Source: sd_listen_fds(3)."""
        handed = [
            "bash",
            "-c",
            'exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"',
        ]
        number = listening.fileno()
        with log.open("ab") as file:
            return subprocess.Popen(
                [*handed, "sh", str(number), *self.command(of)],
                cwd=installed(of.one("WorkingDirectory")),
                env=self.environment(of),
                pass_fds=(number,),
                stdout=file,
                stderr=file,
            )
