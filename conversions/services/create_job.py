"""Accept a conversion: plan, store, reserve, job, ticket and event in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

import billing.queries as plans
import billing.services as billing
import dispatch.services as dispatch
from conversions import offer, planner
from conversions.errors import UnsupportedConversion
from conversions.models import Job, Step
from conversions.offer import Plan, PlannedStep
from conversions.queries import job_body
from conversions.services.receive_input import Source
from conversions.terms import RUN_JOB, TEST_JOBS_A_DAY
from core import storage
from core.access import Principal
from core.crypto import seal
from core.errors import FieldProblem, PermissionDenied, RateLimited, ValidationFailed
from core.idempotency.services import keep_answer
from core.ids import first_id_at
from core.outbox.services import publish
from core.uploads import safe_name
from dispatch.room import refuse_when_full
from inspection.naming import canonical_or_same


@dataclass(frozen=True, kw_only=True)
class ConvertRequest:
    """What the caller asks for, beside the file."""

    output_format: str
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    webhook_url: str | None = None
    retention_hours: int | None = None
    engine: str | None = None
    password: str | None = None
    request_id: str = ""
    idempotency_key: str | None = None
    delete_after_download: bool = False
    batch_id: str | None = None
    pipeline_id: str | None = None
    step: str | None = None
    position: int = 0
    start_at: datetime | None = None


def plan_route(*, source: str, target: str, options: dict[str, Any], engine: str | None) -> Plan:
    """Raises UnsupportedConversion or ValidationFailed naming each wrong option."""
    try:
        edges = offer.route(source, target, engine)
    except planner.NoRoute as error:
        raise UnsupportedConversion(no_route_text(source, target, engine)) from error
    try:
        parts = planner.split_options(edges, options)
    except planner.BadOptions as error:
        raise ValidationFailed(
            f"Wrong options: {error}.",
            errors=[FieldProblem(f"options.{n}", "invalid", why) for n, why in error.problems],
        ) from error
    steps = tuple(
        PlannedStep(edge.spec, edge.source, edge.target, part.model_dump(mode="json"))
        for edge, part in zip(edges, parts, strict=True)
    )
    return Plan(steps, target)


def no_route_text(source: str, target: str, engine: str | None) -> str:
    """What is not offered, and what is."""
    by = f" by {engine}" if engine else ""
    targets = offer.targets(source)
    others = f" From {source} we make: {', '.join(targets)}." if targets else ""
    return f"{source} → {target}{by} is not offered.{others}"


def create_job(*, caller: Principal, source: Source, wanted: ConvertRequest) -> Job:
    """The accepted job. Raises QuotaExceeded, UnsupportedConversion, ValidationFailed."""
    target = canonical_or_same(wanted.output_format)
    plan = plan_route(
        source=source.format, target=target, options=wanted.options, engine=wanted.engine
    )
    return create_planned(caller=caller, sources=(source,), wanted=wanted, plan=plan)


def create_planned(
    *,
    caller: Principal,
    sources: tuple[Source, ...],
    wanted: ConvertRequest,
    plan: Plan,
    kind: str = "convert",
) -> Job:
    """The accepted job of a plan over one or more files. Raises QuotaExceeded, QueueFull."""
    refuse_when_full()
    formats = [*(source.format for source in sources), plan.output_format]
    refuse_formats(caller.allowed_formats, formats)
    kept = longest_kept(caller)
    job = new_job(caller, sources, wanted, plan, kind, kept)
    with storage.undone_with(*input_keys(job)):
        adopt_inputs(job, sources)
        insert_job(job, plan, caller, wanted.idempotency_key)
    return job


def new_job(
    caller: Principal,
    sources: tuple[Source, ...],
    wanted: ConvertRequest,
    plan: Plan,
    kind: str,
    kept_hours: int,
) -> Job:
    """The row, not yet saved. ``kept_hours``: at most; a job may ask for less."""
    job = Job(
        kind=kind,
        name=wanted.name,
        output_format=plan.output_format,
        options=wanted.options,
        route=plan.body(),
        units=plan.units,
        warnings=[text for source in sources for text in source.warnings],
        metadata=wanted.metadata,
        webhook_url=wanted.webhook_url,
        request_id=wanted.request_id,
        retention_hours=min(wanted.retention_hours or kept_hours, kept_hours),
        delete_after_download=wanted.delete_after_download,
        batch_id=wanted.batch_id,
        pipeline_id=wanted.pipeline_id,
        step=wanted.step,
        position=wanted.position,
        start_at=wanted.start_at,
        stage="scheduled" if wanted.start_at else "queued",
        password_sealed=seal(wanted.password) if wanted.password else "",
        is_test=caller.is_test,
        api_key_id=caller.api_key_id,
        user_id=caller.user_id,
        created_at=timezone.now(),
    )
    fill_input(job, sources[0])
    fill_further(job, sources)
    return job


def refuse_formats(allowed: Collection[str] | None, formats: Iterable[str]) -> None:
    """Raise PermissionDenied for a format that the tenant does not want here (None: all)."""
    foreign = sorted(set(formats) - set(allowed)) if allowed is not None else []
    if foreign:
        raise PermissionDenied(
            f"This tenant does not allow {', '.join(foreign)}. Its settings list what it allows."
        )


def longest_kept(caller: Principal) -> int:
    """Hours that results are kept at most: the plan's, the tenant's or the key's, the shortest."""
    hours = plans.entitlements(caller.tenant_id or "").retention_hours
    return min(hours, caller.retention_hours or hours)


