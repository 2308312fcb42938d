"""The columns that name one certificate → its Identity, in any file of the feed."""

from __future__ import annotations

from collections.abc import Collection

from pseudonymizer.errors import FeedRefused, Unusable
from pseudonymizer.normalise import FEED_DAYS, fni_identity, siv_identity
from pseudonymizer.records import Identity, Register

PLATE, FORMULA_NUMBER, ISSUE_DATE = "plaq_immat", "numero_formule", "date_emission_CI"


def columns_of(header: list[str], needed: Collection[str]) -> dict[str, int]:
    """Return the place of each column, those of a certificate and `needed` being there.

    Raises FeedRefused `unknown_layout`, naming what is missing.
    """
    columns = {name: place for place, name in enumerate(header)}
    missing = sorted({PLATE, *needed} - columns.keys())
    if (
        missing
        or (FORMULA_NUMBER in columns) == (ISSUE_DATE in columns)
        or len(columns) != len(header)
    ):
        raise FeedRefused(
            "unknown_layout",
            "the header is not that of a SIV or an FNI file: "
            + (
                f"no column {', '.join(missing)}"
                if missing
                else f"it needs one of {FORMULA_NUMBER} and {ISSUE_DATE}, "
                "and no column twice"
            ),
        )
    return columns


class CertificateColumns:
    """Where the columns that name a certificate stand in one file."""

    def __init__(self, columns: dict[str, int]) -> None:
        self.register = Register.SIV if FORMULA_NUMBER in columns else Register.FNI
        is_siv = self.register is Register.SIV
        self.plate = columns[PLATE]
        self.proof = columns[FORMULA_NUMBER if is_siv else ISSUE_DATE]

    def identity(self, row: list[str]) -> Identity:
        """Raises Unusable naming the part that has no canonical form."""
        if self.register is Register.SIV:
            return siv_identity(row[self.plate], row[self.proof])
        try:
            issued = FEED_DAYS[row[self.proof]]
        except Unusable as exc:
            raise Unusable("issue_date_unreadable") from exc
        if issued is None:
            raise Unusable("issue_date_missing")
        return fni_identity(row[self.plate], issued)
