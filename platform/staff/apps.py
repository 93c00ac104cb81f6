"""App of the platform's staff."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Public-schema app."""

    name = "staff"