def input_keys(job: Job) -> list[str]:
    """Where the inputs lie."""
    return [job.input_key, *(item["key"] for item in job.inputs[1:])]


def adopt_inputs(job: Job, sources: tuple[Source, ...]) -> None:
    """Move the incoming files under the job's keys."""
    for source, key in zip(sources, input_keys(job), strict=True):
        storage.adopt(source.file.path, key)


def fill_further(job: Job, sources: tuple[Source, ...]) -> None:
    """Every input of a job that has several; each lies in a folder of its own."""
    if len(sources) == 1:
        return
    for number, source in enumerate(sources):
        key = storage.tenant_key("jobs", job.id, f"input-{number + 1}", safe_name(source.filename))
        job.inputs.append(
            {
                "key": key if number else job.input_key,
                "filename": source.filename,
                "format": source.format,
                "media_type": source.media_type,
                "size": source.file.size or 0,
                "sha256": source.file.sha256,
            }
        )
    job.extra_bytes = sum(item["size"] for item in job.inputs[1:])


def fill_input(job: Job, source: Source) -> None:
    """Facts of the input, and the key it will lie under."""
    name = safe_name(source.filename)
    job.input_filename, job.input_format = source.filename, source.format
    job.input_media_type, job.input_size = source.media_type, source.file.size or 0
    job.input_sha256 = source.file.sha256
    job.input_key = storage.tenant_key("jobs", job.id, "input", PurePath(name).name)


def insert_job(job: Job, plan: Plan, caller: Principal, idempotency_key: str | None) -> None:
    """The one transaction."""
    body = job_body(job)
    with transaction.atomic():
        if caller.is_test:
            refuse_many_tests()
        else:
            billing.reserve(
                tenant_id=caller.tenant_id or "",
                tenant_slug=caller.tenant_slug or "",
                ref=job.reservation_ref,
                units=job.units,
            )
        job.save(force_insert=True)
        insert_steps(job, plan)
        dispatch.submit(
            task=RUN_JOB,
            ref=job.id,
            queue=plan.queue,
            kind=job.work_kind,
            not_before=job.start_at,
        )
        publish(
            type="job.created",
            tenant_slug=caller.tenant_slug or "",
            shard=job.id,
            payload=body,
        )
        if idempotency_key:
            location = {"Location": f"/api/v1/conversions/jobs/{job.id}/"}
            keep_answer(idempotency_key, status=202, headers=location, body=orjson.dumps(body))


def insert_steps(job: Job, plan: Plan) -> None:
    """One row for each engine's part."""
    Step.objects.bulk_create(step_rows(job, plan))


def step_rows(job: Job, plan: Plan) -> list[Step]:
    """The same, not yet saved."""
    return [
        Step(
            job=job,
            position=i,
            part=step.part,
            engine=row["engine"],
            version=row["version"] or "",
            input_format=row["from"],
            output_format=row["to"],
            options=step.options,
        )
        for i, (row, step) in enumerate(zip(plan.body(), plan.steps, strict=True))
    ]


def refuse_many_tests() -> None:
    """Test keys are free, so they have a daily limit."""
    if not tests_left():
        raise too_many_tests()


def tests_left() -> int:
    """Test jobs that may still be made today."""
    since = timezone.now() - timedelta(days=1)
    made = Job.objects.filter(is_test=True, id__gte=first_id_at("job", since)).count()
    return max(TEST_JOBS_A_DAY - made, 0)


def too_many_tests() -> RateLimited:
    """The refusal."""
    return RateLimited(
        f"{TEST_JOBS_A_DAY} test jobs a day are used up. Use a live key.",
        headers={"Retry-After": "3600"},
    )
