"""Answers about a job that are more than a body: Location, ETag, the bytes themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from conversions.errors import JobNotReady
from conversions.models import Job
from conversions.queries import find_job, job_body_with_place, job_state
from conversions.services.take_result import note_taken
from conversions.terms import ENDED, Status
from core.archives import Entry, send_archive
from core.doorbell import Spot
from core.downloads import send_file
from core.errors import Expired, NotFound
from core.following import Followed, event_id
from core.problems import CONTENT_TYPE
from core.tenancy import in_tenant, require_tenant
from core.uploads import safe_name


def job_answer(request: HttpRequest, job: Job, status: int = 200) -> HttpResponse:
    """The job as JSON with an ETag; 304 when the caller has it."""
    return json_answer(request, job_body_with_place(job), status=status)


def json_answer(
    request: HttpRequest, content: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A body as JSON with an ETag; 304 when the caller has it."""
    body = orjson.dumps(content)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if status == 200 and etag in request.META.get("HTTP_IF_NONE_MATCH", ""):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="application/json", status=status)
    response["ETag"] = etag
    return response


def answer_job(request: HttpRequest, job: Job, *, waited: bool, download: bool) -> HttpResponseBase:
    """202 with Location; 200 when it ended in time; the bytes or the problem on request."""
    if waited:
        job = find_job(job.id) or job
    if job.status not in ENDED:
        response = job_answer(request, job, 202)
        response["Location"] = f"/api/v1/conversions/jobs/{job.id}/"
        return response
    if not download:
        return job_answer(request, job)
    if job.status != Status.COMPLETED:
        return failed_answer(job)
    answer = download_answer(request, job, 0)
    answer["X-Job-Id"] = job.id
    return answer


def follow_job(request: HttpRequest, job: Job) -> HttpResponse:
    """The job as a stream of its states; 204, which ends a browser's asking, when all is told."""
    state = job_state(job)
    if job.status in ENDED and request.headers.get("Last-Event-ID") == event_id(state):
        return HttpResponse(status=204)
    return Followed(Spot("job", require_tenant(), job.id), "conversions:read", state)


def failed_answer(job: Job) -> HttpResponse:
    """The job's own problem."""
    error = job.error or {}
    response = HttpResponse(
        orjson.dumps(error), content_type=CONTENT_TYPE, status=error.get("status", 422)
    )
    response["X-Job-Id"] = job.id
    return response


def download_answer(request: HttpRequest, job: Job, number: int) -> HttpResponseBase:
    """A result file. Raises JobNotReady, Expired, NotFound."""
    if job.status == Status.EXPIRED:
        raise Expired("The result was deleted when its time was over. Convert again.")
    if job.status != Status.COMPLETED:
        raise JobNotReady(f"The job is {job.status}. Ask `jobs/{job.id}/?wait=30`.")
    if not 0 <= number < len(job.outputs):
        raise NotFound(f"This job has {len(job.outputs)} outputs.")
    item = job.outputs[number]
    return send_file(
        request,
        key=item["key"],
        filename=item["filename"],
        media_type=item["media_type"],
        etag=item["sha256"],
        sent=taking(job, (number,)) if job.delete_after_download else None,
    )


def taking(job: Job, numbers: Iterable[int]) -> Callable[[], None]:
    """What to do after the last byte: the stream outlives the request's tenant, so it is kept."""
    schema, numbers = require_tenant(), tuple(numbers)

    def take() -> None:
        with in_tenant(schema):
            note_taken(job_id=job.id, numbers=numbers)

    return take


def archive_answer(jobs: Iterable[Job], name: str) -> HttpResponseBase:
    """Every result of these jobs as one zip. Raises JobNotReady, Expired."""
    found = list(jobs)
    done = [job for job in found if job.status == Status.COMPLETED]
    if not done:
        if any(job.status == Status.EXPIRED for job in found):
            raise Expired("The results were deleted when their time was over. Convert again.")
        raise JobNotReady("None of the files is converted yet.")
    entries = [Entry(item["key"], item["filename"]) for job in done for item in job.outputs]
    takes = [taking(job, range(len(job.outputs))) for job in done if job.delete_after_download]
    return send_archive(
        entries,
        filename=safe_name(f"{name}.zip"),
        sent=partial(each, takes) if takes else None,
    )


def each(calls: Iterable[Callable[[], None]]) -> None:
    """One after the other."""
    for call in calls:
        call()
