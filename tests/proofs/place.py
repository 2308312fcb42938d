"""A host of the proofs' own: PostgreSQL with a small register, rings, static files."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from histovet.local.state import REPOSITORY
from pseudonymizer import synthetic
from pseudonymizer.synthetic import Showcase
from tests.attacks.serving import Site
from tests.deploy.test_systemd import collect_static_files
from tests.deploy.units import Host, unit
from tests.history.showcase import SEED, VEHICLES
from tests.proofs.servers import server
from tests.test_settings import key, write_imprint, write_ring
from tests.vehicles import SIV_CERTIFICATE, siv_line, write_file

# A vehicle of which UTAC can be asked: those of the synthetic register have no whole VIN.
WHOLE_VIN = {
    "register": "SIV",
    "plate": SIV_CERTIFICATE["plaq_immat"],
    "formula_number": SIV_CERTIFICATE["numero_formule"],
    "holder_kind": "person",
    "family_name": "LEMOINE",
    "given_names": "CAMILLE",
}


@dataclass(frozen=True)
class Place:
    folder: Path
    url: str
    data: Path
    vehicle: Showcase
    bearer: str = ""

    def environment(self, **changes: str) -> dict[str, str]:
        """Of the site, as its unit gives it."""
        host = Host(self.folder, self._variables())
        return host.environment(unit("histovet-site.service")) | changes

    def _variables(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.url,
            "HISTOVET_STATE": str(self.folder / "state"),
            "HISTOVET_IMPRINT": str(self.folder / "imprint.toml"),
        }


@contextlib.contextmanager
def place(folder: Path, data: Path) -> Iterator[Place]:
    """`data` is where the database lies, a folder of its own."""
    for number, name in enumerate(("register", "site"), start=1):
        write_ring(folder / name, name, {1: key(number)}, 1, mode=0o440)
    write_imprint(folder / "imprint.toml")
    shown = synthetic.showcase(vehicles=VEHICLES, seed=SEED)
    vehicle = next(one for one in shown if one.kind == "clean")
    with server(data) as url:
        made = Place(folder, url, data, vehicle)
        collect_static_files(Host(folder, made._variables()))
        _publish(made)
        command = ["manage.py", "partner", "drill", "--scope", "report_by_data"]
        key_of_partner = _python(made, *command).strip().splitlines()[-1]
        yield replace(made, bearer=key_of_partner)


def _publish(made: Place) -> None:
    feed = made.folder / "feed"
    synthetic.write_register(feed, vehicles=VEHICLES, seed=SEED, files=2)
    write_file(feed, "whole-vin.csv.gz", [siv_line({"vin": "VF1BB0A0512345678"})])
    named = ["--label", "essai", "--as-of", str(dt.date.today())]
    _python(made, "-m", "pseudonymizer", "manifest", str(feed), *named)
    _python(made, "-m", "pseudonymizer", "ingest", str(feed), "--workers", "1")


def _python(made: Place, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=made.environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def ready(served: Site) -> list[str]:
    """Return the reasons of /readyz."""
    asked = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
    body = served.send(asked, over_unix=True).partition(b"\r\n\r\n")[2]
    reasons: list[str] = json.loads(body)["reasons"]
    return reasons


def told(log: str) -> dict[str, int]:
    """Return the lines of a log of the site, without what differs each time."""
    counted: Counter[str] = Counter()
    for line in log.splitlines():
        if not line.startswith("{"):
            counted[line] += 1
            continue
        said = json.loads(line)
        if said["level"] == "INFO" and said["logger"].startswith("gunicorn"):
            continue
        parts = [said["level"], said["logger"], said["message"]]
        parts += [f"{n}={said[n]}" for n in ("method", "route", "status") if n in said]
        parts += re.findall(r"exception=(\S+)", said.get("exception", ""))
        counted[" ".join(parts)] += 1
    return dict(counted)
