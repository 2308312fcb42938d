"""The exit codes of the command line: each refusal has its own."""

from __future__ import annotations

from typing import NamedTuple

from pseudonymizer.errors import (
    ConfigError,
    DatabaseFailed,
    EnvelopeError,
    FeedRefused,
    KeyInUse,
    KeyRingError,
    PseudonymizerError,
    ReleaseRefused,
)

NOTHING = 1
USAGE = 2
INTERRUPTED = 130

OF_CLASS: dict[type[PseudonymizerError], int] = {
    ConfigError: 3,
    KeyRingError: 3,
    EnvelopeError: 5,
    DatabaseFailed: 6,
    KeyInUse: 7,
}


class Refusal(NamedTuple):
    number: int
    why: str


# What is wrong with a delivery. No number is given twice, and none is given again.
FEED = {
    "manifest_missing": Refusal(20, "there is none where it is looked for"),
    "manifest_invalid": Refusal(21, "it is not JSON with the fields of a manifest"),
    "manifest_format": Refusal(22, "another version of histovet made it"),
    "wrong_kind": Refusal(23, "neither full nor delta"),
    "signature_missing": Refusal(24, "a signature is demanded, and there is none"),
    "signature_invalid": Refusal(
        25, "it is not of this manifest, or under another key"
    ),
    "file_name": Refusal(
        26, "a name with a folder, a link, or no remove* or upsert* in a delta"
    ),
    "file_missing": Refusal(27, "the folder lacks a file that the manifest names"),
    "file_extra": Refusal(28, "the folder holds one that it does not name"),
    "file_size": Refusal(29, "a file has another size"),
    "file_digest": Refusal(30, "a file has other bytes, each time it is read"),
    "file_lines": Refusal(31, "a file has more or fewer lines"),
    "file_gzip": Refusal(32, "a file is cut short or no gzip"),
    "file_encoding": Refusal(33, "a file is not in UTF-8"),
    "file_unreadable": Refusal(34, "the system does not let us read it"),
    "header_unreadable": Refusal(35, "a file begins with no CSV header"),
    "unknown_layout": Refusal(36, "a header is of none of the known layouts"),
    "inspections_date": Refusal(
        37, "inspections without their day, or a day without them"
    ),
    "no_registration": Refusal(38, "there are inspections alone"),
    "delta_replayed": Refusal(
        39, "the delta, or another in its place, was applied before"
    ),
    "delta_other_release": Refusal(40, "the delta was made after another delivery"),
    "delta_outdated": Refusal(
        41, "the delta stands for a day before that of the release"
    ),
    "feed_outdated": Refusal(
        42, "the signed feed stands for a day before that of the release"
    ),
    "no_file": Refusal(43, "`manifest`: the folder holds no file"),
    "label": Refusal(44, "`manifest`: the label is not 1 to 100 printable characters"),
}

# Why a release is not built, changed or switched.
RELEASE = {
    "too_many_rejects": Refusal(60, "their share is over HISTOVET_MAX_REJECT_SHARE"),
    "counts": Refusal(61, "what is stored is not what was read"),
    "sample": Refusal(
        62, "a line does not open again from the database to what it says"
    ),
    "no_row": Refusal(63, "the feed holds no vehicle"),
    "duplicates_left": Refusal(64, "something else writes to the release"),
    "ingest_running": Refusal(65, "another ingest is writing to this database"),
    "release_closed": Refusal(66, "another command ended or changed this release"),
    "release_changed": Refusal(67, "its row is not as the job wrote it"),
    "worker_died": Refusal(68, "a worker process was ended from outside"),
    "no_release": Refusal(69, "there is none to change, or none of that number"),
    "no_previous": Refusal(70, "no release is kept before the active one"),
    "editions_over": Refusal(71, "the release had as many deltas as it can"),
    "cluster_unreachable": Refusal(72, "its scheduler does not answer, or no longer"),
    "cluster_without_worker": Refusal(73, "nobody is there to do the work"),
    "worker_unfit": Refusal(
        74, "a worker of the cluster has another program or ring, or several threads"
    ),
}


def exit_code(error: PseudonymizerError) -> int:
    if isinstance(error, FeedRefused):
        return FEED[error.code].number
    if isinstance(error, ReleaseRefused):
        return RELEASE[error.code].number
    return OF_CLASS.get(type(error), NOTHING)


def listed(refusals: dict[str, Refusal]) -> str:
    """Return a line for each, as the help shows them."""
    return "\n".join(
        f"  {one.number}  {code:<22} {one.why}" for code, one in refusals.items()
    )
