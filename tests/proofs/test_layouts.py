"""How a release is laid out, measured for docs/scale.md: make proofs ONLY=layouts.

HISTOVET_PROOF_ROWS gives other numbers of rows. Rows are random bytes of real size.
"""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pseudonymizer.load import Totals, Vault
from tests.proofs import figures, servers
from tests.proofs.servers import connect, one

ROWS = [
    int(rows)
    for rows in os.environ.get("HISTOVET_PROOF_ROWS", "100000,1000000,4000000").split(
        ","
    )
]
PARTS = (1, 8, 16, 64)
LOOKUPS = 5_000
MEMORY = ("64MB", "256MB", "1GB")

pytestmark = pytest.mark.proof

# What one function of the database would be for a release in hash partitions.
ADD_PARTITION = """
CREATE OR REPLACE FUNCTION vault_add_partition(number smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partition text := 'vault_record_' || $1;
BEGIN
    EXECUTE format(
        'CREATE TABLE %I (LIKE vault_record INCLUDING STORAGE) {by_hash}', partition
    );
    FOR part IN 0 .. {parts} - 1 LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I'
            ' FOR VALUES WITH (MODULUS {parts}, REMAINDER %s)',
            partition || '_' || part, partition, part
        );
    END LOOP;
    EXECUTE format(
        'ALTER TABLE vault_record ATTACH PARTITION %I FOR VALUES IN (%s)', partition, $1
    );
END
$$
"""


def add_partition(connection, parts):
    if parts > 1:
        statement = ADD_PARTITION.format(
            parts=parts, by_hash="PARTITION BY HASH (record_id)"
        )
    else:
        statement = ADD_PARTITION.format(parts=0, by_hash="")
    connection.execute(statement)


class _Spent:
    """Seconds that pass, and those of the connection's own server process."""

    def __init__(self, connection):
        self._stat = Path(f"/proc/{one(connection, 'SELECT pg_backend_pid()')}/stat")

    def __enter__(self):
        self._began, self._cpu = time.monotonic(), self._used()
        return self

    def __exit__(self, *raised):
        self.figures = {
            "s": round(time.monotonic() - self._began, 2),
            "cpu s": round(self._used() - self._cpu, 2),
        }

    def _used(self):
        words = self._stat.read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _written(connection, file):
    """Put the rows of a release into a file of the server, in the form of COPY."""
    connection.execute(
        f"COPY (SELECT record_id, generation, sealed FROM source) TO '{file}'"
        " (FORMAT binary)"
    )


def _measured(url, rows, parts, file):
    with connect(url) as connection, Vault(url) as vault:
        connection.execute("SET max_parallel_maintenance_workers = 0")
        add_partition(connection, parts)
        release = servers.begun(vault, f"{rows} in {parts}")
        table = f"vault_record_{release.number}"
        connection.execute(
            f"ALTER TABLE {table} ALTER release_number SET DEFAULT {release.number}"
        )
        connection.execute("CHECKPOINT")
        before = one(connection, "SELECT pg_current_wal_lsn()")
        with _Spent(connection) as load:
            connection.execute(
                f"COPY {table} (record_id, generation, sealed) FROM '{file}'"
                " (FORMAT binary)"
            )
        wal = one(connection, "SELECT pg_current_wal_lsn() - %s::pg_lsn", before)
        index = f"CREATE UNIQUE INDEX {table}_id ON {table} (record_id)"
        took = {}
        for memory in MEMORY if parts == 1 else MEMORY[1:2]:
            connection.execute(f"DROP INDEX IF EXISTS {table}_id")
            connection.execute(f"SET maintenance_work_mem = '{memory}'")
            with _Spent(connection) as spent:
                connection.execute(index)
            took[memory] = spent.figures
        if parts > 1:
            connection.execute(f"DROP INDEX {table}_id")
            took["two at once"] = _index_by_part(url, table, parts)
            connection.execute(index + " ")
        with _Spent(connection) as analyze:
            connection.execute(f"ANALYZE {table}")
        with _Spent(connection) as vacuum:
            connection.execute(f"VACUUM {table}")
        leaves = f"pg_partition_tree('{table}') WHERE isleaf"
        size, of_index = one(
            connection,
            "SELECT sum(pg_table_size(relid))::bigint,"
            f" sum(pg_indexes_size(relid))::bigint FROM {leaves}",
        )
        vault.activate(release, Totals(rows, rows, 0))
        ids = [
            record_id
            for (record_id,) in connection.execute(
                f"SELECT record_id FROM {table} TABLESAMPLE BERNOULLI"
                f" ({min(100, 110 * LOOKUPS / rows)}) LIMIT {LOOKUPS}"
            )
        ]
        random.Random(7).shuffle(ids)
        servers.read_times(connection, release.number, ids[:500])
        with _Spent(connection) as reading:
            times = servers.read_times(connection, release.number, ids)
        lookup = servers.percentiles(times)
        lookup["cpu ms"] = round(1e3 * reading.figures["cpu s"] / len(ids), 3)
        connection.execute(
            "UPDATE vault_release SET state = 'retired' WHERE state = 'active'"
        )
        connection.execute(f"DROP TABLE {table}")
    return {
        "rows": rows,
        "parts": parts,
        "load": load.figures,
        "wal bytes a row": round(int(wal) / rows),
        "index": took,
        "analyze": analyze.figures,
        "vacuum": vacuum.figures,
        "table bytes a row": round(size / rows),
        "index bytes a row": round(of_index / rows, 1),
        "lookup ms": lookup,
    }


