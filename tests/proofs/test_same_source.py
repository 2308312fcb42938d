"""Each record of the real extract, opened again from the database, equals its line field
by field, by rules that are no line of what read it: make proofs ONLY=same_source."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from django.conf import settings
from django.db import connection

from histovet.vault import reading, releases
from pseudonymizer.records import HolderProof, Identity, Record, Register
from tests import extract
from tests.proofs import figures, source
from tests.pseudonymizer import confirm_vectors
from tests.publish import publish

pytestmark = pytest.mark.proof


def second_keys() -> confirm_vectors.ReleaseKeys:
    """Derive the active release's keys a second time, from ring and row."""
    ring = json.loads(Path(settings.REGISTER_KEYS_PATH).read_bytes())
    row = releases.reload().row
    release = {"key_version": row.key_version, "salt": row.salt.hex()}
    release["uuid"] = str(row.uuid)
    return confirm_vectors.ReleaseKeys(confirm_vectors.Ring(ring), release)


def held_of(record: Record) -> source.Json:
    """Return the record as JSON has it: dates as texts, sequences as lists."""
    held = json.loads(msgspec.json.encode(record))
    held["quality"] = sorted(held["quality"])
    return held


def proof_of(proof: HolderProof) -> source.Json:
    return {
        "fingerprints": [
            {
                "kind": one.kind.value,
                "family": one.family.hex(),
                "words": [word.hex() for word in one.words],
                "siren_tag": one.siren_tag and one.siren_tag.hex(),
            }
            for one in proof.fingerprints
        ],
        "tags": [[version, tag.hex()] for version, tag in proof.tags],
    }


def wanted_of(
    holders: list[source.Json], keys: confirm_vectors.ReleaseKeys
) -> source.Json:
    return {
        "fingerprints": [confirm_vectors.fingerprint(one, keys) for one in holders],
        "tags": keys.holder_tags(holders) if holders else [],
    }


def stored(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def newest(
    lines: Iterator[source.Line],
) -> tuple[dict, set[tuple[str, int, str]]]:
    """Return the line of each identity with what its record must hold, and the place
    and code of each line that is to have no record."""
    chosen: dict = {}
    rejects = set()
    for line in lines:
        try:
            wanted = source.expected(line)
        except source.NoRecord as exc:
            rejects.add((line.file, line.number, exc.code))
            continue
        other = chosen.get(wanted.identity)
        if other is not None:
            changed = [one.document["last_change"] or "" for one in (other[1], wanted)]
            older = line if changed[1] < changed[0] else other[0]
            rejects.add((older.file, older.number, "duplicate_identity"))
            if older is line:
                continue
        chosen[wanted.identity] = line, wanted
    return chosen, rejects


def test_same_source(transactional_db):
    publish(extract.folder())
    chosen, rejects = newest(source.lines(extract.folder()))
    keys = second_keys()
    differing: Counter[str] = Counter()
    strange: Counter[str] = Counter()
    ledger: Counter[str] = Counter()
    values = 0
    ids = set()
    for (register, plate, proof), (line, wanted) in chosen.items():
        opened = reading.read(Identity(Register(register), plate, proof))
        if opened is None:
            differing["no record"] += 1
            continue
        encoded = confirm_vectors.identity_bytes(register, plate, proof)
        ids.add(keys.record_id(encoded))
        held = held_of(opened.record)
        values += sum(1 for _ in source.leaves(held))
        differing.update(source.differences(wanted.document, held))
        holders = wanted_of(wanted.holders, keys)
        differing.update(source.differences(holders, proof_of(opened.proof)))
        strange.update(source.unsourced(line, held))
        ledger.update(source.ledger(line))
    rows = {one.bytes for (one,) in stored("SELECT record_id FROM vault_record")}
    found = set(stored("SELECT file_name, line_number, code FROM vault_reject"))
    figures.write(
        "same_source",
        {
            "lines": len(chosen) + len(rejects),
            "records opened": len(ids),
            "values compared": values,
            "values that differ": dict(differing),
            "values that the line does not hold": dict(strange),
            "rows of no line": len(rows - ids),
            "lines without a record that should have one": len(found - rejects),
            "lines that should have none": len(rejects - found),
            "values of v": dict(ledger),
        },
    )
    assert not differing
    assert not strange
    assert rows == ids
    assert found == rejects
    assert ids
