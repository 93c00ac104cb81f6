"""Run one job under its lease: private folder, each step in the sandbox, verification, result.

No transaction is open while an engine runs. Kill this anywhere: the lease runs out, the next try
starts from the stored input, and only the holder of the newest fence can write the end.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Now

import dispatch.services as dispatch
from conversions.engines.spec import EngineError
from conversions.models import Job, Step
from conversions.queries import job_body
from conversions.services.finish_job import Failure, Outcome, fail_job, finish_job
from conversions.services.run_step import Bench
from conversions.services.run_steps import joined, run_steps
from conversions.terms import (
    ENDED,
    MAX_ATTEMPTS,
    RETRY_DELAYS_S,
    STORM_ATTEMPTS,
    TEST_JOB_S,
    Status,
)
from conversions.verification import Report
from core import doorbell
from core.crypto import unseal
from core.env import env
from core.outbox.services import publish
from dispatch.errors import LeaseLost
from dispatch.recovery import is_stormy
from dispatch.services import Lease
from sandbox.stopping import Stopped, stopped_by
from tenants.queries import tenant_of_schema

log = logging.getLogger("filemill.jobs")
PROGRESS_EVERY_S = 0.5
VERIFY_SHARE = 95  # percent shown when the engines are done
LOST_EACH_TIME = "Whoever worked on this file died each time. Try again, or send another file."


def run_job(*, ticket_id: str) -> None:
    """Do the job of a ticket. A second message for the same ticket does nothing."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    try:
        with dispatch.kept(lease), stopped_by(lease.lost):
            attempt_job(lease)
    except (LeaseLost, Stopped):
        log.warning("lease of %s lost, attempt %s leaves no trace", lease.ref, lease.attempt)
        dispatch.abandon(lease)


def attempt_job(lease: Lease) -> None:
    """One attempt; ends the job, or gives the ticket back."""
    is_tried = may_try(lease, lease.attempt)
    job = start_job(lease, attempts=lease.attempt if is_tried else lease.attempt - 1)
    if job is None:
        return
    if not is_tried:
        fail_job(job, lease, Failure("internal_error", LOST_EACH_TIME, retry=True))
        return
    try:
        with workspace(lease) as folder:
            finish_job(job, lease, convert(job, lease, folder))
    except OutputInvalid as error:
        fail_job(job, lease, Failure(error.code, error.public, report=error.report))
    except EngineError as error:
        log.info("job %s: %s %s", job.id, error.code, error.detail)
        fail_or_retry(job, lease, Failure(error.code, error.public, retry=error.retryable))
    except (LeaseLost, Stopped):
        raise
    except Exception:
        log.exception("job %s failed unexpectedly", job.id)
        fail_or_retry(
            job,
            lease,
            Failure("internal_error", "Something went wrong on our side. Try again.", retry=True),
        )


def start_job(lease: Lease, *, attempts: int = 1) -> Job | None:
    """Mark the job as processing. None when it has ended meanwhile (canceled, deleted)."""
    with transaction.atomic():
        job = Job.objects.select_for_update().annotate(now=Now()).filter(pk=lease.ref).first()
        if job is None or job.status in ENDED:
            dispatch.close(lease)
            return None
        first = job.status == Status.PENDING
        job.status, job.stage, job.attempts = Status.PROCESSING, "starting", attempts
        job.started_at = job.started_at or job.now  # by the clock that dates its end
        job.save(update_fields=["status", "stage", "attempts", "started_at"])
        doorbell.ring("job", job.id)
        if first:
            publish(
                type="job.started",
                shard=job.id,
                payload=job_body(job),
                tenant_slug=tenant_of_schema(lease.schema_name).slug,
            )
    return job


@contextmanager
def workspace(lease: Lease) -> Iterator[Path]:
    """A private folder for one attempt, gone afterwards; so is what a killed attempt left."""
    folder = env().storage.work_folder / f"{lease.ticket_id}-{lease.fence}"
    for left in folder.parent.glob(f"{lease.ticket_id}-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def convert(job: Job, lease: Lease, folder: Path) -> Outcome:
    """Every step and its verification. Raises OutputInvalid with the report of what failed."""
    steps = list(job.steps.all())
    bench = Bench(
        job=job,
        folder=folder,
        deadline=time.monotonic() + (TEST_JOB_S if job.is_test else env().limits.job_s),
        password=unseal(job.password_sealed) if job.password_sealed else None,
        progress=lambda step: progress_writer(job, lease, step, len(steps)),
    )
    started = time.monotonic()
    made = run_steps(bench, steps)
    report_progress(job, lease, VERIFY_SHARE, "checking the result")
    report = joined(made.reports)
    if report.verdict == "failed":
        failed = "; ".join(
            f"{c.name}: {c.note or c.actual}" for c in report.checks if not c.ok and c.severe
        )
        raise OutputInvalid(f"The result did not pass verification ({failed}).", report=report)
    names = tuple(made.result.names)
    warnings = (*job.warnings, *made.warnings)
    seconds = time.monotonic() - started
    return Outcome(tuple(made.result.outputs), report, warnings, names, seconds)


class OutputInvalid(EngineError):
    """The engine gave a wrong result: it never arrives as completed."""

    code = "output_invalid"

    def __init__(self, public: str, *, report: Report) -> None:
        super().__init__(public)
        self.report = report


def progress_writer(job: Job, lease: Lease, step: Step, steps: int) -> Callable[[float, str], None]:
    """A callback for the engine: at most two writes a second, never backwards."""
    last = [0.0]

    def tell(fraction: float, stage: str) -> None:
        now = time.monotonic()
        if now - last[0] >= PROGRESS_EVERY_S:
            last[0] = now
            share = (step.position + min(max(fraction, 0.0), 1.0)) / steps
            report_progress(job, lease, int(share * VERIFY_SHARE), stage)

    return tell


def report_progress(job: Job, lease: Lease, percent: int, stage: str) -> None:
    """Write percent and stage; stop when the lease is lost or the job was canceled."""
    if lease.lost.is_set():
        raise LeaseLost(lease.ticket_id)
    moved = Job.objects.filter(pk=job.pk, status=Status.PROCESSING, progress__lte=percent).update(
        progress=percent, stage=stage[:80]
    )
    if not moved and not Job.objects.filter(pk=job.pk, status=Status.PROCESSING).exists():
        raise LeaseLost(lease.ticket_id)
    doorbell.ring("job", job.id)


def fail_or_retry(job: Job, lease: Lease, failure: Failure) -> None:
    """Try again where that can help, else end the job with its reason."""
    if failure.retry and may_try(lease, lease.attempt + 1):
        delays = RETRY_DELAYS_S[lease.attempt - 1 :] or RETRY_DELAYS_S[-1:]
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(stage="waiting for another try")
            dispatch.retry(lease, delay_s=delays[0])
        return
    fail_job(job, lease, failure)


def may_try(lease: Lease, attempt: int) -> bool:
    """Whether a job gets this attempt: more of them while the workers of others die as well."""
    if attempt <= MAX_ATTEMPTS:
        return True
    return attempt <= STORM_ATTEMPTS and is_stormy(lease)
