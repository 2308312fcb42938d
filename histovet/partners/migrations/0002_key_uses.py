from django.db import migrations

# For who retires a key, as in the migrations of vault. A key that is suspended here has
# a MAC that no longer holds: should its version come back, it is refused all the same.
FUNCTIONS = """
CREATE FUNCTION partners_key_uses(ring text)
RETURNS TABLE (version smallint, what text, uses bigint)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT key_version, 'partner key', count(*) FROM partners_key
        WHERE ring = 'site' AND suspended_at IS NULL AND expires_at > now()
        GROUP BY 1
$$;

CREATE FUNCTION partners_end_key_uses(ring text, version smallint)
RETURNS TABLE (what text, uses bigint)
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH ended AS (
        UPDATE partners_key SET suspended_at = now()
            WHERE $1 = 'site' AND key_version = $2
                AND suspended_at IS NULL AND expires_at > now()
            RETURNING 1
    )
    SELECT 'partner key', count(*) FROM ended
$$;

REVOKE ALL ON FUNCTION partners_key_uses(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION partners_end_key_uses(text, smallint) FROM PUBLIC;
"""

UNDONE = """
DROP FUNCTION partners_end_key_uses(text, smallint);
DROP FUNCTION partners_key_uses(text);
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_keys")]

    operations = [migrations.RunSQL(FUNCTIONS, UNDONE)]
