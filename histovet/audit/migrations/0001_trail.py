from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "position",
                    models.BigIntegerField(primary_key=True, serialize=False),
                ),
                ("at", models.DateTimeField()),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("operator", "Operator"),
                            ("command", "Command"),
                            ("site", "Site"),
                        ],
                        max_length=8,
                    ),
                ),
                ("actor", models.CharField(max_length=64)),
                ("act", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=120)),
                ("result", models.CharField(max_length=40)),
                ("details", models.CharField(max_length=200)),
                ("key_version", models.SmallIntegerField()),
                ("mac", models.BinaryField()),
            ],
            options={
                "db_table": "audit_entry",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("position__gt", 0)),
                        name="audit_entry_position",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("actor_kind__in", ["operator", "command", "site"])
                        ),
                        name="audit_entry_actor_known",
                    ),
                ],
            },
        ),
    ]
