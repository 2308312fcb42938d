from django.db import migrations, models

# Unlogged: what is lost in a crash is asked for again, and no answer lies in archived
# logs or on a standby when its day is over.
_UNLOGGED = "ALTER TABLE inspections_answer SET UNLOGGED"


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BinaryField(primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("sealed", models.BinaryField(null=True)),
                ("failed", models.BooleanField(db_default=False)),
            ],
            options={
                "db_table": "inspections_answer",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("failed", False), ("sealed", None), _connector="OR"
                        ),
                        name="inspections_answer_or_failure",
                    )
                ],
            },
        ),
        migrations.RunSQL(_UNLOGGED, migrations.RunSQL.noop),
    ]
