"""`/conversions/batch-convert/` and `/conversions/batches/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router

from conversions import groups, services
from conversions.answers import archive_answer, json_answer
from conversions.api import about
from conversions.batches.asking import accept_batch
from conversions.batches.schemas import BATCH_BODY, BatchListOut, BatchOut, BatchQuery
from conversions.models import Batch
from core.access import principal_of, requires
from core.errors import NotFound
from core.pagination import page_body, paginate

router = Router(tags=["Batches"])


def existing(batch_id: str) -> Batch:
    """The tenant's batch, or 404."""
    batch = groups.find_batch(batch_id)
    if batch is None:
        raise NotFound("There is no such batch.")
    return batch


@router.post("/batch-convert/", response={202: BatchOut}, openapi_extra=BATCH_BODY)
@requires("conversions:write")
def batch_convert(request: HttpRequest) -> HttpResponse:
    """Convert many files (up to 1,000). A bad file fails alone and is listed with its problem."""
    batch = accept_batch(principal_of(request), request, about(request))
    response = json_answer(request, groups.batch_body(batch), status=202)
    response["Location"] = f"/api/v1/conversions/batches/{batch.id}/"
    return response


@router.get("/batches/", response=BatchListOut)
@requires("conversions:read")
def list_batches(request: HttpRequest, query: Query[BatchQuery]) -> dict[str, Any]:
    """The tenant's batches, newest first, without their files."""
    page = paginate(groups.batch_list({"status": query.status}), query)
    return page_body(page, groups.batch_bodies(page.items))


@router.get("/batches/{batch_id}/", response=BatchOut)
@requires("conversions:read")
def get_batch(request: HttpRequest, batch_id: str) -> HttpResponse:
    """One batch with every file and its problem. ETag and If-None-Match."""
    return json_answer(request, groups.batch_body(existing(batch_id)))


@router.get("/batches/{batch_id}/download/")
@requires("conversions:read")
def download_batch(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    """Every result so far as one zip, streamed. 409 while there is none, 410 once deleted."""
    batch = existing(batch_id)
    return archive_answer(groups.jobs_of_batch(batch.id), batch.name or batch.id)


@router.post("/batches/{batch_id}/cancel/", response=BatchOut)
@requires("conversions:write")
def cancel_batch(request: HttpRequest, batch_id: str) -> dict[str, Any]:
    """End every job that has not ended; nothing of it is charged."""
    slug = principal_of(request).tenant_slug or ""
    return groups.batch_body(services.cancel_batch(batch_id=batch_id, tenant_slug=slug))


@router.post("/batches/{batch_id}/retry/", response={202: BatchOut})
@requires("conversions:write")
def retry_batch(request: HttpRequest, batch_id: str) -> tuple[int, dict[str, Any]]:
    """Run again only what failed or was canceled."""
    batch = services.retry_batch(batch_id=batch_id, caller=principal_of(request))
    return 202, groups.batch_body(batch)
