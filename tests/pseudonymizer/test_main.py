"""The command line: what it prints, what it returns, what it never says."""

import json
import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from pseudonymizer.__main__ import main
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.manifest import MANIFEST_NAME
from tests.vehicles import (
    inspections_line,
    siv_line,
    siv_lines,
    write_feed,
    write_file,
    write_manifest,
)

COMMANDS = ("keys init", "synthesise", "manifest", "ingest", "releases")


@pytest.fixture
def settings_set(config, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("HISTOVET_REGISTER_KEYS", str(config.register_keys))
    monkeypatch.delenv("HISTOVET_MAX_REJECT_SHARE", raising=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert "usage: python -m pseudonymizer" in capsys.readouterr().out


def test_the_help_tells_the_exit_codes_and_variables(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for word in (
        "exit codes",
        "130",
        "DATABASE_URL",
        "HISTOVET_REGISTER_KEYS",
        "HISTOVET_MAX_REJECT_SHARE",
        *(command.split()[0] for command in COMMANDS),
    ):
        assert word in told


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["keys"],
        ["manifest", "d", "--label", "x", "--as-of", "01/06/2022"],
        ["manifest", "d", "--label", "x", "--as-of", "20220601"],
        ["manifest", "d", "--label", "x", "--as-of", "2022-W01-1"],
        ["manifest", "d", "--label", "x", "--as-of", "2022-02-30"],
        ["manifest", "d", "--label", "x", "--as-of", "0001-01-01"],
        ["ingest", "d", "--workers", "0"],
        ["synthesise", "d", "--vehicles", "many", "--seed", "1"],
        ["synthesise", "d", "--vehicles", "99", "--seed", "1", "--workers", "0"],
    ],
)
def test_wrong_usage_is_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


# keys init


def test_key_rings_are_made_and_never_replaced(tmp_path, capsys):
    register, site = tmp_path / "register.json", tmp_path / "site.json"
    arguments = ["keys", "init", "--register", str(register), "--site", str(site)]
    assert main(arguments) == 0
    made = register.read_bytes(), site.read_bytes()
    rings = KeyRing.read(register, "register"), KeyRing.read(site, "site")
    assert not rings[0].shares_a_key_with(rings[1])
    assert register.stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert main(arguments) == 3
    assert "exists and is kept" in capsys.readouterr().err
    assert (register.read_bytes(), site.read_bytes()) == made


def test_the_ring_that_is_missing_is_made_beside_the_other(tmp_path, capsys):
    register, site = tmp_path / "register.json", tmp_path / "site.json"
    assert main(["keys", "init", "--register", str(register)]) == 0
    made = register.read_bytes()
    assert main(["keys", "init", "--register", str(register), "--site", str(site)]) == 0
    assert "was kept" in capsys.readouterr().out
    assert register.read_bytes() == made
    KeyRing.read(site, "site")


def test_the_paths_of_key_rings_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HISTOVET_REGISTER_KEYS", str(tmp_path / "keys" / "r.json"))
    monkeypatch.setenv("HISTOVET_SITE_KEYS", str(tmp_path / "keys" / "s.json"))
    assert main(["keys", "init"]) == 0
    KeyRing.read(tmp_path / "keys" / "r.json", "register")
    KeyRing.read(tmp_path / "keys" / "s.json", "site")


def test_key_rings_without_a_path_are_refused(monkeypatch, capsys):
    monkeypatch.delenv("HISTOVET_REGISTER_KEYS", raising=False)
    monkeypatch.delenv("HISTOVET_SITE_KEYS", raising=False)
    assert main(["keys", "init"]) == 3
    assert "HISTOVET_REGISTER_KEYS" in capsys.readouterr().err


# manifest, synthesise, ingest, releases


def test_a_synthetic_register_goes_all_the_way(settings_set, tmp_path, capsys):
    folder = tmp_path / "register"
    synthesise = ["synthesise", str(folder), "--vehicles", "100", "--seed", "3"]
    assert main(synthesise) == 0
    assert (folder / MANIFEST_NAME).exists()
    capsys.readouterr()
    assert main(["ingest", str(folder)]) == 0
    output, errors = capsys.readouterr()
    assert "'synthetic 100 seed 3 version 3'" in output
    # A hundred registrations, and a line of inspections for most of them.
    assert "files    8" in output
    assert "rows     176" in output
    assert "load: 176 of 176 lines" in errors
    assert "100 rows" not in output


def test_the_command_writes_the_same_whatever_its_workers(tmp_path, capsys):
    for workers in ("1", "2"):
        folder = str(tmp_path / workers)
        arguments = ["synthesise", folder, "--vehicles", "300", "--seed", "3"]
        assert main([*arguments, "--workers", workers]) == 0
        assert "synthesise: 300 of 300 lines" in capsys.readouterr().err
    one, two = (sorted((tmp_path / workers).iterdir()) for workers in ("1", "2"))
    assert [path.name for path in one] == [path.name for path in two]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_delta_is_written_without_a_manifest(tmp_path, capsys):
    folder = tmp_path / "delta"
    register = ["synthesise", str(folder), "--vehicles", "3000", "--seed", "3"]
    assert main([*register, "--delta", "50", "--number", "2"]) == 0
    written, errors = capsys.readouterr()
    assert "synthesise: 50 of 50 events" in errors
    assert sorted(written.split()) == sorted(map(str, folder.iterdir()))
    assert main([*register, "--delta", "5000"]) == 2
    assert "ask for fewer" in capsys.readouterr().err
    assert main([*register, "--delta", "5", "--number", "11"]) == 2
    assert "1 to 10" in capsys.readouterr().err
    assert main([*register, "--number", "2"]) == 2
    assert "--delta" in capsys.readouterr().err
    assert not (folder / MANIFEST_NAME).exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    register = ["synthesise", str(tmp_path / "file"), "--vehicles", "99", "--seed", "3"]
    assert main(register) == 3
    assert main([*register, "--delta", "2"]) == 3
    assert capsys.readouterr().err.count("cannot be written") == 2


def test_a_synthetic_delta_is_applied_to_its_register(settings_set, tmp_path, capsys):
    folder, delta = tmp_path / "register", tmp_path / "delta"
    of = ["--vehicles", "700", "--seed", "3"]
    assert main(["synthesise", str(folder), *of]) == 0
    assert main(["ingest", str(folder)]) == 0
    assert main(["synthesise", str(delta), *of, "--delta", "25"]) == 0
    before = ["--as-of", "2021-10-27", "--after", str(folder / MANIFEST_NAME)]
    assert main(["manifest", str(delta), "--label", "next", *before]) == 0
    capsys.readouterr()
    assert main(["ingest", str(delta), "--report", str(tmp_path / "report")]) == 0
    assert "applied" in capsys.readouterr().out
    report = json.loads((tmp_path / "report").read_bytes())
    assert report["rejects"] == {}


def test_fewer_vehicles_than_a_register_needs_is_wrong_usage(tmp_path, capsys):
    arguments = ["synthesise", str(tmp_path / "x"), "--vehicles", "2", "--seed", "3"]
    assert main(arguments) == 2
    assert "at least" in capsys.readouterr().err


def test_a_manifest_may_be_written_beside_a_feed_that_is_only_read(
    settings_set, tmp_path, capsys
):
    folder = tmp_path / "feed"
    write_file(folder, "siv.csv.gz", siv_lines(3))
    manifest = str(tmp_path / "manifest.json")
    before = sorted(folder.iterdir())
    named = ["--label", "juin 2022", "--as-of", "2022-06-01", "--out", manifest]
    assert main(["manifest", str(folder), *named]) == 0
    size = (folder / "siv.csv.gz").stat().st_size
    assert f"measure: {size} of {size} bytes" in capsys.readouterr().err
    assert main(["ingest", str(folder), "--manifest", manifest]) == 0
    assert sorted(folder.iterdir()) == before
    assert "Release 'juin 2022'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [([], "2022-06-01"), (["--inspections-as-of", "2022-05-30"], "2022-05-30")],
)
def test_a_manifest_dates_the_inspections(tmp_path, options, told):
    folder = write_feed(tmp_path / "feed", [siv_line(), inspections_line()])
    named = ["--label", "juin 2022", "--as-of", "2022-06-01", *options]
    assert main(["manifest", str(folder), *named]) == 0
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    assert manifest["inspections_as_of"] == told


