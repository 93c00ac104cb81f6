"""Endpoint, Delivery, Attempt: three nouns, in the tenant's schema."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from core.ids import new_id


def endpoint_id() -> str:
    """A new endpoint id."""
    return new_id("whe")


def delivery_id() -> str:
    """A new delivery id."""
    return new_id("dlv")


class Endpoint(models.Model):
    """Where a tenant wants its events. The nameless one holds the secret of job webhooks."""

    id = models.CharField(max_length=40, primary_key=True, default=endpoint_id, editable=False)
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, default="")
    events = ArrayField(models.CharField(max_length=64), default=list)
    is_enabled = models.BooleanField(default=True)
    is_default_secret = models.BooleanField(default=False)
    secret_sealed = models.TextField()
    disabled_reason = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default_secret"],
                name="webhooks_one_default",
                condition=models.Q(is_default_secret=True),
            ),
        ]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one address; its body is frozen, its id the event's."""

    id = models.CharField(max_length=40, primary_key=True, default=delivery_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    url = models.CharField(max_length=2000)
    event_id = models.CharField(max_length=40)
    event_type = models.CharField(max_length=64)
    has_default_signature = models.BooleanField(default=False)  # signed by both secrets
    body = models.TextField()
    status = models.CharField(max_length=10, default="pending")  # pending → succeeded | failed
    attempt_count = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "endpoint", "url"], name="webhooks_event_once"
            ),
        ]
        indexes = [models.Index(fields=["endpoint", "-id"], name="webhooks_by_endpoint")]

    def __str__(self) -> str:
        return f"{self.event_type} → {self.url}"


class Attempt(models.Model):
    """One call of an address."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    request_headers = models.JSONField(default=dict)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(default="")
    error = models.CharField(max_length=500, default="")
    duration_ms = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.delivery_id} #{self.number}"
