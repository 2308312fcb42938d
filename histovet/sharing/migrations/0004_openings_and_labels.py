import django.db.models.deletion
from django.db import migrations, models

# A row of these goes with its link, whoever deletes that: Django would first have to
# read every one of them.
WITH_THEIR_LINK = """
ALTER TABLE sharing_opening ADD CONSTRAINT sharing_opening_of_link
    FOREIGN KEY (public_id) REFERENCES sharing_link ON DELETE CASCADE;
ALTER TABLE sharing_receipt ADD CONSTRAINT sharing_receipt_of_link
    FOREIGN KEY (public_id) REFERENCES sharing_link ON DELETE CASCADE;
"""
# The site deletes no link but these.
PURGE = """
CREATE FUNCTION sharing_purge_links() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM sharing_link WHERE ended_at <= now() - interval '90 days'
        RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION sharing_purge_links() FROM PUBLIC;
"""
UNDONE = """
DROP FUNCTION sharing_purge_links();
ALTER TABLE sharing_receipt DROP CONSTRAINT sharing_receipt_of_link;
ALTER TABLE sharing_opening DROP CONSTRAINT sharing_opening_of_link;
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0003_key_uses")]

    operations = [
        migrations.AddField("Link", "label", models.BinaryField(null=True)),
        migrations.AddIndex(
            "Link",
            models.Index(
                fields=["expires_at"],
                name="sharing_link_to_end",
                condition=models.Q(("ended_at", None)),
            ),
        ),
        migrations.AddIndex(
            "Link",
            models.Index(
                fields=["ended_at"],
                name="sharing_link_to_purge",
                condition=models.Q(("ended_at__isnull", False)),
            ),
        ),
        migrations.CreateModel(
            name="OpeningsOfDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("openings", models.IntegerField()),
                (
                    "link",
                    models.ForeignKey(
                        db_column="public_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="days",
                        to="sharing.link",
                    ),
                ),
            ],
            options={
                "db_table": "sharing_opening",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("openings__gte", 1)),
                        name="sharing_opening_happened",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.TextField()),
                ("day", models.DateField()),
                ("partner", models.TextField()),
                ("folded_partner", models.TextField()),
                ("of_advert", models.BooleanField(db_default=False)),
                (
                    "link",
                    models.ForeignKey(
                        db_column="public_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="receipts",
                        to="sharing.link",
                    ),
                ),
            ],
            options={"db_table": "sharing_receipt"},
        ),
        migrations.AddIndex(
            "Receipt",
            models.Index(fields=["link", "folded_partner"], name="sharing_receipt_of"),
        ),
        migrations.AddIndex(
            "Receipt",
            models.Index(
                fields=["link", "-day", "number"], name="sharing_receipt_latest"
            ),
        ),
        migrations.RunSQL(WITH_THEIR_LINK + PURGE, UNDONE),
    ]
