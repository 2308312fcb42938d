"""Documents are signed, each change of them is seen, and no bad key or certificate is
taken."""

import dataclasses
import datetime as dt
import io
import os
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils import translation
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.generic import ArrayObject, StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from histovet import settings as settings_file
from histovet.history import checks
from histovet.history.document import report_pdf
from histovet.history.signatory import Signatory, SigningRefused, read, signatory
from histovet.history.signature import sign
from tests.history.paper import LINK, MAKING, RICH
from tests.poppler import program, signatures_of

NOW = dt.datetime(2026, 11, 26, 13, 5, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
P256, P384 = ec.SECP256R1(), ec.SECP384R1()
BOTH = ("digital_signature", "content_commitment")


@pytest.fixture(scope="module")
def made() -> bytes:
    with translation.override("fr"):
        return report_pdf(RICH, MAKING, link=LINK)


@pytest.fixture(scope="module")
def own() -> Signatory:
    """The one that the suite has of its own."""
    assert settings.SIGNING_FILES is not None
    return read(*settings.SIGNING_FILES)


@pytest.fixture(scope="module")
def signed(made, own) -> bytes:
    return sign(made, own)


def certificate(key, *, usages=BOTH, begins=NOW - DAY, ends=NOW + DAY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Essai")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if usages is not None:
        every = (
            *BOTH,
            *("key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        )
        usage = x509.KeyUsage(**{name: name in usages for name in every})
        builder = builder.add_extension(usage, critical=True)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.PEM)


def private(key, passphrase: bytes = b"") -> bytes:
    protection = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )


@pytest.fixture
def files(tmp_path) -> Callable[..., tuple[Path, Path]]:
    def written(key: bytes, chain: bytes, mode: int = 0o600) -> tuple[Path, Path]:
        paths = tmp_path / "key.pem", tmp_path / "chain.pem"
        paths[0].write_bytes(key)
        paths[0].chmod(mode)
        paths[1].write_bytes(chain)
        return paths

    return written


# What is signed


def status_of(document: bytes, own: Signatory):
    roots = list(load_certs_from_pemder_data(own.chain))[-1:]
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    (found,) = PdfFileReader(io.BytesIO(document)).embedded_signatures
    # In a thread of its own: the browser's tests leave an event loop running here.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(
            validate_pdf_signature, found, signer_validation_context=context
        ).result()


def test_the_signature_holds_for_the_whole_file(signed, own):
    status = status_of(signed, own)
    assert status.bottom_line
    assert status.trusted and status.intact and status.valid
    assert status.coverage.name == "ENTIRE_FILE"


def test_pdfsig_finds_it_valid_and_whole(signed, tmp_path):
    said = signatures_of(signed, tmp_path)
    assert "Signature Validation: Signature is Valid." in said
    assert "Total document signed" in said
    assert "Signature Type: ETSI.CAdES.detached" in said
    assert "Signing Hash Algorithm: SHA-256" in said


def test_pdfsig_trusts_it_with_the_authority_at_hand(signed, own, tmp_path):
    store = f"sql:{tmp_path}"
    authority = tmp_path / "authority.pem"
    parts = own.chain.partition(b"-----END CERTIFICATE-----\n")
    authority.write_bytes(parts[2])
    certutil = program("certutil", "libnss3-tools")
    subprocess.run([certutil, "-N", "-d", store, "--empty-password"], check=True)
    subprocess.run(
        [certutil, "-A", "-d", store, "-n", "a", "-t", "C,C,C", "-i", str(authority)],
        check=True,
    )
    path = tmp_path / "document.pdf"
    path.write_bytes(signed)
    command = [program("pdfsig"), "-nssdir", str(tmp_path), str(path)]
    said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    assert "Certificate Validation: Certificate is Trusted." in said


def test_what_was_made_is_kept_and_the_signature_is_added(made, signed):
    assert signed.startswith(made)
    with pikepdf.open(io.BytesIO(signed)) as pdf:
        metadata = pdf.open_metadata()
        assert metadata.pdfa_status == "2A"
        assert metadata["pdfuaid:part"] == "1"
        assert "/StructTreeRoot" in pdf.Root
        (field,) = pdf.Root.AcroForm.Fields
        # Printed and not hidden for PDF/A; off the page and named for PDF/UA.
        assert int(field.F) & 0b1111_0110 == 0b100 | 128
        assert [int(side) for side in field.Rect] == [-9999] * 4
        assert str(field.TU) == "Signature de histovet"
        assert field.V.SubFilter == pikepdf.Name("/ETSI.CAdES.detached")
        assert str(field.V.Location) == "France"
        assert str(field.V.Reason) == "Document édité par histovet"
        assert pdf.pages[0].Tabs == pikepdf.Name.S


@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.8, 0.95, 0.99])
def test_one_flipped_byte_is_seen(signed, share, tmp_path):
    begin, first, second, rest = (
        int(number)
        for number in re.search(
            rb"/ByteRange ?\[(\d+) (\d+) (\d+) (\d+)", signed
        ).groups()
    )
    places = [*range(begin, first), *range(second, second + rest)]
    place = places[int(share * len(places))]
    changed = bytearray(signed)
    changed[place] ^= 1
    assert "Signature is Valid" not in signatures_of(bytes(changed), tmp_path)


