"""Accept a pipeline's run with its imported files, before anything of it runs; cancel one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

import billing.queries as plans
import billing.services as billing
import dispatch.services as dispatch
from conversions.errors import JobNotCancelable
from conversions.graphs.spec import StepSpec
from conversions.groups import pipeline_body
from conversions.models import Pipeline
from conversions.services.advance_pipeline import advance, cancel_rest
from conversions.services.check_graph import Checked, Flow, check_graph
from conversions.services.create_job import longest_kept, refuse_formats
from conversions.services.keep_presets import put_preset
from conversions.services.receive_input import Source
from conversions.terms import ADVANCE, GROUP_ENDED, GroupStatus
from core import storage
from core.access import Principal
from core.crypto import seal
from core.errors import NotFound
from core.idempotency.services import keep_answer
from core.uploads import safe_name
from dispatch.room import refuse_when_full

log = logging.getLogger("filemill.pipelines")
LATER_S = 3  # the request goes on by itself; the ticket is for when it dies


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What the caller asks for, beside the graph and its files."""

    name: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    webhook_url: str | None = None
    retention_hours: int | None = None
    save_as: str | None = None
    request_id: str = ""
    idempotency_key: str | None = None


def start_pipeline(
    *,
    caller: Principal,
    steps: Mapping[str, StepSpec],
    imported: Mapping[str, tuple[Source, ...]],
    wanted: RunRequest,
) -> Pipeline:
    """The accepted run, its first jobs made. Raises QuotaExceeded, QueueFull, a step's refusal.

    One transaction holds the run, its files, its preset and a ticket. The first steps are started
    after it, by this process or, when it dies, by whoever gets the ticket.
    """
    refuse_when_full(count=len(steps))
    checked = check_graph(steps, flows_of(imported))
    for one in checked.values():
        made = [plan.output_format for plan in one.plans]
        refuse_formats(caller.allowed_formats, [*one.takes.known, *one.gives.known, *made])
    refuse_over_quota(caller, checked)
    run = new_run(caller, steps, wanted)
    with storage.undone_with(folder=storage.tenant_key("pipelines", run.id)):
        adopt_imports(run, imported)
        with transaction.atomic():
            run.save(force_insert=True)
            if wanted.save_as:
                put_preset(name=wanted.save_as, steps=steps, user_id=caller.user_id)
            dispatch.submit(task=ADVANCE, ref=run.id, queue="io", delay_s=LATER_S)
            if wanted.idempotency_key:
                location = {"Location": f"/api/v1/conversions/pipelines/{run.id}/"}
                body = orjson.dumps(pipeline_body(run))
                keep_answer(wanted.idempotency_key, status=202, headers=location, body=body)
    begin(run)
    return run


def begin(run: Pipeline) -> None:
    """Start what can start; the accepted run outlives a fault here."""
    try:
        advance(run.id, run.tenant_slug)
    except Exception:
        log.exception("run %s was accepted and goes on by its ticket", run.id)
    run.refresh_from_db()


def flows_of(imported: Mapping[str, tuple[Source, ...]]) -> dict[str, Flow]:
    """What the imports give."""
    return {name: Flow(tuple(s.format for s in sources)) for name, sources in imported.items()}


def units_of(checked: Mapping[str, Checked]) -> int:
    """The price as far as it is known: of one file where the run will tell how many."""
    return sum(plan.units for one in checked.values() for plan in one.plans)


def refuse_over_quota(caller: Principal, checked: Mapping[str, Checked]) -> None:
    """Say no at once to what can't be paid as a whole; each job reserves when it starts."""
    if caller.is_test:
        return
    usage = plans.usage(caller.tenant_id or "")
    if usage.limit is not None and usage.used + usage.reserved + units_of(checked) > usage.limit:
        raise billing.refusal_of_quota(caller.tenant_id or "")


def new_run(caller: Principal, steps: Mapping[str, StepSpec], wanted: RunRequest) -> Pipeline:
    """The row, not yet saved."""
    kept = longest_kept(caller)
    return Pipeline(
        name=wanted.name,
        steps={name: new_step(step, n) for n, (name, step) in enumerate(steps.items())},
        retention_hours=min(wanted.retention_hours or kept, kept),
        tenant_slug=caller.tenant_slug or "",
        is_test=caller.is_test,
        api_key_id=caller.api_key_id,
        user_id=caller.user_id,
        webhook_url=wanted.webhook_url,
        metadata=wanted.metadata,
        request_id=wanted.request_id,
        created_at=timezone.now(),
    )


def new_step(step: StepSpec, number: int) -> dict[str, Any]:
    """A step before it runs; its password is kept sealed until the run ends."""
    return step.stored(number) | {
        "status": "completed" if step.is_import else "pending",
        "problems": [],
        "files": [],
        "password_sealed": seal(step.password) if step.password else "",
    }


def adopt_imports(run: Pipeline, imported: Mapping[str, tuple[Source, ...]]) -> None:
    """Move the files of the imports under the run's folder, and note them in their steps."""
    for name, sources in imported.items():
        for number, source in enumerate(sources, start=1):
            tail = safe_name(source.filename)
            key = storage.tenant_key("pipelines", run.id, f"{name}-{number}", tail)
            storage.adopt(source.file.path, key)
            run.steps[name]["files"].append(
                {
                    "key": key,
                    "filename": source.filename,
                    "format": source.format,
                    "media_type": source.media_type,
                    "size": source.file.size or 0,
                    "sha256": source.file.sha256,
                }
            )


def cancel_pipeline(*, run_id: str) -> Pipeline:
    """Nothing more starts, what runs is canceled. Raises NotFound, JobNotCancelable."""
    with transaction.atomic():
        run = Pipeline.objects.select_for_update().filter(pk=run_id).first()
        if run is None:
            raise NotFound("There is no such pipeline.")
        if run.status in GROUP_ENDED:
            raise JobNotCancelable(f"The pipeline is {run.status} already.")
        for step in run.steps.values():
            if step["status"] in ("pending", "processing"):
                step["status"] = "canceled"
            step["password_sealed"] = ""
        run.status, run.finished_at = GroupStatus.CANCELED, timezone.now()
        run.cancel_asked_at = run.finished_at
        run.save()
        dispatch.submit(task=ADVANCE, ref=f"{run.id}:cancel", queue="io", delay_s=LATER_S)
    cancel_rest(run)
    return run
