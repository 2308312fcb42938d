"""Whether the site is closed for maintenance: one row while it is, none otherwise."""

from __future__ import annotations

import datetime as dt
import math

from django.db import models

# What is said to come back after when no end was announced, or when it has passed.
RETRY_AFTER_SECONDS = 300


class Maintenance(models.Model):
    """`until` is what was announced; only the command ends it."""

    the_only = models.BooleanField(primary_key=True, db_default=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "operation_maintenance"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(the_only=True), name="operation_maintenance_once"
            ),
        )

    def __str__(self) -> str:
        return "maintenance"

    def retry_after_seconds(self, now: dt.datetime) -> int:
        if self.until is None or self.until <= now:
            return RETRY_AFTER_SECONDS
        return math.ceil((self.until - now).total_seconds())

    def ends_after(self, now: dt.datetime) -> bool:
        """Tell whether an end was announced that has not passed."""
        return self.until is not None and self.until > now
