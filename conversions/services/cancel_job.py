"""Cancel a job that has not ended; delete a job with its files."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

import billing.services as billing
import dispatch.services as dispatch
from conversions.errors import JobNotCancelable
from conversions.models import Job
from conversions.queries import job_body
from conversions.services.end_job import job_ended
from conversions.services.finish_job import Failure, error_body
from conversions.terms import ENDED, RUN_JOB, Status
from core import doorbell, storage
from core.errors import NotFound
from core.outbox.services import publish


def cancel_job(*, job_id: str, tenant_slug: str, why: str = "Canceled on request.") -> Job:
    """Nothing is charged; a running result is dropped. Raises NotFound, JobNotCancelable."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("There is no such job.")
        if job.status in ENDED:
            raise JobNotCancelable(f"The job is {job.status} already.")
        job.status, job.stage, job.finished_at = Status.CANCELED, "canceled", timezone.now()
        job.error = error_body(Failure("canceled", why), job.request_id)
        job.password_sealed = ""
        job.expires_at = job.finished_at + timedelta(hours=job.retention_hours)  # of its input
        job.save()
        if not job.is_test:
            billing.release(ref=job.reservation_ref)
        dispatch.withdraw(task=RUN_JOB, ref=job.id)
        publish(type="job.canceled", tenant_slug=tenant_slug, shard=job.id, payload=job_body(job))
        job_ended(job, tenant_slug)
    return job


def delete_job(*, job_id: str, tenant_slug: str) -> None:
    """Files and row are gone at once; a job that has not ended is canceled first.

    One transaction: a retry between the two would leave a charge without its job.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("There is no such job.")
        if job.status not in ENDED:
            cancel_job(job_id=job_id, tenant_slug=tenant_slug)
        job.delete()
        doorbell.ring("job", job_id)
    storage.delete_folder(storage.tenant_key("jobs", job_id))
