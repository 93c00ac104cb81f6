"""The trail of critical changes: one chain in each tenant's schema, appended to and never changed.

Triggers refuse UPDATE, DELETE and TRUNCATE (migration 0001); who switches them off is found by
``verify``, for each row is sealed together with the seal of the row before it.
"""

from __future__ import annotations

from django.db import models

from core.ids import new_id


def entry_id() -> str:
    """A new entry id."""
    return new_id("aud")


class Entry(models.Model):
    """One critical change. ``seal`` is an HMAC-SHA256 over the other columns, in hex."""

    id = models.CharField(max_length=40, primary_key=True, default=entry_id, editable=False)
    sequence = models.BigIntegerField(unique=True)  # 1, 2, 3 … without a gap
    action = models.CharField(max_length=64, db_index=True)
    actor_id = models.CharField(max_length=40, db_index=True)  # a person; empty: the platform
    api_key_id = models.CharField(max_length=40)
    target = models.CharField(max_length=200, db_index=True)
    changes = models.TextField()  # canonical JSON: its text is what was sealed
    address = models.CharField(max_length=64)
    request_id = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


class Head(models.Model):
    """The newest entry: the lock of the chain, and what shows that its end was cut off."""

    only = models.BooleanField(primary_key=True, default=True)
    sequence = models.BigIntegerField()
    seal = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="trail_one_head")]

    def __str__(self) -> str:
        return str(self.sequence)
