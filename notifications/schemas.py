"""Shapes of the notification routes."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

from core.pagination import PageQuery


class NotificationOut(Schema):
    """One thing that happened."""

    id: str
    kind: str
    title: str
    body: str
    subject_id: str
    event_id: str
    read_at: datetime | None
    created_at: datetime


class NotificationListOut(Schema):
    """A page of the feed."""

    items: list[NotificationOut]
    next: str | None
    previous: str | None


class FeedQuery(PageQuery):
    """Filters of the feed."""

    unread: bool = False
    kind: str | None = Field(None, max_length=64)


class CountOut(Schema):
    """How many."""

    count: int
