"""Small files that hold much: python -m tests.fuzz.bombs MEGABYTES prints, as JSON, by
how many MB each made this process grow while it was read."""

import contextlib
import json
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pseudonymizer import codec
from pseudonymizer.errors import EnvelopeError, FeedRefused
from pseudonymizer.feed import FeedReader, measure
from tests import vehicles
from tests.fuzz.targets import frames

PLANTED = "what was read into memory on purpose"
_MB = 1024 * 1024
_HEADER = (vehicles.csv_line(vehicles.SIV_COLUMNS) + "\n").encode()


def main() -> None:
    size = int(sys.argv[1])
    bombs = {
        "one line without end": [_HEADER, *[bytes(_MB)] * size],
        "a header without end": [bytes(_MB)] * size,
        "a cell without end": [_HEADER, b'"', *[b"a" * _MB] * size],
        "empty lines": [_HEADER, *[b"\n" * _MB] * (size // 64)],
        "lines of one cell": [_HEADER, *[b"a\n" * (_MB // 2)] * (size // 64)],
        "lines as long as they may be": [
            _HEADER,
            *[(b";" * 65_535 + b"\n") * 16] * (size // 64),
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv.gz")
        usual = [(vehicles.csv_line(vehicles.siv_line().values()) + "\n").encode()]
        _read(path, [_HEADER, *usual * 5_000])
        before = _peak()
        grown = {}
        for name, pieces in bombs.items():
            _read(path, pieces)
            grown[name] = round((_peak() - before) / 1024, 1)
        for frame in frames():
            with contextlib.suppress(EnvelopeError):
                codec.decode(codec.DICTIONARY, codec.pad(frame))
        grown["frames of Zstandard"] = round((_peak() - before) / 1024, 1)
        planted = bytes(_MB) * size
        grown[PLANTED] = round((_peak() - before) / 1024, 1)
        del planted
    print(json.dumps(grown))


def _read(path: Path, pieces: list[bytes]) -> None:
    with open(path, "wb") as file:
        file.writelines(_compressed(pieces))
    measure(path, lambda lines, read: None)
    with contextlib.suppress(FeedRefused), FeedReader(path) as reader:
        for _ in reader:
            pass


def _compressed(pieces: list[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _peak() -> int:
    """Return the largest resident set of this program so far, in KiB: getrusage would
    count what the process was before it became this program."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()
