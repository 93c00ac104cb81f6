"""What webhooks do about events."""

from __future__ import annotations

from core.outbox.services import Event
from core.tenancy import PUBLIC, current_schema
from webhooks.services import plan_deliveries


def on_event(event: Event) -> None:
    """Plan deliveries; events of the platform itself go to nobody."""
    if current_schema() != PUBLIC:
        plan_deliveries(
            event_id=event.id,
            type=event.type,
            created_at=event.created_at,
            tenant_slug=event.tenant_slug,
            payload=event.payload,
        )
