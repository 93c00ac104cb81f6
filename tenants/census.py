"""Reads over all tenants, for the platform's staff alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from tenants.models import ApiKey, Membership, Tenant
from tenants.queries import Profile, profile

STATUS: dict[str, Q] = {
    "deleting": Q(purge_at__isnull=False),
    "suspended": Q(purge_at__isnull=True, suspended_at__isnull=False),
    "active": Q(purge_at__isnull=True, suspended_at__isnull=True),
}


def find_profile(tenant_id: str) -> Profile | None:
    """A tenant by its id."""
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    return profile(tenant) if tenant else None


def tenant_counts() -> dict[str, Any]:
    """All of them, by state and by plan."""
    states = Tenant.objects.aggregate(
        total=Count("id"), **{name: Count("id", filter=rule) for name, rule in STATUS.items()}
    )
    plans = Tenant.objects.values("plan_code").annotate(n=Count("id"))
    return {**states, "by_plan": dict(plans.values_list("plan_code", "n"))}


def key_counts() -> dict[str, int]:
    """Keys that work, and those of them that are for tests."""
    now = timezone.now()
    living = Q(revoked=False) & (Q(expiry_date__isnull=True) | Q(expiry_date__gt=now))
    found: dict[str, int] = ApiKey.objects.aggregate(
        active=Count("id", filter=living), test=Count("id", filter=living & Q(is_test=True))
    )
    return found


def created_by_day(first: date, last: date) -> dict[date, int]:
    """New tenants of each day (UTC) that had some."""
    rows = Tenant.objects.filter(created_at__date__gte=first, created_at__date__lte=last)
    days = rows.annotate(day=TruncDate("created_at")).values("day").annotate(n=Count("id"))
    return dict(days.values_list("day", "n"))


def tenants_for_staff(filters: dict[str, Any]) -> QuerySet[Tenant]:
    """Tenants with the number of their members. Filters: q, plan, status; None filters nothing."""
    rows: QuerySet[Tenant] = Tenant.objects.annotate(members=Count("memberships"))
    if filters.get("q"):
        text = str(filters["q"])
        of_member = Membership.objects.filter(tenant=OuterRef("pk"), user__email__icontains=text)
        rows = rows.filter(Q(name__icontains=text) | Q(slug__icontains=text) | Exists(of_member))
    if filters.get("plan"):
        rows = rows.filter(plan_code=filters["plan"])
    if filters.get("status"):
        rows = rows.filter(STATUS[str(filters["status"])])
    return rows


def staff_body(row: Any) -> dict[str, Any]:
    """A tenant as staff sees it."""
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "plan": row.plan_code,
        "status": row.status,
        "members": row.members,
        "suspended_at": row.suspended_at,
        "suspended_reason": row.suspended_reason,
        "purge_at": row.purge_at,
        "created_at": row.created_at,
    }


def addresses_of(
    *,
    user_ids: Sequence[str],
    tenant_ids: Sequence[str],
    plans: Sequence[str],
    roles: Sequence[str],
) -> list[str]:
    """Proven addresses of active members whom every given filter finds, each once."""
    rows = Membership.objects.filter(
        user__is_active=True, user__email_verified_at__isnull=False, tenant__purge_at__isnull=True
    )
    if user_ids:
        rows = rows.filter(user_id__in=user_ids)
    if tenant_ids:
        rows = rows.filter(tenant_id__in=tenant_ids)
    if plans:
        rows = rows.filter(tenant__plan_code__in=plans)
    if roles:
        rows = rows.filter(role__name__in=roles)
    return list(rows.order_by("user__email").values_list("user__email", flat=True).distinct())
