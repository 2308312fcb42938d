"""What the commands of the site have in common."""

from django.core.management.base import BaseCommand


class SiteCommand(BaseCommand):
    """Before it our own checks are run, those of settings. Django's would load every
    page, which takes most of the time of a short command; `check` runs them all."""

    requires_system_checks = ("histovet",)
