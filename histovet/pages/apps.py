from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "histovet.pages"

    def ready(self) -> None:
        # Importing registers them.
        from histovet import checks as site_checks  # noqa: F401
        from histovet.pages import checks  # noqa: F401
