"""Identifiers, sealing and opening: all cryptography on vehicle data.

Source of every rule: SPEC.md sections 5 to 8 and 10 to 13.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
from collections.abc import Callable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pseudonymizer.errors import EnvelopeError, KeyRingError
from pseudonymizer.key_ring import KEY_BYTES, KeyRing
from pseudonymizer.records import (
    Capsule,
    Identity,
    LinkTerms,
    Register,
    Release,
    SealedRow,
)

RECORD_ID_BYTES = 16
TAG_BYTES = 8
NONCE_BYTES = 12
# Of a link, and of the owner's secret.
SECRET_BYTES = 16
LINK_ID_BYTES = 12
OWNER_TAG_BYTES = 16
# Of what an owner writes on a link, in UTF-8; the rest are zeros, so that no row tells
# how long it is.
LABEL_BYTES = 160
WITHHELD_TAG_BYTES = 16
FORMAT_VERSION = 1
GENERATION_MAX = 2**15 - 1

# 37 characters of a canonical name (boundary, A–Z, 0–9), so 37² ordered pairs.
BIGRAM_TABLE_BYTES = 37 * 37

_REGISTER_CODE = {Register.SIV: b"\x01", Register.FNI: b"\x02"}
_REGISTER_OF = {code: register for register, code in _REGISTER_CODE.items()}


def identity_bytes(identity: Identity) -> bytes:
    """Return the one unambiguous encoding of an identity. Source: SPEC.md section 2."""
    plate = identity.plate.encode("ascii")
    proof = identity.formula_or_date.encode("ascii")
    return b"%b%b%c%b%c%b" % (
        b"\x01",
        # An enum's own hash is a call in Python.
        b"\x01" if identity.register is Register.SIV else b"\x02",
        len(plate),
        plate,
        len(proof),
        proof,
    )


def identity_of(encoded: bytes) -> Identity:
    """Return the identity that was encoded. Raises EnvelopeError for other bytes."""
    try:
        register = _REGISTER_OF[encoded[1:2]]
        end = 3 + encoded[2]
        plate, proof = encoded[3:end], encoded[end + 1 :]
        identity = Identity(register, plate.decode("ascii"), proof.decode("ascii"))
        again = identity_bytes(identity)
    except (KeyError, IndexError, UnicodeDecodeError, OverflowError) as exc:
        raise EnvelopeError from exc
    # What encodes to other bytes (version, lengths, a rest) was no encoding.
    if again != encoded:
        raise EnvelopeError
    return identity


class Hmac:
    """HMAC-SHA-256 under one key, its two key blocks hashed once: a message then costs
    a third of `hmac.digest`, which in OpenSSL 3 looks the algorithm up each time."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class RowKeys:
    """What finds and seals the rows of one kind in one release, derived once: a row
    then costs two HMACs."""

    def __init__(self, lookup: bytes, seal: bytes, release: UUID) -> None:
        self._lookup = Hmac(lookup)
        self._seal = Hmac(seal)
        self._release = release.bytes

    def record_id(self, identity: bytes) -> bytes:
        """Return the 16 bytes under which this vehicle's row is stored.

        Job and site must agree to the byte, or the row is lost.
        Source: SPEC.md section 5.
        """
        return self._lookup.digest(identity)[:RECORD_ID_BYTES]

    def seal(
        self,
        identity: bytes,
        content: bytes,
        dictionary: int,
        *,
        generation: int = 0,
        random: Callable[[int], bytes] = os.urandom,
    ) -> SealedRow:
        """Return the row for padded `content`, compressed with that dictionary.

        Source: SPEC.md section 7.
        """
        if not 0 <= generation <= GENERATION_MAX:
            raise ValueError("a row has had all its generations; build a new release")
        record_id = self.record_id(identity)
        record_key = self._seal.digest(identity)
        header = bytes((FORMAT_VERSION, dictionary))
        nonce = random(NONCE_BYTES)
        associated = self._associated(header, record_id, generation)
        ciphertext = AESGCM(record_key).encrypt(nonce, content, associated)
        return SealedRow(record_id, generation, header + nonce + ciphertext)

    def open(self, identity: bytes, row: SealedRow) -> tuple[int, bytes]:
        """Return the dictionary's number and the padded content.

        Raises EnvelopeError, and says nothing more, for any byte that is not as it
        was sealed, for this identity, row, release and generation.
        """
        header, rest = row.sealed[:2], row.sealed[2:]
        if len(rest) < NONCE_BYTES + 16 or header[0] != FORMAT_VERSION:
            raise EnvelopeError
        record_key = self._seal.digest(identity)
        try:
            associated = self._associated(header, row.record_id, row.generation)
            content = AESGCM(record_key).decrypt(
                rest[:NONCE_BYTES], rest[NONCE_BYTES:], associated
            )
        except (InvalidTag, OverflowError) as exc:
            raise EnvelopeError from exc
        return header[1], content

    def _associated(self, header: bytes, record_id: bytes, generation: int) -> bytes:
        return header + record_id + self._release + generation.to_bytes(4, "big")


