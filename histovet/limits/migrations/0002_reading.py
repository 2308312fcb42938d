from django.db import migrations

# For the dashboard of operators, which does not read the table.
FUNCTIONS = """
CREATE FUNCTION limits_read_counter(wanted bytea) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT value FROM limits_counter
        WHERE digest = wanted AND expires_at > statement_timestamp()
$$;

CREATE FUNCTION limits_live_counters() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FROM limits_counter WHERE expires_at > statement_timestamp()
$$;

REVOKE ALL ON FUNCTION limits_read_counter(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION limits_live_counters() FROM PUBLIC;
"""

UNDONE = """
DROP FUNCTION limits_live_counters();
DROP FUNCTION limits_read_counter(bytea);
"""


class Migration(migrations.Migration):
    dependencies = [("limits", "0001_counter")]

    operations = [migrations.RunSQL(FUNCTIONS, UNDONE)]
