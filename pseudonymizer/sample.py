"""The first lines of each file, opened again from the database before it is read."""

from __future__ import annotations

from collections.abc import Iterable

from pseudonymizer.layout import Line
from pseudonymizer.load import Vault
from pseudonymizer.records import Release
from pseudonymizer.seal import Sealer

SAMPLE_LINES = 25


def first_unopened(
    vault: Vault,
    release: Release,
    name: str,
    sealer: Sealer,
    sample: Iterable[tuple[int, Line]],
) -> int | None:
    """Return the number of the first line that does not open to what it says, None when
    all do; `name` is that of the file in the release. Rejects are passed over."""
    lines = dict(sample)
    rejected = vault.rejected_lines(release, name, max(lines, default=0))
    for number, line in lines.items():
        if number in rejected:
            continue
        row = vault.read(release, sealer.record_id(line))
        if row is None or not sealer.opens_as(line, row):
            return number
    return None
