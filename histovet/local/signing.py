"""The key and the certificate that sign documents on a developer's machine.

An authority is made with them and its key is thrown away: nothing else can be signed by
it. Nobody else has a reason to trust it.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from histovet.local.errors import LocalError
from histovet.local.locks import exclusive

if TYPE_CHECKING:
    from histovet.local.workplace import Workplace

KEY, CERTIFICATE = "HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE"
_LIFE = dt.timedelta(days=3650)


def development_signing(workplace: Workplace) -> dict[str, str]:
    """Return the variables that name key and certificate, made once when neither is
    given. Raises LocalError when one is given without the other."""
    given = [
        name
        for name in (KEY, CERTIFICATE)
        if workplace.environment.get(name, "").strip()
    ]
    if len(given) == 1:
        raise LocalError(f"{given[0]} is set alone; set {KEY} and {CERTIFICATE}")
    return {} if given else made_signing(workplace, workplace.state.signing)


def made_signing(workplace: Workplace, folder: Path) -> dict[str, str]:
    """Make key and certificate in the folder unless they are there; return their
    variables."""
    with exclusive(workplace.state.lock("keys"), workplace.family.pause):
        if not folder.exists():
            # Renamed when both are there, so that a kill leaves no key alone.
            fresh = folder.with_name(folder.name + ".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            _make(fresh, dt.datetime.now(dt.UTC))
            fresh.rename(folder)
    return {KEY: str(folder / "key.pem"), CERTIFICATE: str(folder / "chain.pem")}


def _make(folder: Path, now: dt.datetime) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _named("histovet, autorité de développement")
    own = _named("histovet, développement")
    authority_certificate = _certificate(
        authority, authority_key, authority, authority_key, now, is_authority=True
    )
    certificate = _certificate(
        own, key, authority, authority_key, now, is_authority=False
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle = os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(private)
    pems = [
        one.public_bytes(serialization.Encoding.PEM)
        for one in (certificate, authority_certificate)
    ]
    (folder / "chain.pem").write_bytes(b"".join(pems))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: dt.datetime,
    *,
    is_authority: bool,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        issuer_key.public_key()
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # An hour: the clocks of two machines are never quite the same.
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(own_id, critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
