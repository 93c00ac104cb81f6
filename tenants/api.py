"""`/auth/api-keys/`: the keys of a tenant."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from core.access import Principal, principal_of, requires
from core.errors import NotFound
from core.pagination import PageQuery, page_body, paginate
from tenants import queries, services
from tenants.models import ApiKey
from tenants.schemas import (
    KeyIn,
    KeyListOut,
    KeyOut,
    NewKeyOut,
)

router = Router(tags=["Auth"])


def key_body(row: ApiKey, **more: Any) -> dict[str, Any]:
    """A key as JSON."""
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "test": row.is_test,
        "created_at": row.created,
        "expires_at": row.expiry_date,
        "revoked_at": row.revoked_at,
        **more,
    }


def inside(request: HttpRequest) -> Principal:
    """The caller, who is in a tenant (``requires`` has seen to it)."""
    return principal_of(request)


@router.get("/api-keys/", response=KeyListOut)
@requires("keys:read")
def list_keys(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The tenant's keys, newest first."""
    page = paginate(queries.keys_of(inside(request).tenant_id or ""), query)
    return page_body(page, [key_body(key) for key in page.items])


@router.post("/api-keys/generate/", response={201: NewKeyOut})
@requires("keys:write")
def generate_key(request: HttpRequest, payload: KeyIn) -> tuple[int, dict[str, Any]]:
    """A new key; its text is in this answer and nowhere else."""
    caller = inside(request)
    key, text = services.create_api_key(
        tenant_id=caller.tenant_id or "",
        user_id=caller.user_id or "",
        held=caller.permissions,
        name=payload.name,
        scopes=payload.scopes,
        expires_at=payload.expires_at,
        is_test=payload.test,
    )
    return 201, key_body(key, key=text)


@router.get("/api-keys/{key_id}/", response=KeyOut)
@requires("keys:read")
def get_key(request: HttpRequest, key_id: str) -> dict[str, Any]:
    """One key."""
    key = queries.keys_of(inside(request).tenant_id or "").filter(pk=key_id).first()
    if key is None:
        raise NotFound("There is no such key.")
    return key_body(key)


@router.delete("/api-keys/{key_id}/", response={204: None})
@requires("keys:write")
def revoke_key(request: HttpRequest, key_id: str) -> tuple[int, None]:
    """Revoke a key: its next request is refused."""
    services.revoke_api_key(tenant_id=inside(request).tenant_id or "", key_id=key_id)
    return 204, None
