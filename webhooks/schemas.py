"""Shapes of the webhook routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from core.pagination import PageQuery


class SecretOut(Schema):
    """A signing secret."""

    secret: str


class EndpointIn(Schema):
    """A new endpoint."""

    url: str = Field(..., max_length=2000)
    events: list[str] = Field(default_factory=lambda: ["*"], max_length=50)
    description: str = Field("", max_length=200)
    enabled: bool = True
    secret: str | None = Field(None, max_length=200)


class EndpointPatch(Schema):
    """What may change."""

    url: str | None = Field(None, max_length=2000)
    events: list[str] | None = Field(None, max_length=50)
    description: str | None = Field(None, max_length=200)
    enabled: bool | None = None


class EndpointOut(Schema):
    """An endpoint."""

    id: str
    url: str
    description: str
    events: list[str]
    enabled: bool
    disabled_reason: str
    created_at: datetime


class NewEndpointOut(EndpointOut):
    """An endpoint with its secret, this once."""

    secret: str


class EndpointListOut(Schema):
    """A page of endpoints."""

    items: list[EndpointOut]
    next: str | None
    previous: str | None


class AttemptOut(Schema):
    """One call."""

    number: int
    request_headers: dict[str, Any]
    response_status: int | None
    response_headers: dict[str, Any]
    response_body: str
    error: str
    duration_ms: int
    created_at: datetime


class DeliveryOut(Schema):
    """One event for one address."""

    id: str
    endpoint: str
    url: str
    event_id: str
    event_type: str
    status: str
    attempt_count: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class DeliveryDetailOut(DeliveryOut):
    """With its attempts."""

    attempts: list[AttemptOut]


class DeliveryListOut(Schema):
    """A page of deliveries."""

    items: list[DeliveryOut]
    next: str | None
    previous: str | None


class DeliveryQuery(PageQuery):
    """Filters of the delivery list."""

    endpoint: str | None = Field(None, max_length=40)
    event_type: str | None = Field(None, max_length=64)
    status: str | None = Field(None, max_length=10)


class EventTypesOut(Schema):
    """Every event type."""

    items: list[str]
