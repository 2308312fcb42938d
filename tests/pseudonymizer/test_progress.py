"""What the operator sees where there is no terminal."""

import io

import pytest

from pseudonymizer.progress import Progress
from pseudonymizer.records import FileReport


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def progress(stream, clock):
    return Progress(stream, clock)


def test_a_line_is_written_every_few_seconds_and_at_the_end(progress, stream, clock):
    progress.begin("load", 1000)
    for _ in range(10):
        clock.now += 1
        progress.advance(50, 1)
    progress.close()
    assert stream.getvalue().splitlines() == [
        "load: begins, 1,000 lines",
        "load: 250 of 1,000 lines, 50 lines/s, 15 s left, 5 rejects",
        "load: 500 of 1,000 lines, 50 lines/s, 10 s left, 10 rejects",
        "load: 500 of 1,000 lines, 50 lines/s, 10 s left, 10 rejects",
    ]


def test_bytes_are_counted_without_rejects(progress, stream, clock):
    progress.begin("measure", 4000, "bytes")
    clock.now += 5
    progress.advance(1000)
    progress.close()
    assert stream.getvalue().splitlines() == [
        "measure: begins, 4,000 bytes",
        "measure: 1,000 of 4,000 bytes, 200 bytes/s, 15 s left",
        "measure: 1,000 of 4,000 bytes, 200 bytes/s, 15 s left",
    ]


def test_a_line_is_written_for_each_file(progress, stream):
    progress.begin("load", 1000)
    progress.file_done(FileReport("siv.csv.gz", 1000, 997, {"a": 2, "b": 1}))
    assert "siv.csv.gz: 997 rows, 3 rejects\n" in stream.getvalue()


def test_a_stage_without_lines_is_named_alone(progress, stream):
    progress.begin("index", 0)
    progress.close()
    progress.close()
    assert stream.getvalue() == "index: begins\n"
