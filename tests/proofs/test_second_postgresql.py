"""Half of a release on a second server, by postgres_fdw, tried for real; for
docs/scale.md: make proofs ONLY=second_postgresql."""

import os
import random
import signal
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import psycopg
import pytest
from psycopg import IsolationLevel

from pseudonymizer.config import Config
from pseudonymizer.envelope import release_mac
from pseudonymizer.errors import DatabaseFailed
from pseudonymizer.feed import FeedFile
from pseudonymizer.ingest import FileJob, load_file
from pseudonymizer.key_ring import KeyRing, write_new_ring
from pseudonymizer.load import Totals, Vault
from pseudonymizer.manifest import MANIFEST_NAME, read_feed
from pseudonymizer.records import Release
from pseudonymizer.synthetic import write_register
from tests.proofs import figures, servers
from tests.proofs.servers import READ, connect, one
from tests.vehicles import write_manifest

VEHICLES = 20_000
PARTS = 8
READS = 2_000
CONNECT_TIMEOUT = 2
STATEMENT_TIMEOUT = 3

pytestmark = pytest.mark.proof

# Odd parts are elsewhere. The job's role is the owner here.
ADD_PARTITION = """
CREATE OR REPLACE FUNCTION vault_add_partition(number smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partition text := 'vault_record_' || $1;
    kind text;
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE vault_record INCLUDING STORAGE)'
        ' PARTITION BY HASH (record_id)', partition);
    FOR part IN 0 .. {parts} - 1 LOOP
        kind := CASE WHEN part % 2 = 0 OR {local} THEN '' ELSE 'FOREIGN ' END;
        EXECUTE format(
            'CREATE ' || kind || 'TABLE %I PARTITION OF %I'
            ' FOR VALUES WITH (MODULUS {parts}, REMAINDER %s)'
            || CASE WHEN kind = '' THEN '' ELSE ' SERVER second' END,
            partition || '_' || part, partition, part
        );
    END LOOP;
    EXECUTE format(
        'ALTER TABLE vault_record ATTACH PARTITION %I FOR VALUES IN (%s)', partition, $1
    );
END
$$
"""
REMOTE = """
CREATE TABLE vault_record_{number}_{part} (
    record_id uuid NOT NULL, release_number smallint NOT NULL,
    generation smallint NOT NULL, sealed bytea NOT NULL)
"""


def _connected(first: psycopg.Connection, second_url: str) -> None:
    first.execute("CREATE EXTENSION postgres_fdw")
    first.execute(
        "CREATE SERVER second FOREIGN DATA WRAPPER postgres_fdw OPTIONS ("
        f" host '{_socket(second_url)}', dbname 'histovet', connect_timeout '{CONNECT_TIMEOUT}',"
        " batch_size '1000')"
    )
    first.execute(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER second"
        " OPTIONS (user 'histovet', password_required 'false')"
    )


def _socket(url: str) -> str:
    return parse_qs(urlsplit(url).query)["host"][0]


def _release(vault: Vault, ring: KeyRing, label: str) -> Release:
    wanted = servers.a_release(label)
    mac = release_mac(ring, wanted)
    return vault.create(msgspec.structs.replace(wanted, mac=mac), ring.check_value(1))


def _loaded(feed, config: Config, release: Release) -> dict[str, float]:
    """Load the files with the job's own function; return seconds and lines/s."""
    began = time.monotonic()
    for file in feed.manifest.files:
        job = FileJob(feed.path(file), file, config, release, feed.lines)
        load_file(job, lambda lines, rejects: None)
    took = time.monotonic() - began
    return {"s": round(took, 2), "lines/s": round(feed.lines / took)}


def _failure(connection: psycopg.Connection, release: int, record_id):
    """What reading a record comes to, and after how many seconds."""
    began = time.monotonic()
    try:
        connection.execute(READ, (release, record_id))
        told = "read"
    except psycopg.Error as exc:
        told = f"{type(exc).__name__} {exc.sqlstate}"
    return [told, round(time.monotonic() - began, 2)]


def _postmaster(url: str) -> int:
    with connect(url) as connection:
        folder = one(connection, "SELECT current_setting('data_directory')")
    return int(Path(folder, "postmaster.pid").read_text().split("\n")[0])


def _signal_all(postmaster: int, signum: int) -> None:
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
    for pid in [postmaster, *map(int, children.split())]:
        os.kill(pid, signum)


