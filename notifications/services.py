"""Write the feed, mark it as read."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core import doorbell
from core.errors import NotFound
from core.ids import new_id
from core.tenancy import current_schema
from notifications.models import Notification
from notifications.terms import body_of, title_of
from tenants.queries import member_ids


def notify(*, event_id: str, kind: str, payload: dict[str, Any], user_id: str | None) -> int:
    """One row for the person concerned, or for every member. Idempotent on event and person."""
    members = member_ids(current_schema())
    people = [user_id] if user_id in members else members
    made = Notification.objects.bulk_create(
        [
            Notification(
                id=new_id("ntf"),
                user_id=person,
                event_id=event_id,
                kind=kind,
                title=title_of(kind, payload)[:300],
                body=body_of(kind, payload),
                subject_id=str(payload.get("id", "")),
            )
            for person in people
            if person
        ],
        ignore_conflicts=True,
    )
    for row in made:
        doorbell.ring("feed", row.user_id)
    return len(made)


def mark_read(*, user_id: str, notification_id: str) -> Notification:
    """Mark one of the person's own. Idempotent. Raises NotFound."""
    row = Notification.objects.filter(pk=notification_id, user_id=user_id).first()
    if row is None:
        raise NotFound("There is no such notification.")
    if row.read_at is None:
        row.read_at = timezone.now()
        row.save(update_fields=["read_at"])
        doorbell.ring("feed", user_id)
    return row


def mark_all_read(*, user_id: str) -> int:
    """Mark every unread one of the person. Returns how many."""
    doorbell.ring("feed", user_id)
    return Notification.objects.filter(user_id=user_id, read_at__isnull=True).update(
        read_at=timezone.now()
    )
