"""App of the outbox."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Public-schema app."""

    name = "core.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"
