"""App of the notifications."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Tenant-schema app; meets the producers only in the outbox."""

    name = "notifications"

    def ready(self) -> None:
        """Subscribe to what people want to know."""
        from core.outbox.services import subscribe  # noqa: PLC0415 - apps must be loaded first
        from notifications.subscribers import on_event  # noqa: PLC0415
        from notifications.terms import KINDS  # noqa: PLC0415

        for kind in KINDS:
            subscribe(kind, on_event)
