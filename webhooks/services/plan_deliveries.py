"""An event → one Delivery and one ticket for each address that wants it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.utils import timezone

import dispatch.services as dispatch
from webhooks.models import Delivery, Endpoint
from webhooks.services.keep_endpoints import default_endpoint, fits
from webhooks.terms import ATTEMPT, JOB_URL_TYPES


def plan_deliveries(
    *, event_id: str, type: str, created_at: datetime, tenant_slug: str, payload: dict[str, Any]
) -> int:
    """Runs inside the relay's transaction. Idempotent on event and address. Returns how many."""
    wanted = [
        (endpoint, endpoint.url)
        for endpoint in Endpoint.objects.filter(is_default_secret=False, is_enabled=True)
        if any(fits(pattern, type) for pattern in endpoint.events)
    ]
    if type in JOB_URL_TYPES and payload.get("webhook_url"):
        wanted.append((default_endpoint(), str(payload["webhook_url"])))
    if not wanted:
        return 0
    body = orjson.dumps(
        {
            "type": type,
            "timestamp": created_at.isoformat().replace("+00:00", "Z"),
            "data": payload,
            "tenant": tenant_slug,
            "id": event_id,
        }
    ).decode()
    for endpoint, url in wanted:
        plan_one(endpoint, url, event_id, type, body)
    return len(wanted)


def plan_one(endpoint: Endpoint, url: str, event_id: str, type: str, body: str) -> None:
    """One delivery, unless it is there already."""
    delivery, created = Delivery.objects.get_or_create(
        event_id=event_id,
        endpoint=endpoint,
        url=url,
        defaults={"event_type": type, "body": body, "next_attempt_at": timezone.now()},
    )
    if created:
        dispatch.submit(task=ATTEMPT, ref=delivery.id, queue="io")
