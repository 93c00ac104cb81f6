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
    job_url = str(payload.get("webhook_url") or "") if type in JOB_URL_TYPES else ""
    wanted = [
        endpoint
        for endpoint in Endpoint.objects.filter(is_default_secret=False, is_enabled=True)
        if any(fits(pattern, type) for pattern in endpoint.events)
    ]
    if not wanted and not job_url:
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
    for endpoint in wanted:
        plan_one(endpoint, endpoint.url, event_id, type, body, job_url)
    if job_url and all(endpoint.url != job_url for endpoint in wanted):
        plan_one(default_endpoint(), job_url, event_id, type, body, job_url)
    return len(wanted)


def plan_one(
    endpoint: Endpoint, url: str, event_id: str, type: str, body: str, job_url: str
) -> None:
    """One delivery, unless it is there already.

    An endpoint that is also the job's own ``webhook_url`` is called once, and signed for both.
    """
    delivery, created = Delivery.objects.get_or_create(
        event_id=event_id,
        endpoint=endpoint,
        url=url,
        defaults={
            "event_type": type,
            "body": body,
            "has_default_signature": url == job_url,
            "next_attempt_at": timezone.now(),
        },
    )
    if created:
        dispatch.submit(task=ATTEMPT, ref=delivery.id, queue="io")
