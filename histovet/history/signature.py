"""A PDF → the same PDF with its signature (PAdES B-B); nothing is asked of the network.

Source: ETSI EN 319 142-1, section 6; docs/documents.md.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import (
    InvisSigSettings,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
)
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from histovet.history.signatory import Signatory

_FIELD = "Signature"
# For the signature in hexadecimal: one of P-256 with two certificates takes 3,000.
_RESERVED_BYTES = 8192


def sign(document: bytes, signatory: Signatory) -> bytes:
    """Return the document with one revision more, which holds the signature."""
    # pyHanko starts an event loop, and a thread that has one refuses a second.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(_signed, document, signatory).result()


def _signed(document: bytes, signatory: Signatory) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    made = _signer(signatory).sign_pdf(writer, bytes_reserved=_RESERVED_BYTES)
    return cast(bytes, made.getvalue())


def _signer(signatory: Signatory) -> PdfSigner:
    own, *others = signatory.certificates
    store = SimpleCertificateStore.from_certs(others)
    return PdfSigner(
        PdfSignatureMetadata(
            field_name=_FIELD,
            md_algorithm="sha256",
            reason="Document édité par histovet",
            location="France",
            subfilter=SigSeedSubFilter.PADES,
            signer_key_usage=set(signatory.usages),
            # What is added later is against the signatory's word.
            # Source: ISO 32000-1, 12.8.2.2.
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        ),
        SimpleSigner(own, signatory.key, store),
        new_field_spec=SigFieldSpec(
            _FIELD,
            # Nothing to see, and outside the page: PDF/UA wants what is on it in the
            # structure, PDF/A refuses what is hidden.
            # Sources: ISO 14289-1, 7.18.1; ISO 19005-2, 6.3.2.
            invis_sig_settings=InvisSigSettings(box_out_of_bounds=True),
            readable_field_name="Signature de histovet",
        ),
    )
