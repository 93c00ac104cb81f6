"""`/tenant/members|invitations|roles/`: who belongs to a tenant, and who may do what."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from accounts.queries import user_body
from core.access import ANYONE, caller_if_any, person_of, principal_of, requires
from core.errors import NotFound
from core.pagination import PageQuery, page_body, paginate
from tenants import queries, services
from tenants.models import Membership
from tenants.schemas import (
    AcceptIn,
    AcceptOut,
    InvitationIn,
    InvitationListOut,
    InvitationOut,
    MemberListOut,
    MemberOut,
    MemberPatch,
    RoleIn,
    RoleListOut,
    RoleOut,
    RolePatch,
)

router = Router(tags=["Tenant"])
invitations = Router(tags=["Tenant"])


def grip(request: HttpRequest) -> dict[str, Any]:
    """What the caller may hand on: their tenant, permissions and role."""
    caller = principal_of(request)
    return {
        "tenant_id": caller.tenant_id or "",
        "held": caller.permissions,
        "role_held": caller.role,
    }


def tenant_id(request: HttpRequest) -> str:
    """The caller's tenant."""
    return principal_of(request).tenant_id or ""


@router.get("/members/", response=MemberListOut)
@requires("members:read")
def list_members(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The members, newest first."""
    page = paginate(queries.members_of(tenant_id(request)), query)
    return page_body(page, queries.member_bodies(page.items))


@router.get("/members/{member_id}/", response=MemberOut)
@requires("members:read")
def get_member(request: HttpRequest, member_id: str) -> dict[str, Any]:
    """One member."""
    member = queries.members_of(tenant_id(request)).filter(pk=member_id).first()
    if member is None:
        raise NotFound("There is no such member.")
    return queries.member_bodies([member])[0]


@router.patch("/members/{member_id}/", response=MemberOut)
@requires("members:write")
def change_member(request: HttpRequest, member_id: str, payload: MemberPatch) -> dict[str, Any]:
    """Give a member another role, in force at their next request."""
    member = services.change_member_role(member_id=member_id, named=payload.role, **grip(request))
    return queries.member_bodies([member])[0]


@router.delete("/members/{member_id}/", response={204: None})
@requires("members:write")
def remove_member(
    request: HttpRequest,
    member_id: str,
    revoke_keys: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> tuple[int, None]:
    """Remove a member; their tokens are worthless here at once. `revoke_keys=1`: their keys too."""
    services.remove_member(member_id=member_id, revoke_keys=revoke_keys, **grip(request))
    return 204, None


@router.get("/invitations/", response=InvitationListOut)
@requires("members:read")
def list_invitations(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The invitations, newest first."""
    page = paginate(queries.invitations_of(tenant_id(request)), query)
    return page_body(page, [queries.invitation_body(row) for row in page.items])


@router.post("/invitations/", response={201: InvitationOut})
@requires("members:write")
def invite(request: HttpRequest, payload: InvitationIn) -> tuple[int, dict[str, Any]]:
    """Invite an address by mail. The link is good for seven days, once."""
    row = services.invite(
        user_id=principal_of(request).user_id,
        email=payload.email,
        named=payload.role,
        **grip(request),
    )
    return 201, queries.invitation_body(row)


@router.post("/invitations/accept/", response=AcceptOut, auth=None)
@invitations.post("/accept/", response=AcceptOut, auth=None, operation_id="invitations_accept")
@requires(ANYONE)
def accept_invitation(request: HttpRequest, payload: AcceptIn) -> dict[str, Any]:
    """Join by the token of the mail: logged in, or with a password for a new account."""
    member: Membership = services.accept_invitation(
        token=payload.token,
        user_id=person_of(request) if caller_if_any(request) else None,
        newcomer=payload.dict(exclude={"token"}),
    )
    tenants = queries.tenants_body(member.user_id)
    return {
        "member_id": member.id,
        "role": member.role.name,
        "tenant": next(item for item in tenants if item["id"] == member.tenant_id),
        "user": user_body(member.user),
    }


@router.delete("/invitations/{invitation_id}/", response={204: None})
@requires("members:write")
def revoke_invitation(request: HttpRequest, invitation_id: str) -> tuple[int, None]:
    """Make the link of an invitation void."""
    services.revoke_invitation(tenant_id=tenant_id(request), invitation_id=invitation_id)
    return 204, None


@router.get("/roles/", response=RoleListOut)
@requires("members:read")
def list_roles(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """Built-in roles and the tenant's own."""
    page = paginate(queries.roles_of(tenant_id(request)), query)
    return page_body(page, [queries.role_body(role) for role in page.items])


@router.post("/roles/", response={201: RoleOut})
@requires("members:write")
def create_role(request: HttpRequest, payload: RoleIn) -> tuple[int, dict[str, Any]]:
    """A role of the tenant's own, of permissions that the caller has."""
    held = principal_of(request).permissions
    role = services.create_role(tenant_id=tenant_id(request), held=held, **payload.dict())
    return 201, queries.role_body(role)


@router.get("/roles/{role_id}/", response=RoleOut)
@requires("members:read")
def get_role(request: HttpRequest, role_id: str) -> dict[str, Any]:
    """One role."""
    role = queries.roles_of(tenant_id(request)).filter(pk=role_id).first()
    if role is None:
        raise NotFound("There is no such role.")
    return queries.role_body(role)


@router.patch("/roles/{role_id}/", response=RoleOut)
@requires("members:write")
def change_role(request: HttpRequest, role_id: str, payload: RolePatch) -> dict[str, Any]:
    """Change a role of the tenant's own."""
    held, tenant = principal_of(request).permissions, tenant_id(request)
    services.change_role(tenant_id=tenant, role_id=role_id, held=held, **payload.dict())
    return queries.role_body(queries.roles_of(tenant).get(pk=role_id))


@router.delete("/roles/{role_id}/", response={204: None})
@requires("members:write")
def delete_role(request: HttpRequest, role_id: str) -> tuple[int, None]:
    """Remove a role that nobody has."""
    services.delete_role(tenant_id=tenant_id(request), role_id=role_id)
    return 204, None