def test_another_reader_sees_a_changed_text_too(made, signed, own):
    # In the middle of what typst made, where the pages are.
    changed = bytearray(signed)
    changed[len(made) // 2] ^= 1
    status = status_of(bytes(changed), own)
    assert not status.intact
    assert not status.bottom_line


def test_what_is_added_after_the_signature_is_seen(signed, tmp_path):
    longer = signed + b"\n% more\n"
    assert "Total document signed" not in signatures_of(longer, tmp_path)


def test_the_signature_forbids_every_change(signed):
    with pikepdf.open(io.BytesIO(signed)) as pdf:
        (field,) = pdf.Root.AcroForm.Fields
        (reference,) = field.V.Reference
        assert reference.TransformMethod == pikepdf.Name.DocMDP
        assert int(reference.TransformParams.P) == 1
        assert pdf.Root.Perms.DocMDP.objgen == field.V.objgen


def test_a_page_painted_over_later_is_refused(signed, own):
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    page, _ = writer.find_page_for_modification(0)
    paint = StreamObject(stream_data=b"1 0 0 rg 100 600 300 100 re f")
    page.get_object()["/Contents"] = ArrayObject(
        [page.get_object().raw_get("/Contents"), writer.add_object(paint)]
    )
    writer.update_container(page.get_object())
    forged = io.BytesIO()
    writer.write(forged)
    assert not status_of(forged.getvalue(), own).bottom_line


def test_a_signature_of_another_document_does_not_hold(signed, own, tmp_path):
    with translation.override("fr"):
        page = dataclasses.replace(RICH, plate="EK-7••-QE")
        other = sign(report_pdf(page, MAKING, link=LINK), own)
    hexadecimal = re.compile(rb"/Contents ?<([0-9A-F]+)>")
    moved = hexadecimal.search(signed)
    place = hexadecimal.search(other)
    assert moved and place
    changed = other[: place.start(1)] + moved[1] + other[place.end(1) :]
    assert "Signature is Valid" not in signatures_of(changed, tmp_path)


# Who signs


def test_of_the_signatory_is_told_what_the_certificate_says(files):
    key = ec.generate_private_key(P256)
    pem_ = certificate(key)
    found = read(*files(private(key), pem_))
    parsed = x509.load_pem_x509_certificate(pem_)
    assert found.subject == found.issuer == "Essai"
    assert found.not_before == parsed.not_valid_before_utc
    assert found.not_after == parsed.not_valid_after_utc
    assert found.fingerprint == parsed.fingerprint(hashes.SHA256()).hex()


def test_nothing_but_certificates_is_published(files):
    key = ec.generate_private_key(P256)
    found = read(*files(private(key), certificate(key) + private(key)))
    assert b"PRIVATE" not in found.chain
    assert [name for name, _, _ in pem.unarmor(found.chain, multiple=True)] == [
        "CERTIFICATE"
    ]


@pytest.mark.parametrize("usages", [BOTH, BOTH[:1], BOTH[1:]])
def test_either_usage_is_enough(files, made, usages):
    key = ec.generate_private_key(P256)
    found = read(*files(private(key), certificate(key, usages=usages)))
    assert sign(made, found).startswith(made)


FIRST, SECOND = ec.generate_private_key(P256), ec.generate_private_key(P256)
LARGER = ec.generate_private_key(P384)
OLDER = rsa.generate_private_key(65537, 2048)
OTHER = ed25519.Ed25519PrivateKey.generate()
KEY, CERTIFICATE = "HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE"


@pytest.mark.parametrize(
    ("key", "chain", "message"),
    [
        (b"", certificate(FIRST), f"{KEY} names a file without a private key"),
        (b"none", certificate(FIRST), f"{KEY} names a file without a private key"),
        (
            private(FIRST, b"secret"),
            certificate(FIRST),
            f"{KEY} names a file without a private key, or with one under a passphrase",
        ),
        (
            certificate(FIRST),
            certificate(FIRST),
            f"{KEY} names a file without a private key",
        ),
        (private(LARGER), certificate(LARGER), f"{KEY} names another kind of key"),
        (private(OLDER), certificate(OLDER), f"{KEY} names another kind of key"),
        (private(OTHER), certificate(OTHER), f"{KEY} names another kind of key"),
        (private(FIRST), b"", f"{CERTIFICATE} names a file without certificates"),
        (private(FIRST), b"none", f"{CERTIFICATE} names a file without certificates"),
        (
            private(FIRST),
            private(FIRST),
            f"{CERTIFICATE} names a file without certificates",
        ),
        (
            private(FIRST),
            certificate(FIRST)[:200] + b"\n-----END CERTIFICATE-----\n",
            f"{CERTIFICATE} names a file without certificates",
        ),
        (private(FIRST), certificate(SECOND), f"{CERTIFICATE} names a certificate of"),
        (private(FIRST), certificate(OLDER), f"{CERTIFICATE} names a certificate of"),
        (
            private(FIRST),
            certificate(SECOND) + certificate(FIRST),
            f"{CERTIFICATE} names a certificate of",
        ),
        (
            private(FIRST),
            certificate(FIRST, usages=("key_cert_sign",)),
            f"{CERTIFICATE} names a certificate that is not for signing",
        ),
        (
            private(FIRST),
            certificate(FIRST, usages=None),
            f"{CERTIFICATE} names a certificate that is not for signing",
        ),
    ],
)  # fmt: skip
def test_a_key_or_certificate_that_cannot_sign_is_refused(files, key, chain, message):
    with pytest.raises(SigningRefused) as refused:
        read(*files(key, chain))
    assert str(refused.value).startswith(message)
    assert refused.value.hint.endswith(".")


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o644, 0o601])
def test_a_key_that_others_may_touch_is_refused(files, mode):
    with pytest.raises(SigningRefused, match="names a file that others may read"):
        read(*files(private(FIRST), certificate(FIRST), mode))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's file is such a credential")
