"""`/tenant/`: the caller's tenant itself: its settings, its end, leaving it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from core.access import INSIDE, SIGNED_IN, person_of, principal_of, requires
from core.errors import invalid
from tenants import queries, services
from tenants.schemas import (
    DeleteIn,
    MemberOut,
    PermissionListOut,
    SettingsOut,
    SettingsPatch,
    TenantStatsOut,
    TransferIn,
)

router = Router(tags=["Tenant"])


@router.get("/", response=SettingsOut)
@requires(INSIDE)
def get_tenant(request: HttpRequest) -> dict[str, Any]:
    """The caller's tenant."""
    return queries.settings_body(principal_of(request).tenant_id or "")


@router.patch("/", response=SettingsOut)
@requires("settings:write")
def change_tenant(request: HttpRequest, payload: SettingsPatch) -> dict[str, Any]:
    """Change settings, in force at the next request."""
    tenant_id = principal_of(request).tenant_id or ""
    wanted = payload.dict(exclude_unset=True)
    return queries.tenant_body(services.change_tenant(tenant_id=tenant_id, wanted=wanted))


@router.delete("/", response={202: SettingsOut})
@requires("settings:write")
def delete_tenant(
    request: HttpRequest, payload: DeleteIn | None = None, name: str = ""
) -> tuple[int, dict[str, Any]]:
    """Close the tenant; it is deleted for good after 30 days. `name` repeats its name."""
    person_of(request)
    caller, repeated = principal_of(request), payload.name if payload else name
    if not repeated:
        raise invalid("name", "Repeat the name of the tenant to delete it.", "missing")
    tenant = services.delete_tenant(
        tenant_id=caller.tenant_id or "", role=caller.role, name=repeated
    )
    return 202, queries.tenant_body(tenant)


@router.post("/restore/", response=SettingsOut)
@requires(SIGNED_IN)
def restore_tenant(request: HttpRequest) -> dict[str, Any]:
    """Undo the deletion of the tenant that the request names, within its 30 days."""
    slug = principal_of(request).tenant_slug or ""
    tenant = services.restore_tenant(slug=slug, user_id=person_of(request))
    return queries.tenant_body(tenant)


@router.post("/leave/", response={204: None})
@requires(INSIDE)
def leave(request: HttpRequest) -> tuple[int, None]:
    """Leave the tenant. The last owner can't."""
    tenant_id = principal_of(request).tenant_id or ""
    services.leave_tenant(tenant_id=tenant_id, user_id=person_of(request))
    return 204, None


@router.post("/transfer-ownership/", response=MemberOut)
@requires("members:write")
def transfer_ownership(request: HttpRequest, payload: TransferIn) -> dict[str, Any]:
    """Make a member the owner in the caller's place; the caller becomes an admin."""
    caller = principal_of(request)
    heir = services.transfer_ownership(
        tenant_id=caller.tenant_id or "",
        user_id=person_of(request),
        role_held=caller.role,
        member_id=payload.member_id,
    )
    return queries.member_bodies([heir])[0]


@router.get("/permissions/", response=PermissionListOut)
@requires(INSIDE)
def list_permissions(request: HttpRequest) -> dict[str, Any]:
    """The words that roles and keys are made of."""
    return {"items": queries.permission_list(principal_of(request).permissions)}


@router.get("/stats/", response=TenantStatsOut)
@requires("members:read")
def stats(request: HttpRequest) -> dict[str, Any]:
    """Members, invitations, keys and their requests, counted."""
    return queries.team_stats(principal_of(request).tenant_id or "")
