"""A real Dask cluster on this machine: a scheduler, and workers as processes."""

import datetime as dt
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from distributed import Client
from django.db import connection

from pseudonymizer import cluster as cluster_module
from pseudonymizer import codec
from pseudonymizer.__main__ import main
from pseudonymizer.cluster import Cluster
from pseudonymizer.envelope import (
    identity_bytes,
    inspection_keys,
    release_keys,
)
from pseudonymizer.errors import ConfigError, FeedRefused, ReleaseRefused, Unusable
from pseudonymizer.feed import FeedFile, FeedReader
from pseudonymizer.ingest import ingest
from pseudonymizer.key_ring import KeyRing, write_new_ring
from pseudonymizer.layout import Content, line_reader
from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.progress import Progress
from pseudonymizer.records import InspectionLine, SealedRow
from pseudonymizer.synthetic import write_register
from pseudonymizer.verify import FileCheck, verify_file
from tests.pseudonymizer.conftest import REGISTER_KEY
from tests.publish import database_url
from tests.vehicles import siv_lines, write_feed, write_file, write_manifest

ROOT = Path(__file__).parents[2]
WORKERS = 3
START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def running(folder: Path, workers: int, **variables: str) -> Iterator[Running]:
    """Run a scheduler and workers of one thread; none writes outside the folder."""
    environment = {
        **os.environ,
        "DASK_CONFIG": str(folder),
        "DASK_TEMPORARY_DIRECTORY": str(folder),
        "DATABASE_URL": database_url(),
        **variables,
    }
    told = folder / "scheduler.json"
    protocol = "tls" if "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in variables else "tcp"
    # Without an address its pages are served on every interface, dashboard or not.
    pages = ("--dashboard-address", "127.0.0.1:0")
    local = ("--host", "127.0.0.1", *pages, "--protocol", protocol)

    def started(program: str, *options: str) -> subprocess.Popen[bytes]:
        with (folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{program}", *options],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    with ExitStack() as ending:
        processes: list[subprocess.Popen[bytes]] = []
        ending.callback(_end, processes)
        scheduler = started(
            "scheduler", *local, "--port", "0", "--scheduler-file", str(told)
        )
        processes.append(scheduler)
        processes += [
            started(
                "worker", *local, "--nthreads", "1", "--no-nanny",
                "--scheduler-file", str(told),
            )
            for _ in range(workers)
        ]  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not told.exists():
            assert scheduler.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield Running(
            json.loads(told.read_bytes())["address"], scheduler, processes[1:]
        )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    # The workers first: each would say at length that its scheduler is gone.
    for process in reversed(processes):
        process.kill()
    for process in processes:
        process.wait()


@pytest.fixture(scope="module")
def cluster(django_db_setup, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask")
    ring = folder / "register.json"
    write_new_ring(ring, "register", REGISTER_KEY)
    with running(folder, WORKERS, HISTOVET_REGISTER_KEYS=str(ring)) as started:
        yield started


def _ingest(folder, config, address, **options):
    told = io.StringIO()
    report = ingest(
        folder, folder / MANIFEST_NAME, config, Progress(told), cluster=address,
        **options,
    )  # fmt: skip
    return report, told.getvalue()


@pytest.fixture(scope="module")
def synthesise(tmp_path_factory):
    """Write a register of so many vehicles into a folder, and its manifest."""
    made = {}

    def synthesised(folder, vehicles):
        if vehicles not in made:
            made[vehicles] = tmp_path_factory.mktemp("register") / "feed"
            write_register(made[vehicles], vehicles=vehicles, seed=3, files=6)
        shutil.copytree(made[vehicles], folder)
        write_manifest(folder)

    return synthesised


def _job(folder, environment, address, cwd=ROOT):
    return subprocess.Popen(
        [sys.executable, "-m", "pseudonymizer", "ingest", str(folder),
         "--cluster", address],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip


def _copies() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_progress_copy"
            " WHERE datname = current_database()"
        )
        return cursor.fetchone()[0]


def _wait_for_copies(count, process):
    while _copies() < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


def _stopped_within_a_file(client, cluster, job):
    """Return a worker that has a file half loaded, stopped."""
    pids = client.run(os.getpid)
    by_pid = {worker.pid: worker for worker in cluster.workers}
    while True:
        assert job.poll() is None, job.communicate()
        for address, keys in client.processing().items():
            worker = by_pid[pids[address]]
            if any(key.startswith("load_file-") for key in keys):
                worker.send_signal(signal.SIGSTOP)
                # Whoever is stopped ends nothing any more; what it said is on its way.
                time.sleep(0.2)
                if any(
                    key.startswith("load_file-") for key in client.processing()[address]
                ):
                    return worker
                worker.send_signal(signal.SIGCONT)


def _opened(vault, config, folder):
    """What the active release says of each line of the folder."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, generation, sealed FROM vault_record v"
            " JOIN vault_release r ON number = release_number WHERE state = 'active'"
        )
        rows = {
            record_id.bytes: SealedRow(record_id.bytes, generation, bytes(sealed))
            for record_id, generation, sealed in cursor.fetchall()
        }
    release = next(s.release for s in vault.releases() if s.state == "active")
    ring = KeyRing.read(config.register_keys, "register")
    of_records, of_inspections = (
        keys(ring, release) for keys in (release_keys, inspection_keys)
    )
    opened = []
    for path in sorted(folder.glob("*.csv.gz")):
        with FeedReader(path) as reader:
            read = line_reader(reader.header)
            for row in (row for batch in reader for row in batch.rows):
                try:
                    line = read(row)
                except Unusable:
                    continue
                inspected = isinstance(line, InspectionLine)
                keys = of_inspections if inspected else of_records
                identity = identity_bytes(line.identity)
                content = keys.open(identity, rows.pop(keys.record_id(identity)))
                if inspected:
                    opened.append(codec.decode_inspections(*content))
                else:
                    opened.append(codec.decode(*content)[0])
    assert opened and not rows
    return opened


def _in_one_process(vault, config, folder):
    write_manifest(folder, "in one process")
    ingest(folder, folder / MANIFEST_NAME, config, Progress(io.StringIO()))
    return _opened(vault, config, folder)


# What it is for


def test_a_cluster_publishes_what_one_process_does(
    vault, config, folder, cluster, synthesise
):
    synthesise(folder, 1_500)
    report, told = _ingest(folder, config, cluster.address)
    assert report.activated
    assert f"load: {report.lines:,} of {report.lines:,} lines" in told
    opened = _opened(vault, config, folder)
    assert opened == _in_one_process(vault, config, folder)


def test_a_killed_worker_costs_nothing(
    vault, config, environment, folder, cluster, synthesise
):
    synthesise(folder, 8_000)
    job = _job(folder, environment, cluster.address)
    with Client(cluster.address, set_as_default=False) as client:
        victim = _stopped_within_a_file(client, cluster, job)
        victim.kill()
        victim.wait()
        cluster.workers.remove(victim)
    said, errors = job.communicate(timeout=60)
    assert job.returncode == 0, errors
    assert "is active" in said
    opened = _opened(vault, config, folder)
    assert opened == _in_one_process(vault, config, folder)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_what_a_job_that_ends_had_running_is_rolled_back(
    vault, config, environment, folder, cluster, synthesise, signum
):
    synthesise(folder, 8_000)
    job = _job(folder, environment, cluster.address)
    _wait_for_copies(2, job)
    job.send_signal(signum)
    _, errors = job.communicate(timeout=20)
    ended = time.monotonic()
    if signum == signal.SIGINT:
        assert job.returncode == 130
        assert "interrupted; run the same command again" in errors
        assert "Traceback" not in errors
    while _copies():
        assert time.monotonic() - ended < 5
        time.sleep(0.01)
    (state,) = vault.releases()
    assert state.state == "building"
    whole = sum(file.rows for file in vault.file_reports(state.release).values())
    assert vault.count_rows(state.release) == whole
    assert len(vault.file_reports(state.release)) < 6
    report, _ = _ingest(folder, config, cluster.address)
    assert report.activated
    assert vault.count_rows(state.release) == report.rows


# What it refuses


def test_too_many_rejects_end_what_is_running(vault, config, folder, cluster):
    for number in range(4):
        write_file(folder, f"{number}.csv.gz", siv_lines(200, first=200 * number))
    write_file(folder, "9.csv.gz", [{**line, "v": "{"} for line in siv_lines(100)])
    write_manifest(folder)
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config, cluster.address)
    assert refused.value.code == "too_many_rejects"
    assert [state.state for state in vault.releases()] == ["failed"]


def test_a_worker_that_does_not_see_the_folder_is_named(tmp_path, cluster):
    file = FeedFile("1.csv.gz", 1, "0" * 64, 1)
    path = tmp_path / "elsewhere" / "1.csv.gz"
    check = FileCheck(path, file, Content.REGISTRATIONS, 0.01)
    with (
        Cluster(cluster.address, Progress(io.StringIO())) as pool,
        pytest.raises(FeedRefused) as refused,
    ):
        list(pool.run(verify_file, [check]))
    assert refused.value.code == "file_unreadable"
    assert str(refused.value).startswith("on worker tcp://127.0.0.1:")
    assert "1.csv.gz cannot be read: No such file or directory" in str(refused.value)


def test_a_worker_of_another_version_is_refused(
    vault, environment, folder, tmp_path, cluster
):
    write_feed(folder, siv_lines(5))
    shutil.copytree(ROOT / "pseudonymizer", tmp_path / "other" / "pseudonymizer")
    with (tmp_path / "other" / "pseudonymizer" / "codec.py").open("a") as source:
        source.write("# Another version.\n")
    job = _job(folder, environment, cluster.address, cwd=tmp_path / "other")
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 74
    assert "error [worker_unfit]: on worker tcp://" in errors
    assert "another version" in errors
    assert vault.releases() == []


def test_a_worker_with_another_ring_is_refused(config, folder, tmp_path, cluster):
    write_feed(folder, siv_lines(5))
    other = tmp_path / "other.json"
    write_new_ring(other, "register", bytes(reversed(REGISTER_KEY)))
    config = type(config)(config.database_url, other)
    with pytest.raises(ReleaseRefused, match="register key ring") as refused:
        _ingest(folder, config, cluster.address)
    assert refused.value.code == "worker_unfit"


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:x",
     "inproc://1", "ws://127.0.0.1:8786", "tcp://10.0.0.1:8786",
     "tcp://localhost:8786", "tcp://0.0.0.0:8786", "tcp://[::]:8786"],
)  # fmt: skip
def test_an_address_that_protects_nothing_is_refused(address):
    with pytest.raises(ConfigError):
        Cluster(address, Progress(io.StringIO()))


def test_no_scheduler_is_said(vault, config, folder, monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 1)
    write_feed(folder, siv_lines(5))
    with pytest.raises(ReleaseRefused) as refused:
        _ingest(folder, config, "tcp://127.0.0.1:1")
    assert refused.value.code == "cluster_unreachable"
    assert vault.releases() == []


def test_without_certificates_tls_is_refused(monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 1)
    with pytest.raises(ConfigError, match=r"distributed\.comm\.tls"):
        Cluster("tls://127.0.0.1:1", Progress(io.StringIO()))


def test_without_dask_the_extra_is_named(
    config, folder, monkeypatch, capsys, environment
):
    write_feed(folder, siv_lines(5))
    for name in ("DATABASE_URL", "HISTOVET_REGISTER_KEYS"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delitem(sys.modules, "pseudonymizer.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["ingest", str(folder), "--cluster", "tcp://127.0.0.1:1"]) == 3
    assert "install the extra `cluster`" in capsys.readouterr().err


def test_dask_is_imported_by_who_asks_for_it():
    program = "import sys, pseudonymizer.__main__; print('distributed' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True
    )
    assert said.stdout == b"False\n"


def test_workers_or_a_cluster(folder, capsys):
    with pytest.raises(SystemExit):
        main(["ingest", str(folder), "--workers", "2", "--cluster", "tls://a:1"])
    assert "not allowed with argument" in capsys.readouterr().err


# With certificates


def _certificates(folder: Path) -> dict[str, str]:
    """A certificate that signs itself serves as authority, and for all three roles."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "histovet")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "certificate.pem").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
    )
    prefix = "DASK_DISTRIBUTED__COMM__TLS"
    return {
        f"{prefix}__CA_FILE": str(folder / "certificate.pem"),
        **{
            f"{prefix}__{role}__{kind}": str(folder / f"{name}.pem")
            for role in ("SCHEDULER", "WORKER", "CLIENT")
            for kind, name in (("CERT", "certificate"), ("KEY", "key"))
        },
    }


def test_over_tls_and_then_the_scheduler_dies(
    vault, config, environment, folder, tmp_path, synthesise
):
    synthesise(folder, 8_000)
    variables = _certificates(tmp_path)
    ring = str(config.register_keys)
    with running(tmp_path, 1, HISTOVET_REGISTER_KEYS=ring, **variables) as started:
        assert started.address.startswith("tls://")
        stranger = _job(folder, environment, started.address)
        _, errors = stranger.communicate(timeout=60)
        assert stranger.returncode == 3
        assert "none is named" in errors
        job = _job(folder, {**environment, **variables}, started.address)
        _wait_for_copies(1, job)
        started.scheduler.kill()
        _, errors = job.communicate(timeout=60)
        assert job.returncode == 72
        assert "error [cluster_unreachable]: the connection" in errors
        assert "Traceback" not in errors
    (state,) = vault.releases()
    assert state.state == "building"


def test_a_cluster_without_workers_is_said(config, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_module, "NO_WORKER_SECONDS", 1)
    write_feed(folder, siv_lines(5))
    with (
        running(tmp_path, 0) as started,
        pytest.raises(ReleaseRefused) as refused,
    ):
        _ingest(folder, config, started.address)
    assert refused.value.code == "cluster_without_worker"
