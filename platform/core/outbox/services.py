"""Publish with the change; relay at least once, in order within a shard, to each subscriber."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from core.outbox.models import OutboxEvent
from core.queue import enqueue
from core.tenancy import PUBLIC, current_schema, in_public, in_tenant

log = logging.getLogger("filemill.outbox")
BATCH = 100  # events in one relay transaction
RELAY = "outbox.relay"
RELAY_LOCK = 0x0B0C  # key of the advisory lock


@dataclass(frozen=True, kw_only=True)
class Event:
    """What a subscriber gets. ``id`` is the same on every delivery."""

    id: str
    type: str
    tenant_slug: str
    created_at: datetime
    payload: dict[str, Any]


# An event whose shard has an earlier one that failed and waits for its time must wait as well.
EARLIER_AND_WAITING = OutboxEvent.objects.filter(
    shard=OuterRef("shard"),
    sequence__lt=OuterRef("sequence"),
    relayed_at__isnull=True,
    due_at__gt=Now(),
)
Subscriber = Callable[[Event], None]
SUBSCRIBERS: list[tuple[str, Subscriber]] = []


def subscribe(prefix: str, subscriber: Subscriber) -> None:
    """Called once by each subscriber's app at start. ``prefix`` is a type or its beginning."""
    if (prefix, subscriber) not in SUBSCRIBERS:
        SUBSCRIBERS.append((prefix, subscriber))


def publish(*, type: str, payload: dict[str, Any], shard: str, tenant_slug: str) -> str:
    """Write an event into the running transaction, of the current schema. Returns its id."""
    schema = current_schema()
    event = OutboxEvent.objects.create(
        schema_name=schema,
        tenant_slug=tenant_slug,
        type=type,
        payload=payload,
        shard=f"{schema}:{shard}",
    )
    enqueue(RELAY)
    return event.id


def forget_tenant(schema_name: str) -> None:
    """Remove every event of a tenant that is gone."""
    OutboxEvent.objects.filter(schema_name=schema_name).delete()


def publish_many(*, type: str, tenant_slug: str, payloads: dict[str, dict[str, Any]]) -> None:
    """An event for each shard → payload, in one statement and with one doorbell."""
    schema = current_schema()
    OutboxEvent.objects.bulk_create(
        OutboxEvent(
            schema_name=schema,
            tenant_slug=tenant_slug,
            type=type,
            payload=payload,
            shard=f"{schema}:{shard}",
        )
        for shard, payload in payloads.items()
    )
    enqueue(RELAY)


def relay() -> int:
    """Hand due events to their subscribers until none is left. Returns how many."""
    total = 0
    while True:
        done = relay_batch()
        total += done
        if done < BATCH:
            return total


def relay_batch() -> int:
    """One batch. One relay at a time (advisory lock), so that order holds within a shard."""
    with in_public(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RELAY_LOCK])
        events = list(
            OutboxEvent.objects.filter(relayed_at__isnull=True, due_at__lte=Now())
            .exclude(Exists(EARLIER_AND_WAITING))
            .order_by("sequence")[:BATCH]
        )
        blocked: set[str] = set()
        for row in events:
            if row.shard in blocked or not hand_over(row):
                blocked.add(row.shard)
    return len(events)


def hand_over(row: OutboxEvent) -> bool:
    """Call every subscriber in one savepoint; on failure remember why and when to try again."""
    event = Event(
        id=row.id,
        type=row.type,
        tenant_slug=row.tenant_slug,
        created_at=row.created_at,
        payload=row.payload,
    )
    try:
        with transaction.atomic():
            call_subscribers(row.schema_name, event)
    except Exception as error:
        log.exception("event %s not handed over", row.id)
        row.attempts += 1
        row.last_error = repr(error)[:2000]
        row.due_at = Now() + timedelta(seconds=min(2**row.attempts, 3600))
        row.save(update_fields=["attempts", "last_error", "due_at"])
        return False
    row.relayed_at = Now()
    row.save(update_fields=["relayed_at"])
    return True


def call_subscribers(schema_name: str, event: Event) -> None:
    """Each subscriber whose prefix fits, inside the event's schema."""
    if schema_name == PUBLIC:
        for prefix, subscriber in SUBSCRIBERS:
            if event.type.startswith(prefix):
                subscriber(event)
        return
    with in_tenant(schema_name):
        for prefix, subscriber in SUBSCRIBERS:
            if event.type.startswith(prefix):
                subscriber(event)
