"""The trail: who did what, one row after the other, each vouching for those before.

Source: pseudonymizer/SPEC.md section 13.
"""

from __future__ import annotations

from django.db import models

ACTOR_MAX = 64
SUBJECT_MAX = 120
DETAILS_MAX = 200


class ActorKind(models.TextChoices):
    OPERATOR = "operator"
    COMMAND = "command"
    # The site by itself: a key whose use is unusual.
    SITE = "site"


class Entry(models.Model):
    """Rows are added and never changed; positions follow each other without a gap."""

    position = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=8, choices=ActorKind)
    actor = models.CharField(max_length=ACTOR_MAX)
    act = models.CharField(max_length=40)
    subject = models.CharField(max_length=SUBJECT_MAX)
    # "done", or why not.
    result = models.CharField(max_length=40)
    details = models.CharField(max_length=DETAILS_MAX)
    # Of the site ring, for the MAC.
    key_version = models.SmallIntegerField()
    mac = models.BinaryField()

    class Meta:
        db_table = "audit_entry"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(position__gt=0), name="audit_entry_position"
            ),
            models.CheckConstraint(
                condition=models.Q(actor_kind__in=ActorKind.values),
                name="audit_entry_actor_known",
            ),
        )

    def __str__(self) -> str:
        return f"entry {self.position}"
