"""Give the database to its four roles, each with the least that it needs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from histovet.commands import SiteCommand
from histovet.database_roles import NotOurs, RoleNames, Roles, differences

# Readers would wait behind a table that changes hands and waits for one of them.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"


class Command(SiteCommand):
    help = (
        "Create the roles of owner, job, site and operator where they are missing, give the owner "
        "the tables, grant the others the least that they need and take back all else "
        "that anybody holds. Run it as a superuser on an empty database, and after each "
        "migrate, then as the owner. Passwords are not its business."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", default="histovet_owner", metavar="ROLE")
        parser.add_argument("--job", default="histovet_job", metavar="ROLE")
        parser.add_argument("--site", default="histovet_site", metavar="ROLE")
        parser.add_argument("--operator", default="histovet_operator", metavar="ROLE")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--sql",
            action="store_true",
            help="print the statements that are needed now, and run none",
        )
        instead.add_argument(
            "--check",
            action="store_true",
            help="print them too, and end with status 1 when there are any",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            roles = Roles(
                *(options[name] for name in ("owner", "job", "site", "operator"))
            )
        except RoleNames as exc:
            raise CommandError(str(exc)) from exc
        try:
            statements = differences(roles)
            if options["check"]:
                self._report(statements)
            elif options["sql"]:
                self._print("BEGIN", *statements, "COMMIT")
            else:
                _run(statements, roles)
                self._print(*statements)
                self.stdout.write(f"{len(statements)} statements were needed")
        except NotOurs as exc:
            raise CommandError(
                f"the schema public of this database holds {exc}, which histovet did "
                "not make; move it to another schema or database, or use the version "
                "of histovet that made it"
            ) from exc

    def _report(self, statements: list[str]) -> None:
        self._print(*statements)
        if statements:
            raise CommandError(
                f"{len(statements)} statements are needed; to run them, as the owner or "
                "a superuser: python manage.py database_roles"
            )
        self.stdout.write("every role may do what it is to do, and nothing else")

    def _print(self, *statements: str) -> None:
        for statement in statements:
            self.stdout.write(f"{statement};")


def _run(statements: list[str], roles: Roles) -> None:
    """All or none."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK_TIMEOUT)
            for statement in statements:
                cursor.execute(statement)
            left = differences(roles)
            if left:
                # What a role granted that had it from another one, for example.
                raise CommandError(
                    f"nothing was changed: as {_user()} it is not possible to run: "
                    f"{'; '.join(left)}; connect as a superuser"
                )
    except DatabaseError as exc:
        # It names roles and tables alone.
        reason = (str(exc).splitlines() or [type(exc).__name__])[0]
        raise CommandError(
            f"nothing was changed: {reason}; connect as the owner of the database or a "
            "superuser, while neither the job nor a backup runs"
        ) from exc


def _user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])
