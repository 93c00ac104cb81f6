"""`/tenant/audit-log/` and `/tenant/activity/`: read, check, take away."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router

from audit import queries, services
from audit.answers import send_rows
from audit.schemas import (
    ActivityListOut,
    EntryListOut,
    ExportQuery,
    TrailPageQuery,
    TrailQuery,
    VerdictOut,
)
from core.access import principal_of, requires
from core.pagination import page_body, paginate

router = Router(tags=["Tenant"])
FILE: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The file",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            },
        }
    }
}


def trail(query: TrailQuery) -> QuerySet[Any]:
    """The tenant's trail by the filters."""
    return queries.narrowed(queries.entries(), "actor_id", query.dict())


def activity(request: HttpRequest, query: TrailQuery) -> QuerySet[Any]:
    """The tenant's activity by the filters."""
    rows = queries.activity_in(principal_of(request).schema_name or "")
    return queries.narrowed(rows, "user_id", query.dict())


@router.get("/audit-log/", response=EntryListOut)
@requires("audit:read")
def list_entries(request: HttpRequest, query: Query[TrailPageQuery]) -> dict[str, Any]:
    """Critical changes of the tenant, newest first."""
    page = paginate(trail(query), query)
    return page_body(page, [queries.entry_body(row) for row in page.items])


@router.get("/audit-log/verify/", response=VerdictOut)
@requires("audit:read")
def verify_trail(request: HttpRequest) -> dict[str, Any]:
    """Check every entry's seal; names what was altered, moved, removed."""
    verdict = services.verify()
    broken = [{**vars(place), "id": place.id or None} for place in verdict.broken]
    return {"ok": verdict.ok, "checked": verdict.checked, "broken": broken}


@router.get("/audit-log/export/", openapi_extra=FILE)
@requires("audit:read")
def export_trail(request: HttpRequest, query: Query[ExportQuery]) -> StreamingHttpResponse:
    """The trail as a file, oldest first."""
    return send_rows(trail(query), queries.entry_body, query.form, "audit-log")


@router.get("/activity/", response=ActivityListOut)
@requires("audit:read")
def list_activity(request: HttpRequest, query: Query[TrailPageQuery]) -> dict[str, Any]:
    """Who did what in the tenant, newest first."""
    page = paginate(activity(request, query), query)
    return page_body(page, [queries.activity_body(row) for row in page.items])


@router.get("/activity/export/", openapi_extra=FILE)
@requires("audit:read")
def export_activity(request: HttpRequest, query: Query[ExportQuery]) -> StreamingHttpResponse:
    """The activity as a file, oldest first."""
    return send_rows(activity(request, query), queries.activity_body, query.form, "activity")
