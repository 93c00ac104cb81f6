"""Results that are deleted once they were downloaded, and links that work once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from conversions.models import Job, OnceLink
from conversions.services.expire_jobs import expire_job
from conversions.terms import Status
from core.errors import Expired
from core.tenancy import require_tenant
from tenants.queries import tenant_of_schema


def note_taken(*, job_id: str, numbers: Sequence[int]) -> None:
    """Remember which outputs went out; with the last of them the job expires. Idempotent."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, status=Status.COMPLETED).first()
        if job is None:
            return
        for number in numbers:
            job.outputs[number]["taken"] = True
        job.save(update_fields=["outputs"])
        all_taken = all(item.get("taken") for item in job.outputs)
    if all_taken:
        expire_job(job_id, tenant_of_schema(require_tenant()).slug)


def new_once_link(*, job_id: str) -> str:
    """The id of a link that works once; gone with its job."""
    return OnceLink.objects.create(job_id=job_id).id


def use_once_link(*, link_id: str) -> None:
    """Take the one use. Raises Expired when it was taken."""
    if not OnceLink.objects.filter(pk=link_id, used_at=None).update(used_at=timezone.now()):
        raise Expired("This address worked once, and was used.")
