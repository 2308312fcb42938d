"""What the measurements stand on: registers that are kept, and the job watched."""

import json

import pytest

from pseudonymizer.manifest import MANIFEST_NAME, read_feed
from tests.bench import job, registers
from tests.proofs import reader
from tests.proofs.reader import Answer

VEHICLES = 300


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("registers")


@pytest.fixture
def feed(kept):
    return registers.register(kept, vehicles=VEHICLES, files=3)


def test_a_register_holds_registrations_alone_and_is_made_once(kept, feed):
    files = read_feed(feed, feed / MANIFEST_NAME).manifest.files
    assert sum(file.lines for file in files) == VEHICLES
    assert all(file.name.startswith("registrations-") for file in files)
    made = feed.stat().st_ino
    again = registers.register(kept, vehicles=VEHICLES, files=3)
    assert (again, again.stat().st_ino) == (feed, made)


def test_a_register_of_another_version_is_made_again(kept, feed):
    manifest = feed / MANIFEST_NAME
    told = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(told | {"label": "synthetic of before"}))
    (feed / "left").touch()
    registers.register(kept, vehicles=VEHICLES, files=3)
    assert not (feed / "left").exists()
    assert json.loads(manifest.read_bytes())["label"] == told["label"]


def test_lines_are_drawn_from_every_file_with_what_the_job_reads_in_them(feed):
    every = registers.drawn(feed, VEHICLES)
    assert {one.printed.register for one in every} == {"SIV", "FNI"}
    assert len({one.registration.identity for one in every}) == len(every)
    some = registers.drawn(feed, 40)
    assert len(some) == 40
    assert {one.printed.plate for one in some} <= {one.printed.plate for one in every}


def test_a_watched_job_tells_its_stages_its_processor_and_its_memory(feed, tmp_path):
    with job.fresh_database() as url:
        with pytest.raises(SystemExit, match="manifest"):
            job.ingest(url, tmp_path)
        run = job.ingest(url, feed, "--workers", "2")
    assert list(run.stages) == ["start", "verify", "load", "index", "check"]
    assert run.report["rows"] == VEHICLES
    assert run.report["seconds"] <= sum(run.stages.values())
    assert run.job_cpu_seconds > 0.1
    assert 20 < run.worker_rss_mb < 600
    assert run.wal_bytes > 0


def test_figures_are_of_what_was_due_between_two_moments():
    answers = [Answer(float(due), due / 1000, None) for due in range(100)]
    answers.append(Answer(50.0, 9.0, "JSON, status 503"))
    assert reader.told(answers, 50, 60) == {
        "seconds": 10,
        "answers": 11,
        "p50 ms": 55.0,
        "p99 ms": 9000.0,
        "largest ms": 9000.0,
        "wrong": {"JSON, status 503": 1},
    }
    assert reader.told(answers, 200, 201)["p99 ms"] is None
