"""App of what belongs to the platform and to no tenant."""

from django.apps import AppConfig


class SharedConfig(AppConfig):
    """Public-schema app."""

    name = "conversions.shared"
    label = "conversions_shared"
