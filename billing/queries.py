"""Reads: what a tenant may, and what it used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from billing.models import Meter, Plan, Reservation, Subscription
from billing.terms import FREE, METER, month_of


@dataclass(frozen=True)
class Entitlements:
    """What the plan allows."""

    plan_code: str
    file_bytes: int | None
    retention_hours: int
    features: frozenset[str]


@dataclass(frozen=True)
class Usage:
    """One meter of the running period."""

    plan_code: str
    period_start: datetime
    period_end: datetime
    used: int
    reserved: int
    limit: int | None
    storage_limit: int | None


def subscription_of(tenant_id: str) -> Subscription:
    """The tenant's subscription; whoever has none yet is on Free."""
    found = Subscription.objects.select_related("plan").filter(tenant_id=tenant_id).first()
    return found or Subscription(tenant_id=tenant_id, plan=Plan.objects.get(code=FREE))


def entitlements(tenant_id: str) -> Entitlements:
    """What a tenant may."""
    plan = subscription_of(tenant_id).plan
    return Entitlements(plan.code, plan.file_bytes, plan.retention_hours, frozenset(plan.features))


def usage(tenant_id: str) -> Usage:
    """Conversions of this month."""
    subscription = subscription_of(tenant_id)
    start, end = month_of(timezone.now())
    meter = Meter.objects.filter(tenant_id=tenant_id, name=METER, period_start=start).first()
    return Usage(
        subscription.plan.code,
        start,
        end,
        meter.used if meter else 0,
        meter.reserved if meter else 0,
        subscription.conversions_limit,
        subscription.plan.storage_bytes,
    )


def conversions_this_month() -> dict[str, int]:
    """Of live keys and people, over all tenants: used, and held by what still runs."""
    start, _ = month_of(timezone.now())
    return Meter.objects.filter(name=METER, period_start=start).aggregate(
        used=Coalesce(Sum("used"), 0, output_field=BigIntegerField()),
        reserved=Coalesce(Sum("reserved"), 0, output_field=BigIntegerField()),
    )


def reservations_by_day(first: date, last: date) -> dict[str, dict[date, int]]:
    """Rounds of jobs by the day they were accepted (UTC): all, and how they have ended so far."""
    rows = Reservation.objects.filter(created_at__date__gte=first, created_at__date__lte=last)
    days = (
        rows.annotate(day=TruncDate("created_at"))
        .values("day")
        .annotate(
            accepted=Count("id"),
            completed=Count("id", filter=Q(state="committed")),
            not_charged=Count("id", filter=Q(state="released")),
            open=Count("id", filter=Q(state="held")),
        )
    )
    names = ("accepted", "completed", "not_charged", "open")
    found = list(days.values("day", *names))
    return {name: {row["day"]: row[name] for row in found} for name in names}


def plan_list() -> list[dict[str, Any]]:
    """Every plan, as API.md shows it."""
    return [plan_body(plan) for plan in Plan.objects.all()]


def plan_body(plan: Plan) -> dict[str, Any]:
    """One plan as JSON; money in cents, sizes in bytes."""
    return {
        "code": plan.code,
        "name": plan.name,
        "prices": {"month": plan.month_cents, "year": plan.year_cents, "currency": plan.currency},
        "limits": {
            "conversions": plan.conversions,
            "storage_bytes": plan.storage_bytes,
            "requests_per_hour": plan.requests_per_hour,
            "file_bytes": plan.file_bytes,
            "concurrency": plan.concurrency,
            "retention_hours": plan.retention_hours,
        },
        "features": plan.features,
    }
