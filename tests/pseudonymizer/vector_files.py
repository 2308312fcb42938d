"""The vector files as the package's own types."""

import json
from typing import Any
from uuid import UUID

import msgspec

from pseudonymizer.envelope import ReleaseKeys
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.records import (
    Capsule,
    Fingerprint,
    Holder,
    HolderProof,
    Identity,
    LinkTerms,
    Release,
    SealedRow,
)
from tests.pseudonymizer.confirm_vectors import load

Json = dict[str, Any]


def ring(document: Json | None = None) -> KeyRing:
    """Return the ring in the document, or the register ring of the files."""
    document = document or load("keys")["rings"]["register"]
    return KeyRing.parse(json.dumps(document).encode(), document["purpose"], "a file")


def release(row: Json) -> Release:
    return msgspec.convert(
        {
            **row,
            "uuid": UUID(row["uuid"]),
            "salt": bytes.fromhex(row["salt"]),
            "manifest_sha256": bytes.fromhex(row["manifest_sha256"]),
            "mac": bytes.fromhex(row.get("mac", "")),
            "delta_sha256": (
                bytes.fromhex(row["delta_sha256"]) if "delta_sha256" in row else None
            ),
        },
        Release,
    )


def release_keys(row: Json, document: Json | None = None) -> ReleaseKeys:
    """Return the keys of a release whose MAC nobody looks at."""
    known = release(row)
    return ReleaseKeys(
        ring(document), version=known.key_version, salt=known.salt, release=known.uuid
    )


def keys() -> ReleaseKeys:
    return release_keys(load("release")["release"])


def identity(vector: Json) -> Identity:
    return msgspec.convert(
        {
            "register": vector["typed"]["register"],
            "plate": vector["plate"],
            "formula_or_date": vector["formula_or_date"],
        },
        Identity,
    )


def holders(vectors: list[Json]) -> tuple[Holder, ...]:
    return msgspec.convert(vectors, tuple[Holder, ...])


def proof(vector: Json) -> HolderProof:
    return HolderProof(
        tuple(
            msgspec.convert(
                {
                    "kind": one["kind"],
                    "family": bytes.fromhex(one["family"]),
                    "words": [bytes.fromhex(word) for word in one["words"]],
                    "siren_tag": one["siren_tag"] and bytes.fromhex(one["siren_tag"]),
                },
                Fingerprint,
            )
            for one in vector["fingerprints"]
        ),
        tuple((version, bytes.fromhex(tag)) for version, tag in vector["tags"]),
    )


def row(vector: Json) -> SealedRow:
    return SealedRow(
        bytes.fromhex(vector["record_id"]),
        vector["generation"],
        bytes.fromhex(vector["sealed"]),
    )


def link_terms(vector: Json) -> LinkTerms:
    public_id = bytes.fromhex(vector["public_id"])
    return msgspec.convert({"public_id": public_id, **vector["terms"]}, LinkTerms)


def capsule(vector: Json) -> Capsule:
    return Capsule(identity(vector), bytes.fromhex(vector["holder_tag"]))


def with_about(vectors: list[Json]) -> dict[str, Any]:
    """Return the arguments of a parametrize that names each case."""
    return {"argvalues": vectors, "ids": [vector["about"] for vector in vectors]}
