"""Work that was given up by a fault of ours: staff looks at it and runs it again."""

from __future__ import annotations

from django.db import IntegrityError, transaction

import dispatch.recovery as dispatch
from audit.services import record
from conversions.queries import find_job
from conversions.services import retry_job
from conversions.terms import ENDED, RUN_JOB
from core.access import Principal
from core.errors import Conflict, NotFound
from core.tenancy import PUBLIC, in_public, in_tenant
from tenants.queries import profile_of_schema


def rerun_letter(*, ticket_id: str) -> None:
    """Run a dead letter again. Raises NotFound, Conflict, and what a retry of the job raises.

    A job that has failed is run as a new round, charged when it completes; anything else goes on
    under its old ticket.
    """
    with in_public():
        letter = dispatch.letters().filter(pk=ticket_id).first()
    if letter is None:
        raise NotFound("There is no such dead letter.")
    if letter.task == RUN_JOB:
        rerun_job(letter.ref, letter.lane_id, ticket_id)
    else:
        revive(ticket_id)
    note(ticket_id, letter.task, letter.ref, letter.lane_id)


def rerun_job(job_id: str, schema_name: str, ticket_id: str) -> None:
    """By a retry where the job has ended, else by its ticket."""
    tenant = profile_of_schema(schema_name)
    if tenant is None:
        raise Conflict("The tenant of this job is gone.")
    caller = Principal(
        tenant_id=tenant.id, tenant_slug=tenant.slug, schema_name=schema_name, user_id=None
    )
    with in_tenant(schema_name):
        job = find_job(job_id)
        if job is None:
            dispatch.settle(task=RUN_JOB, ref=job_id)
            raise Conflict("The job was deleted.")
        if job.status in ENDED:
            retry_job(job_id=job_id, caller=caller)
            return
    revive(ticket_id)


def revive(ticket_id: str) -> None:
    """Raises Conflict when the same work waits under another ticket."""
    try:
        with in_public(), transaction.atomic():
            dispatch.revive(ticket_id)
    except IntegrityError as error:
        raise Conflict("The same work is under way again already.") from error


def note(ticket_id: str, task: str, ref: str, schema_name: str) -> None:
    """In the trail of the tenant whose work it is."""
    if schema_name != PUBLIC:
        with in_public(), transaction.atomic():
            record(
                action="letter.rerun",
                target=ref,
                changes={"ticket": [ticket_id, task]},
                schema_name=schema_name,
            )
