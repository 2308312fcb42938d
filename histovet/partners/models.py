"""Who may ask the JSON API, for what and how often."""

from __future__ import annotations

import datetime as dt
import re

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from histovet.partners.auth import SHOWN_CHARACTERS, key_digest, new_key, shown_part

NAME_MAX = 80
RATE = re.compile(r"[1-9][0-9]{0,4}/[smh]")


class Scope(models.TextChoices):
    REPORT_BY_CODE = "report_by_code", "a report, with the seller's code"
    REPORT_BY_DATA = "report_by_data", "a report, with the holder's own data"


SCOPES = [scope.value for scope in Scope]


class PartnerKeys(models.QuerySet["PartnerKey"]):
    def others_of(self, key: PartnerKey) -> PartnerKeys:
        """Return the other keys of the same partner that are not suspended."""
        return self.filter(name=key.name, suspended_at=None).exclude(pk=key.pk)

    def suspend(self, now: dt.datetime) -> int:
        """Return how many were suspended."""
        return self.update(suspended_at=now)


class PartnerKey(models.Model):
    """One key of a partner; the key itself is stored nowhere.

    A partner may hold several at once, so that a new one is in place before the old
    one ends.
    """

    name = models.CharField(max_length=NAME_MAX)
    digest = models.BinaryField(unique=True)
    shown = models.CharField(max_length=SHOWN_CHARACTERS)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    rate = models.CharField(max_length=8)
    daily_quota = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True)
    last_used_on = models.DateField(null=True)
    # Searches that found nothing, on the UTC day `failed_on` alone.
    failed_on = models.DateField(null=True)
    failures = models.PositiveIntegerField(db_default=0)

    objects = PartnerKeys.as_manager()

    class Meta:
        db_table = "partners_key"
        indexes = (models.Index(fields=["name"], name="partners_key_name"),)
        constraints = (
            models.CheckConstraint(
                condition=~Q(name=""), name="partners_key_has_a_name"
            ),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=SCOPES, scopes__len__gt=0),
                name="partners_key_scopes_known",
            ),
            models.CheckConstraint(
                condition=Q(rate__regex=f"^{RATE.pattern}$"),
                name="partners_key_rate_readable",
            ),
            models.CheckConstraint(
                condition=Q(daily_quota__isnull=True) | Q(daily_quota__gt=0),
                name="partners_key_quota_usable",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="partners_key_expires_later",
            ),
        )

    def __str__(self) -> str:
        return f"{self.shown}…"

    @classmethod
    def issue(
        cls,
        *,
        name: str,
        scopes: list[str],
        rate: str,
        daily_quota: int | None,
        expires_at: dt.datetime,
        now: dt.datetime,
    ) -> tuple[PartnerKey, str]:
        """Return the stored row and the key, which cannot be had again."""
        key = new_key()
        row = cls.objects.create(
            name=name,
            digest=key_digest(key),
            shown=shown_part(key),
            scopes=sorted(set(scopes)),
            rate=rate,
            daily_quota=daily_quota,
            created_at=now,
            expires_at=expires_at,
        )
        return row, key

    def state(self, now: dt.datetime) -> str:
        if self.suspended_at:
            return "suspended"
        return "live" if self.expires_at > now else "expired"

    def suspend(self, now: dt.datetime) -> None:
        self.suspended_at = now
        self.save(update_fields=["suspended_at"])

    def resume(self) -> None:
        self.suspended_at = None
        self.save(update_fields=["suspended_at"])
