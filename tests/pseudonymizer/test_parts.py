"""Which files are loaded in parts."""

import pytest

from pseudonymizer.feed import WHOLE, FeedFile, Part
from pseudonymizer.parts import missing_parts

MB = 1024 * 1024
FOUR = [(number, 4) for number in (4, 3, 2, 1)]


def _jobs(sizes, workers, loaded=None):
    """Return (size in MB, number, of how many) of what is to be loaded, in order."""
    files = [FeedFile(f"{n}.csv.gz", mb * MB, "", 1) for n, mb in enumerate(sizes)]
    jobs = missing_parts(files, loaded or {}, workers)
    return [(file.size // MB, part.number, part.of) for file, part in jobs]


@pytest.mark.parametrize(
    ("sizes", "workers", "expected"),
    [
        ([50], 2, [(50, *part) for part in FOUR]),
        # The last of an odd number.
        ([40, 40, 40], 2, [(40, 1, 1), (40, 1, 1), *[(40, *part) for part in FOUR]]),
        # As well whole.
        ([50, 50], 2, [(50, 1, 1), (50, 1, 1)]),
        ([50, 40, 30, 20], 2, [(50, 1, 1), (40, 1, 1), (30, 1, 1), (20, 1, 1)]),
        ([226, 206], 2, [(226, 1, 1), (206, 1, 1)]),
        # Nobody waits for one worker, nor long for small files.
        ([50, 40], 1, [(50, 1, 1), (40, 1, 1)]),
        ([7, 6, 5], 2, [(7, 1, 1), (6, 1, 1), (5, 1, 1)]),
    ],
)
def test_files_are_cut_where_workers_would_wait(sizes, workers, expected):
    assert _jobs(sizes, workers) == expected


def test_a_file_larger_than_the_others_together_is_cut():
    jobs = _jobs([300, 20, 20], 2)
    assert [job for job in jobs if job[0] == 300] == [(300, *part) for part in FOUR]


def test_what_was_begun_stays_cut_as_it_was():
    loaded = {"0.csv.gz": {Part(2, 3)}, "1.csv.gz": {WHOLE}}
    assert _jobs([50, 50], 8, loaded) == [(50, 3, 3), (50, 1, 3)]


def test_a_feed_that_is_loaded_needs_nothing():
    loaded = {"0.csv.gz": {Part(1, 2), Part(2, 2)}}
    assert _jobs([50], 2, loaded) == []
