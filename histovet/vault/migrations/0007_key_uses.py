from django.db import migrations, models

# For who retires a key, the owner of the tables: `python -m pseudonymizer keys`. Every
# table that names a version of a key is asked by a function like this one.
FUNCTIONS = """
CREATE FUNCTION vault_key_uses(ring text)
RETURNS TABLE (version smallint, what text, uses bigint)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT key_version, state || ' release', count(*) FROM vault_release
        WHERE ring = 'register' AND state IN ('building', 'active', 'previous')
        GROUP BY 1, 2
    UNION ALL
    SELECT key_version, 'withheld vehicle', count(*) FROM vault_withheld
        WHERE ring = 'site' AND lifted_at IS NULL
        GROUP BY 1
$$;
REVOKE ALL ON FUNCTION vault_key_uses(text) FROM PUBLIC;
"""

UNDONE = "DROP FUNCTION vault_key_uses(text)"


class Migration(migrations.Migration):
    dependencies = [("vault", "0006_partitions")]

    operations = [
        migrations.AddIndex(
            model_name="withheld",
            index=models.Index(
                condition=models.Q(("lifted_at", None)),
                fields=["key_version"],
                name="vault_withheld_version",
            ),
        ),
        migrations.RunSQL(FUNCTIONS, UNDONE),
    ]
