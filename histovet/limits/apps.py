from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "histovet.limits"

    def ready(self) -> None:
        # Importing registers them.
        from histovet.limits import checks  # noqa: F401
