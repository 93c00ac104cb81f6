"""App of the webhooks."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Tenant-schema app; meets the producers only in the outbox."""

    name = "webhooks"

    def ready(self) -> None:
        """Subscribe to everything: endpoints choose."""
        from core.outbox.services import subscribe  # noqa: PLC0415 - apps must be loaded first
        from webhooks.subscribers import on_event  # noqa: PLC0415

        subscribe("", on_event)
