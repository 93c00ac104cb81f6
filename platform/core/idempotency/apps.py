"""App of the idempotency records."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    """Tenant-schema app."""

    name = "core.idempotency"
    label = "idempotency"
