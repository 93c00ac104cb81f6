"""App of the conversions."""

from django.apps import AppConfig


class ConversionsConfig(AppConfig):
    """Tenant-schema app."""

    name = "conversions"
