"""Start one step of a run: its files in, its jobs made; under the run's lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from conversions.errors import LimitExceeded
from conversions.graphs.spec import StepSpec
from conversions.groups import jobs_of_pipeline, outputs_of
from conversions.models import Pipeline
from conversions.services.check_graph import plan_step
from conversions.services.create_job import ConvertRequest, refuse_formats
from conversions.services.create_many import Accepted, create_many
from conversions.services.end_job import problem_of
from conversions.services.receive_input import receive_input
from conversions.terms import STEP_JOBS
from conversions.tools.registry import BY_SLUG
from core import storage
from core.access import Principal
from core.crypto import unseal
from core.errors import AppError, Expired
from core.tenancy import require_tenant
from core.uploads import IncomingFile
from tenants.queries import tenant_of_schema

File = dict[str, Any]  # {key, filename, size, sha256, …}


def start_step(run: Pipeline, name: str, tenant_slug: str) -> None:
    """Make the step's jobs, or note why there are none. The caller saves the run."""
    row = run.steps[name]
    step = spec_of(name, row)
    row["status"] = "processing"
    if step.is_export:
        row["status"] = "completed"
        return
    with ExitStack() as stack:
        items: list[Accepted] = []
        for position, files in enumerate(groups_of(run, step)):
            try:
                refuse_many(position)
                items.append(accepted(run, step, files, position, stack))
            except AppError as error:
                row["problems"].append(problem_of(error, run.request_id))
        if items:
            create_many(caller=caller_of(run, tenant_slug), items=list(items))
    if not items:
        row["status"] = "failed"


def spec_of(name: str, row: dict[str, Any]) -> StepSpec:
    """The step as it was asked for, its password open."""
    words = ("operation", "on_error", "output_format", "engine", "options", "force", "url")
    return StepSpec(
        name=name,
        input=tuple(row["input"]),
        password=unseal(row["password_sealed"]) if row["password_sealed"] else "",
        **{word: row[word] for word in words},
    )


def groups_of(run: Pipeline, step: StepSpec) -> Iterator[tuple[File, ...]]:
    """The files of each job: all of them for a tool that joins, else one after the other."""
    files = files_of(run, step)
    tool = BY_SLUG.get(step.slug)
    if tool is not None and tool.most > 1:
        yield tuple(files)
        return
    for file in files:
        yield (file,)


def files_of(run: Pipeline, step: StepSpec) -> list[File]:
    """What the inputs gave, in their order: imported files, then results in the order of pages."""
    made: dict[str, list[File]] = {}
    for job in jobs_of_pipeline(run.id):
        made.setdefault(str(job.step), []).extend(outputs_of([job]))
    return [
        file
        for source in step.input
        for file in (run.steps[source]["files"] or made.get(source, []))
    ]


def refuse_many(position: int) -> None:
    """Raise LimitExceeded for more files than a step may have."""
    if position >= STEP_JOBS:
        raise LimitExceeded(f"A step takes at most {STEP_JOBS} files; this one is left out.")


def accepted(
    run: Pipeline, step: StepSpec, files: tuple[File, ...], position: int, stack: ExitStack
) -> Accepted:
    """One job to be. Raises the refusal of a file or of the pair."""
    tool = BY_SLUG.get(step.slug)
    sources = tuple(
        receive_input(
            file=stack.enter_context(lent(file)),
            max_bytes=None,
            has_password=bool(step.password) and step.slug != "protect-pdf",
            force=True,
            any_type=bool(tool and tool.any_file),
        )
        for file in files
    )
    plan = plan_step(step, tuple(source.format for source in sources))
    allowed = tenant_of_schema(require_tenant()).allowed_formats
    refuse_formats(allowed, [*(source.format for source in sources), plan.output_format])
    wanted = ConvertRequest(
        output_format=plan.output_format,
        options=step.options,
        name=run.name,
        metadata=run.metadata,
        engine=step.engine,
        retention_hours=run.retention_hours,
        password=step.password or None,
        request_id=run.request_id,
        pipeline_id=run.id,
        step=step.name,
        position=position,
    )
    kind = step.operation if step.slug else "convert"
    return Accepted(sources=sources, wanted=wanted, plan=plan, kind=kind)


def lent(file: File) -> IncomingFile:
    """A stored file as one that came in. Raises Expired when it is gone."""
    try:
        path = storage.lend(file["key"])
    except FileNotFoundError as error:
        raise Expired(f"{file['filename']} was deleted before this step began.") from error
    return IncomingFile.at(path, name=file["filename"], size=file["size"], sha256=file["sha256"])


def caller_of(run: Pipeline, tenant_slug: str) -> Principal:
    """Who asked for the run; the right to do so was checked then."""
    tenant = tenant_of_schema(require_tenant())
    return Principal(
        tenant_id=tenant.id,
        tenant_slug=tenant_slug,
        schema_name=tenant.schema_name,
        user_id=run.user_id,
        api_key_id=run.api_key_id,
        is_test=run.is_test,
        plan_code=tenant.plan_code,
    )
