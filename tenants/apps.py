"""App of the tenants."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Public-schema app."""

    name = "tenants"
