"""Who may ask the JSON API, for what and how often."""

from __future__ import annotations

import datetime as dt
import re

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Case, F, Q, Sum, Value, When
from django.db.models.functions import Greatest, Least

from histovet.partners.auth import (
    SHOWN_CHARACTERS,
    Terms,
    active_version,
    folded,
    is_known,
    key_digest,
    new_key,
    shown_part,
    terms_hold,
    terms_mac,
)

NAME_MAX = 80
WHY_MAX = 80
RATE = re.compile(r"[1-9][0-9]{0,4}/[smh]")


class Scope(models.TextChoices):
    REPORT_BY_CODE = "report_by_code", "a report, with the seller's code"
    REPORT_BY_DATA = "report_by_data", "a report, with the holder's own data"
    LISTING_CHECK = "listing_check", "an advert compared, with the seller's code"
    LINK_STATUS = "link_status", "whether a code that it has opened still lives"


SCOPES = [scope.value for scope in Scope]


class PartnerKeys(models.QuerySet["PartnerKey"]):
    def others_of(self, key: PartnerKey) -> PartnerKeys:
        """Return the other keys of the same partner that are not suspended."""
        same = self.filter(folded_name=key.folded_name, suspended_at=None)
        return same.exclude(pk=key.pk)


class KeyEnded(Exception):
    """The key is suspended or has expired, and is no longer rotated."""


class KeyChanged(Exception):
    """The row is not as the site wrote it, and gets no new MAC."""


class PartnerKey(models.Model):
    """One key of a partner; the key itself is stored nowhere.

    A partner may hold several at once, so that a new one is in place before the old
    one ends.
    """

    name = models.CharField(max_length=NAME_MAX)
    # By which keys belong to one partner, however an operator typed its name.
    folded_name = models.TextField()
    digest = models.BinaryField(unique=True)
    # Of the site ring, for the digest and the MAC.
    key_version = models.SmallIntegerField()
    mac = models.BinaryField()
    shown = models.CharField(max_length=SHOWN_CHARACTERS)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    rate = models.CharField(max_length=8)
    daily_quota = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True)
    # For operators, in one line; empty while the key is not suspended.
    suspended_why = models.CharField(max_length=WHY_MAX, db_default="")
    last_used_on = models.DateField(null=True)

    objects = PartnerKeys.as_manager()

    class Meta:
        db_table = "partners_key"
        indexes = (models.Index(fields=["folded_name"], name="partners_key_name"),)
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
        key, version = new_key(), active_version()
        row = cls(
            name=name,
            folded_name=folded(name),
            digest=key_digest(key, version),
            key_version=version,
            shown=shown_part(key),
            scopes=sorted(set(scopes)),
            rate=rate,
            daily_quota=daily_quota,
            created_at=now,
            expires_at=expires_at,
        )
        row.mac = terms_mac(row._terms(), version)
        row.save(force_insert=True)
        return row, key

    def state(self, now: dt.datetime) -> str:
        # Under a version that was retired, whether the row holds cannot be told.
        is_readable = is_known(self.key_version)
        if is_readable and not self.is_intact():
            return "changed"
        if self.suspended_at:
            return "suspended"
        if self.expires_at <= now:
            return "expired"
        return "live" if is_readable else "changed"

    def is_intact(self) -> bool:
        """Tell whether the row says what the site wrote."""
        return terms_hold(self._terms(), self.key_version, bytes(self.mac))

    def rotate(
        self, now: dt.datetime, *, ends_at: dt.datetime, expires_at: dt.datetime
    ) -> tuple[PartnerKey, str]:
        """Return a new key with the same terms until `expires_at`; this one ends at
        `ends_at`, or before if it would have. Raises KeyChanged, KeyEnded."""
        if not self.is_intact():
            raise KeyChanged
        if self.suspended_at is not None or self.expires_at <= now:
            raise KeyEnded
        with transaction.atomic():
            made = PartnerKey.issue(
                name=self.name,
                scopes=self.scopes,
                rate=self.rate,
                daily_quota=self.daily_quota,
                expires_at=expires_at,
                now=now,
            )
            self._end_at(min(self.expires_at, ends_at))
        return made

    def suspend(self, now: dt.datetime, why: str = "") -> None:
        """Raises KeyChanged."""
        # Or a new MAC would make what somebody else wrote our own.
        if not self.is_intact():
            raise KeyChanged
        self.suspended_at, self.suspended_why = now, why
        self._write("suspended_at", "suspended_why")

    def end(self, now: dt.datetime) -> None:
        """Raises KeyChanged, KeyEnded."""
        if not self.is_intact():
            raise KeyChanged
        if self.expires_at <= now:
            raise KeyEnded
        self._end_at(now)

    def resume(self, today: dt.date) -> None:
        """The lines of anomalies are twice as high for the rest of the day, or the next
        request would cross them again. Those of a key that is not suspended stay: nobody
        raises them by asking again. Raises KeyChanged."""
        if not self.is_intact():
            raise KeyChanged
        if self.suspended_at is None:
            return
        self.suspended_at, self.suspended_why = None, ""
        with transaction.atomic():
            self._write("suspended_at", "suspended_why")
            keys = PartnerKey.objects.filter(folded_name=self.folded_name)
            used = PartnerUse.objects.filter(
                key_id__in=keys.values("pk"), day=today
            ).aggregate(
                reports=Sum("reports", default=0),
                night_reports=Sum("night_reports", default=0),
            )
            PartnerUse.objects.filter(key_id=self.pk, day=today).update(
                volume_line=_doubled("volume_line", used["reports"]),
                night_line=_doubled("night_line", used["night_reports"]),
            )

    def _end_at(self, moment: dt.datetime) -> None:
        # One that ends at the moment it was made would never have begun, which the
        # database refuses.
        self.expires_at = max(moment, self.created_at + dt.timedelta(microseconds=1))
        self._write("expires_at")

    def _write(self, *names: str) -> None:
        self.mac = terms_mac(self._terms(), self.key_version)
        self.save(update_fields=[*names, "mac"])

    def _terms(self) -> Terms:
        return Terms(
            bytes(self.digest),
            self.shown,
            self.name,
            self.folded_name,
            tuple(self.scopes),
            self.rate,
            self.daily_quota,
            self.expires_at,
            self.suspended_at,
            self.suspended_why,
        )


