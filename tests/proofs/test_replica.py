"""A read replica by streaming replication, tried for real; for docs/scale.md:
make proofs ONLY=replica. HISTOVET_PROOF_ROWS gives another number of rows."""

import os
import statistics
import subprocess
import threading
import time
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from histovet.local import postgres
from pseudonymizer.feed import FeedFile
from pseudonymizer.load import Totals, Vault
from tests.proofs import figures, servers
from tests.proofs.servers import READ, connect, one

ROWS = int(os.environ.get("HISTOVET_PROOF_ROWS", "1000000"))
FILES = 4
STREAMING_DELAY = 2

pytestmark = pytest.mark.proof


@contextmanager
def _replica(primary_url, folder):
    """Give the URL of a replica, and the seconds that its base backup took."""
    programs, data = postgres.binaries(), folder / "data"
    socket = parse_qs(urlsplit(primary_url).query)["host"][0]
    prefix = (
        ("unshare", "-U", "--map-user=65534", "--map-group=65534", "--")
        if os.geteuid() == 0
        else ()
    )
    folder.mkdir(mode=0o755)
    began = time.monotonic()
    subprocess.run(
        [*prefix, programs / "pg_basebackup", "--host", socket, "--username",
         "histovet", "--pgdata", data, "--write-recovery-conf", "--checkpoint=fast",
         "--wal-method=stream", "--no-sync"],
        check=True,
    )  # fmt: skip
    took = time.monotonic() - began
    ours = postgres._short_private_folder()
    options = (
        f"-c listen_addresses= -c unix_socket_directories={ours} -c port=5432"
        f" -c max_standby_streaming_delay={STREAMING_DELAY}s"
    )
    control = [*prefix, str(programs / "pg_ctl"), f"--pgdata={data}", "--silent"]
    subprocess.run(
        [*control, "start", f"--log={folder / 'log'}", f"--options={options}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"postgresql://histovet@/histovet?host={ours}", took
    finally:
        subprocess.run([*control, "stop", "--mode=immediate"], check=True)
        ours.rmdir()


def _load(vault, release, rows):
    for number in range(FILES):
        file = FeedFile(f"{number}.csv.gz", 1, "00" * 32, rows // FILES)
        batches = servers.random_batches(rows // FILES)
        vault.load_file(release, file, batches, 0)


def _ids(connection, release, count=5_000):
    return [
        record_id
        for (record_id,) in connection.execute(
            f"SELECT record_id FROM vault_record_{release.number} LIMIT {count}"
        )
    ]


class _Lag(threading.Thread):
    """How far the replica is behind while rows are loaded, and how it answers."""

    def __init__(self, primary_url, replica_url, release, ids):
        super().__init__()
        self._urls, self._release, self._ids = (primary_url, replica_url), release, ids
        self.done = threading.Event()
        self.megabytes, self.milliseconds, self.reads = [], [], []

    def run(self):
        primary, replica = (connect(url) for url in self._urls)
        with primary, replica:
            while not self.done.wait(0.1):
                row = one(
                    primary,
                    "SELECT pg_current_wal_lsn() - replay_lsn,"
                    " extract(epoch FROM replay_lag) FROM pg_stat_replication",
                )
                if row is None:
                    continue
                self.megabytes.append(float(row[0]) / 1e6)
                if row[1] is not None:
                    self.milliseconds.append(1e3 * float(row[1]))
                self.reads += servers.read_times(replica, self._release, self._ids[:50])
                self._ids = self._ids[50:] + self._ids[:50]


def _caught_up(primary, replica):
    began = time.monotonic()
    wanted = one(primary, "SELECT pg_current_wal_lsn()")
    while not one(replica, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", wanted):
        time.sleep(0.01)
    return round(time.monotonic() - began, 2)


def test_replica(tmp_path):
    tmp_path.chmod(0o755)
    told = {"rows": ROWS}
    with (
        servers.server(tmp_path / "primary", max_wal_size="4GB") as url,
        connect(url) as primary,
        Vault(url) as vault,
    ):
        first = servers.begun(vault, "first")
        _load(vault, first, ROWS // 4)
        assert vault.build_index(first)
        vault.activate(first, Totals(ROWS // 4, ROWS // 4, 0))
        size = one(primary, "SELECT pg_database_size(current_database())")
        with (
            _replica(url, tmp_path / "replica") as (replica_url, took),
            connect(replica_url) as replica,
        ):
            told["base backup"] = {"MB": round(size / 1e6), "s": round(took, 2)}
            told |= _followed(url, replica_url, vault, primary, replica, first)
            told["writing there"] = _written(replica)
            told["dropping a release"] = _dropped(url, replica_url, vault, first)
    figures.write("replica", told)
    assert told["writing there"] == "25006"
    assert told["dropping a release"]["its long reader"] != "read to the end"


def _followed(url, replica_url, vault, primary, replica, first):
    ids = _ids(primary, first)
    servers.read_times(replica, first.number, ids[:500])
    quiet = servers.percentiles(servers.read_times(replica, first.number, ids))
    second = servers.begun(vault, "second")
    lag = _Lag(url, replica_url, first.number, ids)
    lag.start()
    began = time.monotonic()
    _load(vault, second, ROWS)
    loaded = time.monotonic() - began
    vault.build_index(second)
    lag.done.set()
    lag.join()
    behind = _caught_up(primary, replica)
    vault.activate(second, Totals(ROWS, ROWS, 0))
    switched = time.monotonic()
    while one(replica, READ, second.number, _ids(primary, second, 1)[0])[0] is not True:
        time.sleep(0.001)
    return {
        "loaded rows/s": round(ROWS / loaded),
        "lag MB": {
            "median": round(statistics.median(lag.megabytes), 1),
            "most": round(max(lag.megabytes), 1),
        },
        "lag ms": {
            "median": round(statistics.median(lag.milliseconds)),
            "most": round(max(lag.milliseconds)),
        },
        "caught up after s": behind,
        "read there ms, quiet": quiet,
        "read there ms, during the load": servers.percentiles(lag.reads),
        "sees the switch after ms": round(1e3 * (time.monotonic() - switched)),
    }


def _written(replica):
    try:
        replica.execute("UPDATE sharing_link SET openings = 0")
    except psycopg.Error as exc:
        return exc.sqlstate
    return "written"


def _dropped(url, replica_url, vault, first):
    """What readers of a replica meet when a release that one of them reads is
    dropped: replay waits for the reader, and whoever comes after waits for replay."""
    told = {"max_standby_streaming_delay s": STREAMING_DELAY}
    third = servers.begun(vault, "third")
    _load(vault, third, FILES)
    vault.build_index(third)

    def read_long():
        with connect(replica_url) as reader:
            began = time.monotonic()
            try:
                reader.execute(
                    f"SELECT count(*), pg_sleep(8) FROM vault_record_{first.number}"
                )
                ended = "read to the end"
            except psycopg.Error as exc:
                ended = f"cancelled, {exc.sqlstate}"
            told["its long reader"] = ended
            told["its long reader after s"] = round(time.monotonic() - began, 2)

    long = threading.Thread(target=read_long)
    long.start()
    time.sleep(0.5)
    vault.activate(third, Totals(FILES, FILES, 0))
    assert vault.drop_unused() == []
    with connect(url) as primary, connect(replica_url) as replica:
        one_id = _ids(primary, third, 1)[0]
        times = []
        until = time.monotonic() + STREAMING_DELAY + 2
        while time.monotonic() < until:
            began = time.perf_counter()
            replica.execute(READ, (third.number, one_id))
            times.append(time.perf_counter() - began)
            time.sleep(0.01)
        told["longest read of another meanwhile, s"] = round(max(times), 2)
    long.join()
    return told
