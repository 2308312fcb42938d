"""Links as the database holds them: nothing in a row opens anything.

`capsule` opens with the link's secret, `keepsake` and `label` with the owner's. The
first two are erased when the link ends, and the row 90 days later, with all that was
counted of it. Source: SPEC.md section 11.
"""

from __future__ import annotations

import datetime as dt
import enum

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pseudonymizer.records import LinkTerms

# How many wrong answers to "is this the car?" are given, and then no answer any more.
CHECKS_PER_LINK = 50
CHECKS_PER_OPENING = 5


class Scope(enum.IntEnum):
    FULL = 0
    WITHOUT_ADMINISTRATIVE_DETAILS = 1


class End(models.IntegerChoices):
    """Why a link ended, and how its owner is told; nobody else is."""

    EXPIRED = 1, _("Arrivé à son terme")
    EXHAUSTED = 2, _("Ouvert autant de fois que permis")
    REVOKED_BY_OWNER = 3, _("Vous y avez mis fin")
    REVOKED_BY_CERTIFICATE = 4, _("Quelqu’un qui a ce certificat y a mis fin")
    CERTIFICATE_GONE = 5, _("Le certificat n’a plus cours")
    CHANGED_HANDS = 6, _("Le véhicule est vendu, selon le registre")
    # Written by `keys retire --compromised`: migration 0003.
    KEY_COMPROMISED = 7, _("L’administration y a mis fin, par sécurité")


class Links(models.QuerySet["Link"]):
    def live(self, now: dt.datetime) -> Links:
        """Those that no sight of them and no clock has ended; a sale may have."""
        return self.filter(ended_at=None, expires_at__gt=now)

    def end_expired(self, now: dt.datetime) -> int:
        """Return how many were over by the clock and had not been ended."""
        return self.filter(expires_at__lte=now).end(End.EXPIRED, now)

    def end(self, why: End, now: dt.datetime) -> int:
        """Return how many were ended now. Those that had ended keep their reason."""
        return self.filter(ended_at=None).update(
            ended_at=now, end=why, capsule=None, keepsake=None, claims=None
        )


class Link(models.Model):
    public_id = models.BinaryField(primary_key=True)
    key_version = models.SmallIntegerField()
    holder_key_version = models.SmallIntegerField()
    owner_tag = models.BinaryField()
    owner_proof = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    scope = models.SmallIntegerField()
    max_openings = models.IntegerField(null=True)
    openings = models.IntegerField(db_default=0)
    last_opened_on = models.DateField(null=True)
    capsule = models.BinaryField(null=True)
    keepsake = models.BinaryField(null=True)
    label = models.BinaryField(null=True)
    checks_failed = models.SmallIntegerField(db_default=0)
    # Of partners' adverts: claims.py.
    claims = models.BinaryField(null=True)
    ended_at = models.DateTimeField(null=True)
    end = models.SmallIntegerField(null=True)

    objects = Links.as_manager()

    class Meta:
        db_table = "sharing_link"
        indexes = (
            models.Index(fields=["owner_tag"], name="sharing_link_owner"),
            # For the command that runs every hour.
            models.Index(
                fields=["expires_at"],
                name="sharing_link_to_end",
                condition=Q(ended_at=None),
            ),
            models.Index(
                fields=["ended_at"],
                name="sharing_link_to_purge",
                condition=Q(ended_at__isnull=False),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    ended_at=None,
                    end=None,
                    capsule__isnull=False,
                    keepsake__isnull=False,
                )
                | Q(
                    ended_at__isnull=False,
                    end__isnull=False,
                    capsule=None,
                    keepsake=None,
                ),
                name="sharing_link_erased_at_its_end",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(claims=None),
                name="sharing_link_forgets_claims",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")),
                name="sharing_link_has_a_life",
            ),
            models.CheckConstraint(
                condition=Q(max_openings=None)
                | Q(max_openings__gte=1, openings__lte=models.F("max_openings")),
                name="sharing_link_openings_within_maximum",
            ),
            models.CheckConstraint(
                condition=Q(checks_failed__range=(0, CHECKS_PER_LINK)),
                name="sharing_link_checks_within_limit",
            ),
        )

    def __str__(self) -> str:
        return "a link"

    @property
    def why_ended(self) -> End | None:
        return None if self.end is None else End(self.end)

    @property
    def terms(self) -> LinkTerms:
        return LinkTerms(
            bytes(self.public_id),
            self.key_version,
            self.holder_key_version,
            int(self.created_at.timestamp()),
            int(self.expires_at.timestamp()),
            self.scope,
            self.max_openings,
        )


class OpeningsOfDay(models.Model):
    """How often a link was opened on one day in France, and nothing of whom. The database
    deletes it with its link: migration 0004."""

    pk = models.CompositePrimaryKey("link", "day")
    link = models.ForeignKey(
        Link,
        on_delete=models.DO_NOTHING,
        db_column="public_id",
        db_constraint=False,
        db_index=False,
        related_name="days",
    )
    day = models.DateField()
    openings = models.IntegerField()

    class Meta:
        db_table = "sharing_opening"
        constraints = (
            models.CheckConstraint(
                condition=Q(openings__gte=1), name="sharing_opening_happened"
            ),
        )

    def __str__(self) -> str:
        return "the openings of a day"


class Receipt(models.Model):
    """That a partner read a link's report or had an advert compared with it, under the
    number that its answer carries. `folded_partner` is what the spellings of the partner's name have in common. The
    database deletes it with its link: migration 0004."""

    pk = models.CompositePrimaryKey("link", "number")
    link = models.ForeignKey(
        Link,
        on_delete=models.DO_NOTHING,
        db_column="public_id",
        db_constraint=False,
        db_index=False,
        related_name="receipts",
    )
    number = models.TextField()
    day = models.DateField()
    partner = models.TextField()
    folded_partner = models.TextField()
    of_advert = models.BooleanField(db_default=False)

    class Meta:
        db_table = "sharing_receipt"
        indexes = (
            models.Index(fields=["link", "folded_partner"], name="sharing_receipt_of"),
            models.Index(
                fields=["link", "-day", "number"], name="sharing_receipt_latest"
            ),
        )

    def __str__(self) -> str:
        return "a receipt"


class Checks(models.QuerySet["Check"]):
    def forget_expired(self, now: dt.datetime) -> int:
        """Return how many were of openings whose cookie is over."""
        return self.filter(expires_at__lte=now).delete()[0]


class Check(models.Model):
    """How many wrong answers an opening was given. It is known by its random bytes, and
    nothing says of which link it is."""

    opening = models.BinaryField(primary_key=True)
    failed = models.SmallIntegerField()
    expires_at = models.DateTimeField()

    objects = Checks.as_manager()

    class Meta:
        db_table = "sharing_check"
        constraints = (
            models.CheckConstraint(
                condition=Q(failed__range=(1, CHECKS_PER_OPENING)),
                name="sharing_check_within_limit",
            ),
        )

    def __str__(self) -> str:
        return "the checks of an opening"
