"""`/conversions/`: formats, convert, jobs, quota."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import register_converter
from django.urls.converters import StringConverter
from ninja import Query, Router

from billing import queries as billing
from conversions import asking, catalog, queries, services
from conversions.answers import answer_job, download_answer, follow_job, job_answer
from conversions.asking import About, accept_convert, accept_tool, find_tool, pair_request
from conversions.openapi import CONVERT_BODY, EVENTS, FILE_BODY, TOOL_BODY
from conversions.reading import read_convert, read_tool
from conversions.schemas import (
    ConvertQuery,
    DetectOut,
    FormatListOut,
    JobListOut,
    JobOut,
    JobQuery,
    PairOut,
    QuotaOut,
    QuoteOut,
    ToolListOut,
)
from conversions.tools.planning import body_of, unavailable
from conversions.tools.registry import TOOLS
from conversions.waiting import hand_over, preferred_wait, wait_for_end
from core.access import principal_of, requires
from core.calling import name_target
from core.errors import NotFound
from core.pagination import page_body, paginate

router = Router(tags=["Conversions"])
tools = Router(tags=["Tools"])
aliases = Router(tags=["Aliases"])  # addresses of the first wish, outside /api/v1/
Wait = Annotated[int, Query(ge=0, le=60, description="Seconds to wait for the end.")]


def about(request: HttpRequest) -> About:
    """The request's id and its Idempotency-Key."""
    key = request.headers.get("Idempotency-Key")
    return About(getattr(request, "request_id", ""), key)


def answer_after_waiting(request: HttpRequest, job: Any, query: ConvertQuery) -> HttpResponseBase:
    """The new job at once, or after the seconds that `wait`, `Prefer` or `download` ask for."""
    preferred = preferred_wait(request.headers.get("Prefer", ""))
    seconds = query.wait or preferred or (60 if query.download else 0)
    name_target(job.id)
    handed = hand_over(request, job.id, seconds, is_new=True, download=query.download)
    if handed is not None:
        return handed
    wait_for_end(job.id, seconds)
    return answer_job(request, job, waited=seconds > 0, download=query.download)


def existing(job_id: str) -> Any:
    """The tenant's job, or 404."""
    job = queries.find_job(job_id)
    if job is None:
        raise NotFound("There is no such job.")
    return job


@router.get("/formats/", response=FormatListOut)
@requires("conversions:read")
def formats(
    request: HttpRequest,
    input: str | None = None,
    output: str | None = None,
    family: str | None = None,
) -> dict[str, Any]:
    """What is read and written here."""
    return catalog.format_list(source=input, target=output, family=family)


@router.get("/formats/{source}/{target}/", response=PairOut)
@requires("conversions:read")
def pair(request: HttpRequest, source: str, target: str) -> dict[str, Any]:
    """Route, options and price of one pair."""
    return catalog.pair_body(source, target)


@router.post("/convert/", response={202: JobOut, 200: JobOut}, openapi_extra=CONVERT_BODY)
@requires("conversions:write")
def convert(request: HttpRequest, query: Query[ConvertQuery]) -> HttpResponseBase:
    """Convert one file. 202 with the job, or with `wait` 200 once it has ended."""
    fields, file = read_convert(request)
    job = accept_convert(principal_of(request), fields, file, about(request))
    return answer_after_waiting(request, job, query)


@router.post("/detect/", response=DetectOut, openapi_extra=FILE_BODY)
@requires("conversions:write")
def detect(request: HttpRequest) -> dict[str, Any]:
    """What a file is. Nothing is stored."""
    fields, files, _ = read_tool(request)
    return asking.detect(principal_of(request), fields, files)


@router.post("/quote/", response=QuoteOut, openapi_extra=CONVERT_BODY)
@requires("conversions:write")
def quote(request: HttpRequest) -> dict[str, Any]:
    """Route, units and seconds of a conversion. Nothing is stored, nothing charged."""
    fields, file = read_convert(request)
    return asking.quote_convert(principal_of(request), fields, file)


@router.get("/jobs/", response=JobListOut)
@requires("conversions:read")
def list_jobs(request: HttpRequest, query: Query[JobQuery]) -> dict[str, Any]:
    """The tenant's jobs, newest first."""
    filters = query.dict(exclude={"limit", "cursor", "sort"})
    page = paginate(queries.job_list(filters), query)
    return page_body(page, [queries.job_body(job) for job in page.items])


@router.get("/jobs/{job_id}/", response=JobOut)
@requires("conversions:read")
def get_job(request: HttpRequest, job_id: str, wait: Wait = 0) -> HttpResponse:
    """One job; with `wait` (or `Prefer: wait`) after its end. ETag and If-None-Match."""
    wait = wait or preferred_wait(request.headers.get("Prefer", ""))
    handed = hand_over(request, job_id, wait, is_new=False) if wait else None
    if handed is not None:
        return handed
    wait_for_end(job_id, wait)
    return job_answer(request, existing(job_id))


