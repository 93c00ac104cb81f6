"""A tenant was closed: every open job and pipeline of it ends as canceled."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction

import dispatch.services as dispatch
from conversions.errors import JobNotCancelable
from conversions.models import Job, Pipeline
from conversions.services.cancel_job import cancel_job
from conversions.services.start_pipeline import cancel_pipeline
from conversions.terms import ENDED, GROUP_ENDED
from core.errors import NotFound
from core.tenancy import in_public, in_tenant, require_tenant
from tenants.queries import profile_of_schema

CANCEL_OPEN = "conversions.cancel_open"  # Celery task; the ticket's ref is the tenant's schema


def order_cancel_open() -> None:
    """Order the end of all that is open in the current tenant, in the running transaction.

    By a ticket of the platform's: the tenant's own lane is held back when it is closed.
    """
    schema_name = require_tenant()
    with in_public():
        dispatch.submit(task=CANCEL_OPEN, ref=schema_name, queue="io", priority=9)


def cancel_open(*, ticket_id: str) -> None:
    """Cancel all that is open in the tenant that a ticket names; a purged one has nothing."""
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
    """One transaction for each; what ends meanwhile is left."""
    runs = Pipeline.objects.exclude(status__in=GROUP_ENDED).values_list("id", flat=True)
    for run_id in list(runs):
        with suppress(NotFound, JobNotCancelable):
            cancel_pipeline(run_id=run_id)
    jobs = Job.objects.exclude(status__in=ENDED).order_by("id").values_list("id", flat=True)
    for job_id in list(jobs):
        with suppress(NotFound, JobNotCancelable):
            cancel_job(job_id=job_id, tenant_slug=tenant_slug, why="The tenant was closed.")
