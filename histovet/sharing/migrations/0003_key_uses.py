from django.db import migrations

# For who retires a key, as in the migrations of vault. 7 is End.KEY_COMPROMISED.
FUNCTIONS = """
CREATE FUNCTION sharing_key_uses(ring text)
RETURNS TABLE (version smallint, what text, uses bigint)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT CASE ring WHEN 'site' THEN key_version ELSE holder_key_version END,
            'live link', count(*)
        FROM sharing_link
        WHERE ring IN ('site', 'register')
            AND ended_at IS NULL AND expires_at > now()
        GROUP BY 1
$$;

CREATE FUNCTION sharing_end_key_uses(ring text, version smallint)
RETURNS TABLE (what text, uses bigint)
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH ended AS (
        UPDATE sharing_link
            SET ended_at = now(), "end" = 7, capsule = NULL, keepsake = NULL
            WHERE CASE $1 WHEN 'site' THEN key_version
                    WHEN 'register' THEN holder_key_version END = $2
                AND ended_at IS NULL AND expires_at > now()
            RETURNING 1
    )
    SELECT 'live link', count(*) FROM ended
$$;

REVOKE ALL ON FUNCTION sharing_key_uses(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION sharing_end_key_uses(text, smallint) FROM PUBLIC;
"""

UNDONE = """
DROP FUNCTION sharing_end_key_uses(text, smallint);
DROP FUNCTION sharing_key_uses(text);
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0002_checks")]

    operations = [migrations.RunSQL(FUNCTIONS, UNDONE)]
