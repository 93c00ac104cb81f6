"""Reads of a person's feed."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from notifications.models import Notification

TOLD = 20  # newest notifications that a socket compares; more at once are read by GET


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


def feed_state(user_id: str) -> dict[str, Any]:
    """What a socket tells: how many are unread, and the newest with their ids."""
    newest = feed(user_id, unread=False, kind=None).order_by("-id")[:TOLD]
    rows = {row.id: {"type": "notification", **notification_body(row)} for row in newest}
    return {"type": "unread_count", "count": unread_count(user_id), "newest": rows}


def feed_states(user_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The states of several people's feeds."""
    return {user_id: feed_state(user_id) for user_id in user_ids}