def test_a_date_of_inspections_that_are_not_there_is_refused(tmp_path, capsys):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    named = ["--label", "juin", "--as-of", "2022-06-01"]
    dated = ["--inspections-as-of", "2022-05-30"]
    assert main(["manifest", str(folder), *named, *dated]) == 37
    assert "error [inspections_date]" in capsys.readouterr().err


def test_a_second_ingest_says_that_nothing_was_done(settings_set, tmp_path, capsys):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    assert main(["ingest", str(folder)]) == 0
    capsys.readouterr()
    assert main(["ingest", str(folder)]) == 0
    assert "nothing was done" in capsys.readouterr().out


def test_the_report_is_written_as_json(settings_set, tmp_path):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    path = tmp_path / "report.json"
    assert main(["ingest", str(folder), "--report", str(path)]) == 0
    report = json.loads(path.read_bytes())
    assert (report["lines"], report["rows"], report["rejects"]) == (3, 3, {})
    assert report["activated"] is True
    assert [file["name"] for file in report["files"]] == ["registrations-siv.csv.gz"]


def test_releases_are_listed(settings_set, tmp_path, capsys):
    assert main(["releases"]) == 0
    assert main(["releases", "--active"]) == 1
    folder = write_feed(tmp_path / "feed", siv_lines(3), "juin")
    assert main(["ingest", str(folder)]) == 0
    capsys.readouterr()
    assert main(["releases"]) == 0
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split("  ")[0] == "number"
    for cell in ("juin", "2022-06-01", "active", "UTC"):
        assert cell in row
    assert main(["releases", "--active"]) == 0


