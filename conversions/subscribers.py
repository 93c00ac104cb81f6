"""What conversions do about events of the layers below."""

from __future__ import annotations

from conversions import services
from core.outbox.services import Event


def on_tenant_closed(event: Event) -> None:
    """Suspended or deleted: its open jobs end as canceled."""
    services.order_cancel_open()
