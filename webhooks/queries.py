"""Reads of endpoints and deliveries."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from webhooks.models import Attempt, Delivery, Endpoint


def endpoints() -> QuerySet[Endpoint]:
    """The tenant's endpoints, without the bearer of the default secret."""
    return Endpoint.objects.filter(is_default_secret=False)


def deliveries(filters: dict[str, Any]) -> QuerySet[Delivery]:
    """Deliveries by endpoint, event type, status."""
    names = {"endpoint": "endpoint_id", "event_type": "event_type", "status": "status"}
    return Delivery.objects.filter(**{names[k]: v for k, v in filters.items() if v is not None})


def endpoint_body(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    """An endpoint as JSON, without its secret."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "enabled": endpoint.is_enabled,
        "disabled_reason": endpoint.disabled_reason,
        "created_at": endpoint.created_at,
        **more,
    }


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON."""
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint_id,
        "url": delivery.url,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "status": delivery.status,
        "attempt_count": delivery.attempt_count,
        "next_attempt_at": delivery.next_attempt_at,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
    }


def attempt_body(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON."""
    return {
        "number": attempt.number,
        "request_headers": attempt.request_headers,
        "response_status": attempt.response_status,
        "response_headers": attempt.response_headers,
        "response_body": attempt.response_body,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
        "created_at": attempt.created_at,
    }
