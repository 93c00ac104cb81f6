"""Accept many jobs in one transaction: what is refused is stored as a failed job with its reason.

All rows are written with bulk statements, so that a batch of a thousand files holds the meter's row
for a moment only, and a process that dies before the commit has accepted nothing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

import billing.services as billing
import dispatch.services as dispatch
from conversions.models import Job, Step
from conversions.offer import Plan
from conversions.queries import job_body
from conversions.services.create_job import (
    ConvertRequest,
    adopt_inputs,
    input_keys,
    longest_kept,
    new_job,
    step_rows,
    tests_left,
    too_many_tests,
)
from conversions.services.end_job import add_to_day, problem_of
from conversions.services.receive_input import Source
from conversions.terms import RUN_JOB, Status
from core import storage
from core.access import Principal
from core.errors import AppError
from core.outbox.services import publish_many
from core.uploads import printable_name
from inspection.naming import canonical_or_same

SYNCS = 16  # files that are synced at once


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """Files that may become a job."""

    sources: tuple[Source, ...]
    wanted: ConvertRequest
    plan: Plan
    kind: str = "convert"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A file that may not, and why."""

    filename: str
    size_bytes: int
    sha256: str
    wanted: ConvertRequest
    reason: AppError


def create_many(*, caller: Principal, items: list[Accepted | Refused]) -> list[Job]:
    """A job for each item, in order; what is refused, also by the quota, is failed at once.

    The caller's transaction decides: on its rollback the files are deleted here, so call it last.
    """
    kept = longest_kept(caller)
    pairs = [(item, row_of(caller, item, kept)) for item in items]
    keys = [key for _, job in pairs if job.input_key for key in input_keys(job)]
    with storage.undone_with(*keys):
        adopt_all(pairs)
        insert_all(caller, pairs)
    return [job for _, job in pairs]


def adopt_all(pairs: list[tuple[Accepted | Refused, Job]]) -> None:
    """Every input under its key; side by side the syncs share the disk's journal (15 × faster)."""
    with ThreadPoolExecutor(SYNCS) as pool:
        moves = [
            pool.submit(adopt_inputs, job, item.sources)
            for item, job in pairs
            if isinstance(item, Accepted)
        ]
    for move in moves:
        move.result()


def row_of(caller: Principal, item: Accepted | Refused, kept_hours: int) -> Job:
    """The job's row, not yet saved."""
    if isinstance(item, Accepted):
        return new_job(caller, item.sources, item.wanted, item.plan, item.kind, kept_hours)
    return refused_row(caller, item, kept_hours)


def refused_row(caller: Principal, item: Refused, kept_hours: int) -> Job:
    """A failed job without a stored input: it is listed with its problem, and can't be retried."""
    now, wanted = timezone.now(), item.wanted
    return Job(
        name=wanted.name,
        status=Status.FAILED,
        stage="refused",
        input_filename=printable_name(item.filename),
        input_format="",
        input_media_type="application/octet-stream",
        input_size=item.size_bytes,
        input_sha256=item.sha256,
        input_key="",
        output_format=canonical_or_same(wanted.output_format)[:20],
        options=wanted.options,
        error=problem_of(item.reason, wanted.request_id),
        units=0,
        is_test=caller.is_test,
        api_key_id=caller.api_key_id,
        user_id=caller.user_id,
        metadata=wanted.metadata,
        batch_id=wanted.batch_id,
        pipeline_id=wanted.pipeline_id,
        step=wanted.step,
        position=wanted.position,
        request_id=wanted.request_id,
        retention_hours=kept_hours,
        created_at=now,
        finished_at=now,
    )


def insert_all(caller: Principal, pairs: list[tuple[Accepted | Refused, Job]]) -> None:
    """Reservations, jobs, steps, tickets and events."""
    with transaction.atomic():
        created = {job.id: job_body(job) for _, job in pairs if job.status == Status.PENDING}
        refuse_over_quota(caller, [job for _, job in pairs if job.status == Status.PENDING])
        Job.objects.bulk_create([job for _, job in pairs])
        going = [
            (item, job)
            for item, job in pairs
            if isinstance(item, Accepted) and job.status == Status.PENDING
        ]
        Step.objects.bulk_create(  # also of those over the quota: a retry will want them
            step
            for item, job in pairs
            if isinstance(item, Accepted)
            for step in step_rows(job, item.plan)
        )
        dispatch.submit_many(
            task=RUN_JOB,
            work={job.id: (str(item.plan.queue), job.work_kind) for item, job in going},
            not_before=going[0][1].start_at if going else None,  # the same for the whole request
        )
        slug = caller.tenant_slug or ""
        over = {job.id: job_body(job) for _, job in pairs if job.status == Status.FAILED}
        publish_many(
            type="job.created",
            tenant_slug=slug,
            payloads={job.id: created.get(job.id) or over[job.id] for _, job in pairs},
        )
        publish_many(type="job.failed", tenant_slug=slug, payloads=over)
        add_to_day(*(job for _, job in pairs if job.status == Status.FAILED))


def refuse_over_quota(caller: Principal, jobs: list[Job]) -> None:
    """Reserve for each; those that no longer fit are failed and keep their input for a retry."""
    if caller.is_test:
        granted = {job.reservation_ref for job in jobs[: tests_left()]}
        reason: AppError = too_many_tests()
    else:
        tenant = caller.tenant_id or ""
        granted = billing.reserve_many(
            tenant_id=tenant,
            tenant_slug=caller.tenant_slug or "",
            wanted={job.reservation_ref: job.units for job in jobs},
        )
        if len(granted) == len(jobs):
            return
        reason = billing.refusal_of_quota(tenant)
    for job in jobs:
        if job.reservation_ref not in granted:
            job.status, job.stage, job.finished_at = Status.FAILED, "refused", timezone.now()
            job.error, job.password_sealed = problem_of(reason, job.request_id), ""
