"""Who signs documents: a key, EC P-256, and its certificate, both in files.

Every command and process asks who it is; what makes a signature, `signature.py`, is for
those that serve documents, since it takes a fifth of a second to load.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from pathlib import Path

from asn1crypto import pem, x509
from asn1crypto.keys import PrivateKeyInfo
from django.conf import settings
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data

from pseudonymizer.key_ring import is_private

_KEY, _CERTIFICATE = "HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE"
_MAY_SIGN = frozenset(("digital_signature", "non_repudiation"))


class SigningRefused(Exception):
    """A file cannot sign documents. The message names its variable, `hint` says
    what to do."""

    def __init__(self, variable: str, what: str, hint: str) -> None:
        super().__init__(f"{variable} {what}")
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Signatory:
    """`chain` holds the certificates as PEM, the signatory's own first; `fingerprint`
    is the SHA-256 of that one, in hexadecimal. `usages` are its key's, at least one."""

    subject: str
    issuer: str
    not_before: dt.datetime
    not_after: dt.datetime
    fingerprint: str
    chain: bytes
    certificates: tuple[x509.Certificate, ...]
    usages: frozenset[str]
    key: PrivateKeyInfo = field(repr=False)

    def is_valid(self, now: dt.datetime) -> bool:
        return self.not_before <= now < self.not_after


def signatory(now: dt.datetime) -> Signatory | None:
    """Return who signs, None where nobody was named or the certificate is over."""
    if settings.SIGNING_FILES is None:
        return None
    found = read(*settings.SIGNING_FILES)
    return found if found.is_valid(now) else None


@functools.cache
def read(key_path: Path, certificate_path: Path) -> Signatory:
    """Return who signs with these files, read once in a process; whether the
    certificate is valid now is asked anew at each document. Raises SigningRefused."""
    key = _key(key_path)
    certificates, chain = _certificates(certificate_path)
    own = certificates[0]
    if not _fits(own, key):
        raise SigningRefused(
            _CERTIFICATE,
            f"names a certificate of another key than {_KEY}",
            "Put the certificate of this key first in the file.",
        )
    native = own.key_usage_value.native if own.key_usage_value else ()
    usages = _MAY_SIGN.intersection(native)
    if not usages:
        raise SigningRefused(
            _CERTIFICATE,
            "names a certificate that is not for signing documents",
            "Ask for one whose key usage holds digitalSignature or nonRepudiation.",
        )
    return Signatory(
        subject=_written(own.subject),
        issuer=_written(own.issuer),
        not_before=own.not_valid_before,
        not_after=own.not_valid_after,
        fingerprint=own.sha256.hex(),
        chain=chain,
        certificates=tuple(certificates),
        usages=usages,
        key=key,
    )


def _key(path: Path) -> PrivateKeyInfo:
    hint = "Make one: docs/documents.md says how."
    try:
        status = path.stat()
        content = path.read_bytes()
    except OSError as exc:
        what = f"names a file that cannot be read ({exc.strerror})"
        raise SigningRefused(_KEY, what, hint) from exc
    if not is_private(status):
        raise SigningRefused(
            _KEY, "names a file that others may read", "Give it mode 0600."
        )
    try:
        key = load_private_key_from_pemder_data(content, passphrase=None)
    # TypeError is its answer to a key under a passphrase.
    except (ValueError, TypeError) as exc:
        what = "names a file without a private key, or with one under a passphrase"
        raise SigningRefused(_KEY, what, hint) from exc
    if key.algorithm != "ec" or key.curve != ("named", "secp256r1"):
        raise SigningRefused(_KEY, "names another kind of key than EC P-256", hint)
    return key


def _certificates(path: Path) -> tuple[list[x509.Certificate], bytes]:
    hint = "Name a PEM file: the certificate of the key, then those that vouch for it."
    try:
        content = path.read_bytes()
        certificates = list(load_certs_from_pemder_data(content))
        for certificate in certificates:
            # It is parsed no sooner.
            certificate.native  # noqa: B018
    except OSError as exc:
        what = f"names a file that cannot be read ({exc.strerror})"
        raise SigningRefused(_CERTIFICATE, what, hint) from exc
    except (ValueError, TypeError) as exc:
        raise SigningRefused(
            _CERTIFICATE, "names a file without certificates", hint
        ) from exc
    if not certificates:
        raise SigningRefused(_CERTIFICATE, "names a file without certificates", hint)
    # What is published is written anew: the file may hold more than certificates.
    chain = b"".join(pem.armor("CERTIFICATE", one.dump()) for one in certificates)
    return certificates, chain


def _written(name: x509.Name) -> str:
    """Return the values of the name, without what each is called."""
    parts = (part for rdn in name.chosen for part in rdn)
    return ", ".join(str(part["value"].native) for part in parts)


def _fits(certificate: x509.Certificate, key: PrivateKeyInfo) -> bool:
    public = certificate.public_key
    # The loader writes the point of the private key into it, whatever the file said.
    point = key["private_key"].parsed["public_key"].native
    return public.algorithm == "ec" and bool(public["public_key"].native == point)
