"""The tenants' part in a person's life: a first tenant, export, ties, erasure."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef

from accounts.services import Holder, hold
from audit.services import record
from core.outbox.services import publish
from core.tenancy import in_tenant
from tenants.models import ApiKey, Membership
from tenants.services.create_tenant import create_tenant
from tenants.terms import RoleName


def give_first_tenant(*, user_id: str, name: str) -> None:
    """A tenant of their own for somebody who has none. Idempotent."""
    if not Membership.objects.filter(user_id=user_id).exists():
        create_tenant(name=name.strip() or "My files", owner_id=user_id)


def memberships_and_keys(user_id: str) -> dict[str, Any]:
    """What tenants hold about a person. Keys are the tenant's; which one made is the person's."""
    memberships = Membership.objects.filter(user_id=user_id)
    keys = ApiKey.objects.filter(created_by_id=user_id)
    return {
        "memberships": list(memberships.values("tenant__slug", "tenant__name", "role__name")),
        "api_keys": list(keys.values("id", "name", "prefix", "tenant__slug", "created")),
    }


def only_owned(user_id: str) -> list[str]:
    """Slugs of the tenants that would have no owner without this person; those on their way out
    need none."""
    owners = Membership.objects.filter(role__name=RoleName.OWNER, role__is_builtin=True)
    others = owners.filter(tenant=OuterRef("tenant")).exclude(user_id=user_id)
    alone = owners.filter(~Exists(others), user_id=user_id, tenant__purge_at__isnull=True)
    return list(alone.order_by("tenant_id").values_list("tenant__slug", flat=True))


def leave_everywhere(user_id: str) -> None:
    """End every membership of a person who is being erased: events and trail name ids only."""
    rows = Membership.objects.select_related("role", "tenant").filter(user_id=user_id)
    for member in rows:
        member_id, role = member.id, member.role.name
        known = {"id": member_id, "user_id": user_id, "email": None, "full_name": "", "role": role}
        with in_tenant(member.tenant.schema_name):
            publish(
                type="member.removed",
                tenant_slug=member.tenant.slug,
                shard=f"member:{member_id}",
                payload=known,
            )
            record(action="member.removed", target=member_id, changes={"role": [role, None]})
    Membership.objects.filter(user_id=user_id).delete()


def register_holder() -> None:
    """Called at start."""
    hold(
        Holder(
            name="tenants",
            export=memberships_and_keys,
            ties=only_owned,
            erase=leave_everywhere,
        )
    )
