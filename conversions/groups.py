"""Reads of what groups jobs: batches, runs of pipelines, presets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Avg, Case, QuerySet, Value, When
from django.db.models.fields import FloatField

from conversions.graphs.spec import ordered
from conversions.models import Batch, Job, Pipeline, Preset
from conversions.queries import iso
from conversions.terms import ENDED, GROUP_ENDED, GroupStatus, Status
from core.env import env

OF_A_JOB = ("id", "input_filename", "status", "progress", "error", "step", "output_format")
SHARE_DONE = Avg(
    Case(
        When(status__in=list(ENDED), then=Value(100.0)),
        default="progress",
        output_field=FloatField(),
    )
)


def find_batch(batch_id: str) -> Batch | None:
    """A batch of the current tenant."""
    return Batch.objects.filter(pk=batch_id).first()


def batch_list(filters: dict[str, Any]) -> QuerySet[Batch]:
    """The tenant's batches; None values don't filter."""
    return Batch.objects.filter(**{k: v for k, v in filters.items() if v is not None})


def batch_bodies(batches: list[Batch]) -> list[dict[str, Any]]:
    """A page of batches without their jobs: one more query, however many they are."""
    running = [batch.id for batch in batches if batch.status not in GROUP_ENDED]
    rows = Job.objects.filter(batch_id__in=running).values("batch_id").annotate(n=SHARE_DONE)
    shares = {row["batch_id"]: int(row["n"]) for row in rows}
    return [batch_summary(batch, shares.get(batch.id, 0)) for batch in batches]


def batch_body(batch: Batch) -> dict[str, Any]:
    """A batch as API.md shows it, with every job."""
    jobs = list(Job.objects.filter(batch_id=batch.id).order_by("position", "id").values(*OF_A_JOB))
    return batch_summary(batch, mean_progress(jobs)) | {"jobs": [job_line(job) for job in jobs]}


def mean_progress(jobs: list[dict[str, Any]]) -> int:
    """Percent of the whole; a job that has ended counts as done, however it ended."""
    if not jobs:
        return 0
    return sum(100 if job["status"] in ENDED else job["progress"] for job in jobs) // len(jobs)


def job_line(job: dict[str, Any]) -> dict[str, Any]:
    """One job inside its group."""
    return {
        "id": job["id"],
        "filename": job["input_filename"],
        "status": job["status"],
        "progress": job["progress"],
        "output_format": job["output_format"],
        "error": job["error"],
    }


def batch_summary(batch: Batch, progress: int) -> dict[str, Any]:
    """A batch without its jobs."""
    ended = batch.status in GROUP_ENDED
    begun = batch.status == GroupStatus.PENDING and progress > 0
    return {
        "id": batch.id,
        "name": batch.name,
        "status": GroupStatus.PROCESSING.value if begun else batch.status,
        "total": batch.total,
        "completed": batch.completed,
        "failed": batch.failed,
        "canceled": batch.canceled,
        "progress": 100 if ended else min(progress, 99),
        "output_format": batch.output_format,
        "options": batch.options,
        "archive_url": f"{conversions_url()}batches/{batch.id}/download/",
        "round": batch.round,
        **common(batch),
    }


def common(group: Batch | Pipeline) -> dict[str, Any]:
    """What batches and runs have in common."""
    return {
        "test": group.is_test,
        "api_key_id": group.api_key_id,
        "user_id": group.user_id,
        "webhook_url": group.webhook_url,
        "metadata": group.metadata,
        "created_at": iso(group.created_at),
        "finished_at": iso(group.finished_at),
    }


def conversions_url() -> str:
    """The address of the conversions' routes."""
    return f"{env().site.public_url}/api/v1/conversions/"