def test_second_postgresql(tmp_path):
    folder, ring_path = tmp_path / "feed", tmp_path / "register.json"
    write_register(folder, vehicles=VEHICLES, seed=7, files=4)
    write_manifest(folder)
    write_new_ring(ring_path, "register", bytes(range(32)))
    ring = KeyRing.read(ring_path, "register")
    feed = read_feed(folder, folder / MANIFEST_NAME)
    told = {"vehicles": VEHICLES, "lines": feed.lines, "parts": PARTS}

    with servers.server(tmp_path / "first") as url:
        config = Config(url, ring_path)
        with (
            servers.server(tmp_path / "second", migrated=False) as second_url,
            connect(url) as first,
            connect(second_url) as second,
            Vault(url) as vault,
        ):
            _connected(first, second_url)
            # All here, for comparison.
            first.execute(ADD_PARTITION.format(parts=PARTS, local="true"))
            alone = _release(vault, ring, "alone")
            told["load, all local"] = _loaded(feed, config, alone)
            assert vault.build_index(alone)
            told["delta, all local"] = _delta(first, alone)

            first.execute(ADD_PARTITION.format(parts=PARTS, local="false"))
            for size in (1, 1000):
                first.execute(f"ALTER SERVER second OPTIONS (SET batch_size '{size}')")
                release = _release(vault, ring, f"batch of {size}")
                for part in range(1, PARTS, 2):
                    second.execute(REMOTE.format(number=release.number, part=part))
                told[f"load, half foreign, batch_size {size}"] = _loaded(
                    feed, config, release
                )
            table = f"vault_record_{release.number}"
            rows = vault.count_rows(release)
            told["rows"] = rows
            told["of them foreign"] = sum(
                one(second, f"SELECT count(*) FROM {table}_{part}")
                for part in range(1, PARTS, 2)
            )

            # What the job would do next does not work, and what does.
            with pytest.raises(DatabaseFailed) as refused:
                vault.build_index(release)
            told["unique index over all parts"] = str(refused.value).split(";")[0]
            for part in range(PARTS):
                at = second if part % 2 else first
                at.execute(f"CREATE UNIQUE INDEX ON {table}_{part} (record_id)")
                at.execute(f"ANALYZE {table}_{part}")
            vault.activate(release, Totals(feed.lines, rows, 0))
            told["delta, half foreign"] = _delta(first, release)

            number = release.number
            ids = {
                kind: [
                    record_id
                    for part in range(kind == "foreign", PARTS, 2)
                    for (record_id,) in at.execute(
                        f"SELECT record_id FROM {table}_{part}"
                        f" LIMIT {2 * READS // PARTS}"
                    )
                ]
                for kind, at in (("local", first), ("foreign", second))
            }
            for some in ids.values():
                random.Random(7).shuffle(some)
                servers.read_times(first, number, some[:200])
            told["read ms"] = {
                kind: servers.percentiles(servers.read_times(first, number, some))
                for kind, some in ids.items()
            }
            told["plan of a foreign read"] = [
                line.strip()
                for (line,) in first.execute(
                    "EXPLAIN (COSTS OFF, VERBOSE) SELECT generation, sealed"
                    f" FROM vault_record WHERE release_number = {number}"
                    f" AND record_id = '{ids['foreign'][0]}'"
                )
            ]
            told["killed between the two commits"] = _between(url, vault, first, second)
            told["second frozen"] = _frozen(url, second_url, number, ids)

        # The second is stopped now.
        with connect(url) as first:
            told["second stopped"] = {
                kind: _failure(first, number, some[0]) for kind, some in ids.items()
            }
            with servers.server(tmp_path / "second", migrated=False) as second_url:
                # Its socket is in another folder than before.
                host = _socket(second_url)
                first.execute(f"ALTER SERVER second OPTIONS (SET host '{host}')")
                told["second back"] = _failure(first, number, ids["foreign"][0])
    figures.write("second_postgresql", told)
    assert told["second stopped"]["local"][0] == "read"
    assert told["second stopped"]["foreign"][0] != "read"
    between = told["killed between the two commits"]
    assert between["marked files"] == between["rows left here"] == 0
    assert between["of them twice"] == between["rows left over there"] > 0
    assert "unique index over there" in between
    assert told["second back"][0] == "read"
    assert abs(told["of them foreign"] - rows / 2) < 0.05 * rows


