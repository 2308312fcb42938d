from django.apps import AppConfig


class OperatorsConfig(AppConfig):
    name = "histovet.operators"

    def ready(self) -> None:
        # Importing registers them: the dashboard has no other room that would.
        from histovet import checks as site_checks  # noqa: F401
        from histovet.operators import checks  # noqa: F401
