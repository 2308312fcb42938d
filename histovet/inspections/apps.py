from django.apps import AppConfig


class InspectionsConfig(AppConfig):
    name = "histovet.inspections"

    def ready(self) -> None:
        # Importing registers them.
        from histovet.inspections import checks  # noqa: F401