@pytest.mark.parametrize(
    ("variable", "value", "code", "told"),
    [
        ("DATABASE_URL", "", 3, "DATABASE_URL is not set"),
        ("DATABASE_URL", "postgresql://u:s3cret@127.0.0.1:1/x", 6, "reached"),
        ("DATABASE_URL", "postgresql://u:s3cret@[", 6, "no PostgreSQL URL"),
        ("HISTOVET_REGISTER_KEYS", "", 3, "HISTOVET_REGISTER_KEYS is not set"),
        ("HISTOVET_REGISTER_KEYS", "/nowhere", 3, "keys init"),
        ("HISTOVET_MAX_REJECT_SHARE", "1 %", 3, "HISTOVET_MAX_REJECT_SHARE"),
        ("HISTOVET_MAX_REJECT_SHARE", "nan", 3, "HISTOVET_MAX_REJECT_SHARE"),
        ("HISTOVET_MAX_REJECT_SHARE", "2", 3, "HISTOVET_MAX_REJECT_SHARE"),
    ],
)
def test_a_wrong_setting_is_named(
    settings_set, tmp_path, monkeypatch, capsys, variable, value, code, told
):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    monkeypatch.setenv(variable, value)
    assert main(["ingest", str(folder)]) == code
    errors = capsys.readouterr().err
    assert told in errors
    assert "s3cret" not in errors
    assert "Traceback" not in errors


def test_a_refused_feed_has_its_exit_code_and_names_its_reason(
    settings_set, tmp_path, capsys
):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    write_file(folder, "plus.csv.gz", siv_lines(1))
    assert main(["ingest", str(folder)]) == 28
    assert "error [file_extra]" in capsys.readouterr().err


def test_no_message_carries_what_stood_in_a_line(settings_set, tmp_path, capsys):
    canary = "CANARIVET"
    lines = [
        siv_line(plaq_immat=canary, numero_formule="", pers_nom_naissance_tit=canary),
        siv_line(v="{" + canary, pers_prenom_tit=canary),
        siv_line(numero_formule=canary * 10),
        siv_line(plaq_immat=canary),
        siv_line(plaq_immat=canary),
    ]
    folder = write_feed(tmp_path / "feed", lines)
    assert main(["ingest", str(folder)]) == 60
    output, errors = capsys.readouterr()
    assert "formula_number_missing 1" in errors
    assert canary not in output + errors


def test_a_bar_is_shown_on_a_terminal(environment, tmp_path):
    folder = write_feed(tmp_path / "feed", siv_lines(3))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    ended = subprocess.run(
        [sys.executable, "-m", "pseudonymizer", "ingest", str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "load: 100%" in shown
    assert b"rows     3" in ended.stdout


def _processes_of(job) -> int:
    """How many workers the job has at once, at most, until it ends."""
    most = 0
    while job.poll() is None:
        children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
        try:
            pids = children.read_text().split()
            commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids]
        except (FileNotFoundError, ProcessLookupError):
            continue
        most = max(most, sum(b"spawn_main" in command for command in commands))
        time.sleep(0.005)
    return most


@pytest.mark.parametrize("cores", sorted({1, min(len(os.sched_getaffinity(0)), 3)}))
def test_a_core_is_a_worker_and_a_file_at_most(folder, environment, cores):
    usable = set(sorted(os.sched_getaffinity(0))[:cores])
    for number in range(3):
        write_file(folder, f"{number}.csv.gz", siv_lines(50, first=50 * number))
    write_manifest(folder)
    job = subprocess.Popen(
        [sys.executable, "-m", "pseudonymizer", "ingest", str(folder)],
        env=environment,
    )
    # Long before it has imported what reads this.
    os.sched_setaffinity(job.pid, usable)
    # With one, the job itself does the work.
    assert _processes_of(job) == (cores if cores > 1 else 0)
    assert job.returncode == 0