@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_a_key_that_systemd_hands_over_signs(files, mode):
    """LoadCredential shows a file of root, mode 0440 (docs/operations.md)."""
    assert read(*files(private(FIRST), certificate(FIRST), mode)).chain


@pytest.mark.parametrize(("missing", "variable"), [(0, KEY), (1, CERTIFICATE)])
def test_a_missing_file_is_refused_by_its_variable(files, missing, variable):
    paths = files(private(FIRST), certificate(FIRST))
    paths[missing].unlink()
    with pytest.raises(SigningRefused, match=f"{variable} .*cannot be read"):
        read(*paths)


def test_a_check_names_what_cannot_sign(files):
    paths = files(private(FIRST), certificate(SECOND))
    with override_settings(SIGNING_FILES=paths):
        (error,) = checks.documents_can_be_signed(None)
    assert error.id == "histovet.E041"
    assert error.msg.startswith(CERTIFICATE)


@pytest.mark.parametrize(
    "dates",
    [
        {"begins": NOW - 2 * DAY, "ends": NOW},
        {"begins": NOW + 365 * DAY, "ends": NOW + 366 * DAY},
    ],
)
def test_a_certificate_that_is_not_valid_now_stops_documents_and_not_the_site(
    files, dates
):
    with override_settings(
        SIGNING_FILES=files(private(FIRST), certificate(FIRST, **dates))
    ):
        assert signatory(NOW) is None
        (warning,) = checks.documents_can_be_signed(None)
    assert (warning.id, warning.is_serious()) == ("histovet.W043", False)


def test_a_check_finds_nothing_wrong_with_none_and_with_the_suites_own():
    assert list(checks.documents_can_be_signed(None)) == []
    with override_settings(SIGNING_FILES=None):
        assert list(checks.documents_can_be_signed(None)) == []
        assert list(checks.the_signing_key_is_apart(None)) == []


def test_a_key_inside_the_repository_is_named_where_the_site_is_served():
    inside = settings.BASE_DIR / "key.pem"
    with override_settings(SIGNING_FILES=(inside, inside), DEVELOPMENT=False):
        (error,) = checks.the_signing_key_is_apart(None)
    assert error.id == "histovet.E042"


@pytest.mark.parametrize(("given", "missing"), [(KEY, CERTIFICATE), (CERTIFICATE, KEY)])
def test_one_file_without_the_other_stops_the_start(monkeypatch, given, missing):
    monkeypatch.setenv(given, "/etc/histovet/file.pem")
    monkeypatch.delenv(missing, raising=False)
    with pytest.raises(
        ImproperlyConfigured, match=f"^{given} is set and {missing} is not"
    ):
        settings_file._signing(KEY, CERTIFICATE)


def test_without_files_nobody_signs():
    with override_settings(SIGNING_FILES=None):
        assert signatory(NOW) is None


def test_nobody_signs_when_the_certificate_is_over(files, monkeypatch):
    now = dt.datetime.now(dt.UTC)
    ends = now + DAY
    paths = files(private(FIRST), certificate(FIRST, begins=now - DAY, ends=ends))
    with override_settings(SIGNING_FILES=paths):
        assert signatory(now) is not None
        assert signatory(ends - dt.timedelta(minutes=1)) is not None
        assert signatory(ends) is None