def _index_by_part(url, table, parts):
    def build(part):
        with connect(url) as connection:
            connection.execute("SET max_parallel_maintenance_workers = 0")
            connection.execute("SET maintenance_work_mem = '256MB'")
            connection.execute(f"CREATE UNIQUE INDEX ON {table}_{part} (record_id)")

    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, range(parts)))
    return {"s": round(time.monotonic() - began, 2)}


def _made(url, rows, file):
    with connect(url) as connection:
        connection.execute(
            "CREATE UNLOGGED TABLE source AS SELECT gen_random_uuid() AS record_id,"
            " 1::smallint AS generation, substr(decode(repeat(md5(n::text), 26), 'hex'),"
            " 1, 228 + 64 * (n % 3)) AS sealed FROM"
            f" generate_series(1, {rows}) AS n"
        )
        _written(connection, file)
        connection.execute("DROP TABLE source")


def test_layouts(tmp_path):
    tmp_path.chmod(0o755)
    told = []
    with servers.server(tmp_path / "server", max_wal_size="4GB") as url:
        with connect(url) as connection:
            folder = one(connection, "SELECT current_setting('data_directory')")
        file = f"{folder}/rows"
        for rows in ROWS:
            _made(url, rows, file)
            for parts in PARTS if rows >= 1_000_000 else PARTS[:1]:
                told.append(_measured(url, rows, parts, file))
                print(told[-1], flush=True)
    minimal = tmp_path / "minimal"
    with servers.server(
        minimal, wal_level="minimal", max_wal_senders="0", max_wal_size="4GB"
    ) as url:
        with connect(url) as connection:
            folder = one(connection, "SELECT current_setting('data_directory')")
        rows = sorted(ROWS)[len(ROWS) // 2]
        _made(url, rows, f"{folder}/rows")
        told.append(_in_one_transaction(url, rows, f"{folder}/rows"))
    figures.write("layouts", {"layouts": told})
    whole = [layout for layout in told if "parts" in layout]
    assert all(
        layout["table bytes a row"] + layout["index bytes a row"] < 450
        for layout in whole
    )


def _in_one_transaction(url, rows, file):
    """CREATE TABLE and COPY in one transaction: with wal_level minimal, no WAL."""
    took = {}
    for together in (True, False):
        with connect(url) as connection:
            before = one(connection, "SELECT pg_current_wal_lsn()")
            create = "CREATE TABLE alone (LIKE vault_record INCLUDING STORAGE)"
            copy = (
                "COPY alone (record_id, generation, sealed)"
                f" FROM '{file}' (FORMAT binary)"
            )
            default = "ALTER TABLE alone ALTER release_number SET DEFAULT 1"
            with _Spent(connection) as spent:
                if together:
                    with connection.transaction():
                        for statement in (create, default, copy):
                            connection.execute(statement)
                else:
                    for statement in (create, default, copy):
                        connection.execute(statement)
            wal = one(connection, "SELECT pg_current_wal_lsn() - %s::pg_lsn", before)
            connection.execute("DROP TABLE alone")
            took["one transaction" if together else "two transactions"] = {
                **spent.figures,
                "wal bytes a row": round(int(wal) / rows, 1),
            }
    return {"wal_level": "minimal", "rows": rows, **took}
