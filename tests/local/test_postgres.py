import os
import shutil
import signal
import stat
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from histovet.local.databases import own_database
from histovet.local.postgres import server
from tests.local.conftest import Machine

CANARY = "CANARI73"


def socket_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


@pytest.fixture(autouse=True)
def _without_a_server_of_the_tests(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_overlapping_users_share_one_server_and_the_last_stops_it(machine):
    first = machine.sleeper()
    (pid,) = machine.postmasters()
    second = machine.sleeper()
    assert machine.postmasters() == [pid]
    first.end(signal.SIGTERM)
    assert machine.postmasters() == [pid]
    second.end(signal.SIGTERM)
    assert machine.is_quiet()


def test_users_that_start_and_end_at_once_do_not_hurt_each_other(machine):
    query = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).close()"
    users = [machine.start("exec", "--", sys.executable, "-c", query) for _ in range(3)]
    assert [user.process.wait(20) for user in users] == [0] * 3
    assert machine.is_quiet()


def test_a_killed_user_leaves_a_server_that_the_next_one_takes_over_and_stops(machine):
    killed = machine.sleeper()
    (pid,) = machine.postmasters()
    killed.end(signal.SIGKILL)
    assert machine.postmasters() == [pid]
    following = machine.sleeper()
    assert machine.postmasters() == [pid]
    following.end(signal.SIGTERM)
    assert machine.is_quiet()


def test_a_crashed_server_is_started_again(machine):
    user = machine.sleeper()
    (pid,) = machine.postmasters()
    os.kill(pid, signal.SIGKILL)
    following = machine.sleeper()
    (new_pid,) = machine.postmasters()
    assert new_pid != pid
    user.end(signal.SIGTERM)
    assert machine.postmasters() == [new_pid]
    following.end(signal.SIGTERM)
    assert machine.is_quiet()


def test_a_pid_file_with_the_number_of_another_program_does_not_block(machine):
    pid_file = machine.cluster() / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n0\n5432\n/\n\n1 1\nready\n")
    assert machine.run("exec", "--", "true").returncode == 0
    assert machine.is_quiet()


def test_the_python_of_a_command_is_that_of_the_environment(machine):
    shown = machine.run("exec", "--", "python", "-c", "import sys; print(sys.prefix)")
    assert shown.stdout.strip() == sys.prefix


def test_the_socket_is_private_and_there_is_no_port(machine):
    with server(machine.state) as url:
        folder = socket_folder(url)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (pid,) = machine.postmasters()
        opened = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    listening = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    }
    assert not opened & listening


def test_the_database_is_utf8_and_sorts_by_code_point(machine):
    with (
        server(machine.state) as url,
        own_database(url) as own,
        psycopg.connect(own) as connection,
    ):
        row = connection.execute(
            "SELECT current_setting('server_encoding'), datcollate, "
            "'a' > 'B' FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("UTF8", "C.UTF-8", True)


def test_no_value_reaches_the_log_of_the_server(machine):
    with (
        server(machine.state) as url,
        own_database(url) as own,
        psycopg.connect(own, autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE plates (plate text UNIQUE, number int)")
        refused = [
            ("INSERT INTO plates (number) VALUES (%s)", [CANARY]),
            ("INSERT INTO plates VALUES (%s), (%s)", [CANARY, CANARY]),
            (f"SELECT '{CANARY}'::int", None),
            (f"DO $$ BEGIN RAISE '%', 1 / ('{CANARY}' = '')::int; END $$", None),
        ]
        for statement, parameters in refused:
            with pytest.raises(psycopg.Error):
                connection.execute(statement, parameters)
        with (
            pytest.raises(psycopg.Error),
            connection.cursor().copy("COPY plates FROM STDIN") as copy,
        ):
            copy.write(f"{CANARY}\t{CANARY}\n")
    log = (machine.cluster() / "server.log").read_text()
    assert "ready to accept connections" in log
    assert CANARY not in log


@pytest.mark.parametrize("name", ["long " * 20 + "é" * 30, "state, 1"])
def test_any_state_path_works_and_its_socket_folder_is_private_and_removed(name):
    root = Path(tempfile.mkdtemp())
    machine = Machine(root / name)
    try:
        shown = machine.run("exec", "--", "sh", "-c", 'echo "$DATABASE_URL"')
        folder = socket_folder(shown.stdout.strip())
        assert len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= 107
        assert not folder.exists()
        with server(machine.state) as url, own_database(url) as own:
            psycopg.connect(own).close()
            assert stat.S_IMODE(socket_folder(url).stat().st_mode) == 0o700
        assert machine.is_quiet()
    finally:
        shutil.rmtree(root)


def test_a_given_database_wins_and_nothing_is_started(tmp_path):
    machine = Machine(tmp_path)
    given = "postgresql://somebody@db.example.org/elsewhere"
    shown = machine.run(
        "exec", "--", "sh", "-c", 'echo "$DATABASE_URL"', DATABASE_URL=given
    )
    assert shown.stdout.strip() == given
    assert not list(tmp_path.glob("postgres-*"))


def test_a_folder_without_postgresql_is_named_with_what_to_do(tmp_path):
    machine = Machine(tmp_path)
    ended = machine.run("exec", "--", "true", HISTOVET_PG_BINDIR=str(tmp_path))
    assert ended.returncode == 1
    assert "HISTOVET_PG_BINDIR has no program initdb" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_run_has_its_own_database_and_drops_what_killed_ones_left(machine):
    def names(url: str) -> set[str]:
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE '%histovet_run_%'"
                " UNION SELECT rolname FROM pg_roles WHERE rolname LIKE 'histovet_run%'"
            )
            return {name for (name,) in rows}

    with server(machine.state) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE histovet_run_0123abcd_owner")
            connection.execute(
                "CREATE DATABASE histovet_run_0123abcd OWNER histovet_run_0123abcd_owner"
            )
            connection.execute("CREATE DATABASE test_histovet_run_0123abcd")
        with own_database(url) as first, own_database(url) as second:
            own = {urlsplit(first).path[1:], urlsplit(second).path[1:]}
            assert len(own) == 2
            assert names(url) == own
            role = f"{min(own)}_owner"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE ROLE {role}")
            with own_database(url) as third:
                # Another run, which ends before.
                assert names(url) == {*own, role, urlsplit(third).path[1:]}
        assert names(url) == set()
