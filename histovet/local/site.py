"""The site under gunicorn, and what to try on it."""

import datetime as dt
import http.client
import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from histovet.local import utac
from histovet.local.dashboard import environment, lasting_operator
from histovet.local.errors import CommandFailed, LocalError
from histovet.local.partner import lasting_partner_key, sandbox_code
from histovet.local.publish import (
    SEED,
    VEHICLES,
    active_release,
    ensure_release,
    is_synthetic,
    migrate,
)
from histovet.local.terminal import say
from histovet.local.workplace import Workplace
from pseudonymizer.synthetic import Showcase, showcase

_ANSWER_SECONDS = 30

_KINDS = {
    "clean": "nothing to report",
    "company": "held by a company",
    "fni": "certificate of before 2009 (FNI)",
    "stolen": "stolen",
    "pledged": "pledged",
    "irreparable": "economically irreparable",
    "import": "imported",
    "cancelled": "certificate cancelled",
    "rolled_back": "mileage that goes back",
}


def run_site(workplace: Workplace, port: int, inspections: str) -> None:
    """Serve until we are asked to end; raise LocalError if the site ends before."""
    operators_port = port + 1
    _refuse_taken_port(port)
    _refuse_taken_port(operators_port)
    migrate(workplace)
    ensure_release(workplace)
    variables = _start_utac(workplace)
    asks_utac = inspections == "utac"
    site = workplace.with_variables(**variables) if asks_utac else workplace
    gunicorn = workplace.family.start(_gunicorn(port), site.environment)
    _wait_for_answer(workplace, gunicorn, port)
    dashboard = workplace.family.start(
        _gunicorn(operators_port, workers=1), environment(workplace)
    )
    _wait_for_answer(workplace, dashboard, operators_port)
    operator = lasting_operator(workplace)
    key = lasting_partner_key(workplace)
    release = active_release(workplace)
    if release is not None and is_synthetic(release):
        vehicles = showcase(seed=SEED, vehicles=VEHICLES)
        say("\n".join(["", "Vehicles to look for:", "", *identities_table(vehicles)]))
        say(f"\nThe first one as JSON:\n\n{curl_line(vehicles[0], key, port)}")
        code = sandbox_code(workplace, _demand(vehicles[0]))
        say(f"\nThe same with a seller's code:\n\n{code_curl_line(code, key, port)}")
        say(f"\nA seller's code, for a day: {code}")
    else:
        say("\nThe active release is not the synthetic one: no vehicle of it is known.")
    say(f"\nA partner key: {key}")
    stand_in = variables["HISTOVET_UTAC_URL"]
    say(
        f"Technical inspections are asked of {stand_in}, which stands in for UTAC."
        if asks_utac
        else f"Technical inspections are the register's own; {stand_in} stands in for "
        "UTAC and is asked with: make run INSPECTIONS=utac"
    )
    say(
        f"The dashboard of operators answers on http://127.0.0.1:{operators_port}/: name "
        f"{operator.name}, password {operator.password}, second factor "
        f"{operator.secret} in an application for telephones; each code is used once, "
        "and the present one is printed by: make code"
    )
    say(f"The site answers on http://127.0.0.1:{port}/ until Ctrl-C.")
    status = workplace.family.wait(gunicorn)
    raise CommandFailed("gunicorn", status)


def identities_table(vehicles: Sequence[Showcase]) -> list[str]:
    """Return lines that tell what to type for each vehicle."""
    rows = [("Vehicle", "Register", "Holder", "Plate", "Certificate")]
    for vehicle in vehicles:
        rows.append(
            (
                _KINDS.get(vehicle.kind, vehicle.kind),
                vehicle.register,
                _holder(vehicle),
                vehicle.plate,
                vehicle.formula_number or _as_printed(vehicle.issue_date),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def curl_line(vehicle: Showcase, key: str, port: int) -> str:
    """Return a shell line that asks the JSON API for the vehicle."""
    return _curl("report_by_data", _demand(vehicle), key, port)


def code_curl_line(code: str, key: str, port: int) -> str:
    """Return a shell line that asks the JSON API for the report of a code."""
    body = json.dumps({"vehicule": {"code": code}})
    return _curl("report_by_code", body, key, port)


def _demand(vehicle: Showcase) -> str:
    certificate: dict[str, object] = {
        "titulaire": _holder_as_json(vehicle),
        "numero_immatriculation": vehicle.plate,
    }
    if vehicle.issue_date is None:
        certificate["numero_formule"] = vehicle.formula_number
    else:
        certificate["date_emission_certificat_immatriculation"] = vehicle.issue_date
    return json.dumps(
        {"vehicule": {"certificat_immatriculation": certificate}}, ensure_ascii=False
    )


def _curl(call: str, body: str, key: str, port: int) -> str:
    return shlex.join(
        [
            *("curl", "--silent", f"http://127.0.0.1:{port}/api/v1/{call}"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--header", "Content-Type: application/json"),
            *("--data", body),
        ]
    )


def _holder(vehicle: Showcase) -> str:
    named: tuple[str | None, ...] = (vehicle.surname, vehicle.given_names)
    if vehicle.company is not None:
        named = (vehicle.company, vehicle.siren and f"SIREN {vehicle.siren}")
    return ", ".join(part for part in named if part)


def _as_printed(issue_date: str | None) -> str:
    return f"{dt.date.fromisoformat(issue_date):%d/%m/%Y}" if issue_date else ""


def _holder_as_json(vehicle: Showcase) -> dict[str, dict[str, object]]:
    if vehicle.company is not None:
        company: dict[str, object] = {"raison_sociale": vehicle.company}
        if vehicle.siren:
            company["siren"] = vehicle.siren
        return {"personne_morale": company}
    person: dict[str, object] = {"nom": vehicle.surname}
    if vehicle.given_names:
        person["prenoms"] = vehicle.given_names.split()
    return {"particulier": person}


def _gunicorn(port: int, *, workers: int = 2) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:histovet.gunicorn"),
        *("--workers", str(workers), "--bind", f"127.0.0.1:{port}"),
        *("--graceful-timeout", "2", "--log-level", "warning"),
    ]


def _start_utac(workplace: Workplace) -> dict[str, str]:
    """Start UTAC's stand-in; return the variables with which a site asks it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = workplace.state.temporary / "utac-password"
    command = [sys.executable, "-m", "histovet.local.utac", "--port", str(port)]
    workplace.family.start(command, workplace.environment)
    return {
        "HISTOVET_UTAC_URL": f"http://127.0.0.1:{port}",
        "HISTOVET_UTAC_USER": utac.USER,
        "HISTOVET_UTAC_PASSWORD_FILE": str(utac.write_password(password)),
    }


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise LocalError(
                f"port {port} is not free on 127.0.0.1 ({exc.strerror}); choose "
                "another: make run PORT=8001"
            ) from exc


def _wait_for_answer(
    workplace: Workplace, gunicorn: subprocess.Popen[str], port: int
) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not _answers(port):
        if gunicorn.poll() is not None:
            raise CommandFailed("gunicorn", gunicorn.returncode)
        if time.monotonic() > deadline:
            raise LocalError(
                f"the site did not answer within {_ANSWER_SECONDS} seconds"
            )
        workplace.family.pause(0.1)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        # Not yet listening, or just beginning to.
        return False
    finally:
        connection.close()
