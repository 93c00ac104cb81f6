"""Members: change a role, remove, leave, hand the tenant over. The last owner can't go."""

from __future__ import annotations

from django.db import transaction

from audit.services import record
from core.errors import Conflict, NotFound, PermissionDenied
from core.outbox.services import publish
from tenants.models import ApiKey, Membership, Role, Tenant
from tenants.services.keep_keys import revoke
from tenants.services.keep_roles import refuse_more
from tenants.terms import RoleName


def lock_team(tenant_id: str) -> Tenant:
    """Changes of a tenant's team go one after the other, so that an owner always remains."""
    tenant: Tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
    return tenant


def find_role(*, tenant_id: str, named: str) -> Role:
    """A role of the tenant by name or id. Raises NotFound."""
    roles = Role.objects.filter(tenant_id=tenant_id)
    role = roles.filter(pk=named).first() or roles.filter(name__iexact=named).first()
    if role is None:
        raise NotFound(f"There is no role {named}.")
    return role


def refuse_role(role: Role, *, held: frozenset[str], role_held: str | None) -> None:
    """Raise PermissionDenied unless a caller may hand on a role, or take it away."""
    refuse_more(role.permissions, held)
    if is_owner_role(role) and role_held != RoleName.OWNER:
        raise PermissionDenied("Only an owner makes or unmakes an owner.")


def is_owner_role(role: Role) -> bool:
    """Whether it is the built-in owner."""
    return role.is_builtin and role.name == RoleName.OWNER


def find_member(tenant_id: str, member_id: str) -> Membership:
    """A membership of the tenant with role and person. Raises NotFound."""
    rows = Membership.objects.select_related("role", "user", "tenant")
    member = rows.filter(pk=member_id, tenant_id=tenant_id).first()
    if member is None:
        raise NotFound("There is no such member.")
    return member


def keep_an_owner(member: Membership) -> None:
    """Raise Conflict when this is the last owner."""
    if not is_owner_role(member.role):
        return
    owners = Membership.objects.filter(tenant_id=member.tenant_id, role_id=member.role_id)
    if not owners.exclude(pk=member.pk).exists():
        raise Conflict("This is the last owner. Hand the tenant over first.")


@transaction.atomic
def change_member_role(
    *, tenant_id: str, member_id: str, named: str, held: frozenset[str], role_held: str | None
) -> Membership:
    """Give a member another role, in force at their next request.

    Raises NotFound, PermissionDenied for more than the caller holds, Conflict for the last owner.
    """
    lock_team(tenant_id)
    member = find_member(tenant_id, member_id)
    role = find_role(tenant_id=tenant_id, named=named)
    refuse_role(member.role, held=held, role_held=role_held)
    refuse_role(role, held=held, role_held=role_held)
    if role.pk == member.role_id:
        return member
    keep_an_owner(member)
    before, member.role = member.role.name, role
    member.save(update_fields=["role"])
    record(action="member.role_changed", target=member.id, changes={"role": [before, role.name]})
    return member


@transaction.atomic
def remove_member(
    *,
    tenant_id: str,
    member_id: str,
    held: frozenset[str],
    role_held: str | None,
    revoke_keys: bool = False,
) -> None:
    """Their tokens stop working for this tenant at the next request; ``revoke_keys`` ends the keys
    that they made as well. Raises NotFound, PermissionDenied, Conflict for the last owner.
    """
    lock_team(tenant_id)
    member = find_member(tenant_id, member_id)
    refuse_role(member.role, held=held, role_held=role_held)
    part(member)
    if revoke_keys:
        made = ApiKey.objects.filter(
            tenant_id=tenant_id, created_by_id=member.user_id, revoked=False
        )
        for key in made.select_for_update():
            revoke(key)


@transaction.atomic
def leave_tenant(*, tenant_id: str, user_id: str) -> None:
    """Go of one's own will. Raises NotFound, Conflict for the last owner."""
    lock_team(tenant_id)
    rows = Membership.objects.select_related("role", "user", "tenant")
    member = rows.filter(tenant_id=tenant_id, user_id=user_id).first()
    if member is None:
        raise NotFound("You are not a member.")
    part(member)


def part(member: Membership) -> None:
    """The row goes, the event stays."""
    keep_an_owner(member)
    member_id = member.id
    publish_member("member.removed", member)
    member.delete()
    record(action="member.removed", target=member_id, changes={"role": [member.role.name, None]})


def publish_member(type: str, member: Membership) -> None:
    """Tell who joined or went."""
    publish(
        type=type,
        tenant_slug=member.tenant.slug,
        shard=f"member:{member.id}",
        payload={
            "id": member.id,
            "user_id": member.user_id,
            "email": member.user.email,
            "full_name": member.user.full_name,
            "role": member.role.name,
        },
    )


@transaction.atomic
def transfer_ownership(
    *, tenant_id: str, user_id: str, role_held: str | None, member_id: str
) -> Membership:
    """The member becomes an owner, the caller an admin. Raises NotFound, PermissionDenied, Conflict
    for oneself.
    """
    if role_held != RoleName.OWNER:
        raise PermissionDenied("Only an owner hands a tenant over.")
    lock_team(tenant_id)
    heir = find_member(tenant_id, member_id)
    caller = Membership.objects.select_related("role").get(tenant_id=tenant_id, user_id=user_id)
    if not is_owner_role(caller.role):
        raise PermissionDenied("Only an owner hands a tenant over.")
    if heir.pk == caller.pk:
        raise Conflict("You are the owner already.")
    heir.role = caller.role
    heir.save(update_fields=["role"])
    caller.role = find_role(tenant_id=tenant_id, named=RoleName.ADMIN)
    caller.save(update_fields=["role"])
    record(action="tenant.transferred", target=tenant_id, changes={"owner": [caller.id, heir.id]})
    return heir
