"""Roles are rows: the built-in ones come with each tenant, others are made by the API."""

from __future__ import annotations

from collections.abc import Collection

from django.db import IntegrityError, transaction

from audit.services import record
from core.errors import Conflict, NotFound, PermissionDenied, invalid
from tenants.models import Role, Tenant
from tenants.terms import ALL, ROLE_PERMISSIONS, ROLE_WORDS, RoleName


def create_builtin_roles(tenant: Tenant) -> dict[RoleName, Role]:
    """The rows that every tenant starts with."""
    made = Role.objects.bulk_create(
        Role(
            tenant=tenant,
            name=name.value,
            description=ROLE_WORDS[name],
            permissions=sorted(permissions),
            is_builtin=True,
        )
        for name, permissions in ROLE_PERMISSIONS.items()
    )
    return {RoleName(role.name): role for role in made}


def refresh_builtin_roles() -> int:
    """Give every tenant's built-in rows what this release says. Returns how many it changed."""
    return sum(
        Role.objects.filter(is_builtin=True, name=name.value)
        .exclude(permissions=sorted(permissions), description=ROLE_WORDS[name])
        .update(permissions=sorted(permissions), description=ROLE_WORDS[name])
        for name, permissions in ROLE_PERMISSIONS.items()
    )


def grantable(wanted: Collection[str], held: frozenset[str], *, field: str) -> list[str]:
    """The permissions in order, each once.

    Raises ValidationFailed for a word outside of the vocabulary, PermissionDenied for one that the
    caller lacks: nobody grants more than they hold.
    """
    unknown = sorted(set(wanted) - ALL)
    if unknown:
        raise invalid(field, f"No such permission: {', '.join(unknown)}.")
    refuse_more(wanted, held)
    return sorted(set(wanted))


def refuse_more(wanted: Collection[str], held: frozenset[str]) -> None:
    """Raise PermissionDenied when a permission would be handed on that the caller lacks."""
    more = sorted(set(wanted) - held)
    if more:
        raise PermissionDenied(f"You can't grant what you lack: {', '.join(more)}.")


@transaction.atomic
def create_role(
    *,
    tenant_id: str,
    held: frozenset[str],
    name: str,
    permissions: Collection[str],
    description: str = "",
) -> Role:
    """A role of the tenant's own. Raises Conflict, PermissionDenied, ValidationFailed."""
    role = Role(
        tenant_id=tenant_id,
        name=clean_name(name),
        description=description.strip(),
        permissions=grantable(permissions, held, field="permissions"),
    )
    save(role)
    record(action="role.created", target=role.id, changes={"permissions": [[], role.permissions]})
    return role


@transaction.atomic
def change_role(
    *,
    tenant_id: str,
    role_id: str,
    held: frozenset[str],
    name: str | None = None,
    permissions: Collection[str] | None = None,
    description: str | None = None,
) -> Role:
    """Change an own role; its members have the new permissions at their next request.

    Raises NotFound, Conflict for a built-in one, PermissionDenied, ValidationFailed.
    """
    role = own_role(tenant_id, role_id)
    refuse_more(role.permissions, held)
    before = role.permissions
    if name is not None:
        role.name = clean_name(name)
    if description is not None:
        role.description = description.strip()
    if permissions is not None:
        role.permissions = grantable(permissions, held, field="permissions")
    save(role)
    changes = {"permissions": [before, role.permissions]}
    record(action="role.changed", target=role.id, changes=changes)
    return role


@transaction.atomic
def delete_role(*, tenant_id: str, role_id: str) -> None:
    """Remove an own role. Raises NotFound, Conflict while somebody has it or is invited to it."""
    role = own_role(tenant_id, role_id)
    if role.memberships.exists():
        raise Conflict("Members have this role. Give them another one first.")
    pending = role.invitations.filter(accepted_at__isnull=True, revoked_at__isnull=True)
    if pending.exists():
        raise Conflict("Somebody is invited to this role. Revoke the invitation first.")
    role.invitations.all().delete()
    role.delete()
    record(action="role.deleted", target=role_id)


def own_role(tenant_id: str, role_id: str) -> Role:
    """A role of the tenant that may be changed, locked."""
    role = Role.objects.select_for_update().filter(pk=role_id, tenant_id=tenant_id).first()
    if role is None:
        raise NotFound("There is no such role.")
    if role.is_builtin:
        raise Conflict("Built-in roles stay as they are. Make a role of your own.")
    return role


def clean_name(name: str) -> str:
    """A name that can be told from the others."""
    cleaned = " ".join(name.split())
    if not cleaned or not cleaned.isprintable():
        raise invalid("name", "Name the role.")
    return cleaned


def save(role: Role) -> None:
    """Write it. Raises Conflict when the name is taken."""
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError as error:
        raise Conflict(f"There is a role called {role.name}.") from error
