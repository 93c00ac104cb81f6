"""Run a failed or canceled job again, as a new round with a charge of its own."""

from __future__ import annotations

from copy import copy

from django.db import transaction

import billing.services as billing
import dispatch.recovery as dispatch_recovery
import dispatch.services as dispatch
from conversions import offer
from conversions.models import Job
from conversions.queries import job_body
from conversions.services.end_job import job_reopened
from conversions.terms import RUN_JOB, Status
from core import storage
from core.access import Principal
from core.errors import Conflict, Expired, NotFound
from core.outbox.services import publish
from dispatch.room import refuse_when_full


def retry_job(*, job_id: str, caller: Principal) -> Job:
    """Back to pending. Raises NotFound, Conflict, Expired, QuotaExceeded, QueueFull."""
    refuse_when_full()
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("There is no such job.")
        if job.status not in (Status.FAILED, Status.CANCELED):
            raise Conflict(f"The job is {job.status}; only a failed or canceled one is run again.")
        if not job.input_key or not storage.path_of(job.input_key).is_file():
            raise Expired("The input was deleted. Send the file again.")
        ended = copy(job)
        reopen(job)
        if not job.is_test:
            billing.reserve(
                tenant_id=caller.tenant_id or "",
                tenant_slug=caller.tenant_slug or "",
                ref=job.reservation_ref,
                units=job.units,
            )
        dearest = max(
            (offer.spec_of(step.engine) for step in job.steps.all()), key=lambda spec: spec.seconds
        )
        dispatch_recovery.settle(task=RUN_JOB, ref=job.id)
        dispatch.submit(task=RUN_JOB, ref=job.id, queue=dearest.queue, kind=job.work_kind)
        publish(
            type="job.created",
            tenant_slug=caller.tenant_slug or "",
            shard=job.id,
            payload=job_body(job),
        )
        job_reopened(ended)  # last: its rows are locked after the meter's, as at a job's end
    return job


def reopen(job: Job) -> None:
    """Forget how the last round ended."""
    job.round += 1
    job.status, job.stage, job.progress = Status.PENDING, "queued", 0
    job.error, job.report, job.attempts, job.start_at = None, None, 0, None
    job.started_at = job.finished_at = job.expires_at = None
    job.save()