@router.get("/jobs/{job_id}/events/", openapi_extra=EVENTS)
@requires("conversions:read")
def events(request: HttpRequest, job_id: str) -> HttpResponse:
    """Server-Sent Events: the job at once and at every change, until it has ended."""
    return follow_job(request, existing(job_id))


@router.get("/jobs/{job_id}/download/")
@requires("conversions:read")
def download(request: HttpRequest, job_id: str, output: int = 0) -> HttpResponseBase:
    """The result. 409 before it is there, 410 after it was deleted."""
    return download_answer(request, existing(job_id), output)


@router.post("/jobs/{job_id}/cancel/", response=JobOut)
@requires("conversions:write")
def cancel(request: HttpRequest, job_id: str) -> dict[str, Any]:
    """End a job that has not ended; nothing is charged."""
    slug = principal_of(request).tenant_slug or ""
    return queries.job_body(services.cancel_job(job_id=job_id, tenant_slug=slug))


@router.post("/jobs/{job_id}/retry/", response={202: JobOut})
@requires("conversions:write")
def retry(request: HttpRequest, job_id: str) -> tuple[int, dict[str, Any]]:
    """Run a failed or canceled job again."""
    job = services.retry_job(job_id=job_id, caller=principal_of(request))
    return 202, queries.job_body(job)


@router.delete("/jobs/{job_id}/", response={204: None})
@requires("conversions:write")
def delete(request: HttpRequest, job_id: str) -> tuple[int, None]:
    """Delete a job and its files at once."""
    services.delete_job(job_id=job_id, tenant_slug=principal_of(request).tenant_slug or "")
    return 204, None


@router.get("/quota/", response=QuotaOut)
@requires("conversions:read")
def quota(request: HttpRequest) -> dict[str, Any]:
    """What is used, reserved and left of this month."""
    caller = principal_of(request)
    return catalog.quota_body(billing.usage(caller.tenant_id or ""), caller.requests_per_hour)


def run_tool(request: HttpRequest, slug: str, query: ConvertQuery) -> HttpResponseBase:
    """Take the files, make the job, wait for it where asked: as `convert/` does."""
    tool = find_tool(slug)
    fields, files, loose = read_tool(request)
    job = accept_tool(principal_of(request), tool, fields, files, loose, about(request))
    return answer_after_waiting(request, job, query)


@tools.get("/", response=ToolListOut)
@requires("conversions:read")
def list_tools(request: HttpRequest) -> dict[str, Any]:
    """What can be done with files here."""
    reasons = unavailable()
    items = [body_of(tool) for tool in TOOLS if tool.slug not in reasons]
    return {"items": items, "next": None, "previous": None, "unavailable": reasons}


@tools.post("/{slug}/", response={202: JobOut, 200: JobOut}, openapi_extra=TOOL_BODY)
@requires("conversions:write")
def use_tool(request: HttpRequest, slug: str, query: Query[ConvertQuery]) -> HttpResponseBase:
    """Run a tool over `file` or `files`. 202 with the job, or with `wait` 200 once it ended."""
    return run_tool(request, slug, query)


@aliases.post("/convert/{pair}/", response={202: JobOut, 200: JobOut}, openapi_extra=TOOL_BODY)
@requires("conversions:write")
def convert_pair(request: HttpRequest, pair: str, query: Query[ConvertQuery]) -> HttpResponseBase:
    """`a-to-b`: convert one file of a to b."""
    fields, files, _ = read_tool(request)
    wanted = pair_request(pair, fields)
    file = files[0] if files else None
    job = accept_convert(principal_of(request), wanted, file, about(request))
    return answer_after_waiting(request, job, query)


ALIASES = {
    "compress/pdf": "compress-pdf",
    "compress/image": "compress-image",
    "compress/video": "compress-video",
    "edit/image": "edit-image",
    "merge/pdf": "merge-pdf",
    "split/pdf": "split-pdf",
    "extract/text": "extract-text",
}


class AliasConverter(StringConverter):
    """Takes the addresses of ALIASES and no others, so that the rest is 404 by every method."""

    regex = "|".join(ALIASES)


register_converter(AliasConverter, "alias")


@aliases.post("/{alias:address}/", response={202: JobOut, 200: JobOut}, openapi_extra=TOOL_BODY)
@requires("conversions:write")
def use_alias(request: HttpRequest, address: str, query: Query[ConvertQuery]) -> HttpResponseBase:
    """compress/pdf, compress/image, compress/video, edit/image, merge/pdf, split/pdf, …"""
    return run_tool(request, ALIASES[address], query)
