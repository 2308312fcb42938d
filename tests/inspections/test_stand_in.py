"""The stand-in for UTAC, and the command that starts it."""

import csv
import datetime as dt
import gzip
import itertools
import json
import socket
import subprocess
import sys
import time

import pytest

from histovet.inspections.breaker import Breaker
from histovet.inspections.errors import UtacError
from histovet.inspections.utac import Client
from histovet.inspections.utac_answer import read_answer
from histovet.local.utac import (
    PASSWORD,
    Behaviour,
    drawn_inspections,
    write_password,
)
from pseudonymizer.synthetic import write_register
from tests.inspections.conftest import access
from tests.inspections.vehicles import NOW, VIN

TODAY = dt.date(2026, 11, 26)


def days(vin: str) -> list[dt.date]:
    return [
        dt.datetime.strptime(str(one["ct_date"]), "%d/%m/%Y").date()
        for one in drawn_inspections(vin, TODAY)
    ]


def test_a_vehicle_has_the_same_inspections_each_time():
    assert drawn_inspections(VIN, TODAY) == drawn_inspections(VIN, TODAY)
    assert drawn_inspections(VIN, TODAY) != drawn_inspections(VIN[:-1] + "0", TODAY)


@pytest.mark.parametrize(
    ("tenth", "year"),
    [("8", 2008), ("A", 2010), ("J", 2018), ("X", 1999), ("Y", 2000), ("1", 2001)],
)
def test_a_model_year_in_the_vin_is_kept_to(tenth, year):
    found = days(f"VF1CANARY{tenth}X123456")
    assert found[0].year == year + 4
    assert found == sorted(found)
    assert found[-1].year in (TODAY.year - 1, TODAY.year - 2)


def test_a_vehicle_to_try_is_inspected_after_its_first_registration(tmp_path):
    for path in write_register(tmp_path, vehicles=60, seed=2009, files=2):
        if path.name != "registrations-siv-0001.csv.gz":
            continue
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file, delimiter=";"))
    assert len(lines) > 20
    for line in lines:
        first = json.loads(line["v"])["date_premiere_immat"]
        registered = dt.datetime.strptime(first, "%d/%m/%Y").date()
        assert all(day > registered for day in days(line["vin"]))


def test_a_recent_vehicle_has_none():
    assert drawn_inspections("VF1CANARYPX123456", TODAY) == []


@pytest.mark.parametrize("number", range(50))
def test_mileage_rises_and_a_failed_visit_is_followed_by_another(number):
    drawn = drawn_inspections(f"VF1CANARYUX{number:06}", TODAY)
    mileages = [one["ct_km"] for one in drawn]
    assert mileages == sorted(set(mileages))
    for one, following in itertools.pairwise(drawn):
        if one["ct_resultat"] == "S":
            assert following["ct_nature"] == "CV"
    assert all(day.year < TODAY.year for day in days(f"VF1CANARYUX{number:06}"))


def test_what_it_draws_is_what_the_site_accepts(stand_in):
    client = Client(access(stand_in.url), Breaker(time.monotonic))
    assert client.ask("AB-123-CD", VIN, NOW).inspections
    with pytest.raises(UtacError):
        read_answer(b"{}", vin=VIN, today=TODAY)


def test_it_is_healthy(stand_in):
    host, port = stand_in.server_address[:2]
    with socket.create_connection((host, port), 2) as asked:
        asked.sendall(b"GET /healthcheck HTTP/1.0\r\n\r\n")
        assert asked.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("behaviour", ["ok", "broken"])
def test_the_command_serves_until_it_is_told_to_end(behaviour):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "histovet.local.utac", "--port", str(port)]
    server = subprocess.Popen([*command, "--behaviour", behaviour])
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        client = Client(access(f"http://127.0.0.1:{port}"), Breaker(time.monotonic))
        if behaviour == "ok":
            assert client.ask("AB-123-CD", VIN, NOW).inspections
        else:
            with pytest.raises(UtacError):
                client.ask("AB-123-CD", VIN, NOW)
    finally:
        server.terminate()
        assert server.wait(5) == -15


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "histovet.local.utac", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"port {port} cannot be had")


def test_its_password_is_written_for_the_site_alone(tmp_path):
    path = write_password(tmp_path / "password")
    assert path.read_text() == PASSWORD + "\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_behaviour_has_its_name():
    assert {one.value for one in Behaviour} >= {
        *("ok", "slow", "drip", "down", "lying", "malformed", "unauthorised"),
        *("too_many", "huge"),
    }
