"""App of the conversions."""

from django.apps import AppConfig


class ConversionsConfig(AppConfig):
    """Tenant-schema app."""

    name = "conversions"

    def ready(self) -> None:
        """Subscribe to the end of a tenant."""
        from conversions.subscribers import on_tenant_closed  # noqa: PLC0415 - apps are loaded now
        from core.outbox.services import subscribe  # noqa: PLC0415
        from tenants.terms import CLOSED  # noqa: PLC0415

        subscribe(CLOSED, on_tenant_closed)
