from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "histovet.history"
