from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "histovet.history"

    def ready(self) -> None:
        # Importing registers them.
        from histovet.history import checks  # noqa: F401
