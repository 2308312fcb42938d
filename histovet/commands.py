"""What the commands of the site have in common."""

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

_OF_OTHER_TABLES = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
)


class SiteCommand(BaseCommand):
    """Before it our own checks are run, those of settings. Django's would load every
    page, which takes most of the time of a short command; `check` runs them all."""

    requires_system_checks = ("histovet",)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ProgrammingError as exc:
            if not isinstance(exc.__cause__, _OF_OTHER_TABLES):
                raise
            raise CommandError(
                "the database has the tables of another version of histovet, or none; "
                "run, as their owner: python manage.py migrate"
            ) from exc
