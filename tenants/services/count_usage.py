"""Requests of each key and day, and when it was last used: counted aside, written by beat."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from redis.exceptions import RedisError

from core.tally import Batch, Tally
from core.tenancy import in_public
from tenants.models import CountedBatch, KeyUsage

log = logging.getLogger("filemill.usage")
TALLY = Tally("api_keys")
LOCK = 0x0A6E  # key of the advisory lock: one writer at a time
KEPT = timedelta(days=400)  # of rows

ADD = """
INSERT INTO tenants_keyusage (key_id, day, requests, errors)
SELECT u.key_id, u.day, u.requests, u.errors
FROM unnest(%s::text[], %s::date[], %s::bigint[], %s::bigint[]) AS u(key_id, day, requests, errors)
JOIN tenants_apikey k ON k.id = u.key_id
ON CONFLICT (key_id, day) DO UPDATE
SET requests = tenants_keyusage.requests + EXCLUDED.requests,
    errors = tenants_keyusage.errors + EXCLUDED.errors
"""
MARK = """
UPDATE tenants_apikey k SET last_used_at = GREATEST(k.last_used_at, u.at)
FROM unnest(%s::text[], %s::timestamptz[]) AS u(key_id, at) WHERE k.id = u.key_id
"""


def count_call(*, key_id: str, status: int) -> None:
    """Note one answered request of a key. No network, no database."""
    now = datetime.now(UTC)
    subject = f"{key_id}:{now:%Y-%m-%d}"
    counts = {f"requests:{subject}": 1}
    if status >= 400:
        counts[f"errors:{subject}"] = 1
    TALLY.add(counts, {key_id: now.isoformat()})


def write_usage() -> int:
    """Move what Redis holds into the rows, each call once. Returns how many keys it touched."""
    try:
        with in_public(), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            batch = TALLY.take()
            if batch is None:
                return 0
            if not CountedBatch.objects.filter(pk=batch.id).exists():
                CountedBatch.objects.create(id=batch.id)
                write_batch(batch)
            transaction.on_commit(lambda: TALLY.done(batch))
    except RedisError as error:
        log.warning("usage waits for Redis: %s", error)
        return 0
    return len(batch.marks)


def write_batch(batch: Batch) -> None:
    """Two statements; keys that are gone are left out."""
    rows = sorted({name.partition(":")[2] for name in batch.counts})
    keys = [row.partition(":")[0] for row in rows]
    days = [row.partition(":")[2] for row in rows]
    sums = [[batch.counts.get(f"{kind}:{row}", 0) for row in rows] for kind in KINDS]
    with connection.cursor() as cursor:
        cursor.execute(ADD, [keys, days, *sums])
        cursor.execute(MARK, [list(batch.marks), list(batch.marks.values())])


KINDS = ("requests", "errors")


def forget_old_usage() -> None:
    """Rows that nobody asks for any more."""
    with in_public():
        KeyUsage.objects.filter(day__lt=(timezone.now() - KEPT).date()).delete()
        CountedBatch.objects.filter(created_at__lt=Now() - timedelta(days=1)).delete()


def usage_of(*, key_id: str, days: int) -> tuple[list[tuple[str, int, int]], datetime | None]:
    """Day, requests, errors for each of the last days, oldest first, what waits included; and the
    last use that is not in the row yet.
    """
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    found = {
        row.day.isoformat(): [row.requests, row.errors]
        for row in KeyUsage.objects.filter(key_id=key_id, day__gte=first)
    }
    last: datetime | None = None
    for batch in waiting_batches():
        for position, kind in enumerate(KINDS):
            for name, number in batch.counts.items():
                if name.startswith(f"{kind}:{key_id}:"):
                    found.setdefault(name.rpartition(":")[2], [0, 0])[position] += number
        if key_id in batch.marks:
            last = datetime.fromisoformat(batch.marks[key_id])
    every = [(first + timedelta(days=i)).isoformat() for i in range(days)]
    return [(day, *found.get(day, [0, 0])) for day in every], last  # type: ignore[misc]


def waiting_batches() -> list[Batch]:
    """What is not in the rows yet."""
    batches = TALLY.peek()
    written = set(
        CountedBatch.objects.filter(pk__in=[b.id for b in batches if b.id]).values_list(
            "id", flat=True
        )
    )
    return [batch for batch in batches if batch.id not in written]
