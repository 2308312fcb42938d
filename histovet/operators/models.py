"""Who may use the dashboard, and what they have signed in with."""

from __future__ import annotations

import datetime as dt
import re

from django.db import models
from django.db.models import Q

NAME = re.compile("[a-z][a-z0-9.-]{1,31}")


class Account(models.Model):
    """An operator; made, suspended and reset by a command alone.

    Without a password it waits for its enrolment. `factor` is the second factor,
    sealed, and `factor_step` the newest step of 30 seconds whose code was used.
    """

    name = models.CharField(max_length=32, unique=True)
    password = models.CharField(max_length=200, db_default="")
    factor = models.BinaryField()
    # Of the site ring, for `factor`.
    key_version = models.SmallIntegerField()
    factor_step = models.BigIntegerField(db_default=0)
    enrolment_digest = models.BinaryField(null=True)
    enrolment_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    signed_in_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "operators_account"
        constraints = (
            models.CheckConstraint(
                condition=Q(name__regex=f"^{NAME.pattern}$"),
                name="operators_account_name",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def state(self, now: dt.datetime) -> str:
        if self.suspended_at:
            return "suspended"
        if self.password:
            return "live"
        if self.enrolment_until is not None and self.enrolment_until > now:
            return "to enrol"
        return "enrolment over"


class RecoveryCode(models.Model):
    """One that was given with the second factor, for when it is lost; used once."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    digest = models.BinaryField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "operators_recovery"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "digest"], name="operators_recovery_once"
            ),
        )

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class Session(models.Model):
    """A browser that is signed in; the cookie's secret is stored nowhere."""

    digest = models.BinaryField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    created_at = models.DateTimeField()
    # Codes that were asked for again and were wrong.
    failures = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        db_table = "operators_session"

    def __str__(self) -> str:
        return f"session of {self.account_id}"


class Attempt(models.Model):
    """How many tries to sign in failed within a quarter of an hour; `tag` names an
    account or a network to the dashboard alone."""

    tag = models.BinaryField()
    window = models.DateTimeField()
    failures = models.PositiveIntegerField(db_default=0)
    pk = models.CompositePrimaryKey("tag", "window")

    class Meta:
        db_table = "operators_attempt"

    def __str__(self) -> str:
        return f"attempts of {self.window}"
