"""App of the dispatcher."""

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    """Public-schema app."""

    name = "dispatch"
