"""What stands in clear about releases; sealed records have no model.

The job in pseudonymizer/load.py writes these tables, the site reads them. Records lie
in `vault_record`, one partition a release, read through `vault_read_record` alone.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from pseudonymizer import records

# Of what an operator writes: where the order is kept, and no more.
REFERENCE_MAX = 60


class Release(models.Model):
    """One published generation of the whole register."""

    class State(models.TextChoices):
        BUILDING = "building"
        ACTIVE = "active"
        PREVIOUS = "previous"
        RETIRED = "retired"  # replaced twice; its partition is to be dropped
        DROPPED = "dropped"
        FAILED = "failed"

    number = models.SmallAutoField(primary_key=True)
    uuid = models.UUIDField(unique=True)
    label = models.CharField(max_length=100)
    as_of = models.DateField()
    inspections_as_of = models.DateField(null=True)
    key_version = models.SmallIntegerField()
    salt = models.BinaryField()
    mac = models.BinaryField()
    state = models.CharField(
        max_length=8, choices=State, db_default=State.BUILDING.value
    )
    manifest_sha256 = models.BinaryField()
    # How many deltas were applied, and the last one's manifest.
    edition = models.IntegerField(db_default=0)
    delta_sha256 = models.BinaryField(null=True)
    # Tells which of several backups of a key ring is the one; null: begun before.
    key_check = models.BinaryField(null=True)
    lines = models.BigIntegerField(db_default=0)
    rows = models.BigIntegerField(db_default=0)
    rejects = models.BigIntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "vault_release"
        # "At most one active" is an exclusion constraint in migration 0002: a unique
        # index would be checked row by row while one statement switches two rows.
        constraints = (
            models.UniqueConstraint(
                fields=["manifest_sha256"],
                condition=models.Q(state="building"),
                name="vault_release_building_once",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "building",
                        "active",
                        "previous",
                        "retired",
                        "dropped",
                        "failed",
                    ]
                ),
                name="vault_release_state_known",
            ),
        )

    def __str__(self) -> str:
        return f"release {self.number}"

    def as_record(self) -> records.Release:
        """Return the row in the type whose MAC envelope.py checks."""
        return records.Release(
            self.number,
            self.uuid,
            self.label,
            self.as_of,
            self.key_version,
            bytes(self.salt),
            bytes(self.manifest_sha256),
            bytes(self.mac),
            self.inspections_as_of,
            self.edition,
            None if self.delta_sha256 is None else bytes(self.delta_sha256),
        )


class Delta(models.Model):
    """A delta that was applied to a release, which is then of that edition."""

    release = models.ForeignKey(
        Release,
        on_delete=models.PROTECT,
        db_column="release_number",
        db_index=False,
        related_name="deltas",
    )
    edition = models.IntegerField()
    manifest_sha256 = models.BinaryField()
    label = models.CharField(max_length=100)
    as_of = models.DateField()
    lines = models.BigIntegerField()
    rejects = models.BigIntegerField()
    applied_at = models.DateTimeField(db_default=Now())
    pk = models.CompositePrimaryKey("release", "edition")

    class Meta:
        db_table = "vault_delta"
        constraints = (
            models.UniqueConstraint(
                fields=["release", "manifest_sha256"], name="vault_delta_once"
            ),
        )

    def __str__(self) -> str:
        return f"delta {self.edition} of release {self.release_id}"


class ReleaseFile(models.Model):
    """A file of the feed whose rows are in the release, all of them.

    That of a delta is named EDITION/NAME, a part of a file NAME#NUMBER-OF; the lines of
    all parts stand with the first. A whole file with 0 lines, one that was given up for its
    rejects: its release will fail.
    """

    release = models.ForeignKey(
        Release,
        on_delete=models.PROTECT,
        db_column="release_number",
        db_index=False,
        related_name="files",
    )
    name = models.CharField(max_length=255)
    sha256 = models.BinaryField()
    lines = models.BigIntegerField()
    rows = models.BigIntegerField()
    loaded_at = models.DateTimeField(db_default=Now())
    pk = models.CompositePrimaryKey("release", "name")

    class Meta:
        db_table = "vault_release_file"

    def __str__(self) -> str:
        return f"{self.name} of release {self.release_id}"


class Reject(models.Model):
    """A line that gave no row, and why; never what stood in it."""

    release = models.ForeignKey(
        Release,
        on_delete=models.PROTECT,
        db_column="release_number",
        db_index=False,
        related_name="+",
    )
    file_name = models.CharField(max_length=255)
    line_number = models.BigIntegerField()
    code = models.CharField(max_length=64)
    pk = models.CompositePrimaryKey("release", "file_name", "line_number")

    class Meta:
        db_table = "vault_reject"

    def __str__(self) -> str:
        return f"line {self.line_number} of {self.file_name}: {self.code}"


class Withheld(models.Model):
    """A vehicle whose report nobody reads until `lifted_at`; `tag` names it to the site
    alone, under that version of its key ring."""

    class Reason(models.TextChoices):
        COURT_ORDER = "court_order"
        DATA_ERROR = "data_error"
        OTHER = "other"

    number = models.AutoField(primary_key=True)
    tag = models.BinaryField()
    key_version = models.SmallIntegerField()
    reason = models.CharField(max_length=11, choices=Reason)
    reference = models.CharField(max_length=REFERENCE_MAX)
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "vault_withheld"
        constraints = (
            models.UniqueConstraint(
                fields=["tag"],
                condition=models.Q(lifted_at=None),
                name="vault_withheld_once",
            ),
            models.CheckConstraint(
                condition=models.Q(reason__in=["court_order", "data_error", "other"]),
                name="vault_withheld_reason_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(reference=""),
                name="vault_withheld_has_a_reference",
            ),
        )
        indexes = (
            models.Index(
                fields=["key_version"],
                condition=models.Q(lifted_at=None),
                name="vault_withheld_version",
            ),
        )

    def __str__(self) -> str:
        return f"withheld {self.number}"
