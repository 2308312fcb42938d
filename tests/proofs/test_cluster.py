"""What a file costs more on a Dask cluster than in a process of this machine, for
docs/scale.md: make proofs ONLY=cluster."""

import io
import statistics
import time

import pytest
from msgspec import Struct

from pseudonymizer.cluster import Cluster
from pseudonymizer.config import Config
from pseudonymizer.ingest import ingest
from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.progress import Progress
from pseudonymizer.synthetic import write_register
from pseudonymizer.workers import Tell, Workers
from tests.proofs import figures
from tests.pseudonymizer.conftest import config  # noqa: F401
from tests.pseudonymizer.test_cluster import running
from tests.vehicles import write_manifest

FILES = 200
VEHICLES = 20_000
RUNS = 5
WORKERS = 2

pytestmark = pytest.mark.proof


class _Job(Struct, frozen=True):
    """A file without work: what is left is the way there and back."""


def _nothing(job: _Job, tell: Tell) -> None:
    pass


def test_cluster(config: Config, tmp_path):  # noqa: F811
    feed = tmp_path / "feed"
    write_register(feed, vehicles=VEHICLES, seed=7, files=8)
    ring = str(config.register_keys)
    dask = tmp_path / "dask"
    dask.mkdir()
    told: dict[str, list[float]] = {}
    with running(dask, WORKERS, HISTOVET_REGISTER_KEYS=ring) as started:
        pools = {
            "processes": lambda: Workers(WORKERS, Progress(io.StringIO())),
            "cluster": lambda: Cluster(started.address, Progress(io.StringIO())),
        }
        for run in range(RUNS):
            for name, made in pools.items():
                began = time.monotonic()
                with made() as pool:
                    list(pool.run(_nothing, [_Job()]))
                    ready = time.monotonic()
                    jobs = [_Job() for _ in range(FILES)]
                    assert len(list(pool.run(_nothing, jobs))) == FILES
                    done = time.monotonic()
                told.setdefault(f"{name}, start s", []).append(ready - began)
                told.setdefault(f"{name}, ms a file", []).append(
                    1e3 * (done - ready) / FILES
                )
                write_manifest(feed, f"{name} {run}")
                report = ingest(
                    feed,
                    feed / MANIFEST_NAME,
                    config,
                    Progress(io.StringIO()),
                    workers=WORKERS,
                    cluster=started.address if name == "cluster" else None,
                )
                told.setdefault(f"{name}, lines/s", []).append(
                    report.lines / report.seconds
                )
    middle = {name: round(statistics.median(some), 2) for name, some in told.items()}
    figures.write(
        "cluster",
        {"files": FILES, "runs": RUNS, "workers": WORKERS, **middle},
    )
    # A file of the register takes seconds.
    assert middle["cluster, ms a file"] < 100
