"""Lookups of known vehicles by the site's own reading, in the database of DATABASE_URL:
python -m tests.bench.lookups FEED."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import django

from tests.bench import registers
from tests.bench.registers import Drawn

LOOKUPS = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", type=Path)
    parser.add_argument("--lookups", type=int, default=LOOKUPS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")
    django.setup()
    lines = registers.drawn(options.feed, options.lookups + 1)
    # The connection, the release's keys and the plans are there afterwards.
    _timed(lines[:1] * 200)
    identities = lines[1:]
    dropped = _drop_caches()
    figures = {"lookups": len(identities), "caches dropped": dropped}
    figures["first"] = _timed(identities)
    figures["again"] = _timed(identities)
    print(json.dumps(figures))
    return 0


def _timed(lines: Sequence[Drawn]) -> dict[str, float]:
    """Return milliseconds of wall time, and those of this process's processor."""
    from histovet.vault import reading

    taken = []
    gc.collect()
    gc.disable()
    processor = time.process_time()
    for line in lines:
        began = time.perf_counter()
        opened = reading.read(line.registration.identity)
        taken.append((time.perf_counter() - began) * 1000)
        if opened is None or opened.record != line.registration.record:
            raise SystemExit("a lookup did not return what stands in the register")
    processor = (time.process_time() - processor) * 1000 / len(lines)
    gc.enable()
    taken.sort()
    return {
        "p50 ms": round(taken[len(taken) // 2], 3),
        "p99 ms": round(taken[len(taken) * 99 // 100], 3),
        "site cpu ms": round(processor, 3),
    }


def _drop_caches() -> bool:
    """Empty the caches of the server and of the system for the active release; tell
    whether that could be done.

    A table is evicted from shared buffers by an extension, and from the system's cache
    file by file: whoever else works on this machine keeps theirs.
    """
    from django.db import DatabaseError, connection

    with connection.cursor() as cursor:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_buffercache")
            cursor.execute("CHECKPOINT")
            cursor.execute(
                "SELECT current_setting('data_directory') || '/' ||"
                " pg_relation_filepath(c.oid), pg_buffercache_evict_relation(c.oid)"
                " FROM vault_release r"
                " JOIN pg_class c ON c.relname IN"
                "  ('vault_record_' || r.number, 'vault_record_' || r.number || '_id')"
                " WHERE r.state = 'active'"
            )
            files = [Path(path) for path, _ in cursor.fetchall()]
        except DatabaseError:
            # Not a superuser, or a server without the extension.
            return False
    found = False
    for first in files:
        # A segment has 1 GB.
        for path in first.parent.glob(f"{first.name}*"):
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
            found = True
    return found


if __name__ == "__main__":
    sys.exit(main())
