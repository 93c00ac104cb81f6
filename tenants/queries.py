"""Reads: who is behind a key, which tenants a person is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from tenants.models import ApiKey, Domain, Membership, Tenant


@dataclass(frozen=True)
class Profile:
    """A tenant, as other apps may know it."""

    id: str
    slug: str
    name: str
    schema_name: str
    plan_code: str
    is_suspended: bool = False


def profile(tenant: Tenant) -> Profile:
    """A frozen row of a tenant."""
    return Profile(
        tenant.id,
        tenant.slug,
        tenant.name,
        tenant.schema_name,
        tenant.plan_code,
        tenant.suspended_at is not None,
    )


def tenant_of_schema(schema_name: str) -> Profile:
    """The tenant whose schema this is."""
    return profile(Tenant.objects.get(schema_name=schema_name))


def profile_by_slug(slug: str) -> Profile | None:
    """A tenant by its slug."""
    tenant = Tenant.objects.filter(slug=slug).first()
    return profile(tenant) if tenant else None


def slug_of_host(host: str) -> str | None:
    """The tenant's slug, by one of its host names."""
    domain: Any = Domain.objects.select_related("tenant").filter(domain=host).first()
    return str(domain.tenant.slug) if domain else None


def key_by_prefix(prefix: str) -> ApiKey | None:
    """A key with its tenant, whatever its state."""
    return ApiKey.objects.select_related("tenant").filter(prefix=prefix).first()


def membership_of(user_id: str, slug: str) -> Membership | None:
    """A person's membership in a tenant, by slug."""
    return (
        Membership.objects.select_related("tenant", "role")
        .filter(user_id=user_id, tenant__slug=slug, user__is_active=True)
        .first()
    )


def memberships_of(user_id: str) -> QuerySet[Membership]:
    """Every membership of a person, oldest first."""
    rows = Membership.objects.select_related("tenant", "role")
    return rows.filter(user_id=user_id).order_by("id")


def first_slug(user_id: str) -> str | None:
    """The tenant that a person is in when none is named: their oldest."""
    return memberships_of(user_id).values_list("tenant__slug", flat=True).first()


def member_ids(schema_name: str) -> list[str]:
    """User ids of a tenant's members."""
    found = Membership.objects.filter(tenant__schema_name=schema_name)
    return list(found.values_list("user_id", flat=True))


def keys_of(tenant_id: str) -> QuerySet[ApiKey]:
    """Every key of a tenant."""
    return ApiKey.objects.filter(tenant_id=tenant_id)


def tenants_body(user_id: str) -> list[dict[str, Any]]:
    """The tenants of a person, as login answers them."""
    return [
        {
            "id": m.tenant.id,
            "slug": m.tenant.slug,
            "name": m.tenant.name,
            "role": m.role.name,
            "plan": m.tenant.plan_code,
            "status": m.tenant.status,
        }
        for m in memberships_of(user_id)
    ]


def every_schema() -> list[str]:
    """The schema of each tenant."""
    return list(Tenant.objects.order_by("id").values_list("schema_name", flat=True))
