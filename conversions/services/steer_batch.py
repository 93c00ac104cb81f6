"""Cancel a batch; run again what failed in it."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.utils import timezone

import dispatch.services as dispatch
from conversions.errors import JobNotCancelable
from conversions.models import Batch, Job
from conversions.services.cancel_job import cancel_job
from conversions.services.retry_job import retry_job
from conversions.terms import CANCEL_BATCH, ENDED, GROUP_ENDED, Status
from core import storage
from core.access import Principal
from core.errors import AppError, Conflict, NotFound
from tenants.queries import tenant_of_schema


def cancel_batch(*, batch_id: str, tenant_slug: str) -> Batch:
    """Every job that has not ended is canceled; nothing of it is charged.

    The wish is committed with a ticket first: a process that dies on the way is followed by a
    worker that goes on. Raises NotFound, JobNotCancelable.
    """
    with transaction.atomic():
        batch = locked_batch(batch_id)
        if batch.status in GROUP_ENDED:
            raise JobNotCancelable(f"The batch is {batch.status} already.")
        batch.cancel_asked_at = timezone.now()
        batch.save(update_fields=["cancel_asked_at"])
        dispatch.submit(task=CANCEL_BATCH, ref=batch.id, queue="io", delay_s=5)
    cancel_jobs(batch_id, tenant_slug)
    batch.refresh_from_db()
    return batch


def cancel_jobs(batch_id: str, tenant_slug: str) -> None:
    """Each in a transaction of its own, so that no row waits for the whole. Idempotent."""
    open_jobs = Job.objects.filter(batch_id=batch_id).exclude(status__in=ENDED)
    for job_id in list(open_jobs.values_list("id", flat=True)):
        with suppress(NotFound, JobNotCancelable):
            cancel_job(job_id=job_id, tenant_slug=tenant_slug)


def go_on_canceling(*, ticket_id: str) -> None:
    """The ticket's work: what the request may have left, unless the batch was opened again."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    if Batch.objects.filter(pk=lease.ref, cancel_asked_at__isnull=False).exists():
        cancel_jobs(lease.ref, tenant_of_schema(lease.schema_name).slug)
    with transaction.atomic():
        dispatch.close(lease)


def retry_batch(*, batch_id: str, caller: Principal) -> Batch:
    """Run again each job that failed or was canceled and whose input is still here.

    Raises NotFound, Conflict when there is none, or the first refusal (quota) when none was taken.
    """
    batch = Batch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.")
    again = Job.objects.filter(batch_id=batch_id, status__in=[Status.FAILED, Status.CANCELED])
    rows = again.exclude(input_key="").order_by("position").values_list("id", "input_key")
    ids = [job_id for job_id, key in rows if storage.path_of(key).is_file()]
    if not ids:
        raise Conflict("Nothing here can be run again: nothing failed, or its file is gone.")
    retry_each(ids, caller)
    batch.refresh_from_db()
    return batch


def retry_each(ids: list[str], caller: Principal) -> None:
    """Each in its own transaction; the first refusal stops it, raised where none was taken."""
    for number, job_id in enumerate(ids):
        try:
            retry_job(job_id=job_id, caller=caller)
        except (Conflict, NotFound):
            continue
        except AppError:
            if not number:
                raise
            return


def locked_batch(batch_id: str) -> Batch:
    """The row, locked. Raises NotFound."""
    batch = Batch.objects.select_for_update().filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.")
    return batch
