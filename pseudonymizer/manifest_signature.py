"""The signature of a manifest: Ed25519 over its bytes, as openssl makes and checks it.

It stands beside the manifest, in a file of 64 bytes. Source: docs/feed.md.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from pseudonymizer.errors import ConfigError, FeedRefused
from pseudonymizer.feed import unreadable

SIGNATURE_BYTES = 64
_PUBLIC_KEY = re.compile(
    rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL
)


def signature_path(manifest: Path) -> Path:
    return manifest.with_name(manifest.name + ".sig")


def sign(content: bytes, key: Path) -> bytes:
    """Return the signature of a manifest's bytes.

    Raises ConfigError when the private key cannot be used.
    """
    try:
        mode = key.stat().st_mode
        pem = key.read_bytes()
    except OSError as exc:
        raise ConfigError(f"the key {key} cannot be read ({exc.strerror})") from exc
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"the key {key} may be read by others; run: chmod 600 {key}")
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        # A key with a password is a TypeError.
        private = None
        cause: Exception | None = exc
    else:
        cause = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(
            f"{key} holds no Ed25519 key in PEM without a password; make one with: "
            "openssl genpkey -algorithm ed25519 -out KEY.pem"
        ) from cause
    return private.sign(content)


def check_signature(content: bytes, manifest: Path, public_keys: Path) -> None:
    """Compare a manifest's bytes with the signature beside it, under any of the keys.

    Raises FeedRefused `signature_missing`, `signature_invalid` or `file_unreadable`,
    ConfigError when the public keys cannot be used.
    """
    keys = read_public_keys(public_keys)
    path = signature_path(manifest)
    try:
        with open(path, "rb") as file:
            signature = file.read(SIGNATURE_BYTES + 1)
    except FileNotFoundError as exc:
        raise FeedRefused(
            "signature_missing",
            f"{manifest} has no signature beside it, and one is demanded; have it "
            f"delivered as {path.name}",
        ) from exc
    except OSError as exc:
        raise unreadable(str(path), exc) from exc
    if not any(_is_signed(content, signature, key) for key in keys):
        raise FeedRefused(
            "signature_invalid",
            f"{path} is no signature of {manifest.name} under a key of {public_keys}; "
            "have the delivery made again, and do not load this one",
        )


def read_public_keys(path: Path) -> list[Ed25519PublicKey]:
    """Return the keys in a PEM file, one or more: while one takes the place of another
    deliveries of both are accepted. Raises ConfigError."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"the public keys {path} cannot be read ({exc.strerror})"
        ) from exc
    if stat.S_IMODE(mode) & 0o022:
        raise ConfigError(
            f"the public keys {path} may be written by others, who could add one; run: "
            f"chmod go-w {path}"
        )
    try:
        keys = [load_pem_public_key(pem) for pem in _PUBLIC_KEY.findall(content)]
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{path} holds a public key that cannot be read") from exc
    found = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not found or len(found) != len(keys):
        raise ConfigError(
            f"{path} must hold Ed25519 public keys in PEM and nothing else; make one "
            "with: openssl pkey -in KEY.pem -pubout"
        )
    return found


def _is_signed(content: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
