"""Rules without which the dashboard has a way to a record or a link.

histovet.E081  the dashboard's role of the database calls the function that reads a
               record, or reads links, what is withheld or kept answers (only by:
               check --deploy --database default)
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections

# Tables and columns of vehicles and links; and the one function.
_CLOSED = """
    SELECT name FROM unnest(ARRAY[
        'sharing_link', 'sharing_opening', 'sharing_receipt', 'sharing_check',
        'vault_record', 'vault_withheld', 'inspections_answer', 'limits_counter'
    ]) AS name
    WHERE has_any_column_privilege(to_regclass('public.' || name), 'SELECT')
    UNION ALL
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = to_regclass('public.vault_record')
        AND has_any_column_privilege(inhrelid, 'SELECT')
    UNION ALL
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'vault_read_record'
        AND has_function_privilege(p.oid, 'EXECUTE')
    ORDER BY 1
"""


@register("histovet", Tags.database, deploy=True)
def no_record_and_no_link_is_read(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> Iterator[CheckMessage]:
    if not settings.SERVES_OPERATORS or settings.DEVELOPMENT:
        return
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_CLOSED)
        opened = ", ".join(name for (name,) in cursor.fetchall())
    if opened:
        yield Error(
            f"DATABASE_URL names a role that the dashboard must not have: {opened}.",
            hint="Name the role of operators; it is made by: python manage.py "
            "database_roles (docs/operators.md)",
            id="histovet.E081",
        )
