"""Cancel a job that has not ended; delete a job with its files."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.utils import timezone

import billing.services as billing
import dispatch.services as dispatch
from conversions.errors import JobNotCancelable
from conversions.models import Job
from conversions.queries import job_body
from conversions.services.finish_job import Failure, error_body
from conversions.terms import ENDED, RUN_JOB, Status
from core import storage
from core.errors import NotFound
from core.outbox.services import publish
from core.tenancy import in_public, in_tenant, require_tenant
from tenants.queries import profile_of_schema

CANCEL_OPEN = "conversions.cancel_open"  # Celery task; the ticket's ref is the tenant's schema


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
        job.save()
        if not job.is_test:
            billing.release(ref=job.reservation_ref)
        dispatch.withdraw(task=RUN_JOB, ref=job.id)
        publish(type="job.canceled", tenant_slug=tenant_slug, shard=job.id, payload=job_body(job))
    return job


def order_cancel_open() -> None:
    """Order the end of every open job of the current tenant, in the running transaction.

    By a ticket of the platform's: the tenant's own lane is held back when it is closed.
    """
    schema_name = require_tenant()
    with in_public():
        dispatch.submit(task=CANCEL_OPEN, ref=schema_name, queue="io", priority=9)


def cancel_open(*, ticket_id: str) -> None:
    """Cancel every open job of the tenant that a ticket names; a purged one has none."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    with dispatch.kept(lease):
        profile = profile_of_schema(lease.ref)
        if profile is not None:
            with in_tenant(lease.ref):
                cancel_each(profile.slug)
    with in_public(), transaction.atomic():
        dispatch.close(lease)


def cancel_each(tenant_slug: str) -> None:
    """One transaction for each job; those that end meanwhile are left."""
    found = Job.objects.exclude(status__in=ENDED).order_by("id").values_list("id", flat=True)
    for job_id in list(found):
        with suppress(NotFound, JobNotCancelable):
            cancel_job(job_id=job_id, tenant_slug=tenant_slug, why="The tenant was closed.")


def delete_job(*, job_id: str, tenant_slug: str) -> None:
    """Files and row are gone at once; a job that has not ended is canceled first."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound("There is no such job.")
    if job.status not in ENDED:
        cancel_job(job_id=job_id, tenant_slug=tenant_slug)
    with transaction.atomic():
        Job.objects.filter(pk=job_id).delete()
    storage.delete_folder(storage.tenant_key("jobs", job.id))
