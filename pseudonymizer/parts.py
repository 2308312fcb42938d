"""Which files of a feed are loaded in parts, so that the workers end together. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from pseudonymizer.feed import FeedFile, Part

Job = tuple[FeedFile, Part]

# Smaller files take a second or two.
CUT_BYTES_MIN = 8 * 1024 * 1024
PARTS_A_WORKER, PARTS_MAX = 2, 8
# Whoever reads a part decompresses what is before it too: so much of what it costs to
# load that (docs/ingest-speed.md).
SKIPPED_COST = 0.05
# A byte is not worth the same work in every file.
GOOD_ENOUGH = 1.02


def missing_parts(
    files: Sequence[FeedFile], loaded: Mapping[str, AbstractSet[Part]], workers: int
) -> list[Job]:
    """Return what is still to be loaded, the longest first, with as few files in parts
    as let the workers end soon. A file that was begun stays cut as it was."""
    large = [
        file.name
        for file in sorted(files, key=lambda file: file.size)
        if file.size >= CUT_BYTES_MIN and workers > 1
    ]
    # The last ones, or those that others are too few beside.
    cuts = [[], *(large[:n] for n in range(1, workers + 1))]
    cuts += [large[-n:] for n in range(1, workers + 1)]
    of = min(PARTS_A_WORKER * workers, PARTS_MAX)
    plans = [_plan(files, loaded, cut, of) for cut in sorted(cuts, key=len)]
    ends = [_end(plan, workers) for plan in plans]
    return next(
        plan
        for plan, end in zip(plans, ends, strict=True)
        if end <= GOOD_ENOUGH * min(ends)
    )


def _plan(
    files: Sequence[FeedFile],
    loaded: Mapping[str, AbstractSet[Part]],
    cut: Collection[str],
    parts: int,
) -> list[Job]:
    jobs: list[Job] = []
    for file in files:
        done = loaded.get(file.name, frozenset())
        of = next(iter(done)).of if done else parts if file.name in cut else 1
        of_file = (Part(number, of) for number in range(1, of + 1))
        jobs += [(file, part) for part in of_file if part not in done]
    return sorted(jobs, key=_cost, reverse=True)


def _cost(job: Job) -> float:
    file, part = job
    return file.size / part.of * (1 + SKIPPED_COST * (part.number - 1))


def _end(jobs: Sequence[Job], workers: int) -> float:
    """Return when the last worker ends, each taking the next job when it is free."""
    ends = [0.0] * workers
    for job in jobs:
        heapq.heapreplace(ends, ends[0] + _cost(job))
    return max(ends)
