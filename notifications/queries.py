"""Reads of a person's feed."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from notifications.models import Notification


def feed(user_id: str, *, unread: bool, kind: str | None) -> QuerySet[Notification]:
    """A person's notifications."""
    rows = Notification.objects.filter(user_id=user_id)
    if unread:
        rows = rows.filter(read_at__isnull=True)
    return rows.filter(kind=kind) if kind else rows


def unread_count(user_id: str) -> int:
    """How many are unread."""
    return Notification.objects.filter(user_id=user_id, read_at__isnull=True).count()


def notification_body(row: Notification) -> dict[str, Any]:
    """A notification as JSON."""
    return {
        "id": row.id,
        "kind": row.kind,
        "title": row.title,
        "body": row.body,
        "subject_id": row.subject_id,
        "event_id": row.event_id,
        "read_at": row.read_at,
        "created_at": row.created_at,
    }
