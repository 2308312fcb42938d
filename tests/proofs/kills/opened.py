"""What a release opens to, as a digest that does not depend on its salt."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg

from pseudonymizer import codec
from pseudonymizer.envelope import inspection_keys, release_keys
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.records import Register, Registration, Release, SealedRow
from pseudonymizer.seal import Sealer
from tests.proofs.kills.feeds import Named


@dataclasses.dataclass(frozen=True)
class Content:
    """`digest` covers generation, record and whether the holders are those of the feed,
    for every identity; `rejects` and `files` are what the tables say of the release."""

    digest: str
    rows: int
    rejects: tuple[tuple[str, int, str], ...]
    files: tuple[tuple[str, int, int], ...]
    totals: tuple[int, int, int]


def record_digest(record: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(record)).hexdigest()


def content(
    connection: psycopg.Connection,
    ring: KeyRing,
    release: Release,
    named: Mapping[tuple[bool, bytes], Named],
) -> tuple[Content, dict[tuple[bool, bytes], str]]:
    """Return what the release holds, and the digest of each record by identity.

    Raises EnvelopeError when a row does not open, AssertionError for a row of no line.
    """
    rows = {
        record_id.bytes: SealedRow(record_id.bytes, generation, bytes(sealed))
        for record_id, generation, sealed in connection.execute(
            "SELECT record_id, generation, sealed FROM vault_record"
            " WHERE release_number = %s",
            (release.number,),
        )
    }
    count = len(rows)
    sealer = Sealer(ring, release)
    keys = release_keys(ring, release), inspection_keys(ring, release)
    digest = hashlib.sha256()
    records = {}
    for (is_inspections, identity), one in named.items():
        row = rows.pop(keys[is_inspections].record_id(identity), None)
        if row is None:
            continue
        opened = keys[is_inspections].open(identity, row)
        holders_are_right = True
        record: Any
        if one.holders is None:
            record = codec.decode_inspections(*opened)
        else:
            record, proof = codec.decode(*opened)
            registration = Registration(one.identity, one.holders, record)
            holders_are_right = sealer.proof(registration) == proof
        records[is_inspections, identity] = record_digest(record)
        digest.update(
            msgspec.json.encode(
                [is_inspections, identity.hex(), row.generation, record]
                + [holders_are_right]
            )
        )
    assert not rows, f"{len(rows)} rows of no line of the feed"
    return (
        Content(
            digest.hexdigest(),
            count,
            _all(
                connection,
                "SELECT file_name, line_number, code FROM vault_reject"
                " WHERE release_number = %s ORDER BY 1, 2, 3",
                release,
            ),
            _all(
                connection,
                "SELECT name, lines, rows FROM vault_release_file"
                " WHERE release_number = %s ORDER BY 1",
                release,
            ),
            _all(
                connection,
                "SELECT lines, rows, rejects FROM vault_release WHERE number = %s",
                release,
            )[0],
        ),
        records,
    )


def _all(connection: psycopg.Connection, query: Any, release: Release) -> Any:
    return tuple(connection.execute(query, (release.number,)).fetchall())


def probe(one: Named) -> tuple[str, str, str]:
    """Return an identity as the reader takes it."""
    identity = one.identity
    return Register(identity.register).value, identity.plate, identity.formula_or_date
