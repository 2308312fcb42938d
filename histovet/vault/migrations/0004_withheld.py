from django.db import migrations, models

# Django's binary column has no length.
TAG_LENGTH = """
ALTER TABLE vault_withheld
    ADD CONSTRAINT vault_withheld_tag_is_whole CHECK (octet_length(tag) = 16)
"""


class Migration(migrations.Migration):
    dependencies = [("vault", "0003_inspections")]

    operations = [
        migrations.CreateModel(
            name="Withheld",
            fields=[
                ("number", models.AutoField(primary_key=True, serialize=False)),
                ("tag", models.BinaryField()),
                ("key_version", models.SmallIntegerField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("court_order", "Court Order"),
                            ("data_error", "Data Error"),
                            ("other", "Other"),
                        ],
                        max_length=11,
                    ),
                ),
                ("reference", models.CharField(max_length=60)),
                ("since", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "vault_withheld",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)),
                        fields=("tag",),
                        name="vault_withheld_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reason__in", ["court_order", "data_error", "other"])
                        ),
                        name="vault_withheld_reason_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reference", ""), _negated=True),
                        name="vault_withheld_has_a_reference",
                    ),
                ],
            },
        ),
        migrations.RunSQL(TAG_LENGTH, migrations.RunSQL.noop),
    ]
