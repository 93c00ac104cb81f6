"""Reads: who is behind a key, which tenants a person is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import queries as accounts
from core.env import env
from tenants.models import ApiKey, Domain, Invitation, KeyUsage, Membership, Role, Tenant
from tenants.terms import PERMISSION_WORDS


@dataclass(frozen=True)
class Profile:
    """A tenant, as other apps may know it."""

    id: str
    slug: str
    name: str
    schema_name: str
    plan_code: str
    is_suspended: bool = False  # or being deleted: nobody works in it
    allowed_formats: tuple[str, ...] | None = None  # None: every one


def profile(tenant: Tenant) -> Profile:
    """A frozen row of a tenant."""
    return Profile(
        tenant.id,
        tenant.slug,
        tenant.name,
        tenant.schema_name,
        tenant.plan_code,
        tenant.status != "active",
        None if tenant.allowed_formats is None else tuple(tenant.allowed_formats),
    )


def tenant_of_schema(schema_name: str) -> Profile:
    """The tenant whose schema this is."""
    return profile(Tenant.objects.get(schema_name=schema_name))


def profile_of_schema(schema_name: str) -> Profile | None:
    """The tenant whose schema this is, unless it was purged."""
    tenant = Tenant.objects.filter(schema_name=schema_name).first()
    return profile(tenant) if tenant else None


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


def key_body(row: ApiKey, **more: Any) -> dict[str, Any]:
    """A key as JSON."""
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "test": row.is_test,
        "allowed_ips": row.allowed_ips,
        "retention_hours": row.retention_hours,
        "created_by": row.created_by_id,
        "created_at": row.created,
        "expires_at": row.expiry_date,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
        "replaced_by": row.replaced_by_id,
        **more,
    }


def leak_body(is_ours: bool) -> dict[str, str]:  # noqa: FBT001 - the one fact
    """The answer to one report, in a secret scanner's words."""
    label = "true_positive" if is_ours else "false_positive"
    return {"token_type": "filemill_api_key", "label": label}


def usage_body(
    key: ApiKey, items: list[tuple[str, int, int]], last: datetime | None
) -> dict[str, Any]:
    """Usage as JSON, with sums."""
    return {
        "key_id": key.id,
        "days": len(items),
        "requests": sum(requests for _, requests, _ in items),
        "errors": sum(errors for _, _, errors in items),
        "last_used_at": last or key.last_used_at,
        "items": [{"date": day, "requests": n, "errors": bad} for day, n, bad in items],
    }


def settings_body(tenant_id: str) -> dict[str, Any]:
    """A tenant as its people see it."""
    tenant = Tenant.objects.get(pk=tenant_id)
    return tenant_body(tenant)


def tenant_body(tenant: Tenant) -> dict[str, Any]:
    """A tenant's settings and state."""
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "host": f"{tenant.slug}.{env().site.base_domain}",
        "plan": tenant.plan_code,
        "status": tenant.status,
        "branding": tenant.branding,
        "retention_hours": tenant.retention_hours,
        "require_mfa": tenant.require_mfa,
        "allowed_formats": tenant.allowed_formats,
        "created_at": tenant.created_at,
        "purge_at": tenant.purge_at,
    }


def members_of(tenant_id: str) -> QuerySet[Membership]:
    """The members with role and person."""
    rows = Membership.objects.select_related("role", "user")
    return rows.filter(tenant_id=tenant_id)


def member_bodies(members: list[Membership]) -> list[dict[str, Any]]:
    """Members as JSON; one more query for their second factors."""
    proven = accounts.with_second_factor([member.user_id for member in members])
    return [
        {
            "id": member.id,
            "user_id": member.user_id,
            "username": member.user.username,
            "email": member.user.email,
            "full_name": member.user.full_name,
            "mfa_enabled": member.user_id in proven,
            "role": member.role.name,
            "role_id": member.role_id,
            "created_at": member.created_at,
        }
        for member in members
    ]


def invitations_of(tenant_id: str) -> QuerySet[Invitation]:
    """Every invitation with its role."""
    return Invitation.objects.select_related("role").filter(tenant_id=tenant_id)


def invitation_body(row: Invitation) -> dict[str, Any]:
    """An invitation as JSON. The token is in the mail alone."""
    if row.accepted_at or row.revoked_at:
        status = "accepted" if row.accepted_at else "revoked"
    else:
        status = "expired" if row.expires_at <= timezone.now() else "pending"
    return {
        "id": row.id,
        "email": row.email,
        "role": row.role.name,
        "status": status,
        "invited_by": row.invited_by_id,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "accepted_at": row.accepted_at,
    }


def roles_of(tenant_id: str) -> QuerySet[Role]:
    """Every role, with how many have it."""
    return Role.objects.filter(tenant_id=tenant_id).annotate(members=Count("memberships"))


def role_body(role: Role) -> dict[str, Any]:
    """A role as JSON."""
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "permissions": role.permissions,
        "builtin": role.is_builtin,
        "members": getattr(role, "members", 0),
        "created_at": role.created_at,
    }


def permission_list(held: frozenset[str]) -> list[dict[str, Any]]:
    """The vocabulary of roles and scopes, and what the caller has of it."""
    return [
        {"code": code, "description": words, "held": code in held}
        for code, words in PERMISSION_WORDS.items()
    ]


def team_stats(tenant_id: str) -> dict[str, Any]:
    """Counts of members, invitations and keys, and the requests of the last 30 days."""
    now = timezone.now()
    roles = Membership.objects.filter(tenant_id=tenant_id).values("role__name")
    living = models.Q(revoked=False) & (
        models.Q(expiry_date__isnull=True) | models.Q(expiry_date__gt=now)
    )
    keys = ApiKey.objects.filter(tenant_id=tenant_id).aggregate(
        active=Count("id", filter=living),
        test=Count("id", filter=living & models.Q(is_test=True)),
        expiring=Count("id", filter=living & models.Q(expiry_date__lt=now + timedelta(days=30))),
        total=Count("id"),
    )
    month = KeyUsage.objects.filter(key__tenant_id=tenant_id, day__gt=now - timedelta(days=30))
    by_role = dict(roles.annotate(n=Count("id")).values_list("role__name", "n"))
    waiting = invitations_of(tenant_id).filter(
        accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    )
    return {
        "members": {"total": sum(by_role.values()), "by_role": by_role},
        "invitations": {"pending": waiting.count()},
        "keys": keys,
        "requests": {
            "days": 30,
            **month.aggregate(total=total("requests"), errors=total("errors")),
        },
    }


def total(column: str) -> Coalesce:
    """A sum that is 0 over nothing."""
    return Coalesce(Sum(column), 0, output_field=models.BigIntegerField())
