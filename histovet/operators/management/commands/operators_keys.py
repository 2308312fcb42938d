"""Write the part of the site's key ring that the dashboard of operators has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from histovet.commands import SiteCommand
from histovet.operators.keys import LABELS
from histovet.vault.keys import site_ring
from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import write_part


class Command(SiteCommand):
    help = (
        "Write, or replace, the file that HISTOVET_OPERATORS_KEYS names: the subkeys "
        "that the dashboard needs, and none that opens a link or names what was "
        "counted. Run it again after each change of the site's key ring."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a file that the dashboard reads")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        try:
            write_part(path, site_ring(), LABELS)
        except KeyRingError as exc:
            raise CommandError(str(exc)) from exc
        versions = ", ".join(map(str, site_ring().versions))
        self.stdout.write(f"{path}: versions {versions} of the site's key ring")
