from django.db import migrations

# For who retires a key, as in the migrations of partners. An operator whose second factor
# nobody opens any more gets a new one by: manage.py operator reset.
FUNCTIONS = """
CREATE FUNCTION operators_key_uses(ring text)
RETURNS TABLE (version smallint, what text, uses bigint)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT key_version, 'operator''s second factor', count(*) FROM operators_account
        WHERE ring = 'site' AND suspended_at IS NULL
        GROUP BY 1
$$;

CREATE FUNCTION operators_end_key_uses(ring text, version smallint)
RETURNS TABLE (what text, uses bigint)
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM operators_session WHERE $1 = 'site'
    ), ended AS (
        UPDATE operators_account SET suspended_at = now()
            WHERE $1 = 'site' AND key_version = $2 AND suspended_at IS NULL
            RETURNING 1
    )
    SELECT 'operator''s second factor', count(*) FROM ended
$$;

REVOKE ALL ON FUNCTION operators_key_uses(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION operators_end_key_uses(text, smallint) FROM PUBLIC;
"""

UNDONE = """
DROP FUNCTION operators_end_key_uses(text, smallint);
DROP FUNCTION operators_key_uses(text);
"""


class Migration(migrations.Migration):
    dependencies = [("operators", "0001_accounts")]

    operations = [migrations.RunSQL(FUNCTIONS, UNDONE)]
