"""Who did what: calls that changed or took something, of all tenants, in public.

One table, since a person's own activity spans tenants; rows come from the spool (``audit.spool``).
"""

from __future__ import annotations

from django.db import models

from core.ids import new_id


def activity_id() -> str:
    """A new activity id."""
    return new_id("act")


class Activity(models.Model):
    """One call. ``status`` is null while it runs, and stays so when its process died."""

    id = models.CharField(max_length=40, primary_key=True, default=activity_id, editable=False)
    schema_name = models.CharField(max_length=63)
    user_id = models.CharField(max_length=40)
    api_key_id = models.CharField(max_length=40)
    action = models.CharField(max_length=40)
    route = models.CharField(max_length=200)  # method and path, with the names of parameters
    target = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField(null=True)
    address = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=300)
    request_id = models.CharField(max_length=128)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["schema_name", "-id"], name="audit_by_tenant"),
            models.Index(fields=["user_id", "-id"], name="audit_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
