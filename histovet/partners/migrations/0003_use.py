from django.db import migrations, models

# Half of each page is left free so that a count is raised in place, without touching the
# index.
ROOM = "ALTER TABLE partners_use SET (fillfactor = 50)"


def count() -> models.PositiveIntegerField:
    return models.PositiveIntegerField(db_default=0)


class Migration(migrations.Migration):
    dependencies = [("partners", "0002_key_uses")]

    operations = [
        migrations.AddField(
            "PartnerKey",
            "suspended_why",
            models.CharField(max_length=80, db_default=""),
        ),
        migrations.CreateModel(
            name="PartnerUse",
            fields=[
                ("key_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("requests", count()),
                ("reports", count()),
                ("night_reports", count()),
                ("failures", count()),
                ("window_at", count()),
                ("window_requests", count()),
                ("granted", models.BooleanField(db_default=False)),
                ("volume_line", models.PositiveIntegerField(null=True)),
                ("night_line", models.PositiveIntegerField(null=True)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "key_id",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
            options={"db_table": "partners_use"},
        ),
        migrations.RunSQL(ROOM, migrations.RunSQL.noop),
    ]
