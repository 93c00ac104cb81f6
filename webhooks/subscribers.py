"""What webhooks do about events."""

from __future__ import annotations

from core.outbox.services import Event
from core.tenancy import PUBLIC, current_schema
from webhooks.services import plan_deliveries
from webhooks.terms import EVENT_TYPES


def on_event(event: Event) -> None:
    """Plan deliveries; what the platform tells itself goes to nobody."""
    if current_schema() != PUBLIC and event.type in EVENT_TYPES:
        plan_deliveries(
            event_id=event.id,
            type=event.type,
            created_at=event.created_at,
            tenant_slug=event.tenant_slug,
            payload=event.payload,
        )
