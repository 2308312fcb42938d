"""One vehicle's kept answer: asked for once, read by whoever has its identity."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import logging

import msgspec

from histovet.inspections.models import Answer, Answers
from histovet.vault.keys import register_ring
from pseudonymizer.envelope import AnswerKeys, identity_bytes
from pseudonymizer.errors import EnvelopeError
from pseudonymizer.records import Identity, Inspections, Release

KEPT_FOR = dt.timedelta(hours=24)
FAILURE_KEPT_FOR = dt.timedelta(seconds=60)
# Beyond the time-out, for writing down what was answered.
_LEASE_MARGIN = dt.timedelta(seconds=1)
# The length would tell how often a vehicle was inspected.
_SIZE_STEP = 256

_logger = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(Inspections)


class Unanswered(enum.Enum):
    ABSENT = enum.auto()
    UNDER_WAY = enum.auto()
    FAILED = enum.auto()


class KeptAnswer:
    """Outside any transaction: what is written has to be seen by others at once."""

    def __init__(self, identity: Identity, release: Release) -> None:
        """`release` is one whose row was checked. Raises KeyRingError."""
        self._keys = _answer_keys(release)
        self._identity = identity_bytes(identity)
        self._id = self._keys.answer_id(self._identity)

    def read(self, now: dt.datetime) -> Inspections | Unanswered:
        row = Answer.objects.filter(pk=self._id, expires_at__gt=now).first()
        if row is None:
            return Unanswered.ABSENT
        if row.failed:
            return Unanswered.FAILED
        if row.sealed is None:
            return Unanswered.UNDER_WAY
        try:
            return self._opened(bytes(row.sealed), row.expires_at)
        except EnvelopeError:
            # It can be had again, unlike a record; that somebody wrote in the table is
            # for the operator to know.
            _logger.error("a kept answer does not open: it was deleted")
            Answer.objects.filter(pk=self._id, sealed=row.sealed).delete()
            return Unanswered.ABSENT

    def claim(self, now: dt.datetime, timeout_seconds: float) -> bool:
        """Tell whether the caller is to ask; it then calls one of the three below."""
        lease = dt.timedelta(seconds=timeout_seconds) + _LEASE_MARGIN
        return Answer.objects.claim(self._id, now + lease, now)

    def keep(self, inspections: Inspections, now: dt.datetime) -> None:
        expires_at = now.replace(microsecond=0) + KEPT_FOR
        sealed = self._keys.seal(
            self._identity,
            _padded(msgspec.msgpack.encode(inspections)),
            expires_at=int(expires_at.timestamp()),
        )
        Answer.objects.filter(pk=self._id).update(
            sealed=sealed, failed=False, expires_at=expires_at
        )

    def remember_failure(self, now: dt.datetime) -> None:
        self._unanswered().update(failed=True, expires_at=now + FAILURE_KEPT_FOR)

    def give_up(self) -> None:
        """Leave the claim to the next who asks."""
        self._unanswered().delete()

    def _unanswered(self) -> Answers:
        # Somebody else may have been answered since a claim ran out.
        return Answer.objects.filter(pk=self._id, sealed=None)

    def _opened(self, sealed: bytes, expires_at: dt.datetime) -> Inspections:
        moment = int(expires_at.timestamp())
        content = self._keys.open(self._identity, sealed, expires_at=moment)
        length = int.from_bytes(content[:2], "big")
        try:
            return _decoder.decode(content[2 : 2 + length])
        except msgspec.DecodeError as exc:
            raise EnvelopeError from exc


@functools.lru_cache(maxsize=2)
def _answer_keys(release: Release) -> AnswerKeys:
    return AnswerKeys(register_ring(), release)


def _padded(content: bytes) -> bytes:
    framed = len(content).to_bytes(2, "big") + content
    return framed + bytes(-len(framed) % _SIZE_STEP)
