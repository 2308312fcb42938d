from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "histovet.pages"

    def ready(self) -> None:
        # Importing registers them.
        from histovet import checks  # noqa: F401
