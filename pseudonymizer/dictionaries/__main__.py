"""Train the next dictionary on synthetic registrations: python -m
pseudonymizer.dictionaries NUMBER. A shipped dictionary is never trained again, for the
records sealed with it open with its very bytes."""

import csv
import gzip
import sys
import tempfile
from pathlib import Path
from uuid import UUID

import zstandard

from pseudonymizer.codec import COMPRESSION_LEVEL, pack
from pseudonymizer.envelope import ReleaseKeys
from pseudonymizer.holder import Fingerprinter, holder_bytes
from pseudonymizer.inspections import holds_inspections
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.records import HolderProof
from pseudonymizer.registration import Layout
from pseudonymizer.synthetic import write_register

VEHICLES, SEED = 8_000, 1
DICTIONARY_BYTES = 64 * 1024


def samples(folder: Path) -> list[bytes | bytearray | memoryview]:
    """Return the packed records of a synthetic register.

    With their fingerprints, under a key of no use: a dictionary that has never seen
    random bytes writes them down at a quarter more than their length.
    """
    ring = KeyRing("register", {1: bytes(range(32))}, active=1)
    keys = ReleaseKeys(ring, version=1, salt=bytes(32), release=UUID(int=0))
    fingerprinter = Fingerprinter(keys.bigram_table, keys.siren_tag)
    packed: list[bytes | bytearray | memoryview] = []
    for path in write_register(folder, vehicles=VEHICLES, seed=SEED):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter=";")
            header = next(rows)
            if holds_inspections(header):
                continue
            layout = Layout.of(header)
            for row in rows:
                registration = layout.registration(row)
                proof = HolderProof(
                    tuple(map(fingerprinter.fingerprint, registration.holders)),
                    keys.holder_tags(holder_bytes(registration.holders)),
                )
                packed.append(pack(registration.record, proof))
    return packed


def main(number: str) -> int:
    path = Path(__file__).with_name(f"records-{int(number)}.zdict")
    if path.exists():
        print(f"{path.name} is shipped and stays as it is", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        trained = zstandard.train_dictionary(
            DICTIONARY_BYTES, samples(Path(folder)), level=COMPRESSION_LEVEL
        )
    path.write_bytes(trained.as_bytes())
    print(f"{path.name}: {len(trained.as_bytes())} bytes from {VEHICLES} vehicles")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("usage: python -m pseudonymizer.dictionaries NUMBER")
    sys.exit(main(sys.argv[1]))