def outputs_of(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """Every stored result of completed jobs, in order: {key, filename, size, …}."""
    return [item for job in jobs if job.status == Status.COMPLETED for item in job.outputs]


def jobs_of_batch(batch_id: str) -> QuerySet[Job]:
    """A batch's jobs in the order of its files."""
    return Job.objects.filter(batch_id=batch_id).order_by("position", "id")


def find_pipeline(run_id: str) -> Pipeline | None:
    """A run of the current tenant."""
    return Pipeline.objects.filter(pk=run_id).first()


def pipeline_list(filters: dict[str, Any]) -> QuerySet[Pipeline]:
    """The tenant's runs; None values don't filter."""
    return Pipeline.objects.filter(**{k: v for k, v in filters.items() if v is not None})


def jobs_of_pipeline(run_id: str) -> QuerySet[Job]:
    """A run's jobs; those of one step in the order of their files."""
    return Job.objects.filter(pipeline_id=run_id).order_by("position", "id")


def pipeline_body(run: Pipeline) -> dict[str, Any]:
    """A run as API.md shows it."""
    return pipeline_bodies([run])[0]


def pipeline_bodies(runs: list[Pipeline]) -> list[dict[str, Any]]:
    """Runs with their jobs: one more query, however many they are."""
    jobs: dict[str, list[dict[str, Any]]] = {}
    wanted = Job.objects.filter(pipeline_id__in=[run.id for run in runs])
    for row in wanted.order_by("position", "id").values("pipeline_id", *OF_A_JOB):
        jobs.setdefault(row["pipeline_id"], []).append(row)
    return [run_body(run, jobs.get(run.id, [])) for run in runs]


def run_body(run: Pipeline, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """One run: its steps, their jobs, and the graph."""
    steps = {name: step_body(step, name, jobs) for name, step in ordered(run.steps).items()}
    done = sum(step["progress"] for step in steps.values()) // max(len(steps), 1)
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "progress": 100 if run.status in GROUP_ENDED else min(done, 99),
        "steps": steps,
        "jobs": [job_line(job) | {"step": job["step"]} for job in jobs],
        "graph": graph_of(steps),
        "graph_url": f"{conversions_url()}pipelines/{run.id}/graph/",
        "archive_url": f"{conversions_url()}pipelines/{run.id}/download/",
        **common(run),
    }


def step_body(step: dict[str, Any], name: str, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """A step with the ids of its jobs; its password stays here."""
    mine = [job for job in jobs if job["step"] == name]
    ended = step["status"] in STEP_ENDED
    return {
        "operation": step["operation"],
        "input": step["input"],
        "output_format": step["output_format"],
        "engine": step["engine"],
        "options": step["options"],
        "on_error": step["on_error"],
        "status": step["status"],
        "progress": 100 if ended else mean_progress(mine),
        "jobs": [job["id"] for job in mine],
        "files": [
            {k: f[k] for k in ("filename", "format", "media_type", "size", "sha256")}
            for f in step["files"]
        ],
        "problems": step["problems"],
    }


STEP_ENDED = frozenset({"completed", "failed", "skipped", "canceled"})


def graph_of(steps: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Nodes and edges, for whoever draws."""
    return {
        "nodes": [
            {"id": name, "operation": step["operation"], "status": step["status"]}
            for name, step in steps.items()
        ],
        "edges": [
            {"from": source, "to": name} for name, step in steps.items() for source in step["input"]
        ],
    }


def jobs_to_hand_out(run: Pipeline, step: str | None) -> list[Job]:
    """Jobs whose results leave the run: of one step, of what an export takes, else of the ends."""
    exports = [s for s in run.steps.values() if s["operation"] == "export/archive"]
    used = {source for s in run.steps.values() for source in s["input"]}
    ends = [name for name in ordered(run.steps) if name not in used]
    names = [step] if step else [n for s in exports for n in s["input"]] or ends
    found = [job for job in jobs_of_pipeline(run.id) if job.step in names]
    return sorted(found, key=lambda job: names.index(str(job.step)))


def find_preset(reference: str) -> Preset | None:
    """A preset by its id or its name."""
    return (
        Preset.objects.filter(pk=reference).first() or Preset.objects.filter(name=reference).first()
    )


def preset_list() -> QuerySet[Preset]:
    """The tenant's presets."""
    return Preset.objects.all()


def preset_body(preset: Preset) -> dict[str, Any]:
    """A preset as the API shows it."""
    steps = ordered(preset.steps)
    return {
        "id": preset.id,
        "name": preset.name,
        "description": preset.description,
        "steps": {n: {k: step[k] for k in step if k != "number"} for n, step in steps.items()},
        "graph": graph_of({n: {**step, "status": "pending"} for n, step in steps.items()}),
        "user_id": preset.user_id,
        "created_at": iso(preset.created_at),
        "updated_at": iso(preset.updated_at),
    }