class ReleaseKeys(RowKeys):
    """The subkeys of one release, those of its inspections excepted."""

    def __init__(
        self, ring: KeyRing, *, version: int, salt: bytes, release: UUID
    ) -> None:
        derive = functools.partial(ring.derive, version=version, salt=salt)
        super().__init__(derive("lookup"), derive("seal"), release)
        self._siren = Hmac(derive("siren"))
        # Not of the release: links must recognise the holder in the next one.
        self._tags = [
            (v, Hmac(ring.derive("holder tag", version=v))) for v in ring.versions
        ]
        self.bigram_table = derive("fingerprint", length=BIGRAM_TABLE_BYTES)

    def siren_tag(self, siren: str) -> bytes:
        return self._siren.digest(siren.encode("ascii"))[:TAG_BYTES]

    def holder_tags(self, holder: bytes) -> tuple[tuple[int, bytes], ...]:
        """Return (key version, 8 bytes) for each version of the register ring."""
        return tuple(
            [(version, tag.digest(holder)[:TAG_BYTES]) for version, tag in self._tags]
        )


class SiteSeal:
    """Seals small values that the site hands out and takes back, for one purpose."""

    def __init__(self, ring: KeyRing, purpose: str) -> None:
        """`purpose` is also the label of the subkeys; ciphers are made once."""
        self._purpose = purpose.encode("ascii")
        self._active = ring.active
        self._ciphers = {
            version: AESGCM(ring.derive(purpose, version=version))
            for version in ring.versions
        }

    def seal(
        self,
        content: bytes,
        *,
        expires_at: int,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Return sealed bytes that open before `expires_at`, in seconds since 1970.

        Source: SPEC.md section 10.
        """
        header = b"%c%b" % (FORMAT_VERSION, self._active.to_bytes(2, "big"))
        nonce = random(NONCE_BYTES)
        plain = expires_at.to_bytes(8, "big") + content
        return (
            header
            + nonce
            + self._ciphers[self._active].encrypt(nonce, plain, header + self._purpose)
        )

    def open(self, sealed: bytes, *, now: int) -> bytes:
        """Return the content.

        Raises EnvelopeError, and says nothing more, for bytes that this ring did not
        seal for this purpose, and for those whose time is over at `now`: whoever
        brings them back may have written them.
        """
        header, nonce, rest = sealed[:3], sealed[3:15], sealed[15:]
        cipher = self._ciphers.get(int.from_bytes(header[1:], "big"))
        if cipher is None or header[0] != FORMAT_VERSION or len(nonce) < NONCE_BYTES:
            raise EnvelopeError
        try:
            plain = cipher.decrypt(nonce, rest, header + self._purpose)
        except InvalidTag as exc:
            raise EnvelopeError from exc
        if int.from_bytes(plain[:8], "big") <= now:
            raise EnvelopeError
        return plain[8:]


def link_id(secret: bytes) -> bytes:
    """Return the 12 bytes that name a link in its address and in the database."""
    return _expanded(secret, b"", "link id", LINK_ID_BYTES)


class LinkKeys:
    """What the site ring gives for links: a capsule opens with its link's secret alone,
    a keepsake with its owner's. Source: SPEC.md section 11."""

    def __init__(self, ring: KeyRing) -> None:
        self.active = ring.active
        self._link, self._owner = (
            {version: ring.derive(label, version=version) for version in ring.versions}
            for label in ("link", "owner")
        )
        self._tags = {
            version: Hmac(ring.derive("owner tag", version=version))
            for version in ring.versions
        }

    def seal_capsule(
        self,
        secret: bytes,
        terms: LinkTerms,
        capsule: Capsule,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Raises KeyRingError when the ring lacks the key version of the terms."""
        key = self._capsule_key(secret, terms)
        content = capsule.holder_tag + identity_bytes(capsule.identity)
        return _sealed(key, content, _encoded_terms(terms), random)

    def open_capsule(self, secret: bytes, terms: LinkTerms, sealed: bytes) -> Capsule:
        """Raises EnvelopeError, and says nothing more, for another secret, for terms
        or bytes that are not as they were sealed, and without their key version."""
        try:
            key = self._capsule_key(secret, terms)
            bound = _encoded_terms(terms)
        except (KeyRingError, OverflowError) as exc:
            # Who changed the row may have written any version.
            raise EnvelopeError from exc
        content = _unsealed(key, sealed, bound)
        return Capsule(identity_of(content[TAG_BYTES:]), content[:TAG_BYTES])

    def owner_tags(self, identity: bytes) -> dict[int, bytes]:
        """Return, for each version of the ring, the 16 bytes that a vehicle's own links
        have in common."""
        return {
            version: tag.digest(identity)[:OWNER_TAG_BYTES]
            for version, tag in self._tags.items()
        }

    def owner_proof(self, owner_secret: bytes, identity: bytes, version: int) -> bytes:
        """Return the 16 bytes by which an owner's links of one vehicle are known.

        Raises KeyRingError when the ring lacks the version.
        """
        return self._owner_key(owner_secret, identity, version)[:OWNER_TAG_BYTES]

    def seal_keepsake(
        self,
        owner_secret: bytes,
        identity: bytes,
        terms: LinkTerms,
        secret: bytes,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Return a link's secret, sealed for its owner."""
        key = self._keepsake_key(owner_secret, identity, terms.key_version)
        return _sealed(key, secret, terms.public_id, random)

    def open_keepsake(
        self, owner_secret: bytes, identity: bytes, terms: LinkTerms, sealed: bytes
    ) -> bytes:
        """Return the link's secret. Raises EnvelopeError."""
        try:
            key = self._keepsake_key(owner_secret, identity, terms.key_version)
        except KeyRingError as exc:
            raise EnvelopeError from exc
        return _unsealed(key, sealed, terms.public_id)

    def seal_label(
        self,
        owner_secret: bytes,
        identity: bytes,
        terms: LinkTerms,
        label: str,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Return what the owner calls a link, sealed for them, whatever its length in as
        many bytes. Raises ValueError for a label of more than LABEL_BYTES."""
        content = label.encode()
        if len(content) > LABEL_BYTES:
            raise ValueError("the label of a link is too long")
        key = self._label_key(owner_secret, identity, terms.key_version)
        return _sealed(key, content.ljust(LABEL_BYTES, b"\0"), terms.public_id, random)

    def open_label(
        self, owner_secret: bytes, identity: bytes, terms: LinkTerms, sealed: bytes
    ) -> str:
        """Raises EnvelopeError."""
        try:
            key = self._label_key(owner_secret, identity, terms.key_version)
        except KeyRingError as exc:
            raise EnvelopeError from exc
        return _unsealed(key, sealed, terms.public_id).rstrip(b"\0").decode()

    def _capsule_key(self, secret: bytes, terms: LinkTerms) -> bytes:
        key = self._of_version(self._link, terms.key_version)
        return _expanded(secret + key, b"", "link capsule", KEY_BYTES)

    def _owner_key(self, owner_secret: bytes, identity: bytes, version: int) -> bytes:
        key = self._of_version(self._owner, version)
        length = OWNER_TAG_BYTES + 2 * KEY_BYTES
        return _expanded(owner_secret + key, identity, "link owner", length)

    def _keepsake_key(
        self, owner_secret: bytes, identity: bytes, version: int
    ) -> bytes:
        key = self._owner_key(owner_secret, identity, version)
        return key[OWNER_TAG_BYTES : OWNER_TAG_BYTES + KEY_BYTES]

    def _label_key(self, owner_secret: bytes, identity: bytes, version: int) -> bytes:
        key = self._owner_key(owner_secret, identity, version)
        return key[OWNER_TAG_BYTES + KEY_BYTES :]

    @staticmethod
    def _of_version(keys: dict[int, bytes], version: int) -> bytes:
        try:
            return keys[version]
        except KeyError:
            raise KeyRingError(
                f"the site key ring has no version {version}; put the ring that made "
                "this link back in place"
            ) from None


class WithheldKeys:
    """What the site ring gives for vehicles that are withheld. Source: SPEC.md section
    10."""

    def __init__(self, ring: KeyRing) -> None:
        self.active = ring.active
        self._tags = {
            version: Hmac(ring.derive("withheld", version=version))
            for version in ring.versions
        }

    def tags(self, identity: bytes) -> dict[int, bytes]:
        """Return, for each version of the ring, the 16 bytes under which a vehicle is
        withheld, whatever the release."""
        return {
            version: tag.digest(identity)[:WITHHELD_TAG_BYTES]
            for version, tag in self._tags.items()
        }


class FactorKeys:
    """What the site ring gives for the second factor of an operator. Source: SPEC.md
    section 13."""

    def __init__(self, ring: KeyRing) -> None:
        self.active = ring.active
        self._ring = ring

    def seal(
        self,
        operator: str,
        factor: bytes,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Return sealed bytes that open for this operator alone, under `active`."""
        key = self._ring.derive("operator factor", version=self.active)
        return _sealed(key, factor, self._bound(operator), random)

    def open(self, operator: str, sealed: bytes, version: int) -> bytes:
        """Raises EnvelopeError for whatever was not sealed for this operator, and
        KeyRingError when the ring lacks the version."""
        key = self._ring.derive("operator factor", version=version)
        return _unsealed(key, sealed, self._bound(operator))

    @staticmethod
    def _bound(operator: str) -> bytes:
        return b"operator factor" + operator.encode("ascii")


def _expanded(material: bytes, salt: bytes, label: str, length: int) -> bytes:
    info = f"histovet/v1/{label}".encode("ascii")
    return HKDF(SHA256(), length, salt or None, info).derive(material)


def _sealed(
    key: bytes, content: bytes, bound: bytes, random: Callable[[int], bytes]
) -> bytes:
    header = bytes((FORMAT_VERSION,))
    nonce = random(NONCE_BYTES)
    return header + nonce + AESGCM(key).encrypt(nonce, content, header + bound)


def _unsealed(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    header, nonce, rest = sealed[:1], sealed[1:13], sealed[13:]
    if header != bytes((FORMAT_VERSION,)) or len(rest) < 16:
        raise EnvelopeError
    try:
        return AESGCM(key).decrypt(nonce, rest, header + bound)
    except InvalidTag as exc:
        raise EnvelopeError from exc


def _encoded_terms(terms: LinkTerms) -> bytes:
    """Raises OverflowError for a number that has no place."""
    return b"%b%b%b%b%b%b%b" % (
        terms.public_id,
        terms.key_version.to_bytes(2, "big"),
        terms.holder_key_version.to_bytes(2, "big"),
        terms.created_at.to_bytes(8, "big"),
        terms.expires_at.to_bytes(8, "big"),
        terms.scope.to_bytes(1, "big"),
        (terms.max_openings or 0).to_bytes(4, "big"),
    )


def release_mac(ring: KeyRing, release: Release) -> bytes:
    """Return the 32 bytes that tie a release row together, whatever its number and MAC.

    Raises KeyRingError when the ring lacks the row's key version, OverflowError for a
    value that has no place. Source: SPEC.md section 6.
    """
    message = _release_message(release)
    key = ring.derive("release mac", version=release.key_version)
    return hmac.digest(key, message, "sha256")


def _release_message(release: Release) -> bytes:
    inspections = release.inspections_as_of
    inspected = inspections.isoformat().encode("ascii") if inspections else b""
    label = release.label.encode()
    delta = release.delta_sha256
    if delta is not None:
        version = 3
        rest = b"%b%c%b%c%b%b" % (
            release.edition.to_bytes(4, "big"),
            len(delta),
            delta,
            len(inspected),
            inspected,
            label,
        )
    else:
        version = 2 if inspected else 1
        rest = label + inspected
    return b"%c%b%b%b%c%b%c%b%b" % (
        version,
        release.uuid.bytes,
        release.key_version.to_bytes(4, "big"),
        release.as_of.isoformat().encode("ascii"),
        len(release.salt),
        release.salt,
        len(release.manifest_sha256),
        release.manifest_sha256,
        rest,
    )


def check_release(ring: KeyRing, release: Release) -> None:
    """Raise EnvelopeError when the release row is not as the job wrote it.

    Raises KeyRingError when the ring lacks the row's key version: another ring in place
    is likelier than a changed row.
    """
    # What the MAC of a release without deltas does not cover.
    if (release.edition == 0) != (release.delta_sha256 is None):
        raise EnvelopeError
    try:
        expected = release_mac(ring, release)
    except OverflowError as exc:
        raise EnvelopeError from exc
    if not hmac.compare_digest(expected, release.mac):
        raise EnvelopeError


def release_keys(ring: KeyRing, release: Release) -> ReleaseKeys:
    """Return the subkeys of a release whose row was checked.

    Raises KeyRingError when the ring lacks the release's version, EnvelopeError when
    the row was changed.
    """
    check_release(ring, release)
    return ReleaseKeys(
        ring,
        version=release.key_version,
        salt=release.salt,
        release=release.uuid,
    )


def inspection_keys(ring: KeyRing, release: Release) -> RowKeys:
    """Return what finds and seals the inspections of a release; its rows of records
    have other keys, so that nobody can tell which two are of one vehicle.

    Raises what `release_keys` does.
    """
    check_release(ring, release)
    derive = functools.partial(
        ring.derive, version=release.key_version, salt=release.salt
    )
    return RowKeys(
        derive("inspections lookup"), derive("inspections seal"), release.uuid
    )


class AnswerKeys:
    """What seals the kept answer of another source on one vehicle of a release, whose
    row was checked: only the vehicle's identity finds and opens it. Source: SPEC.md
    section 12."""

    def __init__(self, ring: KeyRing, release: Release) -> None:
        """Raises KeyRingError when the ring lacks the release's version."""
        derive = functools.partial(
            ring.derive, version=release.key_version, salt=release.salt
        )
        self._lookup = Hmac(derive("inspections answer lookup"))
        self._seal = Hmac(derive("inspections answer seal"))
        self._release = release.uuid.bytes

    def answer_id(self, identity: bytes) -> bytes:
        """Return the 16 bytes under which the answer on this vehicle is kept."""
        return self._lookup.digest(identity)[:RECORD_ID_BYTES]

    def seal(
        self,
        identity: bytes,
        content: bytes,
        *,
        expires_at: int,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Return padded `content`, sealed; `expires_at` is in seconds since 1970."""
        key, bound = self._seal.digest(identity), self._bound(identity, expires_at)
        return _sealed(key, content, bound, random)

    def open(self, identity: bytes, sealed: bytes, *, expires_at: int) -> bytes:
        """Return the padded content.

        Raises EnvelopeError, and says nothing more, for any byte that is not as it was
        sealed, for this identity, release and expiry. Whether its time is over is for
        the caller to tell.
        """
        return _unsealed(
            self._seal.digest(identity), sealed, self._bound(identity, expires_at)
        )

    def _bound(self, identity: bytes, expires_at: int) -> bytes:
        moment = expires_at.to_bytes(8, "big")
        return self.answer_id(identity) + self._release + moment
