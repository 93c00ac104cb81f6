"""End a job, once: outputs, report, charge, ticket and event in one transaction, fenced."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

import billing.services as billing
import dispatch.services as dispatch
from conversions.models import Job
from conversions.queries import job_body
from conversions.services.end_job import job_ended
from conversions.services.learn import note_run
from conversions.services.run_steps import entry_name
from conversions.terms import JOB_ERRORS, RETRYABLE, Status
from conversions.verification import Check, Report
from core import storage
from core.outbox.services import publish
from core.uploads import safe_name
from dispatch.errors import LeaseLost
from dispatch.services import Lease
from inspection.detect import detect
from inspection.naming import extension_of, media_type_of
from tenants.queries import tenant_of_schema


@dataclass(frozen=True)
class Outcome:
    """What the engines gave, and what verification says of it."""

    outputs: tuple[Path, ...]
    report: Report
    warnings: tuple[str, ...]
    names: tuple[str, ...] = ()  # of the outputs, where an archive named them
    seconds: float | None = None  # that engines and verification took


@dataclass(frozen=True)
class Failure:
    """Why a job failed: a code of API.md and words for the customer."""

    code: str
    detail: str
    retry: bool = False
    report: Report | None = None  # of a result that did not pass


def finish_job(job: Job, lease: Lease, outcome: Outcome) -> None:
    """Store the outputs, then complete. Raises LeaseLost, and leaves nothing, when overtaken."""
    stored = store_outputs(job, lease, outcome)
    with storage.undone_with(*(item["key"] for item in stored)), transaction.atomic():
        complete(job, lease, outcome, stored)
    drop_leftovers(job.id, keep=f"output-{lease.fence}")


def drop_leftovers(job_id: str, *, keep: str = "") -> None:
    """Outputs that an attempt stored before it was killed: no row names them."""
    folder = storage.path_of(storage.tenant_key("jobs", job_id))
    for left in folder.glob("output-*"):
        if left.name != keep:
            shutil.rmtree(left, ignore_errors=True)


def complete(job: Job, lease: Lease, outcome: Outcome, stored: list[dict[str, Any]]) -> None:
    """The rows of a completed job."""
    locked, now = lock(job, lease)
    locked.status, locked.progress, locked.stage = Status.COMPLETED, 100, "done"
    locked.outputs = stored
    locked.report = report_body(outcome.report, outcome.warnings)
    locked.output_bytes = sum(item["size"] for item in stored)
    locked.finished_at, locked.error, locked.password_sealed = now, None, ""
    locked.expires_at = now + timedelta(hours=locked.retention_hours)
    locked.save()
    if outcome.seconds is not None:
        note_run(locked, outcome.report, outcome.seconds)
    end(locked, lease, "job.completed", charge=True)


def fail_job(job: Job, lease: Lease, failure: Failure) -> None:
    """End a job with its reason; nothing is charged. A fault of ours is a dead letter for staff."""
    with transaction.atomic():
        locked, now = lock(job, lease)
        locked.status, locked.stage = Status.FAILED, "failed"
        locked.error = error_body(failure, locked.request_id)
        if failure.report is not None:
            locked.report = report_body(failure.report, ())
        locked.finished_at, locked.password_sealed = now, ""
        locked.expires_at = now + timedelta(hours=locked.retention_hours)  # of input
        locked.save()
        buried = f"{failure.code}: {failure.detail}" if failure.retry else ""
        end(locked, lease, "job.failed", charge=False, buried=buried)
    drop_leftovers(job.id)


def lock(job: Job, lease: Lease) -> tuple[Job, datetime]:
    """The job's row, still ours to end, and the time by the clock that the sweeps go by.

    A worker's own clock may jump, and results must not expire by that. Raises LeaseLost when the
    job was ended meanwhile.
    """
    rows = Job.objects.select_for_update().annotate(now=Now())
    locked = rows.filter(pk=job.pk, status=Status.PROCESSING).first()
    if locked is None:
        raise LeaseLost(lease.ticket_id)
    return locked, locked.now


def end(job: Job, lease: Lease, event: str, *, charge: bool, buried: str = "") -> None:
    """Charge or release, close the ticket, tell. ``buried``: why staff should look at it."""
    if not job.is_test:
        (billing.commit if charge else billing.release)(ref=job.reservation_ref)
    if buried:
        dispatch.bury(lease, reason=buried)
    else:
        dispatch.close(lease)
    slug = tenant_of_schema(lease.schema_name).slug
    publish(type=event, tenant_slug=slug, shard=job.id, payload=job_body(job))
    job_ended(job, slug)


def store_outputs(job: Job, lease: Lease, outcome: Outcome) -> list[dict[str, Any]]:
    """Move the results under keys of this attempt, so that an overtaken one can't touch them."""
    stored = []
    for number, path in enumerate(outcome.outputs, start=1):
        name, media_type = described(job, outcome, number, path)
        # Entries of an archive may share a name; a key never does.
        tail = safe_name(f"{number}-{name}"[-180:]) if outcome.names else name
        key = storage.tenant_key("jobs", job.id, f"output-{lease.fence}", tail)
        digest, size = digest_of(path)
        storage.store(path, key)
        stored.append(
            {
                "key": key,
                "filename": name,
                "size": size,
                "sha256": digest,
                "media_type": media_type,
            }
        )
    return stored


def described(job: Job, outcome: Outcome, number: int, path: Path) -> tuple[str, str]:
    """Name and media type of a result: after the input, or as an archive named it."""
    if outcome.names:
        name = entry_name(outcome.names[number - 1])
        return name, detect(path, name).media_type
    stem = PurePath(safe_name(job.input_filename)).stem
    suffix = f"-{number}" if len(outcome.outputs) > 1 else ""
    name = safe_name(f"{stem[:180]}{suffix}.{extension_of(job.output_format)}")
    return name, media_type_of(job.output_format)


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 and size, read in chunks."""
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return digest, path.stat().st_size


def report_body(report: Report, warnings: tuple[str, ...]) -> dict[str, Any]:
    """The report of API.md; warnings of intake and engines join as checks that hold."""
    notes = [
        Check(name="warning", ok=True, expected="", actual="", note=text)
        for text in dict.fromkeys(warnings)
    ]
    checks = [asdict(check) for check in (*report.checks, *notes)]
    verdict = report.verdict
    if notes and verdict == "verified":
        verdict = "warnings"
    return {"verdict": verdict, "checks": checks}


def error_body(failure: Failure, request_id: str) -> dict[str, Any]:
    """The problem inside ``job.error``."""
    code = failure.code if failure.code in JOB_ERRORS else "engine_failed"
    title, status = JOB_ERRORS[code]
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": failure.detail,
        "request_id": request_id,
        "retryable": code in RETRYABLE,
        "errors": [],
    }
