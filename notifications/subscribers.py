"""What notifications do about events."""

from __future__ import annotations

from core.outbox.services import Event
from core.tenancy import PUBLIC, current_schema
from notifications.services import notify


def on_event(event: Event) -> None:
    """Write the feed. The payload of a job names its person in ``user_id``."""
    if current_schema() != PUBLIC and not event.payload.get("test"):
        notify(
            event_id=event.id,
            kind=event.type,
            payload=event.payload,
            user_id=event.payload.get("user_id"),
        )
