from django.db import migrations

# Unlogged: a crash of PostgreSQL empties the table, which forgives attempts and loses
# nothing else, and a counted attempt waits for no disk. Half of each page is left free
# so that a count is raised in place, without touching the index.
_CREATE = """
CREATE UNLOGGED TABLE limits_counter (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 16),
    value bigint NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50)
"""


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL(_CREATE, "DROP TABLE limits_counter"),
    ]
