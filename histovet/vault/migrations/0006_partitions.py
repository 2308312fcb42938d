"""Partitions stay the owner's; the job may fill them.

To be given one, a role needs CREATE on the schema, and whoever may create a function there
is run as the owner: vault_add_partition would call a format(text, text) of theirs.
"""

from django.db import migrations

FUNCTIONS = """
CREATE OR REPLACE FUNCTION vault_add_partition(number smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partition text := 'vault_record_' || $1;
    job text;
BEGIN
    PERFORM FROM vault_release r WHERE r.number = $1 AND r.state = 'building'
        FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'release % is not being built', $1;
    END IF;
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    -- ATTACH lets readers of the other partitions go on; PARTITION OF would not.
    EXECUTE format('CREATE TABLE %I (LIKE vault_record INCLUDING STORAGE)', partition);
    EXECUTE format(
        'ALTER TABLE vault_record ATTACH PARTITION %I FOR VALUES IN (%s)', partition, $1
    );
    -- Whoever may add a partition may fill it: not the caller alone, or a release that
    -- the owner began could not be gone on with by the job.
    FOR job IN
        SELECT pg_get_userbyid(a.grantee)
            FROM pg_proc p, aclexplode(p.proacl) a
            WHERE p.oid = 'vault_add_partition(smallint)'::regprocedure
                AND a.grantee NOT IN (0, p.proowner)
    LOOP
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', partition, job
        );
    END LOOP;
END
$$;

CREATE FUNCTION vault_index_partition(number smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partition text := 'vault_record_' || $1;
BEGIN
    EXECUTE format(
        'CREATE UNIQUE INDEX IF NOT EXISTS %I ON %I (record_id)',
        partition || '_id', partition
    );
    EXECUTE format('ANALYZE %I', partition);
END
$$;

REVOKE ALL ON FUNCTION vault_index_partition(smallint) FROM PUBLIC;

UPDATE vault_schema SET version = 4;
"""

# The older job finds all it knows in the newer vault_add_partition, as the one user that
# owns the tables.
UNDONE = """
DROP FUNCTION vault_index_partition(smallint);
UPDATE vault_schema SET version = 3;
"""


class Migration(migrations.Migration):
    dependencies = [("vault", "0005_deltas")]

    operations = [migrations.RunSQL(FUNCTIONS, UNDONE)]