def _delta(first, release):
    """What a delta's statement comes to on parts elsewhere."""
    try:
        first.execute(
            f"INSERT INTO vault_record_{release.number} AS r"
            " SELECT gen_random_uuid(), %s, 1, ''::bytea"
            " ON CONFLICT (record_id) DO UPDATE SET generation = 2"
            " RETURNING r.xmax = 0",
            (release.number,),
        )
    except psycopg.Error as exc:
        return f"{exc.sqlstate} {exc.diag.message_primary}"
    return "done"


def _between(url, vault, first, second):
    """Let the first server's commit fail after that of the second.

    postgres_fdw commits over there before the commit here, which then fails for a
    serialisation conflict: what a kill between the two leaves.
    """
    release = servers.begun(vault, "between")
    number = release.number
    for part in range(1, PARTS, 2):
        second.execute(REMOTE.format(number=number, part=part))
    (batch,) = servers.random_batches(1_000, 1_000)
    file = FeedFile("1.csv.gz", 1, "00" * 32, 1_000)
    with connect(url) as job, connect(url) as other:
        for connection in (job, other):
            connection.isolation_level = IsolationLevel.SERIALIZABLE
            # Predicate locks on whole tables, whatever the planner would choose.
            connection.execute("SET enable_indexscan = off")
            connection.execute("SET enable_bitmapscan = off")
        with pytest.raises(psycopg.errors.SerializationFailure), job.transaction():
            # What Vault.load_file does, as far as it matters.
            job.execute("SELECT FROM vault_release WHERE state = 'building'")
            job.execute(
                "INSERT INTO vault_release_file"
                " (release_number, name, sha256, lines, rows)"
                " VALUES (%s, %s, %s, 1000, 1000)",
                (number, file.name, bytes.fromhex(file.sha256)),
            )
            with job.cursor().copy(
                f"COPY vault_record_{number}"
                " (record_id, release_number, generation, sealed) FROM STDIN"
            ) as copy:
                for row in batch.rows:
                    copy.write_row((UUID(bytes=row.record_id), number, 1, row.sealed))
            # Else the key to the release is checked first of all in the commit.
            job.execute("SET CONSTRAINTS ALL IMMEDIATE")
            # The other reads what the job wrote, and writes what the job read.
            with other.transaction():
                other.execute("SELECT count(*) FROM vault_release_file")
                other.execute(
                    "INSERT INTO vault_release (uuid, label, as_of, key_version, salt,"
                    " manifest_sha256, mac, state)"
                    " SELECT gen_random_uuid(), 'x', as_of, 1, salt, mac, mac, 'failed'"
                    " FROM vault_release LIMIT 1"
                )
    foreign = sum(
        one(second, f"SELECT count(*) FROM vault_record_{number}_{part}")
        for part in range(1, PARTS, 2)
    )
    told = {
        "rows of the file": 1_000,
        "marked files": len(vault.file_reports(release)),
        "rows left here": vault.count_rows(release) - foreign,
        "rows left over there": foreign,
    }
    # The same command again: the file is not marked, and is loaded whole.
    vault.load_file(release, file, [batch], 0)
    told["rows after the next run"] = vault.count_rows(release)
    told["of them twice"] = vault.find_duplicates(release)
    try:
        for part in range(1, PARTS, 2):
            second.execute(
                f"CREATE UNIQUE INDEX ON vault_record_{number}_{part} (record_id)"
            )
    except psycopg.errors.UniqueViolation as exc:
        told["unique index over there"] = f"refused, {exc.sqlstate}"
    return told


def _frozen(url, second_url, number, ids):
    """A server that neither answers nor closes: what bounds the wait."""
    postmaster = _postmaster(second_url)
    with connect(url) as known, connect(url) as fresh:
        known.execute(READ, (number, ids["foreign"][0]))
        for connection in (known, fresh):
            connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}s'")
        _signal_all(postmaster, signal.SIGSTOP)
        try:
            return {
                "new connection": _failure(fresh, number, ids["foreign"][0]),
                "known connection": _failure(known, number, ids["foreign"][0]),
                "local meanwhile": _failure(fresh, number, ids["local"][0]),
                "connect_timeout s": CONNECT_TIMEOUT,
                "statement_timeout s": STATEMENT_TIMEOUT,
            }
        finally:
            _signal_all(postmaster, signal.SIGCONT)
