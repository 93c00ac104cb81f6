"""Delete files whose time is over; the row stays and says so."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from conversions.models import Job
from conversions.queries import job_body
from conversions.shared.models import CleanUp
from conversions.terms import Status
from core import doorbell, storage
from core.idempotency.services import forget_old
from core.outbox.services import publish
from core.tenancy import require_tenant
from tenants.queries import tenant_of_schema

BATCH = 200  # jobs in one sweep of a tenant
RETRIED = (Status.FAILED, Status.CANCELED)  # what a customer may run again while the input is there


def expire_jobs() -> int:
    """Expire what is due in the current tenant. Returns how many. Idempotent.

    Answers that were kept to be replayed go with them.
    """
    forget_old()
    slug = tenant_of_schema(require_tenant()).slug
    due = Job.objects.filter(expires_at__lt=Now()).order_by("expires_at")
    results = list(due.filter(status=Status.COMPLETED).values_list("pk", flat=True)[:BATCH])
    failed = due.filter(status__in=RETRIED).exclude(input_key="")
    inputs = list(failed.values_list("pk", flat=True)[:BATCH])
    freed = [expire_job(job_id, slug) for job_id in results]
    freed += [forget_input(job_id) for job_id in inputs]
    note_clean_up("expired", [size for size in freed if size is not None])
    return len(results) + len(inputs)


def expire_job(job_id: str, slug: str, *, stage: str = "expired") -> int | None:
    """State and event first, then the files: a crash between leaves files that no one can fetch.

    Returns the bytes given back; None when the job is in another state by now.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, status=Status.COMPLETED).first()
        if job is None:
            return None
        freed = job.input_size + job.extra_bytes + job.output_bytes
        job.status, job.stage, job.outputs, job.output_bytes = Status.EXPIRED, stage, [], 0
        job.save(update_fields=["status", "stage", "outputs", "output_bytes"])
        doorbell.ring("job", job.id)
        publish(type="job.expired", tenant_slug=slug, shard=job.id, payload=job_body(job))
    storage.delete_folder(storage.tenant_key("jobs", job_id))
    return freed


def forget_input(job_id: str) -> int | None:
    """Delete what a failed or canceled job was given: from here on a retry is 410 expired.

    Under the row's lock, so that a retry either finds the file or is refused.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, status__in=RETRIED).first()
        if job is None or not job.input_key:
            return None
        job.input_key = ""
        job.save(update_fields=["input_key"])
        storage.delete_folder(storage.tenant_key("jobs", job_id))
    return job.input_size + job.extra_bytes


def note_clean_up(kind: str, sizes: list[int], *, files: int | None = None) -> None:
    """A line for staff, if there was anything."""
    if sizes:
        CleanUp.objects.create(
            schema_name=require_tenant(),
            kind=kind,
            jobs=len(sizes) if files is None else 0,
            files=len(sizes) if files is None else files,
            size_bytes=sum(sizes),
        )
