import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Release",
            fields=[
                ("number", models.SmallAutoField(primary_key=True, serialize=False)),
                ("uuid", models.UUIDField(unique=True)),
                ("label", models.CharField(max_length=100)),
                ("as_of", models.DateField()),
                ("key_version", models.SmallIntegerField()),
                ("salt", models.BinaryField()),
                ("mac", models.BinaryField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("building", "Building"),
                            ("active", "Active"),
                            ("previous", "Previous"),
                            ("retired", "Retired"),
                            ("dropped", "Dropped"),
                            ("failed", "Failed"),
                        ],
                        db_default="building",
                        max_length=8,
                    ),
                ),
                ("manifest_sha256", models.BinaryField()),
                ("lines", models.BigIntegerField(db_default=0)),
                ("rows", models.BigIntegerField(db_default=0)),
                ("rejects", models.BigIntegerField(db_default=0)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                ("activated_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "vault_release",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "building")),
                        fields=("manifest_sha256",),
                        name="vault_release_building_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "building",
                                    "active",
                                    "previous",
                                    "retired",
                                    "dropped",
                                    "failed",
                                ],
                            )
                        ),
                        name="vault_release_state_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reject",
            fields=[
                ("file_name", models.CharField(max_length=255)),
                ("line_number", models.BigIntegerField()),
                ("code", models.CharField(max_length=64)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "release",
                        "file_name",
                        "line_number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        db_column="release_number",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vault.release",
                    ),
                ),
            ],
            options={
                "db_table": "vault_reject",
            },
        ),
        migrations.CreateModel(
            name="ReleaseFile",
            fields=[
                ("name", models.CharField(max_length=255)),
                ("sha256", models.BinaryField()),
                ("lines", models.BigIntegerField()),
                ("rows", models.BigIntegerField()),
                (
                    "loaded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "release",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        db_column="release_number",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="vault.release",
                    ),
                ),
            ],
            options={
                "db_table": "vault_release_file",
            },
        ),
    ]