class PartnerUse(models.Model):
    """What a key was used for on one UTC day: numbers, and nothing of any vehicle."""

    # No foreign key, which PostgreSQL would look up for each first request of a day.
    key_id = models.BigIntegerField()
    day = models.DateField()
    requests = models.PositiveIntegerField(db_default=0)
    reports = models.PositiveIntegerField(db_default=0)
    # Of these, those between midnight and five in Paris.
    night_reports = models.PositiveIntegerField(db_default=0)
    # Searches that found nothing.
    failures = models.PositiveIntegerField(db_default=0)
    # Of the rate: where its last window begins, in seconds of the day, and its requests.
    window_at = models.PositiveIntegerField(db_default=0)
    window_requests = models.PositiveIntegerField(db_default=0)
    # Whether the last request was given a report: auth.py says what for.
    granted = models.BooleanField(db_default=False)
    # Of anomalies.py.
    volume_line = models.PositiveIntegerField(null=True)
    night_line = models.PositiveIntegerField(null=True)
    pk = models.CompositePrimaryKey("key_id", "day")

    class Meta:
        db_table = "partners_use"

    def __str__(self) -> str:
        return f"{self.day} of key {self.key_id}"


def _doubled(line: str, count: int) -> Case:
    # Half of what the column holds: a line that nothing reaches stays where it is.
    at_most = 2**30 - 1
    twice = 2 * Least(Greatest(F(line), Value(count)), at_most)
    return Case(When(**{f"{line}__isnull": False}, then=twice))
