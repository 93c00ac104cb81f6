"""`/auth/api-keys/`: the keys of a tenant."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from core.access import ANYONE, Principal, principal_of, requires
from core.attempts import spend_or_refuse
from core.errors import NotFound, invalid
from core.pagination import PageQuery, page_body, paginate
from tenants import queries, services
from tenants.models import ApiKey
from tenants.schemas import (
    KeyIn,
    KeyListOut,
    KeyOut,
    KeyPatch,
    LeakIn,
    LeakListOut,
    NewKeyOut,
    RotateIn,
    UsageOut,
)
from tenants.terms import LEAK_REPORTS_AN_HOUR, MOST_LEAKS

router = Router(tags=["Auth"])
Days = Annotated[int, Query(ge=1, le=366, description="Days up to today (UTC).")]


def inside(request: HttpRequest) -> Principal:
    """The caller, who is in a tenant (``requires`` has seen to it)."""
    return principal_of(request)


def found_key(request: HttpRequest, key_id: str) -> ApiKey:
    """A key of the caller's tenant. Raises NotFound."""
    key = queries.keys_of(inside(request).tenant_id or "").filter(pk=key_id).first()
    if key is None:
        raise NotFound("There is no such key.")
    return key


@router.get("/api-keys/", response=KeyListOut)
@requires("keys:read")
def list_keys(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The tenant's keys, newest first."""
    page = paginate(queries.keys_of(inside(request).tenant_id or ""), query)
    return page_body(page, [queries.key_body(key) for key in page.items])


@router.post("/api-keys/generate/", response={201: NewKeyOut})
@requires("keys:write")
def generate_key(request: HttpRequest, payload: KeyIn) -> tuple[int, dict[str, Any]]:
    """A new key; its text is in this answer and nowhere else."""
    caller = inside(request)
    key, text = services.create_api_key(
        tenant_id=caller.tenant_id or "",
        user_id=caller.user_id,
        held=caller.permissions,
        wish=services.KeyWish(is_test=payload.test, **payload.dict(exclude={"test"})),
        caller_key_id=caller.api_key_id,
    )
    return 201, queries.key_body(key, key=text)


@router.post("/api-keys/leaks/", response=LeakListOut, auth=None)
@requires(ANYONE)
def report_leaks(request: HttpRequest, payload: LeakIn | list[LeakIn]) -> dict[str, Any]:
    """Report keys that were seen in public: real ones are revoked, and their owners told."""
    reports = payload if isinstance(payload, list) else [payload]
    if len(reports) > MOST_LEAKS:
        raise invalid("body", f"At most {MOST_LEAKS} in one report.")
    address = request.META.get("REMOTE_ADDR", "")
    spend_or_refuse("leaks", address, most=LEAK_REPORTS_AN_HOUR, window_s=3600)
    found = services.report_leaks(
        leaks=[services.Leak(item.token, item.url, item.source) for item in reports]
    )
    return {"items": [queries.leak_body(is_ours) for is_ours in found]}


@router.get("/api-keys/{key_id}/", response=KeyOut)
@requires("keys:read")
def get_key(request: HttpRequest, key_id: str) -> dict[str, Any]:
    """One key."""
    return queries.key_body(found_key(request, key_id))


@router.patch("/api-keys/{key_id}/", response=KeyOut)
@requires("keys:write")
def change_key(request: HttpRequest, key_id: str, payload: KeyPatch) -> dict[str, Any]:
    """Change a key, in force at its next request."""
    caller = inside(request)
    key = services.change_api_key(
        tenant_id=caller.tenant_id or "",
        key_id=key_id,
        held=caller.permissions,
        wanted=payload.dict(exclude_unset=True),
        caller_key_id=caller.api_key_id,
    )
    return queries.key_body(key)


@router.delete("/api-keys/{key_id}/", response={204: None})
@requires("keys:write")
def revoke_key(request: HttpRequest, key_id: str) -> tuple[int, None]:
    """Revoke a key: its next request is refused."""
    services.revoke_api_key(tenant_id=inside(request).tenant_id or "", key_id=key_id)
    return 204, None


@router.post("/api-keys/{key_id}/rotate/", response={201: NewKeyOut})
@requires("keys:write")
def rotate_key(request: HttpRequest, key_id: str, payload: RotateIn) -> tuple[int, dict[str, Any]]:
    """A new key like the old one, which works on for `overlap_seconds`."""
    caller = inside(request)
    key, text = services.rotate_api_key(
        tenant_id=caller.tenant_id or "",
        key_id=key_id,
        user_id=caller.user_id,
        held=caller.permissions,
        overlap_s=payload.overlap_seconds,
        caller_key_id=caller.api_key_id,
    )
    old = found_key(request, key_id)
    more = {"replaces": key_id, "replaced_expires_at": old.revoked_at or old.expiry_date}
    return 201, queries.key_body(key, key=text, **more)


@router.get("/api-keys/{key_id}/usage/", response=UsageOut)
@requires("keys:read")
def key_usage(request: HttpRequest, key_id: str, days: Days = 30) -> dict[str, Any]:
    """Requests with a key, day by day; a second behind."""
    key = found_key(request, key_id)
    items, last = services.usage_of(key_id=key.id, days=days)
    return queries.usage_body(key, items, last)
