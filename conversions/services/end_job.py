"""What follows in the same transaction when a job ends, or is opened again.

Daily sums, its batch's counters, and a ticket for its pipeline. A job's row is locked by the
caller; a batch's row is locked last and briefly, so that ends never wait for each other in a ring.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone

import dispatch.services as dispatch
from conversions.groups import batch_body
from conversions.models import Batch, Job
from conversions.terms import ADVANCE, GroupStatus, Status
from core import doorbell
from core.errors import AppError
from core.outbox.services import publish

COUNTED = {
    Status.COMPLETED: "completed",
    Status.EXPIRED: "completed",
    Status.FAILED: "failed",
    Status.CANCELED: "canceled",
}
KEY = ("day", "is_test", "input_format", "output_format", "engine", "api_key_id")
ADD = """
INSERT INTO conversions_daysum AS s (day, input_format, output_format, engine, api_key_id, is_test,
  completed, failed, canceled, units, input_bytes, output_bytes, busy_seconds)
VALUES (%(day)s, %(input_format)s, %(output_format)s, %(engine)s, %(api_key_id)s, %(is_test)s,
  %(completed)s, %(failed)s, %(canceled)s, %(units)s, %(input_bytes)s, %(output_bytes)s,
  %(busy_seconds)s)
ON CONFLICT (day, is_test, input_format, output_format, engine, api_key_id) DO UPDATE SET
  completed = s.completed + excluded.completed, failed = s.failed + excluded.failed,
  canceled = s.canceled + excluded.canceled, units = s.units + excluded.units,
  input_bytes = s.input_bytes + excluded.input_bytes,
  output_bytes = s.output_bytes + excluded.output_bytes,
  busy_seconds = s.busy_seconds + excluded.busy_seconds
"""


def job_ended(job: Job, tenant_slug: str) -> None:
    """Call once in the transaction that ends a job, after its row is saved."""
    doorbell.ring("job", job.id)
    add_to_day(job)
    follow_end(job)
    if job.batch_id:
        count_in_batch(job.batch_id, tenant_slug, {COUNTED[Status(job.status)]: 1})


def follow_end(job: Job) -> None:
    """Wake the pipeline's run, by a ticket of its own for each round of each job."""
    if job.pipeline_id:
        ref = f"{job.pipeline_id}:{job.id[-16:]}:{job.round}"  # at most 60 characters
        dispatch.submit(task=ADVANCE, ref=ref, queue="io")


def job_reopened(job: Job) -> None:
    """Call in the transaction of a retry, while the row still says how the last round ended."""
    doorbell.ring("job", job.id)
    add_to_day(job, sign=-1)
    if job.batch_id:
        field = COUNTED[Status(job.status)]
        batch = Batch.objects.select_for_update().get(pk=job.batch_id)
        setattr(batch, field, getattr(batch, field) - 1)
        if batch.finished_at is not None:
            batch.round += 1
        batch.status, batch.finished_at = GroupStatus.PROCESSING, None
        batch.cancel_asked_at = None
        batch.save()


def count_in_batch(batch_id: str, tenant_slug: str, ended: dict[str, int]) -> None:
    """Move the counters; the last one ends the batch and tells, once a round."""
    moved: dict[str, Any] = {name: F(name) + count for name, count in ended.items()}
    Batch.objects.filter(pk=batch_id).update(status=GroupStatus.PROCESSING, **moved)
    batch = Batch.objects.get(pk=batch_id)
    if batch.completed + batch.failed + batch.canceled < batch.total:
        return
    batch.finished_at, batch.status = timezone.now(), status_at_end(batch)
    batch.save(update_fields=["finished_at", "status"])
    publish(
        type="batch.completed",
        tenant_slug=tenant_slug,
        shard=batch.id,
        payload=batch_body(batch),
    )


def status_at_end(batch: Batch) -> GroupStatus:
    """Canceled where that was asked for or nothing else happened; failed when nothing came out."""
    if batch.completed and batch.cancel_asked_at is None:
        return GroupStatus.COMPLETED
    if batch.canceled:
        return GroupStatus.CANCELED
    return GroupStatus.COMPLETED if batch.completed else GroupStatus.FAILED


def add_to_day(*jobs: Job, sign: int = 1) -> None:
    """Add ended jobs to their day's sums, or take them out again; rows in one order."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for job in jobs:
        row = day_row(job, sign)
        key = tuple(row[name] for name in KEY)
        sums = rows.setdefault(key, row)
        if sums is not row:
            sums |= {name: sums[name] + row[name] for name in row if name not in KEY}
    with connection.cursor() as cursor:
        for key in sorted(rows):
            cursor.execute(ADD, rows[key])


def day_row(job: Job, sign: int) -> dict[str, Any]:
    """What one ended job adds."""
    ended_as = COUNTED[Status(job.status)]
    done = ended_as == "completed"
    ended_at = job.finished_at or timezone.now()
    busy = (ended_at - job.started_at).total_seconds() if done and job.started_at else 0.0
    return {
        "day": ended_at.date(),
        "input_format": job.input_format,
        "output_format": job.output_format,
        "engine": str(job.route[-1]["engine"]) if job.route else "",
        "api_key_id": job.api_key_id or "",
        "is_test": job.is_test,
        **{name: sign * (name == ended_as) for name in ("completed", "failed", "canceled")},
        "units": sign * job.units * (done and not job.is_test),
        "input_bytes": sign * (job.input_size + job.extra_bytes),
        "output_bytes": sign * job.output_bytes,
        "busy_seconds": sign * busy,
    }


def problem_of(error: AppError, request_id: str) -> dict[str, Any]:
    """A refusal as ``job.error`` keeps it."""
    return {
        "type": f"/problems/{error.code}",
        "title": error.title(),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": request_id,
        "retryable": error.retryable,
        "errors": [vars(item) for item in error.errors],
    }
