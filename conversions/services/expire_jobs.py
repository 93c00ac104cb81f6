"""Delete files whose time is over; the row stays and says so."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from conversions.models import Job
from conversions.queries import job_body
from conversions.terms import Status
from core import doorbell, storage
from core.outbox.services import publish
from core.tenancy import require_tenant
from tenants.queries import tenant_of_schema

BATCH = 200  # jobs in one sweep of a tenant


def expire_jobs() -> int:
    """Expire what is due in the current tenant. Returns how many. Idempotent."""
    slug = tenant_of_schema(require_tenant()).slug
    due = Job.objects.filter(status=Status.COMPLETED, expires_at__lt=Now()).order_by("expires_at")
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    for job_id in ids:
        expire_job(job_id, slug)
    return len(ids)


def expire_job(job_id: str, slug: str) -> None:
    """State and event first, then the files: a crash between leaves files that no one can fetch."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, status=Status.COMPLETED).first()
        if job is None:
            return
        job.status, job.stage, job.outputs, job.output_bytes = Status.EXPIRED, "expired", [], 0
        job.save(update_fields=["status", "stage", "outputs", "output_bytes"])
        doorbell.ring("job", job.id)
        publish(type="job.expired", tenant_slug=slug, shard=job.id, payload=job_body(job))
    storage.delete_folder(storage.tenant_key("jobs", job_id))
