"""Owner, job, site and operator of the database: each does its work, and is refused the others'.

They connect to a database of their own, made as docs/operations.md says.
"""

import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import dj_database_url
import psycopg
import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.urls import clear_url_caches
from pytest_django import DjangoDbBlocker

from histovet.database_roles import FUNCTIONS, TABLES, RoleNames, Roles
from histovet.inspections.utac import client as utac_client
from histovet.local.databases import own_database
from histovet.local.state import REPOSITORY
from histovet.local.utac import PASSWORD, USER, Behaviour, running
from histovet.vault import releases
from pseudonymizer import synthetic
from pseudonymizer.__main__ import main as pseudonymizer
from tests.history.showcase import SEED, VEHICLES, typed
from tests.operators.conftest import enrolled, serve_operators
from tests.operators.test_acts import new_key
from tests.sharing.test_seller_views import listed, make, seller_of
from tests.vehicles import siv_line, siv_lines, write_delta, write_feed


@dataclass(frozen=True)
class House:
    """A database with its roles. `url` is the superuser's."""

    url: str
    roles: Roles
    password: str
    blocker: DjangoDbBlocker

    @property
    def name(self) -> str:
        return urlsplit(self.url).path[1:]

    @property
    def named(self) -> list[str]:
        names = zip(
            ("--owner", "--job", "--site", "--operator"), self.roles.names, strict=True
        )
        return [word for pair in names for word in pair]

    def url_of(self, role: str) -> str:
        """Return where this role connects; "" is the superuser."""
        if not role:
            return self.url
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}:{self.password}@{host}"))

    def run(self, role: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run our Python with the arguments, as this role."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env={**os.environ, "DATABASE_URL": self.url_of(role)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @contextmanager
    def connected(self) -> Iterator[Callable[[str], None]]:
        """Give a function that lets this process ask the database as a role."""
        connection = connections["default"]
        settings = connection.settings_dict
        before = {name: settings[name] for name in ("NAME", "USER", "PASSWORD")}

        def connect(role: str) -> None:
            connection.close()
            connection.close_pool()
            named = dj_database_url.parse(self.url_of(role))
            settings.update({name: named[name] for name in before})

        with self.blocker.unblock():
            try:
                yield connect
            finally:
                connection.close()
                connection.close_pool()
                settings.update(before)

    def manage(self, role: str, *command: str) -> str:
        """Run a command of the site here, as this role, and return what it wrote.
        Raises CommandError, with that as `written`."""
        written = io.StringIO()
        with self.connected() as connect:
            connect(role)
            try:
                call_command(*command, stdout=written)
            except CommandError as exc:
                exc.written = written.getvalue()
                raise
        return written.getvalue()

    def divide(self, role: str, *options: str) -> str:
        """Run database_roles for the four roles."""
        return self.manage(role, "database_roles", *self.named, *options)

    def migrate(self, role: str) -> None:
        self.manage(role, "migrate", "--verbosity", "0")

    def ask(self, role: str, statement: str) -> list[tuple]:
        with psycopg.connect(self.url_of(role), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def pseudonymizer(self, role: str, *arguments: str) -> tuple[int, str]:
        """Run the job's command line here, as this role; return its exit code and what
        it told."""
        told = io.StringIO()
        url = mock.patch.dict(os.environ, DATABASE_URL=self.url_of(role))
        with url, redirect_stdout(told), redirect_stderr(told):
            return pseudonymizer(arguments), told.getvalue()

    def job(self, *arguments: str) -> str:
        """Run it as the job, which succeeds."""
        code, told = self.pseudonymizer(self.roles.job, *arguments)
        assert code == 0, told
        return told

    def ingest(self, folder: Path, label: str, workers: int = 1) -> tuple[int, str]:
        """Publish as the job."""
        manifest = f"{folder}.json"
        named = ["--label", label, "--as-of", "2021-10-26", "--out", manifest]
        self.job("manifest", str(folder), *named)
        arguments = ["ingest", str(folder), "--manifest", manifest]
        return self.pseudonymizer(self.roles.job, *arguments, "--workers", str(workers))


SECRETS = (
    "HISTOVET_REGISTER_KEYS",
    "HISTOVET_SITE_KEYS",
    "HISTOVET_SIGNING_KEY",
    "HISTOVET_SIGNING_CERTIFICATE",
)


@contextmanager
def _house(blocker: DjangoDbBlocker) -> Iterator[House]:
    with own_database(os.environ["DATABASE_URL"]) as url:
        name = urlsplit(url).path[1:]
        roles = Roles(
            *(f"{name}_{what}" for what in ("owner", "job", "site", "operator"))
        )
        yield House(url, roles, secrets.token_hex(16), blocker)


def _set_passwords(house: House) -> None:
    """For servers that ask for one."""
    for role in house.roles.names:
        house.ask("", f"ALTER ROLE {role} PASSWORD '{house.password}'")


@pytest.fixture(scope="module")
def house(tmp_path_factory, django_db_blocker) -> Iterator[House]:
    """From an empty database to an active release, with four roles."""
    with _house(django_db_blocker) as made:
        made.divide("")
        _set_passwords(made)
        made.migrate(made.roles.owner)
        made.divide(made.roles.owner)
        folder = tmp_path_factory.mktemp("feed") / "register"
        synthetic.write_register(folder, vehicles=VEHICLES, seed=SEED, files=2)
        code, told = made.ingest(folder, "essai", workers=2)
        assert code == 0, told
        yield made


@pytest.fixture
def connected(house, monkeypatch) -> Iterator[Callable[[str], None]]:
    """Return a function that lets this process ask the database as a role; "" is the
    superuser."""
    # What it read of a release of another database.
    monkeypatch.setattr(releases, "_ready", None)
    with house.connected() as connect:
        yield connect


@pytest.fixture
def site(house, connected) -> House:
    """This process is the site, as its role."""
    connected(house.roles.site)
    return house


@pytest.fixture
def divide(house) -> Callable[..., str]:
    return house.divide


@pytest.fixture
def partition(house) -> str:
    """The table of the active release's records."""
    ((number,),) = house.ask(
        "", "SELECT number FROM vault_release WHERE state = 'active'"
    )
    return f"vault_record_{number}"


def refusal(house: House, role: str, statement: str) -> str | None:
    """Return the SQLSTATE, None when the statement is done; it is undone anyway."""
    with psycopg.connect(house.url_of(role)) as connection:
        try:
            connection.execute(statement)
        except psycopg.Error as exc:
            return exc.sqlstate
        finally:
            connection.rollback()
    return None


NOTHING_DIFFERS = "every role may do what it is to do, and nothing else\n"
DENIED = psycopg.errors.InsufficientPrivilege.sqlstate


# What is declared


def test_every_table_and_function_is_declared_and_no_other(house):
    tables = house.ask(
        "",
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition",
    )
    assert {name for (name,) in tables} == set(TABLES)
    functions = house.ask(
        "",
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    assert {name for (name,) in functions} == set(FUNCTIONS)


def test_every_function_that_runs_as_the_owner_seeks_names_where_only_he_writes(house):
    functions = house.ask(
        "",
        "SELECT proname, proconfig FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    )
    assert len(functions) >= 4
    for name, settings in functions:
        assert "search_path=public, pg_temp" in settings, name
    makers = house.ask(
        "",
        "SELECT rolname FROM pg_roles WHERE NOT rolsuper"
        " AND has_schema_privilege(oid, 'public', 'CREATE')"
        " AND rolname NOT LIKE 'pg\\_%'",
    )
    assert makers == [(house.roles.owner,)]


def test_the_owner_owns_everything_and_the_others_nothing(house):
    owners = house.ask(
        "",
        "SELECT DISTINCT relowner::regrole::text FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
        " UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace",
    )
    assert owners == [(house.roles.owner,)]


# The job


def test_the_job_publishes_lists_and_drops(house, tmp_path):
    for label in ("un", "deux", "trois"):
        folder = write_feed(tmp_path / label, siv_lines(30))
        (folder / "manifest.json").unlink()
        code, told = house.ingest(folder, label)
        assert code == 0, told
    house.job("releases")
    states = house.ask("", "SELECT state FROM vault_release ORDER BY number DESC")
    assert [state for (state,) in states][:4] == [
        "active",
        "previous",
        "dropped",
        "dropped",
    ]
    left = house.ask(
        "", "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'"
    )
    assert left == [(2,)]


def test_the_job_applies_a_delta_goes_back_and_drops(house, tmp_path):
    first = write_feed(tmp_path / "first", siv_lines(20), "avant")
    house.job("ingest", str(first), "--workers", "1")
    second = write_feed(tmp_path / "second", siv_lines(30), "base")
    house.job("ingest", str(second), "--workers", "1")
    delta = write_delta(
        tmp_path / "delta",
        second,
        remove=siv_lines(2),
        # One that replaces a row, and a new one.
        upsert=[siv_lines(1, first=2)[0], siv_lines(1, first=30)[0]],
    )
    house.job("ingest", str(delta), "--workers", "1")
    ((number, edition, rows),) = house.ask(
        "", "SELECT number, edition, rows FROM vault_release WHERE state = 'active'"
    )
    assert (edition, rows) == (1, 29)
    house.job("releases", "rollback")
    assert house.ask("", "SELECT label FROM vault_release WHERE state = 'active'") == [
        ("avant",)
    ]
    house.job("releases", "drop", str(number))
    assert house.ask("", f"SELECT to_regclass('vault_record_{number}')") == [(None,)]


def test_the_job_leaves_the_older_of_two_lines(house, tmp_path):
    # Beside enough others that one reject is no failure.
    lines = [*siv_lines(300), siv_line({"couleur": "VERT"}), siv_line()]
    folder = write_feed(tmp_path / "twice", lines)
    (folder / "manifest.json").unlink()
    code, told = house.ingest(folder, "deux fois")
    assert code == 0, told
    ((rejects, state),) = house.ask(
        "", "SELECT rejects, state FROM vault_release ORDER BY number DESC LIMIT 1"
    )
    assert (rejects, state) == (1, "active")


def test_the_job_gives_up_a_release_with_too_many_rejects(house, tmp_path):
    folder = write_feed(tmp_path / "bad", [siv_line(numero_formule="")] * 3)
    (folder / "manifest.json").unlink()
    code, told = house.ingest(folder, "manqué")
    assert code != 0
    assert "has failed and the active one stays" in told
    assert house.ask(
        "",
        "SELECT state, to_regclass('vault_record_' || number), EXISTS"
        " (SELECT FROM vault_reject WHERE release_number = number)"
        " FROM vault_release ORDER BY number DESC LIMIT 1",
    ) == [("failed", None, True)]


def test_the_job_goes_on_with_what_the_owner_began(house):
    """Nothing of a release depends on who asked for its partition."""
    ((number,),) = house.ask(
        house.roles.owner,
        "INSERT INTO vault_release"
        " (uuid, label, as_of, key_version, salt, mac, manifest_sha256)"
        " VALUES (gen_random_uuid(), 'x', '2022-01-01', 1, sha256('s'), sha256('m'),"
        " sha256('f')) RETURNING number",
    )
    house.ask(house.roles.owner, f"SELECT vault_add_partition({number}::smallint)")
    house.ask(
        house.roles.job,
        f"INSERT INTO vault_record_{number}"
        f" VALUES (gen_random_uuid(), {number}, 0, 'sealed')",
    )
    house.ask(house.roles.job, f"SELECT vault_index_partition({number}::smallint)")
    house.ask(
        house.roles.job,
        f"UPDATE vault_release SET state = 'failed' WHERE number = {number}",
    )
    house.ask(house.roles.job, f"SELECT vault_drop_partition({number}::smallint)")
    assert house.ask("", f"SELECT to_regclass('vault_record_{number}')") == [(None,)]


REFUSED_TO_THE_JOB = [
    *(f"SELECT FROM {table}" for table in sorted(TABLES)
      if table not in {"vault_delta", "vault_release", "vault_release_file",
                       "vault_reject", "vault_schema"}),
    # Every release at once, or another one through all.
    "SELECT sealed FROM vault_record WHERE release_number = 1",
    "INSERT INTO vault_record SELECT gen_random_uuid(), 1, 0, 'x'",
    "SELECT vault_read_record(1::smallint, 0, gen_random_uuid())",
    "INSERT INTO sharing_link (public_id) VALUES ('x')",
    "UPDATE sharing_link SET expires_at = 'infinity'",
    "DELETE FROM partners_key",
    "INSERT INTO limits_counter VALUES (sha256('x'), 1, now())",
    "UPDATE vault_withheld SET lifted_at = now()",
    "DELETE FROM vault_release",
    "UPDATE vault_delta SET edition = 0",
    "TRUNCATE vault_reject",
    "UPDATE vault_schema SET version = 9",
    "DROP TABLE sharing_link",
    "DROP TABLE {partition}",
    "TRUNCATE {partition}",
    "ALTER TABLE {partition} ADD COLUMN plate text",
    "ALTER TABLE vault_record DETACH PARTITION {partition}",
    "CREATE INDEX ON {partition} (sealed)",
    "CREATE RULE r AS ON INSERT TO {partition} DO INSTEAD NOTHING",
    "CREATE FUNCTION public.format(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
]  # fmt: skip

REFUSED_TO_THE_SITE = [
    *(f"SELECT FROM {table}" for table in sorted(TABLES)
      if table.startswith("vault_") and table not in {"vault_release",
                                                      "vault_withheld"}),
    "SELECT FROM django_migrations",
    "SELECT sealed FROM {partition}",
    "SELECT count(*) FROM {partition}",
    "COPY {partition} TO STDOUT",
    "INSERT INTO {partition} SELECT gen_random_uuid(), 1, 0, 'x'",
    "UPDATE {partition} SET generation = 0",
    "DELETE FROM vault_record",
    "UPDATE vault_release SET state = 'active'",
    "UPDATE vault_release SET salt = sha256('known')",
    "INSERT INTO vault_release (label) VALUES ('mine')",
    "SELECT FROM vault_release FOR UPDATE",
    "SELECT vault_add_partition(1::smallint)",
    "SELECT vault_index_partition(1::smallint)",
    "SELECT vault_drop_partition(1::smallint)",
    "DELETE FROM sharing_link",
    "UPDATE sharing_link SET expires_at = 'infinity'",
    "UPDATE sharing_link SET owner_tag = 'x'",
    "UPDATE partners_key SET scopes = '{{report_by_data}}'",
    "DELETE FROM partners_key",
    "DELETE FROM vault_withheld",
    "UPDATE vault_withheld SET reason = 'other'",
    "TRUNCATE limits_counter",
    "DROP TABLE sharing_link",
    "ALTER TABLE sharing_link DROP COLUMN capsule",
    "CREATE TEMPORARY TABLE copied AS SELECT 1",
]  # fmt: skip

REFUSED_TO_ALL = [
    *(
        f"SELECT * FROM {room}_key_uses('site')"
        for room in ("vault", "sharing", "partners", "operators")
    ),
    *(
        f"SELECT * FROM {room}_end_key_uses('site', 1::smallint)"
        for room in ("sharing", "partners", "operators")
    ),
    "CREATE TABLE public.mine (plate text)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP FUNCTION vault_read_record(smallint, integer, uuid)",
    "ALTER FUNCTION vault_read_record(smallint, integer, uuid) RESET search_path",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION dblink",
    "ALTER DATABASE {database} SET log_statement = 'all'",
    "ALTER DATABASE {database} RENAME TO mine",
    "CREATE ROLE mine",
    "ALTER ROLE {owner} PASSWORD 'known'",
    "GRANT {owner} TO {self}",
    "GRANT SELECT ON vault_record TO {self}",
    "GRANT EXECUTE ON FUNCTION vault_read_record, vault_add_partition TO PUBLIC",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "SET row_security = off; SELECT FROM vault_record",
    "SELECT FROM pg_authid",
    "SELECT FROM pg_statistic",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('/etc/hostname')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SET log_statement = 'all'",
    "SET log_parameter_max_length = -1",
    "CHECKPOINT",
    "LOCK TABLE vault_record",
]


# No way to a record or a link, none to what is counted, and none to be let in again.
REFUSED_TO_OPERATORS = [
    *(f"SELECT FROM {table}" for table in sorted(TABLES)
      if table.startswith(("sharing_", "inspections_"))),
    *(f"DELETE FROM {table}" for table in sorted(TABLES)
      if table.startswith(("sharing_", "inspections_", "vault_", "partners_"))),
    "SELECT FROM vault_record",
    "SELECT sealed FROM {partition}",
    "SELECT count(*) FROM {partition}",
    "COPY {partition} TO STDOUT",
    "SELECT * FROM vault_read_record(1::smallint, 1, gen_random_uuid())",
    "SELECT FROM vault_withheld",
    "SELECT FROM vault_reject",
    "SELECT FROM vault_release_file",
    "SELECT salt FROM vault_release",
    "SELECT mac FROM vault_release",
    "SELECT * FROM vault_release",
    "UPDATE vault_release SET state = 'active'",
    "INSERT INTO vault_release (label) VALUES ('mine')",
    "SELECT FROM limits_counter",
    "DELETE FROM limits_counter",
    "SELECT sharing_purge_links()",
    "UPDATE partners_key SET scopes = '{{report_by_data}}'",
    "UPDATE partners_key SET name = 'mine'",
    "UPDATE partners_use SET reports = 0",
    "UPDATE audit_entry SET actor = 'another'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "DROP TABLE audit_entry",
    "INSERT INTO operators_account (name) VALUES ('mine')",
    "DELETE FROM operators_account",
    "UPDATE operators_account SET suspended_at = NULL",
    "UPDATE operators_account SET name = 'mine'",
    "UPDATE operators_session SET created_at = now()",
    "UPDATE operators_session SET account_id = 1",
    "CREATE TEMPORARY TABLE copied AS SELECT 1",
]  # fmt: skip

REFUSED_TO_THE_SITE += [
    *(f"SELECT FROM {table}" for table in sorted(TABLES)
      if table.startswith("operators_")),
    "SELECT actor FROM audit_entry",
    "SELECT * FROM audit_entry",
    "UPDATE audit_entry SET actor = 'another'",
    "DELETE FROM audit_entry",
    "DELETE FROM operation_maintenance",
    "SELECT limits_read_counter('x')",
    "SELECT limits_live_counters()",
]  # fmt: skip
REFUSED_TO_THE_JOB += [
    *(f"SELECT FROM {table}" for table in sorted(TABLES)
      if table.startswith(("operators_", "audit_"))),
]  # fmt: skip


@pytest.mark.parametrize("duty", ["job", "site", "operator"])
def test_what_belongs_to_another_is_refused(house, partition, duty):
    role = getattr(house.roles, duty)
    own = {
        "job": REFUSED_TO_THE_JOB,
        "site": REFUSED_TO_THE_SITE,
        "operator": REFUSED_TO_OPERATORS,
    }[duty]
    names = {"partition": partition, "owner": house.roles.owner, "self": role}
    names["database"] = house.name
    answers = {
        statement: refusal(house, role, statement.format(**names))
        for statement in [*own, *REFUSED_TO_ALL]
    }
    assert {s: state for s, state in answers.items() if state != DENIED} == {}
    # As the superuser none of them is refused for its own sake: names are right.
    with psycopg.connect(house.url) as connection:
        connection.execute("SELECT FROM vault_record, sharing_link, " + partition)


def test_whoever_else_is_there_has_nothing(house, divide):
    stranger = f"{house.name}_stranger"
    house.ask("", f"CREATE ROLE {stranger} LOGIN PASSWORD '{house.password}'")
    with pytest.raises(
        psycopg.OperationalError, match="permission denied for database"
    ):
        psycopg.connect(house.url_of(stranger))
    # And were they let in, as who makes backups is:
    house.ask("", f"GRANT CONNECT ON DATABASE {house.name} TO {stranger}")
    try:
        tables = [f"SELECT FROM {table}" for table in TABLES]
        calls = [
            f"SELECT public.vault_{what}_partition(1::smallint)"
            for what in ("add", "index", "drop")
        ]
        read = "SELECT public.vault_read_record(1::smallint, 0, gen_random_uuid())"
        temporary = "CREATE TEMPORARY TABLE mine (n int)"
        qualified = [s.replace("FROM ", "FROM public.") for s in tables]
        for statement in [*qualified, *calls, read, temporary]:
            assert refusal(house, stranger, statement) == DENIED, statement
        # Which is no difference to be mended.
        assert divide("", "--check") == NOTHING_DIFFERS
    finally:
        house.ask("", f"DROP OWNED BY {stranger}; DROP ROLE {stranger}")


# The site


@pytest.fixture
def shown(house, tmp_path):
    """The vehicles of the register of make run, published by the job."""
    folder = tmp_path / "register"
    synthetic.write_register(folder, vehicles=VEHICLES, seed=SEED, files=2)
    code, told = house.ingest(folder, "le site")
    assert code == 0, told
    found = synthetic.showcase(vehicles=VEHICLES, seed=SEED)
    return {vehicle.kind: vehicle for vehicle in found}


def test_the_site_answers_sellers_and_buyers(shown, site):
    vehicle = shown["clean"]
    seller = seller_of(vehicle)
    assert 'id="verdict"' in seller.get("/rapport").content.decode()
    wrong = Client().post("/vendeur", typed(vehicle, plate="ZZ-999-ZZ"))
    assert wrong.status_code not in (303, 500)
    one, other = make(seller), make(seller)
    buyer = Client()
    assert buyer.post(one.reader_path, {"code": one.code}).status_code == 303
    assert 'id="verdict"' in buyer.get(one.reader_path).content.decode()
    car = buyer.post(f"{one.reader_path}/verifier", {"plate": "ZZ-999-ZZ"})
    assert car.status_code == 200
    assert site.ask(
        "", "SELECT l.openings, l.checks_failed, c.failed FROM sharing_link l, sharing_check c"
        f" WHERE public_id = '\\x{one.row.pk.hex()}'"
    ) == [(1, 1, 1)]  # fmt: skip
    assert one.public_id in listed(seller)
    assert seller.post(f"{other.path}/fin").status_code == 303
    assert seller.post("/liens/fin").status_code == 303
    assert Client().post(one.reader_path, {"code": one.code}).status_code == 404
    purges = ("purge_limits", "purge_partner_use", "purge_inspections")
    for command in ("end_links", *purges):
        call_command(command, stdout=io.StringIO())


def test_the_site_answers_partners(shown, site):
    written = io.StringIO()
    call_command("partner", "Essai", "--all-scopes", stdout=written)
    call_command("partner", "Essai", "--all-scopes", "--replace", stdout=written)
    key = written.getvalue().split()[-1]
    vehicle = shown["clean"]
    holder = {"nom": vehicle.surname, "prenoms": vehicle.given_names.split()}

    def ask(call: str, asked: dict) -> int:
        answer = Client().post(
            f"/api/v1/{call}",
            json.dumps({"vehicule": asked}),
            content_type="application/json",
            headers={"authorization": f"Bearer {key}"},
        )
        return answer.status_code

    def certificate(plate: str) -> dict:
        return {
            "certificat_immatriculation": {
                "titulaire": {"particulier": holder},
                "numero_immatriculation": plate,
                "numero_formule": vehicle.formula_number,
            }
        }

    assert ask("report_by_data", certificate(vehicle.plate)) == 200
    assert ask("report_by_data", certificate("ZZ-999-ZZ")) == 404
    assert ask("report_by_code", {"code": make(seller_of(vehicle)).code}) == 200
    assert site.ask("", "SELECT failures FROM partners_use") == [(1,)]
    acts = (["--suspend", key], ["--resume", key], ["--rotate", key])
    for act in (["--list"], *acts, ["--list", "--json"]):
        call_command("partner", *act, stdout=io.StringIO())


def test_the_site_withholds_and_lifts(shown, site, monkeypatch):
    vehicle = shown["clean"]
    typed_lines = f"SIV\n{vehicle.plate}\n{vehicle.formula_number}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed_lines))
    written = io.StringIO()
    reason = ["--reason", "other", "--reference", "essai"]
    call_command("withhold", "add", *reason, stdout=written)
    withheld = Client()
    withheld.post("/vendeur", typed(vehicle))
    assert 'id="verdict"' not in withheld.get("/rapport").content.decode()
    call_command("withhold", "list", stdout=io.StringIO())
    monkeypatch.setattr("sys.stdin", io.StringIO(typed_lines))
    call_command("withhold", "renew", stdout=io.StringIO())
    call_command("withhold", "lift", written.getvalue().split()[0], stdout=written)
    assert 'id="verdict"' in seller_of(vehicle).get("/rapport").content.decode()


def test_the_site_keeps_what_utac_answers(shown, site, settings):
    with running() as stand_in:
        settings.UTAC_URL, settings.UTAC_TIMEOUT_SECONDS = stand_in.url, 0.6
        settings.UTAC_USER, settings.UTAC_PASSWORD = USER, PASSWORD
        for behaviour, kind in ((Behaviour.OK, "clean"), (Behaviour.DOWN, "company")):
            stand_in.behaviour = behaviour
            for _ in range(2):
                assert seller_of(shown[kind]).get("/rapport").status_code == 200
        # A row that somebody else wrote is deleted when it does not open.
        site.ask("", "UPDATE inspections_answer SET sealed = 'x' WHERE NOT failed")
        stand_in.behaviour = Behaviour.OK
        assert seller_of(shown["clean"]).get("/rapport").status_code == 200
    utac_client.cache_clear()
    assert site.ask(
        "", "SELECT failed, octet_length(sealed) > 1 FROM inspections_answer ORDER BY 1"
    ) == [(False, True), (True, None)]


def test_the_site_sees_the_release_that_the_job_publishes(shown, site, tmp_path):
    assert seller_of(shown["clean"]).get("/rapport").status_code == 200
    again = tmp_path / "again"
    synthetic.write_register(again, vehicles=VEHICLES, seed=SEED, files=3)
    code, told = site.ingest(again, "la suite")
    assert code == 0, told
    assert seller_of(shown["clean"]).get("/rapport").status_code == 200


# The command


def test_the_second_run_has_nothing_to_do_and_every_role_may_look(house, divide):
    assert divide(house.roles.owner) == "0 statements were needed\n"
    for role in ("", *house.roles.names):
        assert divide(role, "--check") == NOTHING_DIFFERS


DRIFT = [
    "GRANT SELECT ON vault_record TO {site}",
    "GRANT SELECT ON {partition} TO {site}",
    "GRANT SELECT ON sharing_link TO {job} WITH GRANT OPTION",
    "GRANT UPDATE (expires_at) ON sharing_link TO {site}",
    "GRANT INSERT ON vault_schema TO PUBLIC",
    "REVOKE SELECT ON vault_release FROM {site}",
    "REVOKE UPDATE (lifted_at) ON vault_withheld FROM {site}",
    "GRANT SELECT ON vault_release TO {site} WITH GRANT OPTION",
    "GRANT EXECUTE ON FUNCTION vault_read_record TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION vault_add_partition TO {site}",
    "GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC",
    "GRANT USAGE ON SEQUENCE vault_release_number_seq TO {site}",
    "GRANT TEMPORARY ON DATABASE {database} TO {site}",
    "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
    "GRANT {owner} TO {site}",
    "GRANT pg_read_all_data TO {job}",
    "ALTER ROLE {site} SUPERUSER",
    "ALTER ROLE {job} CREATEROLE",
    "ALTER ROLE {owner} NOLOGIN",
    "ALTER TABLE {partition} OWNER TO {job}",
    "ALTER TABLE sharing_link OWNER TO {site}",
    "ALTER FUNCTION vault_read_record OWNER TO CURRENT_USER",
    "ALTER SCHEMA public OWNER TO CURRENT_USER",
    "ALTER DATABASE {database} OWNER TO CURRENT_USER",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {site}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT ALL ON TABLES TO {site}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
]  # fmt: skip


@pytest.mark.parametrize("drift", DRIFT)
def test_what_differs_is_told_and_mended(house, divide, partition, drift):
    roles = house.roles
    names = {"owner": roles.owner, "job": roles.job, "site": roles.site}
    house.ask("", drift.format(**names, partition=partition, database=house.name))
    with pytest.raises(CommandError, match="to run them, as the owner or") as refused:
        divide("", "--check")
    told = refused.value.written
    assert divide("", "--sql") == f"BEGIN;\n{told}COMMIT;\n"
    assert divide("").startswith(told)
    assert divide("", "--check") == NOTHING_DIFFERS


def test_what_sql_prints_does_the_same(house, divide):
    house.ask("", f"GRANT SELECT ON vault_record TO {house.roles.site}")
    house.ask("", divide("", "--sql"))
    assert divide("", "--check") == NOTHING_DIFFERS


def test_nobody_is_a_member_of_a_role_of_ours(house, divide):
    owner, job, site, _ = house.roles.names
    for group, member in ((owner, site), (job, owner), ("pg_read_all_data", owner)):
        house.ask("", f"GRANT {group} TO {member}")
        with pytest.raises(CommandError) as refused:
            divide("", "--check")
        assert f'REVOKE "{group}" FROM "{member}" CASCADE' in refused.value.written
        divide("")
        assert divide("", "--check") == NOTHING_DIFFERS


def test_what_histovet_did_not_make_is_left_alone_and_named(house, divide):
    house.ask("", f"GRANT SELECT ON vault_record TO {house.roles.site}")
    for made, named, unmade in (
        ("TABLE accounts (n int)", "TABLE public.accounts", "TABLE accounts"),
        (
            "FUNCTION sum_up() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "FUNCTION public.sum_up()",
            "FUNCTION sum_up()",
        ),
        (
            "RULE kept AS ON DELETE TO limits_counter DO INSTEAD NOTHING",
            "RULE kept ON limits_counter",
            "RULE kept ON limits_counter",
        ),
        (
            (
                "TRIGGER quiet BEFORE UPDATE ON limits_counter FOR EACH ROW"
                " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
            ),
            "TRIGGER quiet ON limits_counter",
            "TRIGGER quiet ON limits_counter",
        ),
    ):
        house.ask("", f"CREATE {made}")
        try:
            for options in ([], ["--check"], ["--sql"]):
                with pytest.raises(CommandError) as refused:
                    divide("", *options)
                assert f"{named}, which histovet did not make" in str(refused.value)
                assert refused.value.written == ""
            assert refusal(house, house.roles.site, "SELECT FROM vault_record") is None
        finally:
            house.ask("", f"DROP {unmade}")
    divide("")


@pytest.mark.parametrize("duty", ["job", "site"])
def test_neither_job_nor_site_changes_rights(house, divide, duty):
    role = getattr(house.roles, duty)
    house.ask("", f"GRANT INSERT ON vault_schema TO {role}")
    with pytest.raises(CommandError, match="nothing was changed"):
        divide(role)
    divide("")


def test_what_the_owner_cannot_do_is_told_and_nothing_is_done(house, divide):
    site = house.roles.site
    house.ask("", f"ALTER ROLE {site} SUPERUSER")
    house.ask("", f"GRANT INSERT ON vault_schema TO {house.roles.job}")
    insert = "INSERT INTO vault_schema SELECT 1 WHERE false"
    with pytest.raises(CommandError, match="nothing was changed: .* superuser"):
        divide(house.roles.owner)
    assert refusal(house, house.roles.job, insert) is None
    divide("")
    assert refusal(house, house.roles.job, insert) == DENIED


def test_a_right_that_was_passed_on_is_taken_back_with_its_source(house, divide):
    job, site = house.roles.job, house.roles.site
    house.ask("", f"GRANT SELECT ON vault_reject TO {job} WITH GRANT OPTION")
    house.ask(job, f"GRANT SELECT ON vault_reject TO {site}")
    divide(house.roles.owner)
    assert refusal(house, site, "SELECT FROM vault_reject") == DENIED
    assert refusal(house, job, "SELECT FROM vault_reject") is None


def test_a_table_in_use_is_not_waited_for(house, divide):
    house.ask("", f"ALTER TABLE sharing_link OWNER TO {house.roles.job}")
    with psycopg.connect(house.url) as reader:
        reader.execute("SELECT FROM sharing_link")
        with pytest.raises(CommandError, match="lock timeout"):
            divide("")
    divide("")


def test_an_owner_who_made_the_database_needs_no_superuser(django_db_blocker):
    """A DBA makes three roles and a database, and nothing else."""
    with _house(django_db_blocker) as made:
        for role in made.roles.names:
            made.ask("", f"CREATE ROLE {role} LOGIN PASSWORD '{made.password}'")
        owner = made.roles.owner
        made.ask("", f"ALTER DATABASE {made.name} OWNER TO {owner}")
        made.migrate(owner)
        made.divide(owner)
        assert made.divide(owner, "--check") == NOTHING_DIFFERS


def test_a_database_of_one_user_is_divided_with_its_releases(
    tmp_path, django_db_blocker
):
    """As one of before is: with a partition, tables and functions of the superuser."""
    with _house(django_db_blocker) as made:
        made.migrate("")
        folder = write_feed(tmp_path / "feed", siv_lines(5))
        done = made.run("", "-m", "pseudonymizer", "ingest", str(folder))
        assert done.returncode == 0, done.stderr
        done = made.run("", "manage.py", "database_roles", *made.named)
        assert done.returncode == 0, done.stderr
        _set_passwords(made)
        assert made.divide(made.roles.owner, "--check") == NOTHING_DIFFERS
        rows = made.ask(made.roles.job, "SELECT count(*) FROM vault_record_1")
        assert rows == [(5,)]
        again = write_feed(tmp_path / "again", siv_lines(6), "suite")
        made.job("ingest", str(again), "--workers", "1")


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("a", "a", "b", "d"), "four names"),
        (("", "b", "c", "d"), "no name of a role"),
        (("a", 'b"; DROP', "c", "d"), "no name of a role"),
        (("A", "b", "c", "d"), "no name of a role"),
        (("public", "b", "c", "d"), "no name of a role"),
        (("pg_monitor", "b", "c", "d"), "no name of a role"),
        (("a" * 64, "b", "c", "d"), "no name of a role"),
    ],
)
def test_names_that_are_none_are_refused(names, why):
    with pytest.raises(RoleNames, match=why):
        Roles(*names)
    with pytest.raises(CommandError, match=why):
        arguments = [f"--{duty}={name}" for duty, name in
                     zip(("owner", "job", "site", "operator"), names, strict=True)]  # fmt: skip
        call_command("database_roles", *arguments)


# The dashboard


@pytest.fixture
def operators(house, connected, settings, tmp_path) -> Iterator[Client]:
    """This process is the dashboard, as its role, with an operator who has signed in."""
    serve_operators(settings, tmp_path)
    connected(house.roles.owner)
    operator = enrolled(f"claire{secrets.token_hex(4)}")
    row, _ = new_key()
    connected(house.roles.operator)
    clear_url_caches()
    client = Client()
    assert client.get("/").status_code == 302
    assert sign_in_by_recovery(operator, client, 0).status_code == 302
    yield client, operator, row
    clear_url_caches()


def sign_in_by_recovery(operator, client, which: int):
    return operator.sign_in(client, code=operator.codes[which])


def test_operators_see_and_do_all_that_is_theirs_as_their_role(house, operators):
    client, operator, row = operators
    for path in ("/", "/cles", f"/cles/{row.pk}", "/cles/nouvelle", "/publications",
                 "/limites", "/maintenance", "/journal", "/compte"):  # fmt: skip
        assert client.get(path).status_code == 200, path
    assert "active" in client.get("/publications").content.decode()
    acts = [
        (f"/cles/{row.pk}/suspendre", {"why": "essai"}, 302),
        (f"/cles/{row.pk}/retablir", {}, 302),
        (f"/cles/{row.pk}/renouveler", {"overlap": "24"}, 200),
        (f"/cles/{row.pk}/terminer", {}, 302),
        ("/maintenance", {"minutes": "5"}, 302),
        ("/maintenance", {"minutes": "9"}, 302),
        ("/maintenance/fin", {}, 302),
    ]
    for number, (path, sent, status) in enumerate(acts, start=1):
        answer = client.post(path, {**sent, "code": operator.codes[number]})
        assert answer.status_code == status, path
    last = ("/compte/codes", {"code": operator.codes[8]})
    assert client.post(*last).status_code == 200
    issued = {"name": "A", "scopes": ["link_status"], "rate": "1/s"}
    answer = client.post("/cles/nouvelle", {**issued, "code": operator.code_now()})
    assert "hv_" in answer.content.decode()
    assert sign_in_by_recovery(operator, Client(), 9).status_code == 403
    assert client.post("/deconnexion").status_code == 302
    call_command("audit", "verify", stdout=io.StringIO())


def test_the_commands_of_the_owner_and_of_the_site_write_the_trail(house):
    owner, site = house.roles.owner, house.roles.site
    house.manage(owner, "operator", "add", "denis")
    house.manage(owner, "operator", "suspend", "denis")
    house.manage(owner, "maintenance", "begin")
    house.manage(owner, "maintenance", "end")
    house.manage(site, "partner", "Essai")
    told = house.manage(owner, "audit", "show", "--last", "5")
    acts = [line.split("  ")[3] for line in told.splitlines()]
    assert acts == ["operator.add", "operator.suspend", "maintenance.begin",
                    "maintenance.end", "partner.issue"]  # fmt: skip
    house.manage(owner, "audit", "verify")


def test_a_role_that_reads_records_or_links_is_none_for_the_dashboard(
    house, connected, settings, tmp_path
):
    serve_operators(settings, tmp_path)
    settings.DEVELOPMENT = False
    connected(house.roles.operator)
    assert found() == []
    assert found(databases=()) == []
    for role in (house.roles.site, house.roles.job, house.roles.owner):
        connected(role)
        assert "histovet.E081" in found(), role
    settings.SERVES_OPERATORS = False
    assert "histovet.E081" not in found()


# The system check


def found(databases=("default",)) -> list[str]:
    problems = run_checks(
        tags=["database"], include_deployment_checks=True, databases=databases
    )
    assert all(problem.hint for problem in problems)
    return [problem.id for problem in problems]


def test_the_sites_own_role_passes(site, settings):
    settings.DEVELOPMENT = False
    assert found() == []


def test_who_reads_every_record_is_no_role_for_the_site(db, settings):
    settings.DEVELOPMENT = False
    assert found() == ["histovet.E013"]
    assert found(databases=()) == []
    settings.DEVELOPMENT = True
    assert found() == []


@pytest.fixture
def production() -> Iterator[None]:
    """The environment of a site in production, which keeps no secret in the repository,
    where the state folder may lie."""
    with tempfile.TemporaryDirectory(dir="/tmp") as elsewhere:
        paths = {
            variable: shutil.copy(os.environ[variable], Path(elsewhere, variable))
            for variable in SECRETS
        }
        changes = {name: str(path) for name, path in paths.items()}
        changes |= {"HISTOVET_DEBUG": "0", "HISTOVET_HOSTS": "histovet.example"}
        with mock.patch.dict(os.environ, changes):
            yield


def test_the_owner_is_no_role_for_the_site_and_migrates(house, production):
    checked = house.run(
        house.roles.owner,
        *("manage.py", "check", "--deploy", "--database", "default"),
    )
    assert "histovet.E013" in checked.stderr
    migrated = house.run(house.roles.owner, "manage.py", "migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
