"""Sealed records in partitions, and the functions that add, drop and read them.

The functions run as the owner of the tables: the job may then be a role that owns no
more than its partitions, and the site one that reads one record at a time.
"""

from django.db import migrations

TABLES = """
CREATE TABLE vault_schema (version integer NOT NULL);
CREATE UNIQUE INDEX vault_schema_one_row ON vault_schema ((true));
INSERT INTO vault_schema VALUES (1);

ALTER TABLE vault_release
    ADD CONSTRAINT vault_release_one_active
        EXCLUDE USING btree (state WITH =) WHERE (state = 'active')
        DEFERRABLE INITIALLY IMMEDIATE,
    ADD CONSTRAINT vault_release_sizes CHECK (
        octet_length(salt) = 32
        AND octet_length(mac) = 32
        AND octet_length(manifest_sha256) = 32
    );

-- Fixed-width columns first. The sealed bytes are compressed already.
CREATE TABLE vault_record (
    record_id uuid NOT NULL,
    release_number smallint NOT NULL,
    generation smallint NOT NULL,
    sealed bytea NOT NULL
) PARTITION BY LIST (release_number);
ALTER TABLE vault_record ALTER COLUMN sealed SET STORAGE EXTERNAL;
"""

FUNCTIONS = """
CREATE FUNCTION vault_add_partition(number smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partition text := 'vault_record_' || $1;
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
    IF session_user <> current_user THEN
        EXECUTE format('ALTER TABLE %I OWNER TO %I', partition, session_user);
    END IF;
END
$$;

CREATE FUNCTION vault_drop_partition(number smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM vault_release r
        WHERE r.number = $1 AND r.state IN ('retired', 'failed')
        FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'release % is neither retired nor failed', $1;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I', 'vault_record_' || $1);
END
$$;

-- One row always. A generic plan prunes when it is executed; left alone the planner
-- makes a new plan at each call, which costs four times as much.
CREATE FUNCTION vault_read_record(
    number smallint,
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
    SELECT r.state = 'active' INTO release_active
        FROM vault_release r WHERE r.number = $1;
    release_active := coalesce(release_active, false);
    SELECT v.generation, v.sealed INTO generation, sealed
        FROM vault_record v WHERE v.release_number = $1 AND v.record_id = $2;
END
$$;

REVOKE ALL ON FUNCTION vault_add_partition(smallint) FROM PUBLIC;
REVOKE ALL ON FUNCTION vault_drop_partition(smallint) FROM PUBLIC;
REVOKE ALL ON FUNCTION vault_read_record(smallint, uuid) FROM PUBLIC;
"""

UNDONE = """
DROP FUNCTION vault_read_record(smallint, uuid);
DROP FUNCTION vault_drop_partition(smallint);
DROP FUNCTION vault_add_partition(smallint);
DROP TABLE vault_record;
ALTER TABLE vault_release
    DROP CONSTRAINT vault_release_sizes,
    DROP CONSTRAINT vault_release_one_active;
DROP TABLE vault_schema;
"""


class Migration(migrations.Migration):
    dependencies = [("vault", "0001_releases")]

    operations = [migrations.RunSQL(TABLES + FUNCTIONS, UNDONE)]
