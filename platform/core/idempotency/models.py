"""Answers remembered by Idempotency-Key, per tenant (the table is in the tenant's schema)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """The first request with a key: its fingerprint, and its answer once there is one."""

    key = models.CharField(max_length=255, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)  # null: still running
    content_type = models.CharField(max_length=100, default="")
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_default=Now())
    locked_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.key
