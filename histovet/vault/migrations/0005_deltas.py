import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

SIZES = """
ALTER TABLE vault_release
    ADD CONSTRAINT vault_release_delta CHECK (
        (edition = 0) = (delta_sha256 IS NULL)
        AND octet_length(delta_sha256) = 32
    ),
    ADD CONSTRAINT vault_release_key_check CHECK (octet_length(key_check) = 4);
"""

# A process that knows another edition of the release reads its row again.
READ = """
DROP FUNCTION vault_read_record(smallint, uuid);
CREATE FUNCTION vault_read_record(
    number smallint,
    edition integer,
    id uuid,
    OUT release_active boolean,
    OUT generation smallint,
    OUT sealed bytea
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    SELECT r.state = 'active' AND r.edition = $2 INTO release_active
        FROM vault_release r WHERE r.number = $1;
    release_active := coalesce(release_active, false);
    SELECT v.generation, v.sealed INTO generation, sealed
        FROM vault_record v WHERE v.release_number = $1 AND v.record_id = $3;
END
$$;
REVOKE ALL ON FUNCTION vault_read_record(smallint, integer, uuid) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("vault", "0004_withheld")]

    operations = [
        migrations.AddField(
            model_name="release",
            name="edition",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="release",
            name="delta_sha256",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="release",
            name="key_check",
            field=models.BinaryField(null=True),
        ),
        migrations.CreateModel(
            name="Delta",
            fields=[
                ("edition", models.IntegerField()),
                ("manifest_sha256", models.BinaryField()),
                ("label", models.CharField(max_length=100)),
                ("as_of", models.DateField()),
                ("lines", models.BigIntegerField()),
                ("rejects", models.BigIntegerField()),
                (
                    "applied_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "release",
                        "edition",
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
                        related_name="deltas",
                        to="vault.release",
                    ),
                ),
            ],
            options={
                "db_table": "vault_delta",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("release", "manifest_sha256"), name="vault_delta_once"
                    ),
                ],
            },
        ),
        # Not to be undone: a release with deltas means nothing to what was before.
        migrations.RunSQL(SIZES),
        migrations.RunSQL(READ),
        migrations.RunSQL("UPDATE vault_schema SET version = 3"),
    ]
