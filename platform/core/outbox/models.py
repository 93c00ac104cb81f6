"""What happened, for all tenants, in public: written with the change, relayed later.

Times are the database's, which says what is due: clocks of those who write may jump.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.ids import new_id


def event_id() -> str:
    """A new event id."""
    return new_id("evt")


class OutboxEvent(models.Model):
    """One event with its payload as it was then. ``shard`` is the unit of order."""

    sequence = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=40, unique=True, default=event_id)
    schema_name = models.CharField(max_length=63)
    tenant_slug = models.CharField(max_length=63, default="")
    type = models.CharField(max_length=64)
    shard = models.CharField(max_length=120)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    relayed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    last_error = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at", "sequence"],
                name="outbox_due",
                condition=models.Q(relayed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
