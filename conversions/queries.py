"""Reads of jobs, as JSON and as rows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Count, F, Func, JSONField, QuerySet, Sum, TextField, Value
from django.db.models.functions import StrIndex, Upper

from conversions.models import Job
from conversions.terms import RUN_JOB, Status
from core.env import env
from core.ids import first_id_at
from core.tenancy import plain_cursor, table_of_tenant
from dispatch.queries import place_of

FIELDS = tuple(Job._meta.concrete_fields)  # noqa: SLF001 - Django documents it
NAMES = [field.attname for field in FIELDS]
COLUMNS = ", ".join(NAMES)  # no field here is called otherwise in its table
GRAMS: ArrayField[Any, Any] = ArrayField(TextField())
SLACK = timedelta(minutes=1)  # between the clock in an id and `created_at`: they are read in turn
JSON_PLACES = [i for i, field in enumerate(FIELDS) if isinstance(field, JSONField)]


def find_job(job_id: str) -> Job | None:
    """A job of the current tenant.

    The hottest read: with SQL that names the schema, one round trip and no ORM in between it costs
    a quarter (`make bench`).
    """
    table = table_of_tenant("conversions_job")
    with plain_cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM {table} WHERE id = %s", [job_id])  # noqa: S608 - ours
        row = cursor.fetchone()
    if row is None:
        return None
    values = list(row)
    for i in JSON_PLACES:
        values[i] = None if values[i] is None else orjson.loads(values[i])
    return Job.from_db(connection.alias, NAMES, values)


def status_of(job_id: str) -> str | None:
    """Only the status, for waiting."""
    return Job.objects.filter(pk=job_id).values_list("status", flat=True).first()


def job_list(filters: dict[str, Any]) -> QuerySet[Job]:
    """Jobs by the filters of API.md; None values don't filter."""
    lookups = {
        "status": "status",
        "output_format": "output_format",
        "batch_id": "batch_id",
        "api_key_id": "api_key_id",
        "created_after": "created_at__gte",
        "created_before": "created_at__lt",
    }
    wanted = {
        lookup: filters[name] for name, lookup in lookups.items() if filters.get(name) is not None
    }
    jobs = Job.objects.filter(**wanted, **id_bounds(filters))
    return named(jobs, filters["q"]) if filters.get("q") else jobs


def named(jobs: QuerySet[Job], part: str) -> QuerySet[Job]:
    """Those whose file's name holds a part, in letters of either size.

    Grams are three letters each: an index finds them wherever they stand. ``strpos`` and not LIKE:
    of LIKE the planner believes that few rows fit, and then sorts the million that do.
    """
    name, wanted = F("input_filename"), Value(part)
    grams = partial(Func, function="public.name_grams", output_field=GRAMS)
    found = jobs.alias(grams=grams(name), place=StrIndex(Upper(name), Upper(wanted)))
    return found.filter(grams__contains=grams(wanted), place__gt=0)


def id_bounds(filters: dict[str, Any]) -> dict[str, str]:
    """Bounds on ids that follow from those on times.

    Pages go by id: without these a page of old jobs would pass over every newer one.
    """
    after, before = filters.get("created_after"), filters.get("created_before")
    found = {}
    if after is not None:
        found["id__gte"] = first_id_at("job", after - SLACK)
    if before is not None:
        found["id__lt"] = first_id_at("job", before + SLACK)
    return found


def stored_bytes() -> int:
    """Bytes of inputs and results that are kept for the tenant."""
    kept = Job.objects.exclude(status=Status.EXPIRED).exclude(input_key="")  # refused: not kept
    return int(
        kept.aggregate(n=Sum(F("input_size") + F("extra_bytes") + F("output_bytes")))["n"] or 0
    )


def counts_by_status() -> dict[str, int]:
    """How many jobs of the tenant are in which state."""
    rows = Job.objects.values("status").annotate(n=Count("id"))
    return dict(rows.values_list("status", "n"))


def download_url(job_id: str) -> str:
    """Where a result is fetched, with the caller's credentials."""
    return f"{env().site.public_url}/api/v1/conversions/jobs/{job_id}/download/"


def job_body(job: Job) -> dict[str, Any]:
    """A job as API.md shows it, without its place in the queue."""
    outputs = [
        {k: item[k] for k in ("filename", "media_type", "size", "sha256")}
        | {"download_url": download_url(job.id) + (f"?output={i}" if i else "")}
        for i, item in enumerate(job.outputs)
    ]
    last = job.route[-1] if job.route else {"engine": "", "version": ""}
    return {
        "id": job.id,
        "kind": job.kind,
        "name": job.name,
        "status": job.status,
        "progress": job.progress,
        "stage": job.stage,
        "input": inputs_body(job)[0],
        "inputs": inputs_body(job),
        "output_format": job.output_format,
        "output": outputs[0] if outputs else None,
        "outputs": outputs,
        "options": job.options,
        "engine": {"name": last["engine"], "version": last["version"], "route": job.route},
        "report": job.report,
        "queue": None,
        "units": job.units,
        "test": job.is_test,
        "error": job.error,
        "attempts": job.attempts,
        "batch_id": job.batch_id,
        "pipeline_id": job.pipeline_id,
        "step": job.step,
        "api_key_id": job.api_key_id,
        "user_id": job.user_id,
        "metadata": job.metadata,
        "webhook_url": job.webhook_url,
        "created_at": iso(job.created_at),
        "start_at": iso(job.start_at),
        "started_at": iso(job.started_at),
        "finished_at": iso(job.finished_at),
        "expires_at": iso(job.expires_at),
    }


def inputs_body(job: Job) -> list[dict[str, Any]]:
    """Every input; where there is one, that one."""
    if job.inputs:
        names = ("filename", "format", "media_type", "size", "sha256")
        return [{name: item[name] for name in names} for item in job.inputs]
    return [
        {
            "filename": job.input_filename,
            "format": job.input_format,
            "media_type": job.input_media_type,
            "size": job.input_size,
            "sha256": job.input_sha256,
        }
    ]


def job_body_with_place(job: Job) -> dict[str, Any]:
    """A job with its place in the queue while it waits."""
    body = job_body(job)
    if job.status == Status.PENDING:
        place = place_of(task=RUN_JOB, ref=job.id)
        body["queue"] = vars(place) if place else None
    return body


def iso(moment: Any) -> str | None:
    """RFC 3339 in UTC, with a Z."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def job_state(job: Job) -> dict[str, Any]:
    """A job as streams tell it: without its place, which changes with every other job's end."""
    return {"type": "job", **job_body(job)}


def job_states(ids: list[str]) -> dict[str, dict[str, Any]]:
    """The states of those jobs that exist."""
    return {job.id: job_state(job) for job in Job.objects.filter(pk__in=ids)}
