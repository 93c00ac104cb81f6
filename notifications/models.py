"""What people should know, one row for each person."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.ids import new_id


def notification_id() -> str:
    """A new notification id."""
    return new_id("ntf")


class Notification(models.Model):
    """One thing that happened, for one person."""

    id = models.CharField(max_length=40, primary_key=True, default=notification_id, editable=False)
    user_id = models.CharField(max_length=40)
    event_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    body = models.TextField(default="")
    subject_id = models.CharField(max_length=40, default="")
    read_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "user_id"], name="notifications_once"),
        ]
        indexes = [
            models.Index(fields=["user_id", "-id"], name="notifications_feed"),
            models.Index(
                fields=["user_id"],
                name="notifications_unread",
                condition=models.Q(read_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.title
