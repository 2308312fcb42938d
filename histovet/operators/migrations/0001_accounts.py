import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("name", models.CharField(max_length=32, unique=True)),
                ("password", models.CharField(db_default="", max_length=200)),
                ("factor", models.BinaryField()),
                ("key_version", models.SmallIntegerField()),
                ("factor_step", models.BigIntegerField(db_default=0)),
                ("enrolment_digest", models.BinaryField(null=True)),
                ("enrolment_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("signed_in_at", models.DateTimeField(null=True)),
                ("suspended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "operators_account",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z][a-z0-9.-]{1,31}$")),
                        name="operators_account_name",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("digest", models.BinaryField(primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                ("failures", models.PositiveSmallIntegerField(db_default=0)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="operators.account",
                    ),
                ),
            ],
            options={"db_table": "operators_session"},
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("digest", models.BinaryField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="operators.account",
                    ),
                ),
            ],
            options={
                "db_table": "operators_recovery",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "digest"), name="operators_recovery_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tag",
                        "window",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tag", models.BinaryField()),
                ("window", models.DateTimeField()),
                ("failures", models.PositiveIntegerField(db_default=0)),
            ],
            options={"db_table": "operators_attempt"},
        ),
    ]
