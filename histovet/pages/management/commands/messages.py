from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from histovet.commands import SiteCommand


class Command(SiteCommand):
    help = (
        "Bring the English catalogue up to date with templates and code, compile it, "
        "and list what still lacks a translation."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from histovet.pages import catalogue
        except ModuleNotFoundError as exc:
            raise CommandError(
                "Babel is not installed; run: pip install -r requirements-dev.txt"
            ) from exc
        folder = settings.BASE_DIR / "histovet" / "locale" / "en" / "LC_MESSAGES"
        po = folder / "django.po"
        texts = catalogue.all_texts(settings.BASE_DIR)
        content = catalogue.updated(po.read_bytes(), texts)
        po.write_bytes(content)
        po.with_suffix(".mo").write_bytes(catalogue.compiled(content))
        missing = catalogue.untranslated(content)
        for text in missing:
            self.stdout.write(text)
        if missing:
            raise CommandError(
                f"{len(missing)} texts lack their English in {po}; write it there and "
                "run this again"
            )
