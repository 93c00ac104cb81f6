"""App of the plans and meters."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Public-schema app."""

    name = "billing"
