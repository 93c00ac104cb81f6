"""Accept a batch: its row, all its jobs and the answer in one transaction."""

from __future__ import annotations

from dataclasses import replace

import orjson
from django.db import transaction
from django.utils import timezone

from conversions.groups import batch_body
from conversions.models import Batch
from conversions.services.create_job import ConvertRequest
from conversions.services.create_many import Accepted, Refused, create_many
from conversions.services.end_job import count_in_batch
from conversions.terms import Status
from core.access import Principal
from core.idempotency.services import keep_answer
from dispatch.room import refuse_when_full
from inspection.naming import canonical_or_same


def create_batch(
    *, caller: Principal, items: list[Accepted | Refused], wanted: ConvertRequest
) -> Batch:
    """The accepted batch; what is refused is in it as a failed job. Raises QueueFull."""
    refuse_when_full(count=len(items))
    with transaction.atomic():
        batch = Batch.objects.create(
            name=wanted.name,
            output_format=canonical_or_same(wanted.output_format),
            options=wanted.options,
            total=len(items),
            is_test=caller.is_test,
            api_key_id=caller.api_key_id,
            user_id=caller.user_id,
            webhook_url=wanted.webhook_url,
            metadata=wanted.metadata,
            request_id=wanted.request_id,
            created_at=timezone.now(),
        )
        named = [replace(item, wanted=replace(item.wanted, batch_id=batch.id)) for item in items]
        jobs = create_many(caller=caller, items=named)
        failed = sum(job.status == Status.FAILED for job in jobs)
        if failed:
            count_in_batch(batch.id, caller.tenant_slug or "", {"failed": failed})
            batch.refresh_from_db()
        if wanted.idempotency_key:
            location = {"Location": f"/api/v1/conversions/batches/{batch.id}/"}
            body = orjson.dumps(batch_body(batch))
            keep_answer(wanted.idempotency_key, status=202, headers=location, body=body)
    return batch
