"""Move a pipeline's run on: settle what ended, start what can start, end it once.

Each move is one transaction under the run's lock, which makes a step's jobs and notes them in one:
a process that dies between two moves leaves a run that the next ticket moves on, and a step never
starts twice. Jobs are canceled after the lock is gone, since their ends take locks of their own.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils import timezone

import dispatch.services as dispatch
from conversions.errors import JobNotCancelable
from conversions.graphs.spec import ordered
from conversions.groups import pipeline_body
from conversions.models import Job, Pipeline
from conversions.services.cancel_job import cancel_job
from conversions.services.start_step import start_step
from conversions.terms import ENDED, GROUP_ENDED, GroupStatus, Status
from core import storage
from core.errors import NotFound
from core.outbox.services import publish
from dispatch.errors import LeaseLost
from dispatch.services import Lease
from tenants.queries import tenant_of_schema

log = logging.getLogger("filemill.pipelines")
MOST_TRIES = 5  # of one ticket, when a fault of ours stands in the way
RETRY_S = 5.0
OVER = ("completed", "failed", "skipped", "canceled")


def advance_pipeline(*, ticket_id: str) -> None:
    """Do the ticket of a run. A second message for the same ticket does nothing."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    with suppress(LeaseLost), dispatch.kept(lease):
        attempt(lease)


def attempt(lease: Lease) -> None:
    """Advance; a fault of ours is tried again, and ends the run when that does not help."""
    run_id, slug = lease.ref.split(":")[0], tenant_of_schema(lease.schema_name).slug
    try:
        advance(run_id, slug)
    except Exception:
        log.exception("run %s could not be moved on", run_id)
        if lease.attempt < MOST_TRIES:
            with transaction.atomic():
                dispatch.retry(lease, delay_s=RETRY_S)
            return
        give_up(run_id, slug)
    with transaction.atomic():
        dispatch.close(lease)


def advance(run_id: str, tenant_slug: str) -> None:
    """As far as it goes now. Idempotent."""
    while move_on(run_id, tenant_slug):
        pass
    run = Pipeline.objects.filter(pk=run_id, status__in=GROUP_ENDED).first()
    if run is not None:
        cancel_rest(run)
        storage.delete_folder(storage.tenant_key("pipelines", run.id))


def move_on(run_id: str, tenant_slug: str) -> bool:
    """One move. False when there is nothing to do now, or nothing more at all."""
    with transaction.atomic():
        run = Pipeline.objects.select_for_update().filter(pk=run_id).first()
        if run is None or run.status in GROUP_ENDED:
            return False
        run.status = GroupStatus.PROCESSING
        broken = settle(run)
        name = None if broken else next_step(run)
        if name is not None:
            start_step(run, name, tenant_slug)
        elif broken or not any(step["status"] == "processing" for step in run.steps.values()):
            end_run(run, tenant_slug, broken=broken)
        run.save()
    return name is not None


def settle(run: Pipeline) -> bool:
    """Note which running steps have ended. True when one failed that the run can't do without."""
    rows = Job.objects.filter(pipeline_id=run.id).values_list("step", "status", "error")
    jobs: dict[str, list[tuple[str, Any]]] = {}
    for name, status, error in rows:
        jobs.setdefault(str(name), []).append((status, error))
    broken = False
    for name, step in run.steps.items():
        mine = jobs.get(name, [])
        if step["status"] == "processing" and all(status in ENDED for status, _ in mine):
            step["problems"] += [error for _, error in mine if error]
            done = any(status in (Status.COMPLETED, Status.EXPIRED) for status, _ in mine)
            step["status"] = "completed" if done else "failed"
            step["password_sealed"] = ""
        over = step["status"] in ("completed", "failed")
        if over and step["problems"] and step["on_error"] == "fail":
            step["status"], broken = "failed", True
    return broken


def next_step(run: Pipeline) -> str | None:
    """A step whose inputs have all ended; without any file to take it is skipped."""
    name: str
    for name, step in ordered(run.steps).items():
        sources = [run.steps[source]["status"] for source in step["input"]]
        if step["status"] != "pending" or not all(status in OVER for status in sources):
            continue
        if "completed" in sources:
            return name
        step["status"] = "skipped"
    return None


def end_run(run: Pipeline, tenant_slug: str, *, broken: bool) -> None:
    """Once: its status, its last words, its event. Secrets are forgotten."""
    for step in run.steps.values():
        step["password_sealed"] = ""
        if step["status"] == "pending":
            step["status"] = "skipped"
        elif step["status"] == "processing":
            step["status"] = "canceled"
    is_failed = broken or not anything_came_out(run)
    run.status = GroupStatus.FAILED if is_failed else GroupStatus.COMPLETED
    run.finished_at = timezone.now()
    publish(
        type="pipeline.failed" if is_failed else "pipeline.completed",
        tenant_slug=tenant_slug,
        shard=run.id,
        payload=pipeline_body(run),
    )


def anything_came_out(run: Pipeline) -> bool:
    """Whether a step at the end of the graph gave something."""
    used = {source for step in run.steps.values() for source in step["input"]}
    return any(step["status"] == "completed" for n, step in run.steps.items() if n not in used)


def cancel_rest(run: Pipeline) -> None:
    """What still runs of a run that has ended, each job in its own transaction. Idempotent."""
    rest = Job.objects.filter(pipeline_id=run.id).exclude(status__in=ENDED)
    for job_id in list(rest.values_list("id", flat=True)):
        with suppress(NotFound, JobNotCancelable):
            cancel_job(job_id=job_id, tenant_slug=run.tenant_slug)


def give_up(run_id: str, tenant_slug: str) -> None:
    """End a run that we can't move on, and say so."""
    with transaction.atomic():
        run = Pipeline.objects.select_for_update().filter(pk=run_id).first()
        if run is None or run.status in GROUP_ENDED:
            return
        end_run(run, tenant_slug, broken=True)
        run.save()
    cancel_rest(run)
