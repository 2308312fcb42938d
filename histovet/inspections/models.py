"""Kept answers of UTAC as the database holds them: a row alone opens nothing.

Source: pseudonymizer/SPEC.md section 12.
"""

from __future__ import annotations

import datetime as dt

from django.db import models

from histovet.statements import one_row


class Answers(models.QuerySet["Answer"]):
    def claim(self, answer_id: bytes, until: dt.datetime, now: dt.datetime) -> bool:
        """Tell whether the caller, and nobody else, is to ask until then: there was no
        row, or its time was over."""
        claimed = one_row(
            """
            INSERT INTO inspections_answer AS kept (id, expires_at) VALUES (%s, %s)
            ON CONFLICT (id) DO UPDATE
            SET expires_at = excluded.expires_at, sealed = NULL, failed = false
            WHERE kept.expires_at <= %s
            RETURNING true
            """,
            (answer_id, until, now),
        )
        return claimed is not None

    def purge(self, now: dt.datetime) -> int:
        """Return how many were deleted whose time is over."""
        return self.filter(expires_at__lte=now).delete()[0]


class Answer(models.Model):
    """What was answered (`sealed`), that asking failed (`failed`), or else that somebody
    is asking; each until `expires_at`."""

    id = models.BinaryField(primary_key=True)
    expires_at = models.DateTimeField(db_index=True)
    sealed = models.BinaryField(null=True)
    failed = models.BooleanField(db_default=False)

    objects = Answers.as_manager()

    class Meta:
        db_table = "inspections_answer"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(failed=False) | models.Q(sealed=None),
                name="inspections_answer_or_failure",
            ),
        )

    def __str__(self) -> str:
        return "a kept answer"
