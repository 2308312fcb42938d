from django.db import migrations, models

# As in 0003, with what was claimed of the vehicle erased too. 7 is End.KEY_COMPROMISED.
ENDS = """
CREATE OR REPLACE FUNCTION sharing_end_key_uses(ring text, version smallint)
RETURNS TABLE (what text, uses bigint)
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH ended AS (
        UPDATE sharing_link
            SET ended_at = now(), "end" = 7, capsule = NULL, keepsake = NULL{claims}
            WHERE CASE $1 WHEN 'site' THEN key_version
                    WHEN 'register' THEN holder_key_version END = $2
                AND ended_at IS NULL AND expires_at > now()
            RETURNING 1
    )
    SELECT 'live link', count(*) FROM ended
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0004_openings_and_labels")]

    operations = [
        migrations.AddField("Link", "claims", models.BinaryField(null=True)),
        migrations.AddConstraint(
            "Link",
            models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("claims", None), _connector="OR"
                ),
                name="sharing_link_forgets_claims",
            ),
        ),
        migrations.RunSQL(
            ENDS.format(claims=", claims = NULL"), ENDS.format(claims="")
        ),
    ]
